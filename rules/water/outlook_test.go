package water_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganlin/rules/water"
)

func TestOutlook(t *testing.T) {
	p := water.Params{Soil: water.Soil{FieldCapacity: 0.3, WiltingPoint: 0.1}, Crop: steady(1, 1, 0.5), Planted: day(1)}
	b := water.NewBalance(p, new(0.3-0.078), day(10)) // 78 mm of RAW 100
	before := b
	o := b.Outlook(p, 5, 20)
	if !o.Stress || o.StressInDays != 5 || o.Days != 20 || o.ETcMM != 100 || o.ETaMM >= 100 {
		t.Errorf("%+v", o)
	}
	near(t, "depletion", o.DepletionMM, 78+o.ETaMM, 1e-9)
	if o = b.Outlook(p, 5, 5); o.Stress {
		t.Errorf("stress within 5 days: %+v", o)
	}
	if o = b.Outlook(p, 5, 1000); o.Days != 194 {
		t.Errorf("days 10 to 203 of the season are %d", o.Days)
	}
	if diff := cmp.Diff(before, b); diff != "" {
		t.Errorf("looking ahead changed the balance:\n%s", diff)
	}
	b = water.NewBalance(p, new(0.15), day(10))
	if o = b.Outlook(p, 5, 5); !o.Stress || o.StressInDays != 0 {
		t.Errorf("a crop under stress: %+v", o)
	}
}

// FAO-33; maize, Ky 1.25 (FAO-56, table 24, p. 181).
func TestRelativeYield(t *testing.T) {
	for _, c := range []struct{ ky, taken, asked, want float64 }{
		{1.25, 400, 500, 0.75},
		{0.85, 400, 500, 0.83},
		{1.25, 500, 500, 1},
		{1.25, 0, 500, 0},
		{1.25, 0, 0, 1},
	} {
		near(t, "yield", water.RelativeYield(c.ky, c.taken, c.asked), c.want, 1e-9)
	}
}
