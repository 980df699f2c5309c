package dashboards

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
)

// A chart is what the script draws. Times are Unix seconds; what is null is not
// known and leaves a gap.
type chart struct {
	Zone     string            `json:"zone"`
	From     int64             `json:"from"`
	To       int64             `json:"to"`
	Moisture []curve           `json:"moisture"`
	Limits   []limit           `json:"limits"` // of the moisture
	Balance  []curve           `json:"balance"`
	Water    []curve           `json:"water"` // bars, at the middle of their day
	Marks    []chartMark       `json:"marks"`
	Words    map[string]string `json:"words"`
}

// A curve is one line, or one row of bars.
type curve struct {
	Label string     `json:"label"`
	Key   string     `json:"key"`
	T     []int64    `json:"t"`
	V     []*float64 `json:"v"`
}

// A limit is a value that does not change.
type limit struct {
	Label string  `json:"label"`
	Value float64 `json:"value"`
}

// A chartMark is a decision on the line of time.
type chartMark struct {
	T    int64  `json:"t"`
	ID   string `json:"id"`
	Link string `json:"link"`
	Text string `json:"text"`
	Tone string `json:"tone"`
	Sign string `json:"sign"`
}

// A gap is a time in which nothing was measured, or no balance could be worked out.
type gap struct {
	device   devices.DeviceID // empty: the balance
	from, to time.Time
	open     bool // it lasts
}

// silentAfter is how long a series may say nothing before that is a gap.
func silentAfter(every time.Duration) time.Duration { return max(6*usualEvery, 2*every) }

// findGaps returns gaps, those that last and then the longest first. The depths
// of a probe that fell silent together make one.
func findGaps(past Past, every time.Duration, until time.Time) []gap {
	found := map[gap]bool{}
	for _, m := range past.Moisture {
		if m.Index != "" {
			continue // another probe of the same cable
		}
		for i, at := range m.At {
			next, open := until, true
			if i+1 < len(m.At) {
				next, open = m.At[i+1], false
			}
			if next.Sub(at) > silentAfter(every) {
				found[gap{device: m.Device, from: at, to: next, open: open}] = true
			}
		}
	}
	for i, d := range past.Days {
		if end := d.Begin.Add(36 * time.Hour); i+1 < len(past.Days) && past.Days[i+1].Begin.After(end) {
			found[gap{from: d.Begin.Add(24 * time.Hour), to: past.Days[i+1].Begin}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b gap) int {
		switch {
		case a.open != b.open:
			return map[bool]int{true: -1, false: 1}[a.open]
		default:
			return cmp.Or(cmp.Compare(b.to.Sub(b.from), a.to.Sub(a.from)), a.from.Compare(b.from), strings.Compare(string(a.device), string(b.device)))
		}
	})
}

// A dayOf is everything of one local day.
type dayOf struct {
	begin                time.Time
	moisture             []*float64 // mean, in the order of the series
	balance              *Day
	commanded, delivered *float64 // mm
}

// daysOf returns the days from since to until.
func (s speaker) daysOf(f *Field, past Past, since, until time.Time) []dayOf {
	var days []dayOf
	at := map[string]int{}
	for day := since.In(s.zone); day.Before(until); day = day.AddDate(0, 0, 1) {
		at[day.Format(time.DateOnly)] = len(days)
		days = append(days, dayOf{begin: day, moisture: make([]*float64, len(past.Moisture))})
	}
	of := func(t time.Time) *dayOf {
		if i, ok := at[t.In(s.zone).Format(time.DateOnly)]; ok {
			return &days[i]
		}
		return nil
	}
	for i, m := range past.Moisture {
		sums := map[*dayOf][2]float64{}
		for k, t := range m.At {
			if d := of(t); d != nil {
				sums[d] = [2]float64{sums[d][0] + m.Water[k], sums[d][1] + 1}
			}
		}
		for d, sum := range sums {
			d.moisture[i] = new(sum[0] / sum[1])
		}
	}
	for i := range past.Days {
		if d := of(past.Days[i].Begin); d != nil {
			d.balance = &past.Days[i]
		}
	}
	squareMetres := f.AreaMu * squareMetresPerMu
	add := func(to **float64, litres *float64) {
		if litres == nil || squareMetres <= 0 {
			return
		}
		if *to == nil {
			*to = new(float64)
		}
		**to += *litres / squareMetres
	}
	for _, o := range past.Openings {
		if d := of(o.At); d != nil {
			add(&d.commanded, o.CommandedL)
			add(&d.delivered, o.DeliveredL)
		}
	}
	return days
}

// squareMetresPerMu: a litre on a square metre is a millimetre.
const squareMetresPerMu = 2000.0 / 3

// chart prepares what the script draws.
func (s speaker) chart(f *Field, past Past, days []dayOf, chosen span, since time.Time) *chart {
	c := &chart{
		Zone: s.zone.String(), From: since.Unix(), To: s.now.Unix(),
		Words: map[string]string{"m3": words.Unit("m3/m3"), "mm": s.text("table.mm", nil), "several": s.text("chart.several", nil), "time": s.text("chart.time", nil), "lang": string(s.language)},
	}
	if first := earliest(past, days); first.After(since) && chosen.days == 0 { // nobody measured before
		c.From = first.Unix()
	}
	for _, m := range past.Moisture {
		c.Moisture = append(c.Moisture, s.moistureCurve(m, past, silentAfter(chosen.every)))
	}
	for key, x := range map[string]float64{"field_capacity": f.FieldCapacity, "wilting_point": f.WiltingPoint} {
		if x > 0 {
			c.Limits = append(c.Limits, limit{Label: s.text("chart."+key, nil), Value: x})
		}
	}
	slices.SortFunc(c.Limits, func(a, b limit) int { return cmp.Compare(b.Value, a.Value) })
	c.Balance = s.balanceCurves(f, past)
	c.Water = s.waterCurves(days)
	for _, d := range past.Decisions {
		tone, sign := signOf(d)
		c.Marks = append(c.Marks, chartMark{
			T: d.At.Unix(), ID: d.ID, Link: s.link("/decisions/" + d.ID), Tone: tone, Sign: sign,
			Text: s.catalogue.Explain(s.language, d, words.About{PlotName: f.Name, Zone: s.zone}).Sentence,
		})
	}
	return c
}

// earliest is when the first of all that is drawn was.
func earliest(past Past, days []dayOf) time.Time {
	var first time.Time
	see := func(t time.Time) {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	for _, m := range past.Moisture {
		if len(m.At) > 0 {
			see(m.At[0])
		}
	}
	for _, d := range days {
		if d.balance != nil {
			see(d.begin)
		}
	}
	return first
}

// moistureCurve breaks a series where it was silent.
func (s speaker) moistureCurve(m Moisture, past Past, longest time.Duration) curve {
	c := curve{Label: s.seriesName(m, past), Key: m.DepthCM}
	for i, at := range m.At {
		if i > 0 && at.Sub(m.At[i-1]) > longest {
			c.T, c.V = append(c.T, m.At[i-1].Unix()+60), append(c.V, nil)
		}
		c.T, c.V = append(c.T, at.Unix()), append(c.V, rounded(&m.Water[i], 4))
	}
	return c
}

// seriesName is the depth, with the device where several measure in one plot.
func (s speaker) seriesName(m Moisture, past Past) string {
	name := s.place(devices.Key{Quantity: devices.SoilMoisture, DepthCM: m.DepthCM, Channel: m.Index})
	if name == "" {
		name = s.quantity(devices.SoilMoisture)
	}
	if slices.ContainsFunc(past.Moisture, func(o Moisture) bool { return o.Device != m.Device }) {
		name += " " + string(m.Device)
	}
	return name
}

// balanceCurves are the depletion and its two limits at the end of each day, and now.
func (s speaker) balanceCurves(f *Field, past Past) []curve {
	curves := []curve{
		{Label: s.text("chart.depletion", nil), Key: "depletion"}, {Label: s.text("chart.raw", nil), Key: "raw"}, {Label: s.text("chart.taw", nil), Key: "taw"},
	}
	add := func(at time.Time, values ...*float64) {
		for i, v := range values {
			curves[i].T, curves[i].V = append(curves[i].T, at.Unix()), append(curves[i].V, rounded(v, 1))
		}
	}
	for i, d := range past.Days {
		if i > 0 && d.Begin.Sub(past.Days[i-1].Begin) > 36*time.Hour {
			add(d.Begin, nil, nil, nil)
		}
		add(d.Begin.Add(24*time.Hour), d.DepletionMM, d.RAWMM, d.TAWMM)
	}
	if n := len(past.Days); f.DepletionMM != nil && f.TAWMM > 0 && n > 0 && s.now.Sub(past.Days[n-1].Begin) < 60*time.Hour {
		add(s.now, f.DepletionMM, &f.RAWMM, &f.TAWMM)
	}
	return curves
}

func (s speaker) waterCurves(days []dayOf) []curve {
	curves := []curve{
		{Label: s.text("chart.rain", nil), Key: "rain"}, {Label: s.text("chart.commanded", nil), Key: "commanded"}, {Label: s.text("chart.delivered", nil), Key: "delivered"},
	}
	for _, d := range days {
		var rain *float64
		if d.balance != nil {
			rain = d.balance.RainMM
		}
		for i, v := range []*float64{rain, d.commanded, d.delivered} {
			curves[i].T, curves[i].V = append(curves[i].T, d.begin.Add(12*time.Hour).Unix()), append(curves[i].V, rounded(v, 2))
		}
	}
	return curves
}

// rounded keeps what is drawn short.
func rounded(x *float64, decimals int) *float64 {
	if x == nil || math.IsNaN(*x) || math.IsInf(*x, 0) {
		return nil
	}
	f := math.Pow10(decimals)
	return new(math.Round(*x*f) / f)
}

// dayTable is all that the charts show, day by day, the latest first.
func (s speaker) dayTable(past Past, days []dayOf) (heads []column, rows []dayRow) {
	mm := s.text("table.mm", nil)
	heads = []column{{Text: s.text("plot.day", nil)}}
	for _, m := range past.Moisture {
		heads = append(heads, column{Text: s.seriesName(m, past), Unit: words.Unit("m3/m3"), Number: true})
	}
	for _, key := range []string{"depletion", "raw", "taw", "rain", "commanded", "delivered"} {
		heads = append(heads, column{Text: s.text("chart."+key, nil), Unit: mm, Number: true})
	}
	empty := func(x *float64, decimals int) string {
		if x == nil {
			return none
		}
		return words.Decimal(*x, decimals)
	}
	for _, d := range slices.Backward(days) {
		r := dayRow{Day: words.Day(s.language, d.begin)}
		for _, m := range d.moisture {
			r.Cells = append(r.Cells, empty(m, 3))
		}
		b := Day{}
		if d.balance != nil {
			b = *d.balance
		}
		for _, x := range []*float64{b.DepletionMM, b.RAWMM, b.TAWMM, b.RainMM, d.commanded, d.delivered} {
			r.Cells = append(r.Cells, empty(x, 1))
		}
		rows = append(rows, r)
	}
	return heads, rows
}
