package app

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/village"
	"ganlin/internal/notify"
	"ganlin/internal/registry"
	"ganlin/internal/rulefile"
	"ganlin/rules"
)

// A told season is lived without network and journal, but by the rules, the
// plans and the words of messages as they are. Who is asked to water carries
// water three days later, and nobody says so.
type toldSeason struct {
	*coupling
	n     *notices
	now   time.Time
	books map[devices.HouseholdID]*notify.Book
	sent  map[devices.HouseholdID][]notify.Notice
	carry map[time.Time][]notify.Line // who waters when
	texts []string
}

func liveToldSeason(t *testing.T, o village.Options, deaf func(devices.Decision) bool, each func(*toldSeason)) *toldSeason {
	t.Helper()
	set, problems := rulefile.Load(nil, true)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	v, err := village.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r := v.Registry
	land, err := field.New(field.Options{Season: o.Season, Start: v.Start, Seed: o.Seed, Stations: r.Stations, Plots: r.Plots})
	if err != nil {
		t.Fatal(err)
	}
	configs, err := rules.Configs(r.Sites, r.Stations, r.Plots, r.Devices, set.Rules, 0)
	if err != nil {
		t.Fatal(err)
	}
	reg, bad := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.FromEntities("village", registry.Entities(r))}})
	if reg == nil {
		t.Fatal(bad)
	}
	catalogue, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	s := &toldSeason{
		coupling: &coupling{
			land: land, site: rules.New(configs[0]), village: v, open: map[devices.DeviceID]*opening{}, built: map[devices.DeviceID][]instrument{},
			noise: rand.New(rand.NewPCG(o.Seed, 3)), location: devices.Location{Site: r.Sites[0].ID, Place: r.Places[0].Code},
		},
		books: map[devices.HouseholdID]*notify.Book{}, sent: map[devices.HouseholdID][]notify.Notice{}, carry: map[time.Time][]notify.Line{},
	}
	s.build()
	s.n = &notices{words: catalogue, noticesOptions: noticesOptions{
		registry: func() *registry.Registry { return reg }, now: func() time.Time { return s.now }, link: func(devices.HouseholdID) string { return "" },
		advice: func(id devices.PlotID) rules.Advice { return s.plot(id).Advice },
	}}
	for at := v.Start; !at.After(v.End); at = at.Add(10 * time.Minute) {
		if s.now = at; at.Equal(v.Start) {
			s.hello(at)
			continue
		}
		s.live(at)
		if at.Minute() != 0 {
			continue
		}
		for _, l := range s.carry[at] {
			s.land.Irrigate(l.Plot, l.Plan.VolumeL)
		}
		for _, d := range s.site.Tick(at) {
			s.obey(d)
			if !deaf(d) {
				s.take(d)
			}
		}
		s.send()
		each(s)
	}
	return s
}

func (s *toldSeason) plot(id devices.PlotID) rules.PlotView {
	plots := s.site.View().Plots
	return plots[slices.IndexFunc(plots, func(p rules.PlotView) bool { return p.ID == id })]
}

// take enters a decision into the books.
func (s *toldSeason) take(d devices.Decision) {
	for _, t := range s.n.turns(d) {
		b := s.books[t.Household]
		if b == nil {
			b = &notify.Book{Contact: string(t.Household)}
			s.books[t.Household] = b
		}
		if t.Over {
			b.End(t.Episode, s.now)
		} else {
			b.Begin(t.Episode, s.now)
		}
	}
}

// send sends what is due.
func (s *toldSeason) send() {
	quiet, _ := notify.ParseQuiet("21:00-06:00")
	for home, b := range s.books {
		m := notify.Manners{Zone: s.n.zone(home), Quiet: quiet, Daily: 3, Group: 10 * time.Minute}
		for n, ok := b.Next(m, s.now); ok; n, ok = b.Next(m, s.now) {
			said := s.n.compose(notify.Contact{Household: home, Language: words.Chinese}, &n)
			s.texts = append(s.texts, fmt.Sprintf("%s %s %s", s.now.In(m.Zone).Format("01-02 15:04"), home, strings.ReplaceAll(said.Text, "\n", " | ")))
			b.Settle(&n, true, m, s.now)
			s.sent[home] = append(s.sent[home], n)
			for _, l := range n.Lines {
				if later := s.now.Add(72 * time.Hour); l.Plan != nil && !l.Over {
					s.carry[later] = append(s.carry[later], l)
				}
			}
		}
	}
}

// TestFarmersAreTold lives a dry summer in which nothing opens for ten days.
// Whoever's page says for more than a day that a person should water, or that
// the valve should open and it does not, has had a message about that plot;
// each is told once, and once that it is over. The control does not hear what
// is decided about plots that need a person.
func TestFarmersAreTold(t *testing.T) {
	o := village.Options{Season: field.Drought, Days: 80, Plots: 12, Seed: 1}
	for name, deaf := range map[string]func(devices.Decision) bool{
		"": func(devices.Decision) bool { return false },
		"control": func(d devices.Decision) bool {
			return slices.Contains([]string{rules.Advised, rules.KeptShut}, d.Outcome)
		},
	} {
		t.Run("season"+name, func(t *testing.T) {
			t.Parallel()
			j := judgeSeason(t, o, deaf)
			missing := fmt.Sprintf("%d plots wanted a person and %d a valve for more than a day, %d of them untold", j.wanted["asked"], j.wanted["kept"], len(j.untold))
			t.Log(missing)
			if j.wanted["asked"] < 4 || j.wanted["kept"] < 2 {
				t.Fatalf("the summer is too kind: %s", missing)
			}
			if (len(j.untold) > 0) != (name == "control") {
				t.Errorf("%s: %v", missing, j.untold)
			}
			for _, wrong := range j.wrong {
				t.Error(wrong)
			}
			if over := j.over["asked"]; name == "" && (over["watered"] == 0 || over["rained"] == 0 || j.over["kept"]["opened"] == 0) {
				t.Errorf("the ends are %v", j.over)
			}
		})
	}
}

// A judged season is what pages said beside what was told.
type judged struct {
	wanted map[string]int // waits of more than a day, by what is told of them
	untold []string
	wrong  []string
	over   map[string]map[string]int // ends that were told, by their reasons
}

func judgeSeason(t *testing.T, o village.Options, deaf func(devices.Decision) bool) judged {
	t.Helper()
	j := judged{wanted: map[string]int{}, over: map[string]map[string]int{}}
	since := map[string]time.Time{} // a page says so about a plot
	var stop, resume time.Time
	s := liveToldSeason(t, o, deaf, func(s *toldSeason) {
		if s.now.Before(s.village.Start.Add(50 * 24 * time.Hour)) {
			return // all is green
		}
		if stop.IsZero() {
			stop, resume = s.now.Add(12*24*time.Hour), s.now.Add(24*24*time.Hour)
		}
		for at, act := range map[time.Time]devices.ActAction{stop: devices.StopAct, resume: devices.ResumeAct} {
			if s.now.Equal(at) {
				s.site.Add(devices.Fact{Kind: devices.ActFact, At: at.Add(time.Minute), Location: s.location, Act: &devices.Act{ID: string(act), At: at.Add(time.Minute), Action: act, By: "operator"}})
			}
		}
		for _, p := range s.site.View().Plots {
			says := map[string]bool{
				"asked": p.Advice.Kind == rules.AdviceWater,
				"kept":  p.Advice.Kind == rules.AdviceHeld || p.Advice.Kind == rules.AdviceItself && !p.Irrigating,
			}
			for what, so := range says {
				name := string(p.ID) + " " + what
				if !so {
					delete(since, name)
					continue
				}
				if since[name].IsZero() {
					since[name] = s.now
				}
				// A night's quiet hours may lie before the message of what a day has shown.
				patience := map[string]time.Duration{"asked": 24 * time.Hour, "kept": 34 * time.Hour}[what]
				if s.now.Sub(since[name]) != patience {
					continue
				}
				if j.wanted[what]++; !s.told(p.ID, notify.Watering(what)) {
					j.untold = append(j.untold, fmt.Sprintf("%s since %s", name, since[name]))
				}
			}
		}
	})
	begun, ended := map[string]time.Time{}, map[string]bool{}
	for home, all := range s.sent {
		for _, n := range all {
			for _, l := range n.Lines {
				switch _, told := begun[l.ID]; {
				case l.Watering != notify.WateringAsked && l.Watering != notify.WateringKept:
				case !l.Over && told, l.Over && (!told || ended[l.ID]):
					j.wrong = append(j.wrong, fmt.Sprintf("%s is told twice, or its end without its beginning: %+v", home, l))
				case l.Over:
					ended[l.ID] = true
					if j.over[string(l.Watering)] == nil {
						j.over[string(l.Watering)] = map[string]int{}
					}
					j.over[string(l.Watering)][l.How]++
				default:
					begun[l.ID] = n.At
				}
			}
		}
	}
	for _, text := range s.texts {
		t.Log(text)
	}
	return j
}

// told reports whether a household was told that something is so with a plot, and not yet that it is over.
func (s *toldSeason) told(id devices.PlotID, what notify.Watering) bool {
	plot, _ := s.n.registry().Plot(id)
	told := false
	for _, n := range s.sent[plot.Household] {
		for _, l := range n.Lines {
			if l.Plot == id && l.Watering == what {
				told = !l.Over
			}
		}
	}
	return told
}
