package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// keyHeader names an act, so that one that is sent again does not happen again.
const keyHeader = "Idempotency-Key"

// actPatience bounds an act that goes on although its client has gone.
const actPatience = 20 * time.Second

// Answers remembers for a day how acts were answered.
type Answers interface {
	// Begin takes down that an act begins, or returns how the one of the same key stands.
	Begin(ctx context.Context, a Asked, digest, act string) (Reply, error)
	Finish(ctx context.Context, a Asked, how Reply) error
	Forget(ctx context.Context, a Asked) error
}

// An Asked is what an act is remembered by: a key is its account's and route's own.
type Asked struct{ Account, Route, Key string }

// A Reply is how an act was answered; status 0: it began, and its end is not known.
type Reply struct {
	Digest string // of what was asked
	Act    string // its id
	Status int
	Kind   string // Content-Type
	Body   []byte
}

type actKey struct{}

// ActID returns the id of the act that a request is. It is the same when the
// same act is tried again because the program ended before it was answered.
func ActID(ctx context.Context) string {
	id, _ := ctx.Value(actKey{}).(string)
	return id
}

// A flight is an act that is under way.
type flight struct {
	digest string
	landed chan struct{}
}

// flights are the acts that are under way.
type flights struct {
	mu    sync.Mutex
	under map[Asked]*flight
}

// begin returns the act of the key that is under way, or notes that this one is.
func (f *flights) begin(a Asked, digest string) (other *flight, landed func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.under[a]; other != nil {
		return other, nil
	}
	if f.under == nil {
		f.under = map[Asked]*flight{}
	}
	own := &flight{digest, make(chan struct{})}
	f.under[a] = own
	return nil, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.under, a)
		close(own.landed)
	}
}

// once lets an act with a key happen once: sent again it is answered as
// before, also while the first is under way and after a restart. It goes on to
// its end when its client goes. What failed on our side is forgotten.
func (a *api) once(op *operation, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), actPatience)
		defer cancel()
		key := r.Header.Get(keyHeader)
		if key == "" {
			next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, actKey{}, "act-"+rand.Text())))
			return
		}
		digest, err := digestOf(r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		access, _ := a.Access(r.Context())
		asked := Asked{access.Account, op.pattern, key}
		for {
			other, landed := a.flights.begin(asked, digest)
			if other == nil {
				defer landed()
				break
			}
			if other.digest != digest {
				WriteProblem(w, reused)
				return
			}
			select {
			case <-other.landed:
			case <-r.Context().Done():
				return
			}
		}
		kept, err := a.Answers.Begin(ctx, asked, digest, "act-"+rand.Text())
		switch {
		case err != nil && !op.safeAgain:
			a.Log.Error("an act is refused because it cannot be remembered", "route", op.pattern, "error", err)
			a.fail(w, r, fmt.Errorf("%w: nothing can be remembered now, so nothing was done; try again with the same key", ErrUnavailable))
			return
		case err != nil: // it is better done twice than not at all
			a.Log.Error("an act is done though it cannot be remembered", "route", op.pattern, "error", err)
			kept = Reply{Digest: digest, Act: "act-" + rand.Text()}
		case kept.Digest != digest:
			WriteProblem(w, reused)
			return
		case kept.Status != 0:
			w.Header().Set("Idempotency-Replayed", "true")
			send(w, kept)
			return
		}
		held := &heldAnswer{header: w.Header(), status: http.StatusOK}
		next.ServeHTTP(held, r.WithContext(context.WithValue(ctx, actKey{}, kept.Act)))
		kept.Status, kept.Kind, kept.Body = held.status, w.Header().Get("Content-Type"), held.body.Bytes()
		if held.status >= http.StatusInternalServerError {
			err = a.Answers.Forget(ctx, asked)
		} else {
			err = a.Answers.Finish(ctx, asked, kept)
		}
		if err != nil {
			a.Log.Error("how an act was answered is not remembered", "route", op.pattern, "error", err)
		}
		send(w, kept)
	})
}

var reused = ProblemError{
	Type: KeyReusedType, Title: "idempotency key reused", Status: http.StatusUnprocessableEntity,
	Detail: "this key was sent with another request within the last 24 hours; make a new key for each act, and send it again only with the same request",
}

// digestOf tells requests apart that have the same key.
func digestOf(r *http.Request) (string, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return "", err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	sum := sha256.Sum256(append([]byte(r.URL.Path+"?"+r.URL.RawQuery+"\n"), body...))
	return hex.EncodeToString(sum[:]), nil
}

func send(w http.ResponseWriter, how Reply) {
	if how.Kind != "" {
		w.Header().Set("Content-Type", how.Kind)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(how.Status)
	_, _ = w.Write(how.Body)
}
