package risk_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganlin/rules/risk"
)

func TestRankCorrelation(t *testing.T) {
	for name, c := range map[string]struct {
		a, b []float64
		want float64
	}{
		"together":              {[]float64{1, 2, 3, 4}, []float64{10, 200, 201, 9999}, 1},
		"against each other":    {[]float64{1, 2, 3, 4}, []float64{5, 3, 2, -7}, -1},
		"ten pairs, -29 of 165": {[]float64{106, 100, 86, 101, 99, 103, 97, 113, 112, 110}, []float64{7, 27, 2, 50, 28, 29, 20, 12, 6, 17}, -29.0 / 165},
		"a tie in one":          {[]float64{1, 2, 2, 3}, []float64{1, 2, 3, 4}, 4.5 / math.Sqrt(4.5*5)},
		"ties in both":          {[]float64{0, 0, 1, 1}, []float64{0, 0, 1, 1}, 1},
		"ties across":           {[]float64{0, 0, 1, 1}, []float64{0, 1, 0, 1}, 0},
		"all equal":             {[]float64{1, 2, 3}, []float64{5, 5, 5}, 0},
		"one pair":              {[]float64{1}, []float64{2}, 0},
		"none":                  {nil, nil, 0},
	} {
		if got := risk.RankCorrelation(c.a, c.b); !near(got, c.want) {
			t.Errorf("%s: got %g, want %g", name, got, c.want)
		}
		if a, b := risk.RankCorrelation(c.a, c.b), risk.RankCorrelation(c.b, c.a); !near(a, b) {
			t.Errorf("%s: %g one way, %g the other", name, a, b)
		}
	}
}

func TestByPlace(t *testing.T) {
	var b risk.ByPlace
	b.Add("500119102", risk.Unchanged)
	b.Add("500119101", risk.Raised)
	b.Add("500119101", risk.Raised)
	b.Add("500119101", risk.Updated)
	if got, want := b.Add("500119101", risk.Withdrawn), (risk.PlaceCount{Place: "500119101", Open: 1, Raised: 2, Withdrawn: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want := risk.ByPlace{Places: []risk.PlaceCount{{Place: "500119101", Open: 1, Raised: 2, Withdrawn: 1}, {Place: "500119102"}}}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var back risk.ByPlace
	if err := json.Unmarshal(data, &back); err != nil || !cmp.Equal(b, back) {
		t.Errorf("%s reads back as %+v, %v", data, back, err)
	}
}
