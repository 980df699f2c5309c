package signals_test

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ganlin/internal/signals"
)

func mustParse(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

func all(signals.Webhook) bool { return true }

// A receiver is a real server that verifies what comes with the official libraries.
type receiver struct {
	tb     testing.TB
	server *httptest.Server
	secret string
	answer func(w http.ResponseWriter, r *http.Request, n int) // of the nth request, from 1

	mu       sync.Mutex
	requests int
	ids      []string // of the signals that it took, each once, in the order of their coming
	types    []string
	twice    int
}

func newReceiver(tb testing.TB, answer func(w http.ResponseWriter, r *http.Request, n int)) *receiver {
	tb.Helper()
	v := &receiver{tb: tb, answer: answer}
	v.server = httptest.NewServer(v)
	tb.Cleanup(func() {
		v.server.CloseClientConnections()
		v.server.Close()
	})
	return v
}

func (v *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		v.tb.Error(err)
	}
	v.mu.Lock()
	v.requests++
	n := v.requests
	hook, err := standardwebhooks.NewWebhook(v.secret)
	if err == nil {
		err = hook.Verify(body, r.Header)
	}
	v.mu.Unlock()
	if err != nil {
		v.tb.Errorf("the signature does not verify: %v", err)
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	var e cloudevents.Event
	if err := json.Unmarshal(body, &e); err != nil || e.Validate() != nil || e.ID() != r.Header.Get("webhook-id") {
		v.tb.Errorf("it is no CloudEvent: %v, %v, %s", err, e.Validate(), body)
	}
	took := &status{ResponseWriter: w, code: http.StatusOK}
	v.answer(took, r, n)
	if took.code/100 != 2 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if slices.Contains(v.ids, e.ID()) {
		v.twice++
		return
	}
	v.ids, v.types = append(v.ids, e.ID()), append(v.types, e.Type())
}

func (v *receiver) taken() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.ids)
}

func (v *receiver) asked() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.requests
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func takes(http.ResponseWriter, *http.Request, int) {}

func answers(code int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(code) }
}

// hook makes a webhook of an account to a receiver, from the first signal on.
func (s *station) hook(account string, v *receiver) signals.Webhook {
	s.tb.Helper()
	w, err := s.sender.Add(s.tb.Context(), account, v.server.URL, "0")
	if err != nil {
		s.tb.Fatal(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.secret = w.Secret
	return w
}

func (s *station) hookNow(id string) signals.Webhook {
	s.tb.Helper()
	for _, w := range s.sender.List(all) {
		if w.ID == id {
			return w
		}
	}
	s.tb.Fatalf("webhook %s is gone", id)
	return signals.Webhook{}
}

func ids(events []signals.Event) (all []string) {
	for _, e := range events {
		all = append(all, e.ID)
	}
	return all
}

// Whatever one receiver does, another gets everything, in order and once.
func TestOneReceiverHurtsNoOther(t *testing.T) {
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) })
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request, n int)
		last   string // what its last answer is said to be
		takes  bool   // it gets everything in the end
		stops  bool   // it is not asked again
	}{
		"control": {takes, "200", true, false},
		"hangs": {func(_ http.ResponseWriter, r *http.Request, _ int) {
			select {
			case <-hung:
			case <-r.Context().Done():
			}
		}, "no answer within 1s", false, false},
		"trickles its answer": {func(w http.ResponseWriter, r *http.Request, _ int) {
			w.WriteHeader(http.StatusInternalServerError)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
			}
		}, "500", false, false},
		"redirects": {func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, "http://127.0.0.1:9", http.StatusTemporaryRedirect)
		}, "307: redirects are not followed", false, false},
		"is gone":           {answers(http.StatusGone), "410", false, true},
		"refuses":           {answers(http.StatusForbidden), "403", false, false},
		"a storm of errors": {func(w http.ResponseWriter, _ *http.Request, n int) { w.WriteHeader([]int{200, 500, 502, 500}[n%4]) }, "200", true, false},
		"drops connections": {func(w http.ResponseWriter, _ *http.Request, n int) {
			if n%2 == 1 {
				panic(http.ErrAbortHandler)
			}
		}, "200", true, false},
		"sends huge headers": {func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			w.WriteHeader(http.StatusOK)
		}, "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t)
			s.sender.SetAttemptTimeout(time.Second)
			odd, well := newReceiver(t, c.answer), newReceiver(t, takes)
			hook := s.hook("odd", odd)
			s.hook("well", well)
			s.run()
			s.tell(10)
			until(t, "the well one", func() bool { return len(well.taken()) == 20 })
			until(t, "the odd one", func() bool { return odd.asked() > 1 || c.stops && s.hookNow(hook.ID).Disabled != "" })
			if c.takes {
				until(t, "the odd one to have all", func() bool { return len(odd.taken()) == 20 })
				if got := odd.taken(); !slices.Equal(got, ids(s.all(everything("odd")))) {
					t.Errorf("it has %v", got)
				}
			} else {
				until(t, "an answer", func() bool { return s.hookNow(hook.ID).LastAnswer != "" })
			}
			now := s.hookNow(hook.ID)
			if c.last != "" && now.LastAnswer != c.last && (!c.takes || now.Delivered == 20) {
				t.Errorf("its last answer is said to be %q, want %q", now.LastAnswer, c.last)
			}
			if c.stops != (now.Disabled != "") || c.stops && odd.asked() != 1 {
				t.Errorf("disabled: %q, after %d requests", now.Disabled, odd.asked())
			}
			if !c.takes && now.Delivered != 0 {
				t.Errorf("%d signals are said to be delivered", now.Delivered)
			}
			if got := well.taken(); !slices.Equal(got, ids(s.all(everything("well")))) || well.twice > 0 {
				t.Errorf("the well one has %v, %d of them twice", got, well.twice)
			}
		})
	}
}

// A redirect is not followed; the control, a client as there are many, follows it.
func TestRedirectsAreNotFollowed(t *testing.T) {
	hits := make(chan struct{}, 10)
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits <- struct{}{} }))
	defer target.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		elsewhere := httptest.NewServer(http.RedirectHandler(target.URL, code))
		defer elsewhere.Close()
		s := newStation(t)
		w, err := s.sender.Add(t.Context(), "town", elsewhere.URL, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.sender.Test(t.Context(), w.ID, all)
		if want := strconv.Itoa(code) + ": redirects are not followed"; err != nil || got.OK || got.Answer != want || len(hits) > 0 {
			t.Errorf("%d: %+v, %v; %d went on", code, got, err, len(hits))
		}
		res, err := http.Post(elsewhere.URL, "text/plain", strings.NewReader("x"))
		if err != nil || len(hits) != 1 {
			t.Errorf("the control: %v, %v", res, err)
		}
		<-hits
	}
}

// Stopped at any moment and started again, a webhook misses nothing, is told
// everything in order, and knows by the id what it was told before. The control,
// which takes for delivered what it had only begun with, misses some.
func TestRestartsMissNothing(t *testing.T) {
	if got, want := throughRestarts(t, false); !slices.Equal(got, want) {
		t.Errorf("it was told %v", got)
	}
	if got, want := throughRestarts(t, true); len(got) >= len(want) {
		t.Error("the control missed nothing: the test sees nothing")
	}
}

func throughRestarts(t *testing.T, hasty bool) (got, want []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "records.db")
	v := newReceiver(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		if rand.IntN(3) == 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	s := openStation(t, file, loopback)
	w := s.hook("town", v)
	told, at := 0, 0
	for range 8 {
		stop := s.run()
		s.tell(5)
		told += 10
		enough := at + 1
		until(t, "some of it", func() bool { return len(v.taken()) >= enough || s.hookNow(w.ID).Delivered == int64(told) })
		stop()
		if hasty {
			begun := row(s.hookNow(w.ID))
			begun.Secret, begun.Delivered = v.secret, int64(told)
			if err := s.store.SaveWebhook(t.Context(), begun); err != nil {
				t.Fatal(err)
			}
		}
		at, s = len(v.taken()), reopened(t, s, file)
	}
	s.run()
	until(t, "all of it", func() bool { return s.hookNow(w.ID).Delivered == int64(told) })
	t.Logf("%d of %d signals, %d of them twice", len(v.taken()), told, v.twice)
	return v.taken(), ids(s.all(everything("town")))
}

func reopened(t *testing.T, s *station, file string) *station {
	t.Helper()
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	again := openStation(t, file, loopback)
	again.told = s.told
	return again
}

func TestSecretsAreRotated(t *testing.T) {
	s := newStation(t)
	v := newReceiver(t, takes)
	w := s.hook("town", v)
	s.run()
	s.tell(1)
	until(t, "the first", func() bool { return len(v.taken()) == 2 })
	rotated, err := s.sender.Rotate(t.Context(), w.ID, all)
	if err != nil || rotated.Secret == w.Secret || !strings.HasPrefix(rotated.Secret, "whsec_") {
		t.Fatalf("%+v, %v", rotated, err)
	}
	s.tell(1) // the receiver has the old one still
	until(t, "one by the old secret", func() bool { return len(v.taken()) == 4 })
	v.mu.Lock()
	v.secret = rotated.Secret
	v.mu.Unlock()
	s.tell(1)
	until(t, "one by the new secret", func() bool { return len(v.taken()) == 6 })
	if got := s.hookNow(w.ID); got.Secret != "" || got.OldSecret != "" {
		t.Error("a list shows secrets")
	}
	over := signals.Webhook{Secret: rotated.Secret, OldSecret: w.Secret, OldUntil: noon}
	if both := over.Secrets(noon.Add(-time.Second)); !slices.Equal(both, []string{rotated.Secret, w.Secret}) {
		t.Errorf("before the old one ends %d secrets sign", len(both))
	}
	if one := over.Secrets(noon); !slices.Equal(one, []string{rotated.Secret}) {
		t.Errorf("afterwards %d secrets sign", len(one))
	}
}

// A webhook ends with its account, and goes on where it stood when it is put into force again.
func TestDisabledAndEnabled(t *testing.T) {
	s := newStation(t)
	v, leaves := newReceiver(t, takes), newReceiver(t, answers(http.StatusGone))
	w, gone := s.hook("town", v), s.hook("district", leaves)
	s.run()
	s.tell(1)
	until(t, "both", func() bool { return len(v.taken()) == 2 && s.hookNow(gone.ID).Disabled != "" })
	s.mu.Lock()
	s.ended["town"] = true
	s.mu.Unlock()
	s.tell(1)
	until(t, "the account's end", func() bool { return s.hookNow(w.ID).Disabled != "" })
	s.mu.Lock()
	s.ended["town"] = false
	s.mu.Unlock()
	leaves.mu.Lock()
	leaves.answer = takes
	leaves.mu.Unlock()
	if pending, err := s.sender.Pending(t.Context()); pending != 0 || err != nil {
		t.Errorf("what is disabled has %d pending, %v", pending, err)
	}
	for _, id := range []string{w.ID, gone.ID} {
		for range 3 { // asked thrice it sends once
			if got, err := s.sender.Enable(t.Context(), id, all); err != nil || got.Disabled != "" || got.Secret != "" {
				t.Errorf("enabling: %+v, %v", got, err)
			}
		}
	}
	until(t, "both again", func() bool { return len(v.taken()) == 4 && len(leaves.taken()) == 4 })
	until(t, "nothing to wait", func() bool {
		pending, err := s.sender.Pending(t.Context())
		return pending == 0 && err == nil
	})
	if v.twice+leaves.twice > 0 {
		t.Errorf("told twice: %d and %d", v.twice, leaves.twice)
	}
	none := func(signals.Webhook) bool { return false }
	for what, err := range map[string]error{
		"deleting":  s.sender.Delete(t.Context(), w.ID, none),
		"an absent": s.sender.Delete(t.Context(), "wh_x", all),
	} {
		if !errors.Is(err, signals.ErrNoWebhook) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.sender.Delete(t.Context(), w.ID, all); err != nil {
		t.Fatal(err)
	}
	asked := v.asked()
	s.tell(1)
	until(t, "the other one", func() bool { return len(leaves.taken()) == 6 })
	if v.asked() != asked {
		t.Error("what was deleted is told more")
	}
}

func TestWebhookIsTried(t *testing.T) {
	s := newStation(t)
	v := newReceiver(t, takes)
	w := s.hook("town", v)
	got, err := s.sender.Test(t.Context(), w.ID, all)
	if err != nil || !got.OK || got.Answer != "200" {
		t.Errorf("%+v, %v", got, err)
	}
	if !slices.Equal(v.types, []string{signals.TestType}) || s.hookNow(w.ID).Delivered != 0 {
		t.Errorf("it was told %v", v.types)
	}
}

// It is waited longer each time, with enough chance in it that receivers do not
// come back together, and never longer than a few hours.
func TestBackoff(t *testing.T) {
	for failures := 1; failures < 60; failures++ {
		want := min(5*time.Second<<min(failures-1, 30), 4*time.Hour)
		for range 20 {
			if got := signals.Backoff(5*time.Second, failures); got < want*3/4 || got > want*5/4 {
				t.Errorf("after %s failures %v, want about %v", strconv.Itoa(failures), got, want)
			}
		}
	}
}
