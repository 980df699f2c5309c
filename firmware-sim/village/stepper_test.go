package village_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/simtest"
	"ganlin/firmware-sim/village"
)

// A receiver answers steps as the contract says, and badly when it is told to.
type receiver struct {
	mu       sync.Mutex
	tick     time.Time
	ticks    int
	requests int
	trouble  func(request int, w http.ResponseWriter) bool // before the step is taken
	amnesia  func(request int) bool                        // after it is taken the answer is lost
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.Header.Get("Authorization") != "Bearer secret" {
		http.Error(w, "who are you", http.StatusUnauthorized)
		return
	}
	if req.URL.Path == "/api/v1/status" && req.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(map[string]any{"tick": r.tick, "parts": map[string]string{}})
		return
	}
	if req.URL.Path != "/api/v1/step" || req.Method != http.MethodPost {
		http.NotFound(w, req)
		return
	}
	r.requests++
	if r.trouble != nil && r.trouble(r.requests, w) {
		return
	}
	var in struct {
		At   time.Time        `json:"at"`
		Last map[string]int64 `json:"last"`
	}
	if err := json.NewDecoder(req.Body).Decode(&in); err != nil || in.At.IsZero() {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	if in.At.Before(r.tick) {
		http.Error(w, "earlier than the last tick", http.StatusConflict)
		return
	}
	if in.At.After(r.tick) {
		r.tick = in.At
		r.ticks++
	}
	if r.amnesia != nil && r.amnesia(r.requests) {
		panic(http.ErrAbortHandler)
	}
	_, _ = fmt.Fprintf(w, `{"watermark":%q}`, r.tick.Format(time.RFC3339Nano))
}

func (r *receiver) at() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tick
}

func newAPI(t *testing.T, url string) village.API {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(c.CloseIdleConnections)
	return village.API{URL: url, Token: "secret", Client: c, Logger: slog.New(slog.DiscardHandler)}
}

// TestStepOverHTTP has a receiver that is not ready, loses answers, and is
// restarted. Every hour is stepped once, in order.
func TestStepOverHTTP(t *testing.T) {
	r := &receiver{
		trouble: func(n int, w http.ResponseWriter) bool {
			switch n % 10 {
			case 3:
				http.Error(w, "journal: reopening", http.StatusServiceUnavailable)
			case 7:
				http.Error(w, "slow down", http.StatusTooManyRequests)
			default:
				return false
			}
			return true
		},
		amnesia: func(n int) bool { return n%9 == 5 },
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	server := &http.Server{Handler: r, ReadHeaderTimeout: time.Second}
	var all sync.WaitGroup
	all.Go(func() { _ = server.Serve(l) })

	b := simtest.StartBroker(t)
	v := newVillage(t, village.Options{Days: 1, Plots: 2})
	hour := 0
	report, err := v.Run(t.Context(), village.Link{
		Broker: b.URL(), Step: newAPI(t, "http://"+address),
		Before: func(at time.Time) {
			if tick := r.at(); hour > 0 && !tick.Equal(at.Add(-time.Hour)) {
				t.Errorf("before %s the tick is %s", at, tick)
			}
			if hour++; hour == 12 { // the receiver goes away and comes back later
				_ = server.Close()
				server = &http.Server{Handler: r, ReadHeaderTimeout: time.Second}
				all.Go(func() {
					again, err := net.Listen("tcp", address)
					if err != nil {
						t.Error(err)
						return
					}
					_ = server.Serve(again)
				})
			}
		},
	})
	_ = server.Close()
	all.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if r.ticks != 25 || !r.tick.Equal(v.End) || !report.At.Equal(v.End) || r.requests < 30 {
		t.Errorf("%d ticks up to %s in %d requests", r.ticks, r.tick, r.requests)
	}
}

func TestStepIsRefused(t *testing.T) {
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	server := httptest.NewServer(&receiver{tick: now})
	defer server.Close()
	api := newAPI(t, server.URL)
	step := func(api village.API, at time.Time) error {
		_, err := api.Step(t.Context(), at, map[devices.DeviceID]int64{"s-001": 1})
		return err
	}
	if err := step(api, now.Add(-time.Hour)); !errors.Is(err, village.ErrRefused) {
		t.Errorf("an earlier step: %v", err)
	}
	for range 2 {
		if watermark, err := api.Step(t.Context(), now, nil); err != nil || !watermark.Equal(now) {
			t.Errorf("the same step: %s, %v", watermark, err)
		}
	}
	if tick, err := api.Tick(t.Context()); err != nil || !tick.Equal(now) {
		t.Errorf("tick %s, %v", tick, err)
	}
	stranger := api
	stranger.Token = "guess"
	if err := step(stranger, now); !errors.Is(err, village.ErrRefused) {
		t.Errorf("a wrong token: %v", err)
	}
	lost := api
	lost.URL = "http://127.0.0.1:1"
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := lost.Tick(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody there: %v", err)
	}
}
