package journal_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"ganlin/ingest"
	"ganlin/internal/journal"
)

const (
	childDir    = "GANLIN_JOURNAL_CHILD"  // the folder of the child's journal
	childFirst  = "GANLIN_JOURNAL_FIRST"  // the first message that it appends
	childAnswer = "GANLIN_JOURNAL_ANSWER" // when it says so: after or before the journal
	groupSize   = 3                       // messages
	killAfter   = 120 * time.Millisecond  // of appending, at most
)

// TestChild is no test: it appends groups until it is killed, and prints the
// number of each message that the journal has taken.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("runs in a process of its own only")
	}
	first, err := strconv.Atoi(os.Getenv(childFirst))
	if err != nil {
		t.Fatal(err)
	}
	n := newNode(t, dir, nil)
	for i := first; ; i += groupSize {
		var batch []ingest.Decoded
		answer := ""
		for k := range groupSize {
			batch = append(batch, message("a", i+k, probeQuantities...))
			answer += fmt.Sprintln("taken", i+k)
		}
		if os.Getenv(childAnswer) == "before" {
			os.Stdout.WriteString(answer)
		}
		n.append(t, batch...)
		if os.Getenv(childAnswer) == "after" {
			os.Stdout.WriteString(answer)
		}
	}
}

// killChild lets a child append and kills it. It returns the last message that
// the child said was taken.
func killChild(t *testing.T, dir string, first int, answer string) (last int) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), childDir+"="+dir, childFirst+"="+strconv.Itoa(first), childAnswer+"="+answer)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	last = first - 1
	var killer *time.Timer
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := fmt.Sscanf(lines.Text(), "taken %d", &last); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		if killer == nil {
			killer = time.AfterFunc(rand.N(killAfter), func() { child.Process.Kill() })
		}
	}
	return last
}

// missing counts the messages up to last that are not in the journal.
func missing(t *testing.T, dir string, last int) (missing int) {
	t.Helper()
	n := newNode(t, dir, nil)
	there := map[int64]int{}
	for _, r := range n.read(t, journal.Position{}) {
		for f := range r.Facts() {
			there[int64(f.At.Sub(start)/time.Second)]++
		}
	}
	for i := range last + 1 {
		switch there[int64(i)] {
		case 0:
			missing++
		case len(probeQuantities):
		default:
			t.Errorf("message %d has %d values", i, there[int64(i)])
		}
	}
	c := n.journal.Counters()
	if losses := n.journal.State().Losses; len(losses) != 0 {
		t.Errorf("losses %v", losses)
	}
	if want := int64(len(there)); c.Received < want || c.Values != c.Received*int64(len(probeQuantities)) || c.Values-c.Duplicate != want*int64(len(probeQuantities)) {
		t.Errorf("counters %+v do not add up with %d messages", c, want)
	}
	n.close(t)
	return missing
}

// What was taken before a kill -9 is there after it, and the counters with it.
func TestKilledProcess(t *testing.T) {
	kills := 5
	if os.Getenv("GANLIN_LONG") != "" {
		kills = 50
	}
	dir := t.TempDir()
	last := -1
	for range kills {
		last = killChild(t, dir, last+1, "after")
		if n := missing(t, dir, last); n != 0 {
			t.Fatalf("%d of %d messages are missing", n, last+1)
		}
	}
	t.Logf("0 of %d messages missing after %d kills", last+1, kills)
}

// The control: a process that answers first loses what it has answered.
func TestKilledProcessThatAnswersFirst(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		if n := missing(t, dir, killChild(t, dir, 0, "before")); n > 0 {
			return
		}
	}
	t.Error("nothing is missing after 20 kills: the test of kills shows nothing")
}
