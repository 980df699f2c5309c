package risk_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"ganlin/rules/risk"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

func TestProject(t *testing.T) {
	for name, c := range map[string]struct {
		in             risk.ProjectInput
		low, mid, high float64
	}{
		"maize at harvest":      {risk.ProjectInput{Ky: 1.25, ETcMM: 500, ETaMM: 400}, 0.25, 0.25, 0.25},
		"maize in mid season":   {risk.ProjectInput{Ky: 1.25, ETcMM: 250, ETaMM: 200, RestETcMM: 250, Stress: 0.2}, 0.125, 0.1875, 0.25},
		"rain came yesterday":   {risk.ProjectInput{Ky: 1.25, ETcMM: 250, ETaMM: 200, RestETcMM: 250}, 0.125, 0.125, 0.125},
		"no response is known":  {risk.ProjectInput{ETcMM: 500, ETaMM: 400}, 0.2, 0.2, 0.2},
		"all is lost":           {risk.ProjectInput{Ky: 1.25, ETcMM: 500, ETaMM: 50}, 1, 1, 1},
		"nothing is sown":       {risk.ProjectInput{Ky: 1.25, Stress: 1}, 0, 0, 0},
		"the first dry day":     {risk.ProjectInput{Ky: 1, RestETcMM: 400, Stress: 1}, 0, 0.5, 1},
		"more than asked for":   {risk.ProjectInput{Ky: 1, ETcMM: 400, ETaMM: 400.1}, 0, 0, 0},
		"stress out of bounds":  {risk.ProjectInput{Ky: 1, ETcMM: 200, ETaMM: 200, RestETcMM: 200, Stress: 3}, 0, 0.25, 0.5},
		"a season that is over": {risk.ProjectInput{Ky: 1, ETcMM: 400, ETaMM: 300, RestETcMM: -5, Stress: 1}, 100.0 / 395, 100.0 / 395, 100.0 / 395},
	} {
		low, mid, high := risk.Project(c.in)
		if !near(low, c.low) || !near(mid, c.mid) || !near(high, c.high) {
			t.Errorf("%s: got %g, %g, %g, want %g, %g, %g", name, low, mid, high, c.low, c.mid, c.high)
		}
	}
}

// The range is ordered, and narrows as the rest of the season is met or not.
func TestProjectNarrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := risk.ProjectInput{
			Ky:    rapid.Float64Range(0.2, 1.5).Draw(t, "ky"),
			ETcMM: rapid.Float64Range(0, 400).Draw(t, "etc"), RestETcMM: rapid.Float64Range(1, 400).Draw(t, "rest"),
			Stress: rapid.Float64Range(0, 1).Draw(t, "stress"),
		}
		in.ETaMM = in.ETcMM * rapid.Float64Range(0, 1).Draw(t, "met")
		low, mid, high := risk.Project(in)
		if !(0 <= low && low <= mid && mid <= high && high <= 1) {
			t.Fatalf("%g, %g, %g is no range", low, mid, high)
		}
		later := in
		part := rapid.Float64Range(0, 1).Draw(t, "part") * in.RestETcMM
		later.ETcMM, later.RestETcMM = in.ETcMM+part, in.RestETcMM-part
		later.ETaMM += part * (1 - in.Stress)
		a, _, b := risk.Project(later)
		if a < low-1e-9 || math.Abs(b-high) > 1e-9 {
			t.Fatalf("%g to %g becomes %g to %g while the stress lasts", low, high, a, b)
		}
	})
}
