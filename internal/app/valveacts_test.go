package app

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
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
