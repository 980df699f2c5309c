package influx_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ganlin/internal/influx"
	"ganlin/internal/influx/influxtest"
)

// watched runs a writer without any Write, in a bubble, until the test ends.
func watched(t *testing.T, fake *influxtest.Fake) *influx.Writer {
	t.Helper()
	w := bubbled(t, fake)
	running(t, w)
	return w
}

func running(t *testing.T, w *influx.Writer) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

// within waits in fake time until the state is as wanted, and fails when that takes longer.
func within(t *testing.T, limit time.Duration, w *influx.Writer, want influx.Condition) influx.State {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		synctest.Wait()
		s := w.State()
		if s.Condition == want {
			return s
		}
		if time.Since(begun) > limit {
			t.Fatalf("after %s the state is %+v, want %s", limit, s, want)
		}
	}
}

// Nobody writes. The writer has proved nothing and says so, until a point was
// written and read back.
func TestStartIsProvedWithoutLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &influxtest.Fake{Dialect: influxtest.V18}
		w := bubbled(t, fake)
		if s := w.State(); s.Condition != influx.Starting || s.Why == "" {
			t.Errorf("the state is %+v before anything was tried, want starting with a reason", s)
		}
		running(t, w)
		within(t, time.Second, w, influx.OK)
		if all, _ := fake.Requests(); len(all) != 1 {
			t.Errorf("%d requests, want the probe alone", len(all))
		}
	})
}

// Each way in which a database can be out of reach at the start, without load.
func TestStartWithoutDatabaseAndLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &dialError{next: influxtest.Pipe(t, &influxtest.Fake{Dialect: influxtest.V18})}
		w := overTransport(t, network)
		running(t, w)
		if s := within(t, time.Second, w, influx.Retrying); !strings.Contains(s.Why, "connection refused") {
			t.Errorf("the state is %+v", s)
		}
		network.mended.Store(true)
		within(t, 15*time.Second, w, influx.OK)
	})
	synctest.Test(t, func(t *testing.T) {
		w := watched(t, &influxtest.Fake{Dialect: influxtest.V18, WrongPrecision: true})
		if s := within(t, time.Second, w, influx.Stopped); !strings.Contains(s.Why, "precision") {
			t.Errorf("the state is %+v", s)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := watched(t, &influxtest.Fake{Dialect: influxtest.V27, Token: "another"})
		if s := within(t, time.Second, w, influx.Stopped); !strings.Contains(s.Why, "401") {
			t.Errorf("the state is %+v", s)
		}
	})
	synctest.Test(t, func(t *testing.T) { // a local one that is being built
		at := influx.Endpoint{}
		w := influx.NewWriter(influx.WriterOptions{Endpoint: func() influx.Endpoint { return at }, Logger: slog.New(slog.DiscardHandler)})
		t.Cleanup(w.Close)
		running(t, w)
		time.Sleep(time.Minute)
		if s := w.State(); s.Condition != influx.Starting || s.Why == "" {
			t.Errorf("the state is %+v, want starting with a reason", s)
		}
	})
}

// The database dies in a quiet hour: that is known within seconds, and that it
// is back too, however it was away.
func TestOutageWithoutLoad(t *testing.T) {
	for name, c := range map[string]struct {
		step influxtest.Step
		want influx.Condition
		back time.Duration // at most, from mending to ok
	}{
		"refuses":             {influxtest.Step{Status: 503}, influx.Retrying, 15 * time.Second},
		"cut":                 {influxtest.Step{Reset: true}, influx.Retrying, 15 * time.Second},
		"silent":              {influxtest.Step{Hang: true}, influx.Retrying, 6 * time.Minute},
		"revoked":             {influxtest.Step{Status: 401, Text: "unauthorized access"}, influx.Stopped, 30 * time.Second},
		"refuses a good line": {influxtest.Step{Status: 400, Text: "unable to parse 'x': missing fields"}, influx.Stopped, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var away atomic.Bool
				fake := &influxtest.Fake{Dialect: influxtest.V18, Script: func(int) influxtest.Step {
					if away.Load() {
						return c.step
					}
					return influxtest.Step{}
				}}
				w := watched(t, fake)
				within(t, time.Second, w, influx.OK)
				time.Sleep(time.Hour)
				if s := w.State(); s.Condition != influx.OK {
					t.Fatalf("the state is %+v in a quiet hour", s)
				}
				if points := len(fake.Points()); points > 8 {
					t.Errorf("looking left %d points in an hour", points)
				}
				away.Store(true)
				within(t, 10*time.Second, w, c.want)
				away.Store(false)
				within(t, c.back, w, influx.OK)
			})
		})
	}
}

// While there is load nobody looks beside it, and a Write does not wait for one
// who looks longer than the database does.
func TestLoadIsNotLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &influxtest.Fake{Dialect: influxtest.V18}
		w := watched(t, fake)
		within(t, time.Second, w, influx.OK)
		const writes = 100
		for range writes {
			mustWrite(t, w, goodLines(10))
			time.Sleep(time.Second)
		}
		all, mostOpen := fake.Requests()
		if len(all) != 1+writes || mostOpen != 1 {
			t.Errorf("%d requests, up to %d at once; want the probe and %d writes, one at a time", len(all), mostOpen, writes)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var mended atomic.Bool
		fake := &influxtest.Fake{Dialect: influxtest.V18, Script: failing(0, influxtest.Step{Status: 503}, &mended)}
		w := watched(t, fake)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := w.Write(ctx, goodLines(1)); err == nil {
			t.Error("a write beside one who waits for the database does not end with its context")
		}
		done := writing(t.Context(), w, goodLines(10))
		mended.Store(true)
		if r := <-done; r.Stored != 10 {
			t.Errorf("got %+v, want 10 stored", r)
		}
	})
}
