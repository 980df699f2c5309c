package app

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/journal"
	"ganlin/internal/now"
)

// TestManyOpenOneValve has many persons open a valve of a whole program on the
// wall clock at about the same time, and again when it has closed: each time one
// is told that it opens, the others are told why not, and the valve opens once.
func TestManyOpenOneValve(t *testing.T) {
	t.Parallel()
	y := newYard(t, t.TempDir(), 1, nil)
	d := y.valves[0]
	for round := 1; round <= 3; round++ {
		waitFor(t, 20*time.Second, "the valve to be closed, and nothing on its way", func() (bool, string) {
			kept, ok := y.program.valves.Reserve("v-1")
			if ok {
				kept.Release()
			}
			return ok && y.state("v-1") == devices.Closed, y.log.tail()
		})
		var all sync.WaitGroup
		answers := make(chan string, 60)
		start := make(chan struct{})
		for i := range 30 {
			all.Go(func() {
				<-start
				for range 2 { // and when that one has answered once more
					status, text := y.post("/valves/v-1/open", map[string]int{"duration_s": 600 + i})
					switch {
					case status == http.StatusAccepted:
						answers <- "opens"
					case status == http.StatusConflict && (strings.Contains(text, "on its way") || strings.Contains(text, "close it first")):
						answers <- "refused"
					default:
						t.Errorf("an opening answers %d %s", status, text)
					}
				}
			})
		}
		close(start)
		all.Wait()
		close(answers)
		n := map[string]int{}
		for a := range answers {
			n[a]++
		}
		if n["opens"] != 1 || n["refused"] != 59 {
			t.Errorf("round %d: %v", round, n)
		}
		waitFor(t, 20*time.Second, "water", func() (bool, string) { return y.state("v-1") == devices.Opened, y.log.tail() })
		if got := len(d.Openings()); got != round {
			t.Errorf("the valve opened %d times in %d rounds", got, round)
		}
		if status, text := y.post("/valves/v-1/open", map[string]int{"duration_s": 60}); status != http.StatusConflict || !strings.Contains(text, "close it first") {
			t.Errorf("an opening of an open valve answers %d %s", status, text)
		}
		if status, text := y.post("/valves/v-1/close", nil); status != http.StatusAccepted {
			t.Errorf("a close answers %d %s", status, text)
		}
	}
	if ignored, repeated := d.Counts().Ignored, y.program.valves.Stats().Repeated; ignored > repeated {
		t.Errorf("the valve was sent %d commands that it had to ignore, and only %d of them again", ignored, repeated)
	}
}

// TestAValveAwayFromAForeignBroker takes a valve behind Mosquitto off the air: its
// last will says so, nothing is sent to nobody, and what it was to do reaches it
// once, as soon as its status says that it is back.
func TestAValveAwayFromAForeignBroker(t *testing.T) {
	t.Parallel()
	y := newYardOver(t, mosquitto(t), t.TempDir(), 1, nil)
	d := y.valves[0]
	online := func(want now.Online) {
		t.Helper()
		waitFor(t, 30*time.Second, fmt.Sprint("its status to be ", want), func() (bool, string) {
			seen, known := y.now.Snapshot().Device("v-1")
			return known && seen.Online == want, fmt.Sprintf("%+v", seen)
		})
	}
	online(now.IsOnline)
	waitFor(t, 20*time.Second, "nothing to be on its way", func() (bool, string) {
		return y.program.valves.Stats().Pending == 0, y.log.tail()
	})
	d.SetRadio(false)
	online(now.IsOffline)
	before := y.program.valves.Stats()
	if status, text := y.post("/valves/v-1/open", map[string]int{"duration_s": 600}); status != http.StatusAccepted {
		t.Fatalf("an opening answers %d %s", status, text)
	}
	waitFor(t, 20*time.Second, "the opening to wait", func() (bool, string) {
		return strings.Contains(y.log.String(), "a valve cannot be reached, what it is to do waits"), y.log.tail()
	})
	d.SetRadio(true)
	waitFor(t, 40*time.Second, "water", func() (bool, string) { return len(d.Openings()) == 1, y.log.tail() })
	if after := y.program.valves.Stats(); after.Sent != before.Sent+1 || after.Repeated != before.Repeated {
		t.Errorf("it was sent %d times and repeated %d times", after.Sent-before.Sent, after.Repeated-before.Repeated)
	}
}

// TestAnOpeningIsInTheJournalFirst: one that is cut short before the records know
// of it is known to the rules, and is not sent, also not by the next start.
func TestAnOpeningIsInTheJournalFirst(t *testing.T) {
	folder := t.TempDir()
	s := openStill(t, folder, nil)
	at := time.Now().UTC().Truncate(time.Millisecond)
	command := devices.Command{ID: "person-v-1-1", Seq: 1, Action: devices.Open, MaxDurationS: 60, ExpiresAt: at.Add(time.Minute)}
	act := devices.Act{ID: command.ID, At: at, Action: devices.OpenAct, By: "operator", Valve: "v-1", Command: &command}
	if err := s.records.Close(); err != nil {
		t.Fatal(err)
	}
	if err := (valveActs{s.program}).keepOpen(t.Context(), act); err == nil {
		t.Error("an opening is kept without records")
	}
	if acts := s.journalled(t, devices.ActFact); len(acts) != 1 || acts[0].Act.ID != act.ID {
		t.Errorf("the rules hear of %+v", acts)
	}
	s.shut()
	s = openStill(t, folder, nil)
	if pending, err := s.records.PendingCommands(t.Context()); err != nil || len(pending) > 0 {
		t.Errorf("to be sent are %+v, %v", pending, err)
	}
}

// journalled returns the facts of a kind that are in the journal.
func (s still) journalled(t *testing.T, kind devices.FactKind) (all []devices.Fact) {
	t.Helper()
	end := s.journal.State().End
	over := errors.New("over")
	if err := s.journal.Follow(t.Context(), journal.Position{}, func(r *journal.Record) error {
		all = slices.AppendSeq(all, r.FactsOf(kind))
		if r.Position().Sequence >= end.Sequence {
			return over
		}
		return nil
	}); !errors.Is(err, over) {
		t.Fatal(err)
	}
	return all
}
