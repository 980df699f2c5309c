package engine_test

import (
	"slices"
	"testing"
	"time"
)

// saved lives a season until there is a snapshot, and a little longer.
func saved(tb testing.TB, w *world) {
	tb.Helper()
	for die := 1; w.snapshot == nil; die += 10 {
		*w = world{t: w.t, hours: w.hours, sent: map[string]int{}, maxHeld: w.maxHeld, chatter: w.chatter}
		if _, over := w.run(die); over {
			tb.Fatal("no snapshot was saved")
		}
	}
}

// TestWhatWaitsIsReadAgain kills a process behind a snapshot. The next one reads
// each record once more whose facts the snapshot leaves to the journal, when
// their time has come, and no other.
func TestWhatWaitsIsReadAgain(t *testing.T) {
	w := newWorld(t, someHours)
	saved(t, w)
	var missing []uint64
	watermark := begin.Add(time.Duration(w.snapped.Sequence) * time.Hour) // beyond all
	for _, f := range w.records[w.snapped.Sequence-1].facts {
		watermark = f.At.Add(-lateness) // of the tick that the snapshot is of
	}
	for n, r := range w.records[:w.snapped.Sequence] {
		for _, f := range r.facts {
			if !f.Received.IsZero() && f.At.After(watermark) && !slices.Contains(missing, uint64(n+1)) {
				missing = append(missing, uint64(n+1))
			}
		}
	}
	if len(missing) == 0 {
		t.Fatal("nothing waits")
	}
	if _, over := w.run(0); !over {
		t.Fatal("the season does not end")
	}
	read := slices.DeleteFunc(w.reread, func(sequence uint64) bool {
		return len(w.records[sequence-1].facts) == 0 || w.records[sequence-1].facts[0].Received.IsZero()
	})
	if !slices.Equal(read, missing) {
		t.Errorf("records %v were read again, want %v", read, missing)
	}
	for _, wrong := range w.wrongs(undisturbed(t, someHours)) {
		t.Error(wrong)
	}
}

// TestWithoutRoomEverythingIsReadAgain decides the same with hardly any room in
// memory; with room nothing is read twice.
func TestWithoutRoomEverythingIsReadAgain(t *testing.T) {
	want := undisturbed(t, someHours)
	if len(want.reread) > 0 || want.crowded {
		t.Errorf("there is room, and %d records were read again", len(want.reread))
	}
	w := newWorld(t, someHours)
	w.maxHeld = 4
	if _, over := w.run(0); !over {
		t.Fatal("the season does not end")
	}
	if len(w.reread) < someHours || !w.crowded {
		t.Errorf("there is no room, and %d records were read again", len(w.reread))
	}
	for _, wrong := range w.wrongs(want) {
		t.Error(wrong)
	}
}

// TestASnapshotDoesNotGrowWithTheReadings lives the same season with a thousand
// times as many of them.
func TestASnapshotDoesNotGrowWithTheReadings(t *testing.T) {
	few, many := newWorld(t, someHours), newWorld(t, someHours)
	few.chatter, many.chatter = 1, 1000
	saved(t, few)
	saved(t, many)
	if a, b := len(few.snapshot), len(many.snapshot); b > a+a/50 {
		t.Errorf("the snapshot has %d bytes with few readings, %d with many", a, b)
	}
}
