package village

import (
	"cmp"
	"fmt"
	"slices"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
)

// Manual is the calendar that automatic watering is compared with: of those
// that Search tries it is the one that brings the least water and yet reaches
// 95 % of the full yield in at least 9 of 10 dry seasons. A calendar for
// normal years would fail in a drought and be no comparison.
func Manual() field.Calendar { return field.Calendar{DepthMM: 25, Days: 4, RainMM: 5} }

// What a calendar has to reach, and in how many of the searched seasons.
const (
	enoughYield   = 0.95
	enoughSeasons = 9
)

// searchSeeds are the dry seasons that a calendar is judged by; no comparison is made on them.
func searchSeeds() []uint64 {
	return []uint64{1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010}
}

// Calendars returns all that are tried: depths from 5 to 60 mm, every 1 to 14
// days, left out after 5 or 10 mm of rain.
func Calendars() []field.Calendar {
	var all []field.Calendar
	for depth := 5.0; depth <= 60; depth += 5 {
		for days := 1; days <= 14; days++ {
			for _, rain := range []float64{5, 10} {
				all = append(all, field.Calendar{DepthMM: depth, Days: days, RainMM: rain})
			}
		}
	}
	return all
}

// A Trial is what a calendar did in some seasons.
type Trial struct {
	Calendar field.Calendar
	WaterMM  float64   // mean over the seasons, as the meters count it
	Yields   []float64 // of each season, mean over the plots with a valve, by area, of the full yield
}

// Reached is how many seasons had enough yield.
func (t Trial) Reached() int {
	n := 0
	for _, y := range t.Yields {
		if y >= enoughYield {
			n++
		}
	}
	return n
}

// Secure reports whether no more seasons failed than one in ten.
func (t Trial) Secure() bool { return len(t.Yields)-t.Reached() <= len(t.Yields)*(10-enoughSeasons)/10 }

// A TrialGround is a dry season without a calendar yet.
type TrialGround struct {
	ground *field.Ground
	full   []field.Outcome
}

// TrialGrounds returns the first n of the seasons that calendars are judged by.
func TrialGrounds(n int) ([]TrialGround, error) {
	var all []TrialGround
	for _, seed := range searchSeeds()[:n] {
		o, err := Options{Season: field.Drought, Seed: seed}.complete()
		if err != nil {
			return nil, err
		}
		r := newRegistry(o)
		r.Plots = slices.DeleteFunc(r.Plots, func(p devices.Plot) bool { return len(p.Valves) == 0 })
		g, err := field.Survey(o.field(r))
		if err != nil {
			return nil, fmt.Errorf("season %d: %w", seed, err)
		}
		all = append(all, TrialGround{g, g.Arm(o.Days, field.Full)})
	}
	return all, nil
}

// Try lives the seasons by a calendar.
func Try(c field.Calendar, seasons []TrialGround) Trial {
	t := Trial{Calendar: c}
	for _, s := range seasons {
		all := s.ground.Arm(defaultDays, c.Water)
		t.Yields = append(t.Yields, relativeYield(all, s.full))
		t.WaterMM += depthMM(all) / float64(len(seasons))
	}
	return t
}

// Search tries all calendars and returns the secure one with the least water,
// and whatever else is secure behind it.
func Search(seasons []TrialGround) []Trial {
	var secure []Trial
	for _, c := range Calendars() {
		if t := Try(c, seasons); t.Secure() {
			secure = append(secure, t)
		}
	}
	slices.SortStableFunc(secure, func(a, b Trial) int { return cmp.Compare(a.WaterMM, b.WaterMM) })
	return secure
}

// relativeYield is the mean of the yields by area, each of that of the same plot when it is never stressed.
func relativeYield(all, full []field.Outcome) float64 {
	sum, area := 0.0, 0.0
	for i, o := range all {
		sum += o.AreaM2 * o.Yield / full[i].Yield
		area += o.AreaM2
	}
	return sum / area
}

// depthMM is the mean depth of the water that was brought.
func depthMM(all []field.Outcome) float64 {
	area := 0.0
	for _, o := range all {
		area += o.AreaM2
	}
	return 1000 * irrigationM3(all) / area
}
