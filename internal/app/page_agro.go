package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/records"
	"ganlin/rules"
	"ganlin/rules/drought"
)

// fieldSource fills the agronomist's pages.
type fieldSource struct {
	*program
	cache *fieldCache
}

var _ dashboards.Fields = fieldSource{}

func (p *program) fieldSource() fieldSource {
	return fieldSource{program: p, cache: &fieldCache{}}
}

// A fieldCache holds the land of the newest view, so that it is made once for all who look.
type fieldCache struct {
	mu   sync.Mutex
	of   *villageView
	land dashboards.Land
}

// Land returns the plots that a person may see.
func (p fieldSource) Land(ctx context.Context) dashboards.Land {
	whole := p.land()
	who, signedIn := auth.From(ctx)
	if !signedIn || who.Role == auth.Operator { // without an account only the demo's own machine comes here
		return whole
	}
	out := dashboards.Land{At: whole.At, Stations: whole.Stations}
	seen := map[devices.SiteID]bool{}
	for _, f := range whole.Fields {
		if who.SeesPlot(f.Plot) {
			out.Fields = append(out.Fields, f)
			seen[f.Site] = true
		}
	}
	for _, s := range whole.Sites {
		if seen[s.ID] {
			out.Sites = append(out.Sites, s)
		}
	}
	return out
}

// Field returns a plot that a person may see.
func (p fieldSource) Field(ctx context.Context, id devices.PlotID) (dashboards.Field, error) {
	land := p.Land(ctx)
	i := slices.IndexFunc(land.Fields, func(f *dashboards.Field) bool { return f.ID == id })
	if i < 0 {
		return dashboards.Field{}, dashboards.ErrNothing
	}
	f := *land.Fields[i]
	if who, _ := auth.From(ctx); who.ActsOn(f.Plot) && auth.WaterAct.Allows(who.Role) {
		v, latest := p.decidedNow(), p.now.Snapshot()
		f.Taps = slices.Clone(f.Taps)
		for i := range f.Taps {
			d, _ := v.registry.Device(f.Taps[i].ID)
			tap := p.homeTap(d, v.valves[d.ID], latest)
			f.Taps[i], f.Acts = tap.Valve, append(f.Acts, tap)
		}
	}
	return f, nil
}

// Decision returns a decision that a person may see: one of their plots, or of a site that they look after.
func (p fieldSource) Decision(ctx context.Context, id string) (dashboards.Decided, error) {
	d, err := p.records.Decision(ctx, id)
	switch {
	case errors.Is(err, records.ErrNotFound), errors.Is(err, records.ErrAmbiguous):
		return dashboards.Decided{}, dashboards.ErrNothing
	case err != nil:
		return dashboards.Decided{}, err
	}
	v := p.decidedNow()
	out := dashboards.Decided{Decision: d, Zone: v.zone(d.Site)}
	plot, known := v.plot(cmp.Or(string(d.Plot), d.Subject))
	if known {
		out.Plot, out.PlotName = plot.ID, plot.Name
	}
	who, signedIn := auth.From(ctx)
	if signedIn && !seesDecision(who, d, plot, known, v.sites[d.Site]) {
		return dashboards.Decided{}, dashboards.ErrNothing
	}
	return out, noteReading(ctx, p.records, who.Account, d)
}

// seesDecision reports whether a person may see a decision about a plot or, where none is known, about something of a site.
func seesDecision(who auth.Access, d devices.Decision, plot devices.Plot, known bool, at devices.Site) bool {
	switch {
	case known:
		return who.SeesPlot(plot)
	case d.Kind == devices.ClueDecision:
		return who.SeesHousehold(devices.HouseholdID(d.Subject), at)
	}
	return who.SeesSite(at)
}

// land is every plot as of the newest view.
func (p fieldSource) land() dashboards.Land {
	v := p.decidedNow()
	c := p.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of != v {
		c.of, c.land = v, p.newLand(v)
	}
	return c.land
}

func (p fieldSource) newLand(v *villageView) dashboards.Land {
	land := dashboards.Land{At: v.watermark}
	names := map[devices.PlaceCode]string{}
	for _, place := range v.registry.Places() {
		names[place.Code] = place.Name
	}
	for _, s := range v.registry.Sites() {
		land.Sites = append(land.Sites, dashboards.Village{ID: s.ID, Name: names[s.Place], Zone: v.zone(s.ID)})
	}
	for _, s := range v.registry.Stations() {
		land.Stations = append(land.Stations, dashboards.Mast{ID: s.ID, Latitude: s.Latitude, Longitude: s.Longitude})
	}
	plots := v.registry.Plots()
	fields := make([]dashboards.Field, len(plots))
	for i, plot := range plots {
		f := &fields[i]
		f.Plot = plot
		for _, d := range v.onPlot[plot.ID] {
			if d.MaxDurationS == 0 {
				f.Probes = append(f.Probes, d.ID)
			}
		}
		for _, id := range plot.Valves {
			if known := v.valves[id]; known != nil {
				f.Taps = append(f.Taps, pageValve(known))
			} else {
				f.Taps = append(f.Taps, dashboards.Valve{ID: id})
			}
		}
		if known := v.standing[plot.ID]; known != nil {
			fillField(f, known)
		}
		land.Fields = append(land.Fields, f)
	}
	return land
}

// fillField enters what the rules know of a plot.
func fillField(f *dashboards.Field, k *rules.PlotView) {
	f.Grade, f.Stage, f.CropDay = dashboards.Grade(k.Grade.String()), k.Stage, k.CropDay
	f.RSMPct, f.DepletionMM, f.DaysToStress = k.RSMPct, k.DepletionMM, k.DaysToStress
	f.RAWMM, f.TAWMM, f.FieldCapacity, f.WiltingPoint = k.RAWMM, k.TAWMM, k.FieldCapacity, k.WiltingPoint
	f.WateredWeekMM, f.RainWeekMM = &k.WateredWeekMM, k.RainWeekMM
	if k.SoilAgeH != nil {
		f.ProbeAge = new(time.Duration(*k.SoilAgeH * float64(time.Hour)))
	}
	if k.Grade == drought.Unknown {
		f.WhyUnknown = k.WhyUnknown
	}
	f.Advice = dashboards.Advice{
		Code: dashboards.AdviceCode(k.Advice.Kind), Why: k.Advice.Reason, From: k.Advice.From, Until: k.Advice.Until, MM: k.Advice.GrossMM,
		Lasts: time.Duration(k.Advice.DurationS) * time.Second, Cubic: k.Advice.VolumeL / 1000,
	}
}
