package quality

import (
	"time"

	"ganlin/devices"
)

// A DayWeather collects what a station measured in one local day, from just
// after From up to and including To. Readings come in the order of their times;
// repeated ones and those of another day are ignored.
//
// Values are joined by straight lines and held at both ends of the day, over
// MaxGap at most: a longer gap leaves what is made of that quantity unknown.
// Amounts of rain speak for the time since the one before, so a gap loses none.
type DayWeather struct {
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	Temperature Track     `json:"temperature,omitzero"`
	Humidity    Track     `json:"humidity,omitzero"`
	Wind        Track     `json:"wind,omitzero"`
	Solar       Track     `json:"solar,omitzero"`
	Counter     Track     `json:"counter,omitzero"` // increments of the rain counter
	Amounts     Track     `json:"amounts,omitzero"` // rain since the last reading
}

// A Track is one quantity on its way through the day.
type Track struct {
	N        int           `json:"n"`
	At       time.Time     `json:"at"` // of the last reading
	V        float64       `json:"v"`
	Min      float64       `json:"min"`
	Max      float64       `json:"max"`
	Sum      float64       `json:"sum"`      // of amounts
	Integral float64       `json:"integral"` // over time: unit times seconds
	Unknown  time.Duration `json:"unknown"`  // the gaps that were too long, together
}

// NewDayWeather returns an empty day between two local midnights.
func NewDayWeather(from, to time.Time) DayWeather { return DayWeather{From: from, To: to} }

// Add takes a reading. Of RainTotal v is the increment, in mm, as a Counter
// gives it; a counter's first reading says nothing of the time before and is
// not to be handed over. Other quantities are ignored.
func (d *DayWeather) Add(at time.Time, q devices.Quantity, v float64) {
	if !at.After(d.From) || at.After(d.To) {
		return
	}
	switch q {
	case devices.AirTemperature:
		d.Temperature.add(d.From, at, v)
	case devices.RelativeHumidity:
		d.Humidity.add(d.From, at, v)
	case devices.WindSpeed:
		d.Wind.add(d.From, at, v)
	case devices.SolarRadiation:
		d.Solar.add(d.From, at, v)
	case devices.RainTotal:
		d.Counter.add(d.From, at, v)
	case devices.Rain:
		d.Amounts.add(d.From, at, v)
	}
}

func (t *Track) add(from, at time.Time, v float64) {
	if t.N == 0 {
		t.At, t.V, t.Min, t.Max = from, v, v, v
	} else if !at.After(t.At) {
		return
	}
	t.span(at, v)
	t.N++
	t.Sum += v
	t.At, t.V, t.Min, t.Max = at, v, min(t.Min, v), max(t.Max, v)
}

// span books the time since the last reading, or since the day began.
func (t *Track) span(at time.Time, v float64) {
	gap := at.Sub(t.At)
	if gap > MaxGap {
		t.Unknown += gap
	} else {
		t.Integral += (t.V + v) / 2 * gap.Seconds()
	}
}

// A Summary is a day's weather. What is nil is unknown, and named in Missing.
type Summary struct {
	TMinC, TMaxC       *float64
	RHMinPct, RHMaxPct *float64
	WindMS             *float64           // mean, at the height of the anemometer
	SolarMJ            *float64           // sum, MJ/m2
	RainMM             *float64           // what was measured; Partial says if the end of the day was not watched
	Missing            []devices.Quantity // in the order of the fields
	Partial            []devices.Quantity // known for a part of the day only
	Coverage           Coverages
}

// Coverages are the shares of the day that the readings speak for, 0 to 1.
type Coverages struct{ Temperature, Humidity, Wind, Solar, Rain float64 }

// Close sums the day up. The day itself is not changed and may go on.
func (d *DayWeather) Close() Summary {
	var s Summary
	length := d.To.Sub(d.From)
	end := func(t Track, q devices.Quantity, coverage *float64) (Track, bool) {
		if t.N > 0 {
			t.span(d.To, t.V)
			*coverage = 1 - t.Unknown.Seconds()/length.Seconds()
		}
		known := t.N > 0 && t.Unknown == 0
		if !known {
			s.Missing = append(s.Missing, q)
		}
		return t, known
	}
	if t, known := end(d.Temperature, devices.AirTemperature, &s.Coverage.Temperature); known {
		s.TMinC, s.TMaxC = &t.Min, &t.Max
	}
	if t, known := end(d.Humidity, devices.RelativeHumidity, &s.Coverage.Humidity); known {
		s.RHMinPct, s.RHMaxPct = &t.Min, &t.Max
	}
	if t, known := end(d.Wind, devices.WindSpeed, &s.Coverage.Wind); known {
		s.WindMS = new(t.Integral / length.Seconds())
	}
	if t, known := end(d.Solar, devices.SolarRadiation, &s.Coverage.Solar); known {
		s.SolarMJ = new(t.Integral / 1e6)
	}
	d.closeRain(&s)
	return s
}

// closeRain takes the gauge that spoke last. Its gaps are in its amounts; only
// what follows its last reading is not, and will be credited to the next day.
func (d *DayWeather) closeRain(s *Summary) {
	gauge := &d.Counter
	if d.Amounts.At.After(gauge.At) {
		gauge = &d.Amounts
	}
	if gauge.N == 0 {
		s.Missing = append(s.Missing, devices.Rain)
		return
	}
	s.RainMM, s.Coverage.Rain = new(gauge.Sum), 1
	if left := d.To.Sub(gauge.At); left > MaxGap {
		s.Partial = append(s.Partial, devices.Rain)
		s.Coverage.Rain -= left.Seconds() / d.To.Sub(d.From).Seconds()
	}
}
