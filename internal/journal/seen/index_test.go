package seen_test

import (
	"fmt"
	"log/slog"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"ganlin/devices"
	"ganlin/internal/journal/seen"
)

const (
	hour = 60 * 60 * 1000
	day  = 24 * hour
	noon = 1_783_000_000_000 // 2026-07-02
)

// A model is the rule of the contract by brute force: it keeps everything and searches it all.
type model struct {
	values  map[series]bool
	untimed []seen.Reading
	last    map[devices.DeviceID]int64
	seq     map[devices.DeviceID]int64
}

type series struct {
	device devices.DeviceID
	key    devices.Key
	at     int64
}

func newModel() *model {
	return &model{values: map[series]bool{}, last: map[devices.DeviceID]int64{}, seq: map[devices.DeviceID]int64{}}
}

// judge returns the instant and which values are duplicates.
func (m *model) judge(r seen.Reading) (int64, []bool, bool) {
	duplicate := make([]bool, len(r.Values))
	unidentified := false
	if r.Timed {
		for i, v := range r.Values {
			duplicate[i] = m.values[series{r.Device, v.Key, r.At}]
		}
	} else {
		unidentified = !r.HasSeq && len(r.Values) > 0
		for _, old := range m.untimed {
			if r.HasSeq && old.Device == r.Device && old.Seq == r.Seq && slices.Equal(old.Values, r.Values) &&
				old.Received-r.Received <= day && r.Received-old.Received <= day {
				for i := range duplicate {
					duplicate[i] = true
				}
			}
		}
		if !slices.Contains(duplicate, true) {
			r.At = r.Received
			if last, ok := m.last[r.Device]; ok {
				r.At = max(r.At, last+1)
			}
			if r.HasSeq && len(r.Values) > 0 {
				m.untimed = append(m.untimed, r)
			}
		}
	}
	for i, v := range r.Values {
		if !duplicate[i] {
			m.values[series{r.Device, v.Key, r.At}] = true
			m.last[r.Device] = max(r.At, m.lastOf(r.Device))
		}
	}
	if r.HasSeq {
		highest, ok := m.seq[r.Device]
		if !ok || r.Seq > highest {
			m.seq[r.Device] = r.Seq
		}
	}
	return r.At, duplicate, unidentified
}

func (m *model) lastOf(id devices.DeviceID) int64 {
	if last, ok := m.last[id]; ok {
		return last
	}
	return math.MinInt64
}

func (m *model) clone() *model {
	c := &model{values: maps.Clone(m.values), last: maps.Clone(m.last), seq: maps.Clone(m.seq), untimed: slices.Clone(m.untimed)}
	return c
}

var keys = []devices.Key{
	{Quantity: devices.SoilMoisture, DepthCM: "20"},
	{Quantity: devices.SoilMoisture, DepthCM: "40"},
	{Quantity: devices.SoilMoisture, DepthCM: "40", Channel: "2"},
	{Quantity: devices.BatteryVoltage},
}

func drawReading(t *rapid.T, now int64) seen.Reading {
	r := seen.Reading{
		Device:   devices.DeviceID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "device")),
		Received: now + rapid.Int64Range(-3, 3).Draw(t, "jitter"),
		Timed:    rapid.Bool().Draw(t, "timed"),
		HasSeq:   rapid.Bool().Draw(t, "has seq"),
	}
	if r.HasSeq {
		r.Seq = rapid.Int64Range(-1, 6).Draw(t, "seq")
	}
	if r.Timed {
		r.At = now + rapid.SampledFrom([]int64{0, 0, 1, 5 * 60_000, -1, -hour, -day, -7 * day, -30 * day}).Draw(t, "at") + rapid.Int64Range(0, 2).Draw(t, "ms")
	}
	for _, k := range keys {
		if rapid.Bool().Draw(t, k.String()) {
			r.Values = append(r.Values, seen.Value{Key: k, Number: float64(rapid.IntRange(0, 1).Draw(t, "value"))})
		}
	}
	return r
}

// A subject is an index with the journal that it follows.
type subject struct {
	t      *rapid.T
	dir    string
	budget int
	index  *seen.Index
	log    []seen.Reading // as the journal has them: with their instants, new values only
	fault  fault
}

// A fault is what a control gets wrong around the index.
type fault string

const (
	noFault         fault = "none"
	forgetsRollback fault = "what was not written is kept"
	skipsReplay     fault = "what is newer than the file is not replayed"
)

func (s *subject) open(from string) {
	index, position, err := seen.Open(s.t.Context(), filepath.Join(s.dir, "seen.db"), s.budget, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	s.index = index
	start := 0
	if position != "" {
		if start, err = strconv.Atoi(position); err != nil {
			s.t.Fatal(err)
		}
	}
	if from == "scratch" {
		if err := index.Reset(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		start = 0
	}
	if s.fault == skipsReplay {
		start = len(s.log)
	}
	for _, r := range s.log[start:] {
		if err := index.Replay(s.t.Context(), &r); err != nil {
			s.t.Fatal(err)
		}
	}
	index.Commit()
}

func (s *subject) save() {
	if err := s.index.Save(s.t.Context(), s.index.Snapshot(strconv.Itoa(len(s.log)))); err != nil {
		s.t.Fatal(err)
	}
}

// group judges readings together, compares with the model and keeps them or
// not. It returns the model then, or where the index differs from it.
func (s *subject) group(m *model, readings []seen.Reading, keep bool) (*model, error) {
	after := m.clone()
	var log []seen.Reading
	for _, r := range readings {
		wantAt, wantDuplicate, wantUnidentified := after.judge(r)
		v, err := s.index.Judge(s.t.Context(), &r)
		if err != nil {
			s.t.Fatal(err)
		}
		got := fmt.Sprint(v.Duplicate, v.Unidentified)
		want := fmt.Sprint(wantDuplicate, wantUnidentified)
		if v.Duplicates < len(r.Values) || r.Timed {
			got, want = fmt.Sprint(got, r.At), fmt.Sprint(want, wantAt)
		}
		if got != want {
			return m, fmt.Errorf("%+v: got %s, want %s", r, got, want)
		}
		values := r.Values
		r.Values = nil
		for i, value := range values {
			if !v.Duplicate[i] {
				r.Values = append(r.Values, value)
			}
		}
		log = append(log, r)
	}
	if !keep {
		if s.fault != forgetsRollback {
			s.index.Rollback()
		}
		return m, nil
	}
	s.index.Commit()
	s.log = append(s.log, log...)
	return after, nil
}

// follow does to an index what a journal may do, and returns where it first differs from the model.
func follow(t *rapid.T, f fault) error {
	dir, remove := tempDir(t)
	defer remove()
	s := &subject{t: t, dir: dir, budget: rapid.SampledFrom([]int{0, 1500, 1 << 20}).Draw(t, "budget"), fault: f}
	s.open("file")
	defer func() { s.close() }()
	m := newModel()
	now := int64(noon)
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		now += rapid.SampledFrom([]int64{0, 1, 1000, hour, 13 * hour, day}).Draw(t, "later")
		switch do := rapid.SampledFrom([]string{"keep", "keep", "keep", "roll back", "save", "save", "save", "reopen", "rebuild"}).Draw(t, "do"); do {
		case "keep", "roll back":
			readings := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) seen.Reading { return drawReading(t, now) }), 1, 5).Draw(t, "readings")
			var err error
			if m, err = s.group(m, readings, do == "keep"); err != nil {
				return err
			}
		case "save":
			s.save()
		case "reopen":
			s.close()
			s.open("file")
		case "rebuild":
			s.close()
			s.open("scratch")
		}
	}
	for _, id := range []devices.DeviceID{"a", "b", "c"} {
		got, ok, err := s.index.HighestSeq(t.Context(), id)
		want, wantOK := m.seq[id]
		if err != nil {
			return err
		}
		if ok != wantOK || ok && got != want {
			return fmt.Errorf("highest seq of %s: got %d %v, want %d %v", id, got, ok, want, wantOK)
		}
	}
	return nil
}

func TestIndexIsTheRuleByBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if err := follow(t, noFault); err != nil {
			t.Fatal(err)
		}
	})
}

// The controls use the index wrongly; the same check must see it.
func TestWrongUseOfTheIndexIsSeen(t *testing.T) {
	for _, f := range []fault{forgetsRollback, skipsReplay} {
		t.Run(string(f), func(t *testing.T) {
			const most = 200
			for seed := range most {
				if err := rapid.Custom(func(t *rapid.T) []error { return []error{follow(t, f)} }).Example(seed)[0]; err != nil {
					t.Logf("seen in run %d: %v", seed+1, err)
					return
				}
			}
			t.Errorf("%d runs saw nothing", most)
		})
	}
}
