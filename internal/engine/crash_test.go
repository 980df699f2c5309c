package engine_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ganlin/devices"
)

const someHours = 5 * 24

// undisturbed lives a season without a kill.
func undisturbed(tb testing.TB, hours int) *world {
	tb.Helper()
	w := newWorld(tb, hours)
	if _, over := w.run(0); !over {
		tb.Fatal("the season does not end")
	}
	return w
}

// everyPoint kills a process at every point of a season once, each time in a
// new world, and lets the next one live, until enough is wrong. It returns
// where, and what was wrong.
func everyPoint(t *testing.T, enough int, change func(*world)) (places map[string]int, wrong []string) {
	t.Helper()
	const hours = 60
	want := undisturbed(t, hours)
	places = map[string]int{}
	for die := 1; len(wrong) < enough; die++ {
		w := newWorld(t, hours)
		change(w)
		place, over := w.run(die)
		if over {
			return places, wrong
		}
		places[place]++
		if _, over := w.run(0); !over {
			t.Fatalf("killed %s: the season does not end", place)
		}
		for _, one := range w.wrongs(want) {
			wrong = append(wrong, place+": "+one)
		}
	}
	return places, wrong
}

// TestAKillAnywhereChangesNothing kills the process once at every point at
// which it touches the journal, the store or the valves. The controls make
// the same mistakes that an engine could make.
func TestAKillAnywhereChangesNothing(t *testing.T) {
	want := []string{
		"after Committed", "after publishing", "after the commit", "after the snapshot", "before Committed", "before a record", "before publishing",
		"before reading again", "before reading what was decided", "before the commit", "before the snapshot", "half published",
	}
	for name, room := range map[string]int{"what waits is in memory": 0, "there is hardly room for it": 4} {
		places, wrong := everyPoint(t, 20, func(w *world) { w.maxHeld = room })
		for _, one := range wrong {
			t.Errorf("%s: killed %s", name, one)
		}
		t.Logf("%s: killed %v", name, places)
		if room == 0 {
			continue // a process that was never killed before has no need to read again
		}
		if got := slices.Sorted(maps.Keys(places)); !slices.Equal(got, want) {
			t.Errorf("killed %v, want %v", got, want)
		}
	}
	for name, change := range map[string]func(*world){
		"forgets what it has committed":            func(w *world) { w.forgetProgress = true },
		"tells the journal before it commits":      func(w *world) { w.publishFirst = true },
		"keeps the journal's cursor too far ahead": func(w *world) { w.purgeAhead = true },
	} {
		if _, wrong := everyPoint(t, 1, change); len(wrong) == 0 {
			t.Errorf("an engine that %s is not caught", name)
		}
	}
}

// TestKillsChangeNothing kills again and again at random points.
func TestKillsChangeNothing(t *testing.T) {
	want := undisturbed(t, someHours)
	if n := len(want.decided); n < 30 {
		t.Fatalf("only %d decisions", n)
	}
	kinds := map[devices.DecisionKind]int{}
	for _, d := range want.decided {
		kinds[d.Kind]++
	}
	t.Logf("undisturbed: %v in %d records", kinds, len(want.records))
	behind, ahead, kills := 0, 0, 0
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, someHours)
		w.maxHeld = rapid.SampledFrom([]int{0, 4, 20}).Draw(r, "room for facts")
		for {
			if _, over := w.run(rapid.IntRange(1, 400).Draw(r, "point")); over {
				break
			}
			kills++
			for range rapid.IntRange(0, 3).Draw(r, "hours that pass meanwhile") {
				w.live()
			}
		}
		for _, one := range w.wrongs(want) {
			r.Error(one)
		}
		if w.behind {
			behind++
		}
		if w.ahead {
			ahead++
		}
	})
	t.Logf("%d kills; snapshots were older than the commit in %d seasons, newer in %d", kills, behind, ahead)
	if behind == 0 || ahead == 0 {
		t.Error("snapshots were never both older and newer than what was committed")
	}
}

// TestAVersionIsInForceFromTheNextTick brings a plot in mid-season. Its probe
// speaks in the same hour, and counts.
func TestAVersionIsInForceFromTheNextTick(t *testing.T) {
	w := undisturbed(t, someHours)
	var seen []devices.Decision
	for _, d := range w.decided {
		if d.Plot == "p-2" {
			seen = append(seen, d)
		}
	}
	if len(seen) == 0 || seen[0].Kind != devices.AlertDecision {
		t.Fatalf("the new plot: %+v", seen)
	}
	changed := begin.Add(someHours / 2 * time.Hour)
	if want := changed.Add(lateness).Truncate(time.Hour).Add(time.Hour); !seen[0].At.Equal(want) {
		t.Errorf("the new plot is decided about at %s, its first reading is due at %s", seen[0].At, want)
	}
}
