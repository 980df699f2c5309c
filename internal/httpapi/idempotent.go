package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

// Once carries acts out once each.
type Once struct {
	Answers Answers
	Log     *slog.Logger
	flights flights
}

// ErrReused says that a key was used for another act.
var ErrReused = errors.New("the key was sent with another request")

// rememberPatience bounds how long an act that is better done twice than not at all waits for being remembered.
const rememberPatience = time.Second

// Do carries out an act with a key, unless it was: then, also while the first is
// under way and after a restart, it returns how that one was answered, and that
// this is no new act. It goes on to its end when ctx ends. What failed on our side,
// with a status of 500 or more, is forgotten. safeAgain says that it is better done twice than not at all.
func (o *Once) Do(ctx context.Context, asked Asked, digest string, safeAgain bool, act func(context.Context) Reply) (how Reply, again bool, err error) {
	for {
		other, landed := o.flights.begin(asked, digest)
		if other == nil {
			defer landed()
			break
		}
		if other.digest != digest {
			return Reply{}, false, ErrReused
		}
		select {
		case <-other.landed:
		case <-ctx.Done():
			return Reply{}, false, ctx.Err()
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actPatience)
	defer cancel()
	kept, err := o.begin(ctx, asked, digest, safeAgain)
	switch {
	case err != nil && !safeAgain:
		o.Log.Error("an act is refused because it cannot be remembered", "route", asked.Route, "error", err)
		return Reply{}, false, fmt.Errorf("%w: nothing can be remembered now, so nothing was done; try again with the same key", ErrUnavailable)
	case err != nil:
		o.Log.Error("an act is done though it cannot be remembered", "route", asked.Route, "error", err)
		kept = Reply{Digest: digest, Act: "act-" + rand.Text()}
	case kept.Digest != digest:
		return Reply{}, false, ErrReused
	case kept.Status != 0:
		return kept, true, nil
	}
	how = act(context.WithValue(ctx, actKey{}, kept.Act))
	how.Digest, how.Act = kept.Digest, kept.Act
	if how.Status >= http.StatusInternalServerError {
		err = o.Answers.Forget(ctx, asked)
	} else {
		err = o.Answers.Finish(ctx, asked, how)
	}
	if err != nil {
		o.Log.Error("how an act was answered is not remembered", "route", asked.Route, "error", err)
	}
	return how, false, nil
}

func (o *Once) begin(ctx context.Context, asked Asked, digest string, safeAgain bool) (Reply, error) {
	if safeAgain {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, rememberPatience)
		defer cancel()
	}
	return o.Answers.Begin(ctx, asked, digest, "act-"+rand.Text())
}

// once lets an act with a key happen once. Without one it happens each time.
func (a *api) once(op *operation, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() != nil {
			return
		}
		key := r.Header.Get(keyHeader)
		if key == "" {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), actPatience)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, actKey{}, "act-"+rand.Text())))
			return
		}
		digest, err := digestOf(r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		access, _ := a.Access(r.Context())
		how, again, err := a.acts.Do(r.Context(), Asked{access.Account, op.pattern, key}, digest, op.safeAgain, func(ctx context.Context) Reply {
			held := &heldAnswer{header: w.Header(), status: http.StatusOK}
			next.ServeHTTP(held, r.WithContext(ctx))
			return Reply{Status: held.status, Kind: w.Header().Get("Content-Type"), Body: held.body.Bytes()}
		})
		switch {
		case errors.Is(err, ErrReused):
			WriteProblem(w, reused)
			return
		case r.Context().Err() != nil && err != nil:
			return
		case err != nil:
			a.fail(w, r, err)
			return
		case again:
			w.Header().Set("Idempotency-Replayed", "true")
		}
		send(w, how)
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
