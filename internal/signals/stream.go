package signals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Of a live stream. A client that takes nothing for streamDeadline is dropped,
// so that it holds neither memory nor a connection; streamBeat is how often a
// sign of life comes.
const (
	maxStreams     = 200
	maxOwnStreams  = 5 // of a receiver: one that opens more leaves room to the others
	streamBeat     = 15 * time.Second
	streamDeadline = 10 * time.Second
	streamPage     = 100
)

var (
	// ErrBusy says that there are as many streams as there may be.
	ErrBusy = errors.New("too many live streams; try again in a minute, or ask the feed")
	// ErrOwnStreams says that a receiver has as many as one may.
	ErrOwnStreams = errors.New("as many live streams as one receiver may have are open already; end one, or ask the feed")
)

// A Stream is a live stream of one reader.
type Stream struct {
	feed   *Feed
	reader Reader
	key    []byte
	tally  *tally
	n      int   // so many signals have been told
	after  int64 // the sequence of the last that was looked at
}

// Open prepares a stream that begins after a cursor, or, without one, with what comes from now on.
func (f *Feed) Open(ctx context.Context, r Reader, after string) (*Stream, error) {
	t, key, err := f.tallyOf(ctx, r)
	if err != nil {
		return nil, err
	}
	n, sequence, all, err := t.at(after)
	if err != nil {
		return nil, err
	}
	if after == "" {
		n, sequence, _, err = t.at(t.cursor(all))
	}
	return &Stream{feed: f, reader: r, key: key, tally: t, n: n, after: sequence}, err
}

// Serve sends signals as server-sent events until the client goes or ctx ends.
// The id of each event is its cursor. Nothing is written yet when it returns ErrBusy or ErrOwnStreams.
func (s *Stream) Serve(ctx context.Context, w http.ResponseWriter) error {
	if err := s.feed.enter(s.reader.Receiver); err != nil {
		return err
	}
	defer s.feed.leave(s.reader.Receiver)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // or a proxy would keep the events
	control := http.NewResponseController(w)
	send := func(text []byte) error {
		if err := control.SetWriteDeadline(time.Now().Add(s.feed.deadline)); err != nil {
			return fmt.Errorf("setting a write deadline: %w", err)
		}
		if _, err := w.Write(text); err != nil {
			return fmt.Errorf("sending signals: %w", err)
		}
		return control.Flush()
	}
	if err := control.SetReadDeadline(time.Time{}); err != nil { // it bounds what the client sends, and that has come
		return fmt.Errorf("clearing the read deadline: %w", err)
	}
	if err := send([]byte("retry: 5000\n\n")); err != nil {
		return err
	}
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		changed := s.feed.next()
		if err := s.bring(ctx, send); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-beat.C:
			if err := send([]byte(":\n\n")); err != nil {
				return err
			}
		}
	}
}

// enter counts a stream of a receiver, if there may be one more.
func (f *Feed) enter(receiver string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.streams[receiver] >= maxOwnStreams:
		return ErrOwnStreams
	case f.open >= maxStreams:
		return ErrBusy
	}
	f.streams[receiver]++
	f.open++
	return nil
}

func (f *Feed) leave(receiver string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
	if f.streams[receiver]--; f.streams[receiver] == 0 {
		delete(f.streams, receiver)
	}
}

// bring sends what has not been sent yet.
func (s *Stream) bring(ctx context.Context, send func([]byte) error) error {
	for {
		some, err := s.feed.outbox.Signals(ctx, s.after, streamPage)
		if err != nil {
			return fmt.Errorf("reading signals for a stream: %w", err)
		}
		for _, one := range some {
			s.after = one.Sequence
			if !s.reader.Sees(one) {
				continue
			}
			s.n++
			event := eventOf(one, s.key, s.tally.cursor(s.n))
			text, err := json.Marshal(event)
			if err != nil {
				return fmt.Errorf("writing a signal: %w", err)
			}
			if err := send(fmt.Appendf(nil, "id: %s\ndata: %s\n\n", event.Sequence, text)); err != nil {
				return err
			}
		}
		if len(some) < streamPage {
			return nil
		}
	}
}
