package seen_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"ganlin/devices"
	"ganlin/internal/journal/seen"
)

func open(tb testing.TB, path string, budget int) (*seen.Index, string) {
	tb.Helper()
	x, position, err := seen.Open(tb.Context(), path, budget, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { x.Close() })
	return x, position
}

func judge(tb testing.TB, x *seen.Index, r seen.Reading) seen.Verdict {
	tb.Helper()
	v, err := x.Judge(tb.Context(), &r)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func save(tb testing.TB, x *seen.Index, position string) {
	tb.Helper()
	if err := x.Save(tb.Context(), x.Snapshot(position)); err != nil {
		tb.Fatal(err)
	}
}

func timed(device string, at int64, quantities ...devices.Quantity) seen.Reading {
	r := seen.Reading{Device: devices.DeviceID(device), Received: at, At: at, Timed: true}
	for _, q := range quantities {
		r.Values = append(r.Values, seen.Value{Key: devices.Key{Quantity: q}, Number: 1})
	}
	return r
}

// A device that sends every second fills many parts a day; a backlog of its
// past comes in between. Nothing is taken for seen that was not, and the other way round.
func TestManyPartsWithABacklogBetween(t *testing.T) {
	const seconds = 3000
	x, _ := open(t, filepath.Join(t.TempDir(), "seen.db"), 40_000)
	for i := range int64(seconds) {
		for _, r := range []seen.Reading{
			timed("live", noon+i*1000, devices.Flow),
			timed("live", noon-day+i*1000, devices.Flow, devices.VolumeTotal),
			timed("other"+strconv.FormatInt(i%50, 10), noon+i*1000, devices.Flow),
		} {
			if v := judge(t, x, r); v.Duplicates != 0 {
				t.Fatalf("second %d: %+v is taken for seen", i, r)
			}
		}
		x.Commit()
		if i%100 == 99 {
			save(t, x, strconv.FormatInt(i, 10))
		}
	}
	for i := range int64(seconds) {
		if v := judge(t, x, timed("live", noon+i*1000, devices.Flow)); v.Duplicates != 1 {
			t.Fatalf("second %d is not known any more", i)
		}
		if v := judge(t, x, timed("live", noon-day+i*1000, devices.Flow, devices.PipePressure, devices.VolumeTotal)); fmt.Sprint(v.Duplicate) != "[true false true]" {
			t.Fatalf("second %d of the day before: got %v", i, v.Duplicate)
		}
		if v := judge(t, x, timed("live", noon+i*1000+500, devices.Flow)); v.Duplicates != 0 {
			t.Fatalf("half past second %d is taken for seen", i)
		}
		x.Commit()
		if i%100 == 99 {
			save(t, x, "again")
		}
	}
}

// The same of a device without a clock: the seq and the values tell, within a day.
func TestManyPartsWithoutAClock(t *testing.T) {
	x, _ := open(t, filepath.Join(t.TempDir(), "seen.db"), 40_000)
	reading := func(seq, received int64, value float64) seen.Reading {
		r := timed("d", received, devices.Flow)
		r.Timed, r.HasSeq, r.Seq, r.Values[0].Number = false, true, seq, value
		return r
	}
	const count = 2000
	for i := range int64(count) {
		if v := judge(t, x, reading(i%1000, noon+i*30_000, float64(i))); v.Duplicates != 0 {
			t.Fatalf("reading %d is taken for seen", i)
		}
		x.Commit()
		save(t, x, "")
	}
	end := int64(noon + count*30_000)
	for i := range int64(count) {
		want := 0
		if end-(noon+i*30_000) <= day {
			want = 1
		}
		if v := judge(t, x, reading(i%1000, end, float64(i))); v.Duplicates != want {
			t.Fatalf("reading %d: got %d duplicates, want %d", i, v.Duplicates, want)
		}
		x.Rollback()
	}
}

func TestMemoryStaysWithinTheBudget(t *testing.T) {
	const budget = 1 << 20
	x, _ := open(t, filepath.Join(t.TempDir(), "seen.db"), budget)
	most := 0
	for round := range int64(4) {
		for i := range int64(5000) {
			judge(t, x, timed(fmt.Sprint("device", i), noon+round*hour, devices.Flow, devices.VolumeTotal, devices.PipePressure))
			if i%100 == 99 {
				x.Commit()
				if x.Pressed() {
					save(t, x, "")
				}
				most = max(most, x.Size())
			}
		}
	}
	const slack = 200_000 // one group and what cannot be dropped before it is saved
	if most > budget+slack {
		t.Errorf("%d bytes in memory, want at most %d", most, budget+slack)
	}
	for i := range int64(5000) {
		if v := judge(t, x, timed(fmt.Sprint("device", i), noon+hour, devices.Flow)); v.Duplicates != 1 {
			t.Fatalf("device %d is forgotten", i)
		}
		x.Rollback()
	}
}

// What a failed save could not write is written by the next one.
func TestSaveThatFailsIsMadeUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seen.db")
	x, _ := open(t, path, 0)
	judge(t, x, timed("d", noon, devices.Flow))
	x.Commit()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Save(ended, x.Snapshot("1")); err == nil {
		t.Fatal("a save with an ended context did not fail")
	}
	save(t, x, "2")
	x.Close()
	x, position := open(t, path, 0)
	if v := judge(t, x, timed("d", noon, devices.Flow)); position != "2" || v.Duplicates != 1 {
		t.Errorf("got position %q and %d duplicates, want 2 and 1", position, v.Duplicates)
	}
}

// A save that runs while a group is rolled back keeps what the group before had.
func TestSaveBesideARollback(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seen.db")
	x, _ := open(t, path, 1<<20)
	judge(t, x, timed("d", noon, devices.Flow))
	x.Commit()
	snapshot := x.Snapshot("1")
	judge(t, x, timed("d", noon+1, devices.Flow))
	if err := x.Save(t.Context(), snapshot); err != nil {
		t.Fatal(err)
	}
	x.Rollback()
	save(t, x, "1")
	x.Close()
	x, _ = open(t, path, 0)
	for at, want := range map[int64]int{noon: 1, noon + 1: 0} {
		if v := judge(t, x, timed("d", at, devices.Flow)); v.Duplicates != want {
			t.Errorf("at +%d: got %d duplicates, want %d", at-noon, v.Duplicates, want)
		}
		x.Rollback()
	}
}

// Days beyond the horizon are dropped, but not because a clock ran ahead for a while.
func TestOldDaysAreDropped(t *testing.T) {
	known := func(x *seen.Index) int {
		v := judge(t, x, timed("d", noon, devices.Flow))
		x.Rollback()
		return v.Duplicates
	}
	x, _ := open(t, filepath.Join(t.TempDir(), "seen.db"), 0)
	for i, at := range []int64{noon, noon + 400*day, noon + 1, noon + 30*day} {
		judge(t, x, timed("e", at, devices.Flow))
		judge(t, x, timed("d", min(at, noon), devices.Flow))
		x.Commit()
		save(t, x, "")
		if known(x) != 1 {
			t.Fatalf("after step %d the reading is not known any more", i)
		}
	}
	for range 2 {
		judge(t, x, timed("e", noon+33*day, devices.Flow))
		x.Commit()
		save(t, x, "")
	}
	if known(x) != 0 {
		t.Error("a reading of 33 days ago is still kept")
	}
}

// A file with a flipped bit is noticed: what it holds is never taken for true.
func TestFlippedBitsInTheFileAreNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seen.db")
	x, _ := open(t, path, 0)
	for i := range int64(200) {
		judge(t, x, timed("d", noon+i, devices.Flow))
	}
	x.Commit()
	save(t, x, "1")
	x.Close()
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(good, []byte("flow,"))
	noticed := 0
	for offset := at - 10; offset < at+200; offset++ {
		bad := bytes.Clone(good)
		bad[offset] ^= 4
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		x, position, err := seen.Open(t.Context(), path, 0, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		r := timed("d", noon+100, devices.Flow)
		v, err := x.Judge(t.Context(), &r)
		switch {
		case err != nil || position == "":
			noticed++
		case v.Duplicates != 1:
			t.Errorf("offset %d: a known reading is new, and nobody is told", offset)
		}
		x.Close()
	}
	if noticed < 200 {
		t.Errorf("%d of 210 flipped bits noticed", noticed)
	}
	x, _, err = seen.Open(t.Context(), path, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if err := x.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := judge(t, x, timed("d", noon+100, devices.Flow)); v.Duplicates != 0 {
		t.Error("something is left after Reset")
	}
}

func BenchmarkJudge(b *testing.B) {
	bench := func(name string, devicesCount int, next func(i int) int64) {
		b.Run(name, func(b *testing.B) {
			x, _ := open(b, filepath.Join(b.TempDir(), "seen.db"), 256<<20)
			ids := make([]seen.Reading, devicesCount)
			for i := range ids {
				ids[i] = timed(fmt.Sprint("device", i), 0, devices.Flow, devices.VolumeTotal, devices.PipePressure, devices.BatteryVoltage)
				r := ids[i]
				r.At = noon
				judge(b, x, r)
			}
			x.Commit()
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				r := ids[i%devicesCount]
				r.At = next(i / devicesCount)
				if _, err := x.Judge(b.Context(), &r); err != nil {
					b.Fatal(err)
				}
				if i++; i%170 == 0 {
					x.Commit()
				}
			}
		})
	}
	bench("newer/1000 devices", 1000, func(i int) int64 { return noon + int64(i+1)*60_000 })
	bench("newer/50000 devices", 50_000, func(i int) int64 { return noon + int64(i+1)*60_000 })
	bench("duplicate", 1000, func(int) int64 { return noon })
	bench("late", 1000, func(i int) int64 { return noon - int64(i+1)*60_000 })
}
