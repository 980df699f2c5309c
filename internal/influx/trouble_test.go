package influx_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ganlin/internal/influx"
	"ganlin/internal/influx/influxtest"

	"github.com/google/go-cmp/cmp"
)

// The tests of this file run in fake time over pipes: an outage of ten minutes
// takes no time, and every pause is exact.

// bubbled returns a writer whose database is the fake behind a pipe.
func bubbled(t *testing.T, fake *influxtest.Fake) *influx.Writer {
	t.Helper()
	return overTransport(t, influxtest.Pipe(t, fake))
}

func overTransport(t *testing.T, transport http.RoundTripper) *influx.Writer {
	t.Helper()
	e := influx.Endpoint{URL: "http://influx.invalid", Org: "ganlin", Bucket: "ganlin", Token: "t"}
	w := influx.NewWriter(influx.WriterOptions{Endpoint: e.Fixed(), Logger: slog.New(slog.DiscardHandler), Transport: transport})
	t.Cleanup(w.Close)
	return w
}

// writing writes in the background; the channel gives the result.
func writing(ctx context.Context, w *influx.Writer, lines []influx.Line) <-chan influx.Result {
	done := make(chan influx.Result, 1)
	go func() {
		defer close(done)
		if r, err := w.Write(ctx, lines); err == nil {
			done <- r
		}
	}()
	return done
}

// untouched fails when the write has ended.
func untouched(t *testing.T, done <-chan influx.Result) {
	t.Helper()
	select {
	case r, ok := <-done:
		t.Fatalf("the write ended (%t) with %+v", ok, r)
	default:
	}
}

// failing lets the fake answer some requests by its model and then does step
// until mended.
func failing(after int, step influxtest.Step, mended *atomic.Bool) func(int) influxtest.Step {
	return func(n int) influxtest.Step {
		if n <= after || mended.Load() {
			return influxtest.Step{}
		}
		return step
	}
}

// What a database that is away answers, and a network that is.
func TestAwayForTenMinutes(t *testing.T) {
	for name, step := range map[string]influxtest.Step{
		"500":   {Status: 500, Text: "engine: cache-max-memory-size exceeded"},
		"503":   {Status: 503},
		"502":   {Status: 502, Text: "<html>Bad Gateway</html>"},
		"429":   {Status: 429},
		"408":   {Status: 408},
		"hang":  {Hang: true},
		"reset": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mended atomic.Bool
				fake := &influxtest.Fake{Dialect: influxtest.V18, Script: failing(1, step, &mended)}
				w := bubbled(t, fake)
				done := writing(t.Context(), w, goodLines(100))
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				untouched(t, done)
				if s := w.State(); s.Condition != influx.Retrying || s.Why == "" {
					t.Errorf("the state is %+v, want retrying with a reason", s)
				}
				all, mostOpen := fake.Requests()
				if mostOpen != 1 || len(all) > 70 {
					t.Errorf("%d requests, up to %d at once: want few, and one at a time", len(all), mostOpen)
				}
				mended.Store(true)
				begun := time.Now()
				r, ok := <-done
				if !ok || r.Stored != 100 || len(r.Dead) != 0 {
					t.Errorf("got %+v, want all 100 stored", r)
				}
				if took := time.Since(begun); !step.Hang && took > 15*time.Second {
					t.Errorf("it took %s after the database was back", took)
				}
				if s := w.State(); s.Condition != influx.OK {
					t.Errorf("the state is %+v, want ok", s)
				}
			})
		})
	}
}

// dialError is a transport that reaches nothing until mended.
type dialError struct {
	mended atomic.Bool
	next   http.RoundTripper
}

func (d *dialError) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.mended.Load() {
		return d.next.RoundTrip(r)
	}
	return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
}

func TestRefusedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &influxtest.Fake{Dialect: influxtest.V18}
		network := &dialError{next: influxtest.Pipe(t, fake)}
		w := overTransport(t, network)
		done := writing(t.Context(), w, goodLines(100))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		untouched(t, done)
		if s := w.State(); s.Condition != influx.Retrying || !strings.Contains(s.Why, "connection refused") || time.Since(s.Since) != 10*time.Minute {
			t.Errorf("the state is %+v, want retrying for 10 minutes", s)
		}
		network.mended.Store(true)
		w.Kick() // the database is said to be back: no more waiting
		begun := time.Now()
		if r := <-done; r.Stored != 100 || time.Since(begun) != 0 {
			t.Errorf("got %+v after %s, want all at once", r, time.Since(begun))
		}
	})
}

// Retry-After is honoured to a tenth: never earlier, hardly later, and capped.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		header   string
		from, to time.Duration
	}{
		{"7", 7 * time.Second, 7700 * time.Millisecond},
		{"120", 120 * time.Second, 132 * time.Second},
		{"86400", 10 * time.Minute, 11 * time.Minute},
		{"Wed, 21 Oct 2099 07:28:00 GMT", 0, 250 * time.Millisecond}, // dates count as absent
		{"-3", 0, 250 * time.Millisecond},
		{"soon", 0, 250 * time.Millisecond},
	} {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprintf("%d %s", status, c.header), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					fake := &influxtest.Fake{Dialect: influxtest.V27, Script: func(n int) influxtest.Step {
						if n == 2 { // the probe was the first
							return influxtest.Step{Status: status, RetryAfter: c.header}
						}
						return influxtest.Step{}
					}}
					mustWrite(t, bubbled(t, fake), goodLines(3))
					all, _ := fake.Requests()
					if waited := all[2].At.Sub(all[1].At); waited < c.from || waited > c.to {
						t.Errorf("it waited %s, want between %s and %s", waited, c.from, c.to)
					}
				})
			})
		}
	}
}

// What only a person can mend stops the writer; nothing is dropped, it tries
// twice a minute, and goes on when it is mended.
func TestStops(t *testing.T) {
	for name, step := range map[string]influxtest.Step{
		"401":             {Status: 401, Text: "unauthorized access"},
		"403":             {Status: 403, Text: "insufficient permissions for write"},
		"404":             {Status: 404, Text: `database not found: "ganlin"`},
		"409":             {Status: 409},
		"unknown 400":     {Status: 400, Text: "something nobody has seen"},
		"precision 400":   {Status: 400, Text: `invalid precision "x" (use ns, us, ms or s)`},
		"series 400":      {Status: 400, Text: "partial write: max-series-per-database limit exceeded: (1000000) dropped=3"},
		"unknown 422":     {Status: 422, Text: "partial write: something nobody has seen dropped=3"},
		"broken gzip 500": {Status: 500, Text: "unexpected error: gzip: invalid header"},
		"redirect":        {Status: 301},
		"200 of a portal": {Status: 200, Text: "<html>Please log in</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mended atomic.Bool
				fake := &influxtest.Fake{Dialect: influxtest.V27, Script: failing(1, step, &mended)}
				w := bubbled(t, fake)
				done := writing(t.Context(), w, goodLines(100))
				time.Sleep(time.Hour)
				synctest.Wait()
				untouched(t, done)
				s := w.State()
				if s.Condition != influx.Stopped || time.Since(s.Since) != time.Hour ||
					!strings.Contains(s.Why, fmt.Sprint(step.Status)) || (step.Status >= 300 && !strings.Contains(s.Why, step.Text)) {
					t.Errorf("the state is %+v", s)
				}
				if all, _ := fake.Requests(); len(all) != 2+120 {
					t.Errorf("%d requests in an hour, want one every 30 s", len(all))
				}
				mended.Store(true)
				w.Kick()
				begun := time.Now()
				if r := <-done; r.Stored != 100 || len(r.Dead) != 0 || time.Since(begun) != 0 {
					t.Errorf("got %+v after %s, want all 100 stored at once", r, time.Since(begun))
				}
				if s := w.State(); s.Condition != influx.OK || s.Why != "" {
					t.Errorf("the state is %+v, want ok", s)
				}
			})
		})
	}
}

// A committed write whose answer is lost is written again: the points are
// those of a run without faults, and dropping the answer shows in the control.
func TestAnswerLostAfterCommit(t *testing.T) {
	run := func(t *testing.T, share float64) (points map[string]string, requests int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			fake := &influxtest.Fake{Dialect: influxtest.V18, Script: func(n int) influxtest.Step {
				return influxtest.Step{Reset: n > 1 && random.Float64() < share}
			}}
			w := bubbled(t, fake)
			lines := goodLines(2000)
			for i := 0; i < len(lines); i += 20 {
				if r := mustWrite(t, w, lines[i:i+20]); r.Stored != 20 || len(r.Dead) != 0 {
					t.Fatalf("got %+v", r)
				}
			}
			all, _ := fake.Requests()
			requests = len(all)
			points = fake.Points()
			maps.DeleteFunc(points, func(key, _ string) bool { return strings.HasPrefix(key, "ganlin_probe") })
		})
		return points, requests
	}
	clean, few := run(t, 0)
	faulty, many := run(t, 0.2)
	if few != 101 || many < 115 {
		t.Fatalf("%d and %d requests: the faults did not happen", few, many)
	}
	if diff := cmp.Diff(clean, faulty); diff != "" || len(clean) != 2000 {
		t.Errorf("%d points; with faults (-clean +faulty):\n%s", len(clean), diff)
	}
}

// A frozen database is asked again with more patience each time, by one
// request at a time.
func TestHangIsSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &influxtest.Fake{Dialect: influxtest.V18, Script: func(n int) influxtest.Step {
			return influxtest.Step{Hang: n >= 2 && n <= 5}
		}}
		if r := mustWrite(t, bubbled(t, fake), goodLines(10)); r.Stored != 10 {
			t.Errorf("got %+v, want 10 stored", r)
		}
		all, mostOpen := fake.Requests()
		if mostOpen != 1 {
			t.Errorf("up to %d requests at once, want 1", mostOpen)
		}
		for i, least := range []float64{30, 60, 120, 240} {
			if took := all[i+2].At.Sub(all[i+1].At).Seconds(); took < least || took > least+15 {
				t.Errorf("request %d was given up after %.0f s, want about %.0f s", i+2, took, least)
			}
		}
	})
}

// A database that refuses everything as unparsable kills no line: the canary
// is refused too.
func TestCanary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mended atomic.Bool
		fake := &influxtest.Fake{Dialect: influxtest.V18, Script: failing(1, influxtest.Step{Status: 400, Text: "unable to parse 'x': missing fields"}, &mended)}
		w := bubbled(t, fake)
		done := writing(t.Context(), w, goodLines(100))
		time.Sleep(time.Hour)
		synctest.Wait()
		untouched(t, done)
		if s := w.State(); s.Condition != influx.Stopped || !strings.Contains(s.Why, "known to be good") {
			t.Errorf("the state is %+v, want stopped by the canary", s)
		}
		mended.Store(true)
		if r := <-done; r.Stored != 100 || len(r.Dead) != 0 {
			t.Errorf("got %+v, want all 100 stored", r)
		}
	})
}

// More than 1 % dead stops the writer for good: hours do not make it bury
// more. It goes on when the cause is mended.
func TestFloodOfDeadLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &influxtest.Fake{Dialect: influxtest.V18}
		w := bubbled(t, fake)
		mustWrite(t, w, []influx.Line{{Text: fmt.Appendf(nil, `soil,device=a soil_moisture="text" %d`, base), Values: 1}})
		lines := goodLines(1000) // all conflict with the text
		done := writing(t.Context(), w, lines)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		untouched(t, done)
		if s := w.State(); s.Condition != influx.Stopped || !strings.Contains(s.Why, "1 %") || !strings.Contains(s.Why, "field type conflict") {
			t.Errorf("the state is %+v, want stopped by the share of dead lines", s)
		}
		fake.Forget("soil", "soil_moisture")
		r := <-done
		if len(r.Dead) != 20 || r.Stored != 980 {
			t.Errorf("%d dead, %d stored, want 20 and 980", len(r.Dead), r.Stored)
		}
		if s := w.State(); s.Condition != influx.OK {
			t.Errorf("the state is %+v, want ok", s)
		}
	})
}

// Up to 1 % may die, counted over ten minutes.
func TestBearableShareOfDeadLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &influxtest.Fake{Dialect: influxtest.V27}
		w := bubbled(t, fake)
		seed(t, w)
		dead := 0
		for range 30 { // 30 lines of 100 every minute, 1 dead in each
			lines := goodLines(100)
			lines[50] = conflicting.line(50)
			dead += len(mustWrite(t, w, lines).Dead)
			time.Sleep(30 * time.Second)
		}
		if dead != 30 {
			t.Errorf("%d lines are dead, want 30", dead)
		}
	})
}

// A database that takes milliseconds for something else gets no line at all.
func TestWrongPrecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &influxtest.Fake{Dialect: influxtest.V18, WrongPrecision: true}
		w := bubbled(t, fake)
		ctx, cancel := context.WithCancel(t.Context())
		done := writing(ctx, w, goodLines(100))
		time.Sleep(time.Hour)
		synctest.Wait()
		untouched(t, done)
		s := w.State()
		if s.Condition != influx.Stopped || !strings.Contains(s.Why, "precision") || time.Since(s.Since) != time.Hour {
			t.Errorf("the state is %+v, want stopped for an hour because of the precision", s)
		}
		for key := range fake.Points() {
			if !strings.HasPrefix(key, "ganlin_probe ") {
				t.Errorf("%s was written", key)
			}
		}
		cancel()
		if _, ok := <-done; ok {
			t.Error("the write did not end with its context")
		}
	})
}

// The precision is proved once for an endpoint, and the writer follows a
// database that moves.
func TestDatabaseMoves(t *testing.T) {
	first, second := &influxtest.Fake{Dialect: influxtest.V18}, &influxtest.Fake{Dialect: influxtest.V18}
	at := influx.Endpoint{}
	var waited bool
	w := influx.NewWriter(influx.WriterOptions{
		Endpoint: func() influx.Endpoint {
			if at.URL == "" { // not ready at the first time
				defer func() { at = fakeEndpoint(t, first); waited = true }()
			}
			return at
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	defer w.Close()
	for _, fake := range []*influxtest.Fake{first, second} {
		mustWrite(t, w, goodLines(10))
		mustWrite(t, w, goodLines(10))
		if all, _ := fake.Requests(); len(all) != 3 || len(fake.Points()) != 11 {
			t.Errorf("%d requests, %d points, want one probe and two writes", len(all), len(fake.Points()))
		}
		at = fakeEndpoint(t, second)
	}
	if !waited {
		t.Error("the writer did not ask again")
	}
}

// Ending the context ends a write that waits, and what was settled is told.
func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var never atomic.Bool
		fake := &influxtest.Fake{Dialect: influxtest.V18, Script: failing(2, influxtest.Step{Hang: true}, &never)}
		w := bubbled(t, fake)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r, err := w.Write(ctx, goodLines(6000))
		if !errors.Is(err, context.DeadlineExceeded) || r.Stored != 5000 {
			t.Errorf("got %+v, %v; want the first batch stored and the deadline", r, err)
		}
	})
}

func TestWroteIsCalled(t *testing.T) {
	fake := &influxtest.Fake{Dialect: influxtest.V18}
	e := fakeEndpoint(t, fake)
	sum := 0
	w := influx.NewWriter(influx.WriterOptions{
		Endpoint: e.Fixed(), Logger: slog.New(slog.DiscardHandler),
		Wrote: func(_ time.Duration, values int) { sum += values },
	})
	defer w.Close()
	mustWrite(t, w, goodLines(6000))
	if sum != 6000 {
		t.Errorf("%d values were observed, want 6000", sum)
	}
}

func TestEndpointThatIsNoURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := influx.NewWriter(influx.WriterOptions{Endpoint: influx.Endpoint{URL: "http://[::1"}.Fixed(), Logger: slog.New(slog.DiscardHandler)})
		defer w.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := w.Write(ctx, goodLines(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if s := w.State(); s.Condition == influx.OK {
			t.Errorf("the state is %+v", s)
		}
	})
}
