package influx_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ganlin/internal/influx"
	"ganlin/internal/influx/influxd"
	"ganlin/internal/influx/influxtest"
)

// long reports whether the long form of a test is asked for.
func long() bool { return os.Getenv("GANLIN_LONG") != "" }

func signal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatalf("sending %v to influxd: %v", s, err)
	}
}

// batch is the i-th batch of 200 lines of a series of its own.
func batch(name string, i int) []influx.Line {
	lines := make([]influx.Line, 200)
	for l := range lines {
		lines[l] = influx.Line{Text: fmt.Appendf(nil, "soil,device=%s soil_moisture=0.2 %d", name, base+i*len(lines)+l), Values: 1}
	}
	return lines
}

// until polls for a condition, with a bound that only a fault reaches.
func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for begun := time.Now(); !reached(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("not reached within a minute: %s", what)
		}
	}
}

// The database is killed while it is written to. It is back by itself, and
// nothing that was acknowledged is missing. The control tries once, as a
// writer without this package would, and loses.
func TestKilledUnderWriting(t *testing.T) {
	kills := 2
	if long() {
		kills = 6
	}
	dir := t.TempDir()
	child := influxtest.StartIn(t, dir)
	w := influx.NewWriter(influx.WriterOptions{Endpoint: child.Endpoint, Logger: slog.New(slog.DiscardHandler)})
	defer w.Close()

	var stored, lost atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	writers.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			r, err := w.Write(t.Context(), batch("kept", n))
			if err != nil || len(r.Dead) != 0 {
				t.Errorf("batch %d: %+v, %v", n, r, err)
				return
			}
			stored.Add(int64(r.Stored))
		}
	})
	writers.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			if err := tryOnce(t.Context(), child.Endpoint(), batch("control", n)); err != nil {
				lost.Add(200)
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	for range kills {
		before := stored.Load()
		until(t, "ten batches are stored", func() bool { return stored.Load() >= before+2000 })
		signal(t, influxtest.PID(t, dir), syscall.SIGKILL)
	}
	after := stored.Load()
	until(t, "it is written to again", func() bool { return stored.Load() >= after+2000 })
	cancel()
	writers.Wait()

	series, err := newClient(t, child.Endpoint()).Query(t.Context(), `SELECT count("soil_moisture") FROM "soil" WHERE "device" = 'kept'`)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(series[0].Values[0][1]); got != fmt.Sprint(stored.Load()) {
		t.Errorf("%s values are stored, %d were acknowledged", got, stored.Load())
	}
	if lost.Load() == 0 {
		t.Error("the control lost nothing: the kills were not felt")
	}
	t.Logf("%d kills, %d values acknowledged and stored; the control lost %d", kills, stored.Load(), lost.Load())
}

// tryOnce writes without trying again, as the control.
func tryOnce(ctx context.Context, e influx.Endpoint, lines []influx.Line) error {
	var body []string
	for _, l := range lines {
		body = append(body, string(l.Text))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL+"/api/v2/write?precision=ms&bucket="+e.Bucket, strings.NewReader(strings.Join(body, "\n")))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Token "+e.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return errors.New(resp.Status)
	}
	return nil
}

// frozen reports whether all threads of a process are stopped: some run on for
// a moment after the signal.
func frozen(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if stat, err := os.ReadFile(thread); err == nil && !strings.Contains(string(stat), ") T ") {
			return false
		}
	}
	return len(threads) > 0
}

// The database is frozen and thawed: it is not killed, and all arrives.
func TestFrozenDatabase(t *testing.T) {
	dir := t.TempDir()
	child := influxtest.StartIn(t, dir)
	w := influx.NewWriter(influx.WriterOptions{Endpoint: child.Endpoint, Logger: slog.New(slog.DiscardHandler)})
	defer w.Close()
	mustWrite(t, w, batch("a", 0))
	pid := influxtest.PID(t, dir)
	signal(t, pid, syscall.SIGSTOP)
	thawed := false
	defer func() {
		if !thawed {
			signal(t, pid, syscall.SIGCONT)
		}
	}()
	until(t, "every thread stands still", func() bool { return frozen(t, pid) })
	done := writing(t.Context(), w, batch("a", 1))
	until(t, "the silence is noticed", func() bool { return child.State().Phase == influxd.Down })
	if long() { // the writer loses its first patience
		until(t, "the writer has given up once", func() bool { return w.State().Condition == influx.Retrying })
	}
	untouched(t, done)
	signal(t, pid, syscall.SIGCONT)
	thawed = true
	begun := time.Now()
	if r := <-done; r.Stored != 200 {
		t.Errorf("got %+v, want 200 stored", r)
	}
	t.Logf("it took %s after the thaw", time.Since(begun))
	if now := influxtest.PID(t, dir); now != pid {
		t.Errorf("the frozen process %d was replaced by %d", pid, now)
	}
	if got := values(t, child.Endpoint()); got != 400 {
		t.Errorf("%d values are stored, want 400", got)
	}
}

// The form user:password of a token works on both addresses of 1.8.10; no
// token and a wrong one do not.
func TestTokenReal(t *testing.T) {
	e := influxtest.Start(t)
	for _, c := range []struct {
		token string
		want  int
	}{{e.Token, http.StatusNoContent}, {"", http.StatusUnauthorized}, {"ganlin:wrong", http.StatusUnauthorized}} {
		with := e
		with.Token = c.token
		if status, text := rawWrite(t, with, "ms", string(goodLines(1)[0].Text)); status != c.want {
			t.Errorf("writing with the token answers %d %s, want %d", status, text, c.want)
		}
		_, err := newClient(t, with).Query(t.Context(), `SELECT * FROM "soil"`)
		if refusal, ok := errors.AsType[*influx.StatusError](err); ok != (c.want == http.StatusUnauthorized) || (ok && refusal.Status != c.want) {
			t.Errorf("asking with the token answers %v, want %d", err, c.want)
		}
	}
}

// The answers of the real database that stop a writer, and the one it needs none for.
func TestAnswersOfTheRealDatabase(t *testing.T) {
	e := influxtest.Start(t)
	line := string(goodLines(1)[0].Text)
	nowhere := e
	nowhere.Bucket = "nowhere"
	if status, text := rawWrite(t, nowhere, "ms", line); status != http.StatusNotFound {
		t.Errorf("an unknown database answers %d %s", status, text)
	}
	if status, text := rawWrite(t, e, "fortnight", line); status != http.StatusBadRequest || !strings.Contains(text, "invalid precision") {
		t.Errorf("an unknown precision answers %d %s", status, text)
	}
	if status, text := rawWrite(t, e, "ms", strings.Repeat(line+"\n", 26_000_000/len(line))); status != http.StatusRequestEntityTooLarge {
		t.Errorf("26 MB answer %d %s", status, text)
	}
}
