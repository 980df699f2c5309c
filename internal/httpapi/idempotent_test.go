package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/rules/valve"
)

// hand carries out acts and notes them.
type hand struct {
	mu     sync.Mutex
	opened []string // ids of acts
	closed int
	during func(ctx context.Context) error // while it opens; may be nil
}

func (h *hand) Open(ctx context.Context, _ string, id devices.DeviceID, ask valve.Ask, _ string) (devices.Command, error) {
	h.mu.Lock()
	h.opened = append(h.opened, httpapi.ActID(ctx))
	n := len(h.opened)
	h.mu.Unlock()
	if h.during != nil {
		if err := h.during(ctx); err != nil {
			return devices.Command{}, err
		}
	}
	return devices.Command{ID: fmt.Sprintf("%s-%d", id, n), Action: devices.Open, MaxDurationS: ask.DurationS}, nil
}

func (h *hand) Close(context.Context, string, devices.DeviceID, string) (devices.Command, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed++
	return devices.Command{ID: fmt.Sprint(h.closed), Action: devices.Close}, nil
}

func (*hand) Stop(context.Context, string) (map[devices.DeviceID]string, error) { return nil, nil }
func (*hand) Resume(context.Context, string) error                              { return nil }

func (*hand) Clear(context.Context, string, devices.DeviceID, string) error { return nil }

func (h *hand) openings() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.opened)
}

// kept remembers answers in a real records store.
type kept struct{ *records.Store }

func (k kept) Begin(ctx context.Context, a httpapi.Asked, digest, act string) (httpapi.Reply, error) {
	now := time.Now()
	answered, err := k.RememberAct(ctx, records.Asked(a), records.Answered{Digest: digest, Act: act}, now, now.Add(-24*time.Hour))
	return httpapi.Reply(answered), err
}

func (k kept) Finish(ctx context.Context, a httpapi.Asked, how httpapi.Reply) error {
	return k.AnswerAct(ctx, records.Asked(a), records.Answered(how))
}

func (k kept) Forget(ctx context.Context, a httpapi.Asked) error {
	return k.ForgetAct(ctx, records.Asked(a))
}

func openStore(t *testing.T, file string) kept {
	t.Helper()
	s, err := records.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return kept{s}
}

const anOpening = `{"duration_s":600}`

// open asks for an opening with a key.
func open(t *testing.T, url, key, body string) answer {
	t.Helper()
	return ask(t, http.MethodPost, url+"/api/v1/valves/v-0001/open", body, "Content-Type", "application/json", "Idempotency-Key", key)
}

func TestAnActWithAKeyHappensOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ganlin.db")
	store, h := openStore(t, file), &hand{}
	account := "a-1"
	change := func(o *httpapi.Options) {
		o.Valves, o.Answers = h, store
		o.Access = func(context.Context) (httpapi.Access, bool) {
			return httpapi.Access{Account: account, Reach: all{}}, true
		}
	}
	s := serve(t, all{}, change)
	first := open(t, s.URL, "k", anOpening)
	if first.StatusCode != http.StatusAccepted || first.Header.Get("Idempotency-Replayed") != "" {
		t.Fatalf("the first answers %d %s", first.StatusCode, first.body)
	}
	same := func(what, url string) {
		t.Helper()
		a := open(t, url, "k", anOpening)
		if a.StatusCode != first.StatusCode || string(a.body) != string(first.body) || a.Header.Get("Content-Type") != first.Header.Get("Content-Type") || a.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s answers %d %s, first %s", what, a.StatusCode, a.body, first.body)
		}
		if n := h.openings(); n != 1 {
			t.Errorf("%s: it was opened %d times", what, n)
		}
	}
	same("the second", s.URL)
	for what, other := range map[string]answer{
		"another body":  open(t, s.URL, "k", `{"duration_s":601}`),
		"another valve": ask(t, http.MethodPost, s.URL+"/api/v1/valves/v-0002/open", anOpening, "Content-Type", "application/json", "Idempotency-Key", "k"),
	} {
		if p := other.problem(t); p.Status != http.StatusUnprocessableEntity || p.Type != httpapi.KeyReusedType {
			t.Errorf("%s answers %+v", what, p)
		}
	}
	_ = store.Close()
	store = openStore(t, file)
	again := serve(t, all{}, change) // as after a restart
	same("the one after a restart", again.URL)

	// A control each: what is not the same act happens.
	account = "a-2"
	open(t, again.URL, "k", anOpening)
	account = "a-1"
	open(t, again.URL, "k2", anOpening)
	ask(t, http.MethodPost, again.URL+"/api/v1/valves/v-0001/open", anOpening, "Content-Type", "application/json")
	ask(t, http.MethodPost, again.URL+"/api/v1/valves/v-0001/close", "", "Idempotency-Key", "k")
	if n := h.openings(); n != 4 || h.closed != 1 {
		t.Errorf("%d openings and %d closes, want 4 and 1", n, h.closed)
	}
}

// TestAnActUnderWayIsAwaited sends an act again while the first is on its way
// and its client has gone.
func TestAnActUnderWayIsAwaited(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	h := &hand{during: func(ctx context.Context) error {
		close(begun)
		<-goOn
		return ctx.Err()
	}}
	store := openStore(t, filepath.Join(t.TempDir(), "ganlin.db"))
	s := serve(t, all{}, func(o *httpapi.Options) { o.Valves, o.Answers = h, store })
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/api/v1/valves/v-0001/open", strings.NewReader(anOpening))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "k")
		if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
			t.Errorf("the first client sees %v", err)
		}
	}()
	<-begun
	leave()
	<-gone
	if a := open(t, s.URL, "k", `{"duration_s":601}`); a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another body meanwhile answers %d", a.StatusCode)
	}
	answers := make(chan answer)
	for range 5 {
		go func() { answers <- open(t, s.URL, "k", anOpening) }()
	}
	close(goOn)
	for range 5 {
		if a := <-answers; a.StatusCode != http.StatusAccepted {
			t.Errorf("a repetition answers %d %s", a.StatusCode, a.body)
		}
	}
	if n := h.openings(); n != 1 {
		t.Errorf("it was opened %d times", n)
	}
}

// TestAnActThatWasCutOff is tried again with the same id, as is one that failed on our side with a new one.
func TestAnActThatWasCutOff(t *testing.T) {
	store := openStore(t, filepath.Join(t.TempDir(), "ganlin.db"))
	h := &hand{during: func(context.Context) error { return fmt.Errorf("%w: the disk is full", httpapi.ErrUnavailable) }}
	deaf := deaf{store}
	s := serve(t, all{}, func(o *httpapi.Options) { o.Valves, o.Answers = h, deaf })
	for range 2 {
		if a := open(t, s.URL, "cut", anOpening); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			t.Errorf("what cannot be done answers %d", a.StatusCode)
		}
	}
	if len(h.opened) != 2 || h.opened[0] != h.opened[1] || h.opened[0] == "" {
		t.Errorf("an act whose end was not taken down is tried again as %q", h.opened)
	}
	s = serve(t, all{}, func(o *httpapi.Options) { o.Valves, o.Answers = h, store })
	h.opened = nil
	for range 2 {
		open(t, s.URL, "failed", anOpening)
	}
	if len(h.opened) != 2 || h.opened[0] == h.opened[1] {
		t.Errorf("an act that failed is tried again as %q", h.opened)
	}
	h.during = nil
	if a := open(t, s.URL, "failed", anOpening); a.StatusCode != http.StatusAccepted {
		t.Errorf("then it answers %d", a.StatusCode)
	}
}

// deaf takes down no ends, as a program that was killed.
type deaf struct{ kept }

func (deaf) Finish(context.Context, httpapi.Asked, httpapi.Reply) error { return nil }
func (deaf) Forget(context.Context, httpapi.Asked) error                { return nil }

// TestNothingIsRemembered closes a valve all the same, and opens none.
func TestNothingIsRemembered(t *testing.T) {
	store, h := openStore(t, filepath.Join(t.TempDir(), "ganlin.db")), &hand{}
	s := serve(t, all{}, func(o *httpapi.Options) { o.Valves, o.Answers = h, store })
	_ = store.Close()
	if a := open(t, s.URL, "k", anOpening); a.StatusCode != http.StatusServiceUnavailable || h.openings() != 0 {
		t.Errorf("an opening answers %d, and %d were made", a.StatusCode, h.openings())
	}
	if a := ask(t, http.MethodPost, s.URL+"/api/v1/valves/v-0001/close", "", "Idempotency-Key", "k"); a.StatusCode != http.StatusAccepted || h.closed != 1 {
		t.Errorf("a close answers %d, and %d were made", a.StatusCode, h.closed)
	}
}

func TestWhoMayNotActSeesNoValve(t *testing.T) {
	store, h := openStore(t, filepath.Join(t.TempDir(), "ganlin.db")), &hand{}
	s := serve(t, household("h-3"), func(o *httpapi.Options) { o.Valves, o.Answers = h, store })
	for id, status := range map[string]int{"v-0003": 202, "v-0004": 404, "v-9999": 404} {
		a := ask(t, http.MethodPost, s.URL+"/api/v1/valves/"+id+"/close", "")
		if a.StatusCode != status {
			t.Errorf("%s answers %d, want %d", id, a.StatusCode, status)
		}
	}
	if h.closed != 1 {
		t.Errorf("%d valves were closed, want one's own", h.closed)
	}
}
