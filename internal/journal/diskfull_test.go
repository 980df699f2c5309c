package journal_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"ganlin/ingest"
	"ganlin/internal/journal"
)

const smallDisk = "GANLIN_JOURNAL_SMALL_DISK" // a folder on a disk of 16 MiB

// A disk that fills up costs nothing that was acknowledged. When there is room
// again the journal goes on after Reopen.
func TestDiskFull(t *testing.T) {
	dir := os.Getenv(smallDisk)
	if dir == "" {
		onSmallDisk(t)
		return
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	n := newNode(t, dir, func(o *journal.Options) { o.AckTimeout = time.Second })
	big := func(s int) []ingest.Decoded {
		m := message("a", s)
		m.Dead = []ingest.DeadLetter{{Reason: ingest.BadJSON, Payload: make([]byte, 200<<10), Part: true}}
		return []ingest.Decoded{m}
	}
	taken := 0
	for ; ; taken++ {
		if err := n.journal.Append(t.Context(), big(taken)); err != nil {
			if !errors.Is(err, ingest.ErrRefused) {
				t.Fatal(err)
			}
			break
		}
	}
	n.awaitFailure(t)
	n.refuses(t, big(taken)[0])
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	n.reopen(t)
	n.append(t, big(taken)...)
	values := 0
	for _, r := range n.read(t, journal.Position{}) {
		values += r.Values()
	}
	if c := n.journal.Counters(); values != taken+1 || c.Duplicate != 0 || len(n.journal.State().Losses) != 0 {
		t.Errorf("%d values of %d messages, counters %+v, losses %v", values, taken+1, c, n.journal.State().Losses)
	}
	t.Logf("0 of %d missing", taken+1)
}

// onSmallDisk runs the test that calls it again, on a small disk of its own.
func onSmallDisk(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	const script = `mount -t tmpfs -o size=16m none "$0" || exit 99; exec "$1" -test.v "-test.run=^$2\$"`
	child := exec.CommandContext(t.Context(), "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, dir, os.Args[0], t.Name())
	child.Env = append(os.Environ(), smallDisk+"="+dir)
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 99 || err != nil && !errors.As(err, &exit) {
		t.Skipf("NOT TESTED: no small disk can be made here: %v\n%s", err, out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
