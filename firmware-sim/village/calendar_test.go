package village_test

import (
	"os"
	"slices"
	"testing"

	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/village"
)

func trialGrounds(t *testing.T) []village.TrialGround {
	t.Helper()
	all, err := village.TrialGrounds(10)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestManualIsTheLeastSecureCalendar judges the calendar again, and those
// around it that would bring less water. GANLIN_LONG=1 searches all of them.
func TestManualIsTheLeastSecureCalendar(t *testing.T) {
	seasons := trialGrounds(t)
	manual := village.Try(village.Manual(), seasons)
	t.Logf("%s: %.0f mm, yields %.3f", manual.Calendar, manual.WaterMM, manual.Yields)
	if !manual.Secure() || len(manual.Yields) != len(seasons) {
		t.Errorf("%s reaches 95 %% in %d seasons", village.Manual(), manual.Reached())
	}
	if os.Getenv("GANLIN_LONG") != "" {
		secure := village.Search(seasons)
		for _, s := range secure[:min(5, len(secure))] {
			t.Logf("secure: %s: %.0f mm, yields %.3f", s.Calendar, s.WaterMM, s.Yields)
		}
		if secure[0].Calendar != village.Manual() {
			t.Errorf("the search found %s, the calendar is %s", secure[0].Calendar, village.Manual())
		}
		return
	}
	around := 0
	for _, c := range village.Calendars() {
		m := village.Manual()
		if near := abs(c.DepthMM-m.DepthMM) <= 5 && abs(float64(c.Days-m.Days)) <= 1; !near || c == m {
			continue
		}
		around++
		if other := village.Try(c, seasons); other.Secure() && other.WaterMM < manual.WaterMM {
			t.Errorf("%s is secure with %.0f mm", c, other.WaterMM)
		}
	}
	if around < 11 {
		t.Errorf("%d calendars were compared", around)
	}
}

func abs(v float64) float64 { return max(v, -v) }

// TestCalendarsOfNormalYearsFail is why the calendar was searched in droughts.
func TestCalendarsOfNormalYearsFail(t *testing.T) {
	sparse := village.Try(field.Calendar{DepthMM: 20, Days: 10, RainMM: 10}, trialGrounds(t))
	if sparse.Secure() || slices.Max(sparse.Yields) < 0.6 {
		t.Errorf("20 mm every 10 days: %.2f", sparse.Yields)
	}
}
