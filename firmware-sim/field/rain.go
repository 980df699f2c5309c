package field

import (
	"math"
	"time"
)

// A month is one of a year, in local time.
type month struct {
	year  int
	month time.Month
}

// A rainMonth is the rain of a month by day. Its sum is that of the season,
// within a few per cent: what is drawn is on which days it falls, and how much.
type rainMonth struct {
	first int64 // number of its first day
	days  []rainDay
}

type rainDay struct {
	mm           float64
	begin, hours float64 // of the one event of the day, local
}

func monthOf(local time.Time) month { return month{local.Year(), local.Month()} }

func (w *weather) month(m month) rainMonth {
	if r, ok := w.rain[m]; ok {
		return r
	}
	first := time.Date(m.year, m.month, 1, 0, 0, 0, 0, time.UTC)
	number, _ := splitDay(first)
	rng := w.rng(rainDraw, int64(m.year)*12+int64(m.month))
	r := rainMonth{first: number, days: make([]rainDay, first.AddDate(0, 1, -1).Day())}
	wet := min(len(r.days), max(1, int(math.Round(w.season.wetDaysOf(m)+1.5*rng.NormFloat64()))))
	sum := 0.0
	for _, i := range rng.Perm(len(r.days))[:wet] {
		hours := 1 + 7*rng.Float64()
		r.days[i] = rainDay{mm: 0.15 + rng.ExpFloat64(), hours: hours, begin: (24 - hours) * rng.Float64()}
		sum += r.days[i].mm
	}
	total := w.season.monthRainMM(m) * (0.97 + 0.06*rng.Float64())
	for i := range r.days {
		r.days[i].mm *= total / sum
	}
	w.rain[m] = r
	return r
}

// rainOfDay returns the rain of a local day.
func (w *weather) rainOfDay(number int64) float64 {
	m := w.month(monthOf(time.Unix(number*86400, 0).UTC()))
	return m.days[number-m.first].mm
}

// rainingAt reports whether it rains.
func (w *weather) rainingAt(t time.Time) bool {
	number, hour := splitDay(t.Add(utcOffset))
	m := w.month(monthOf(t.Add(utcOffset)))
	d := m.days[number-m.first]
	return d.mm > 0 && hour >= d.begin && hour < d.begin+d.hours
}

// rainSince returns the region's rain since the season began.
func (w *weather) rainSince(t time.Time) float64 { return w.rainUntil(t) - w.beforeMM }

// rainUntil sums the rain from the first day of the season's first month. The
// time does not lie before it.
func (w *weather) rainUntil(t time.Time) float64 {
	local := t.Add(utcOffset)
	number, hour := splitDay(local)
	sum := 0.0
	for m := monthOf(w.start.Add(utcOffset)); ; {
		r := w.month(m)
		for i, d := range r.days {
			switch day := r.first + int64(i); {
			case day < number:
				sum += d.mm
			case day == number && d.mm > 0:
				sum += d.mm * min(max((hour-d.begin)/d.hours, 0), 1)
			}
		}
		if m == monthOf(local) {
			return sum
		}
		next := time.Date(m.year, m.month+1, 1, 0, 0, 0, 0, time.UTC)
		m = monthOf(next)
	}
}
