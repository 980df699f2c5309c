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
	streamBeat     = 15 * time.Second
	streamDeadline = 10 * time.Second
	streamPage     = 100
)

// ErrBusy says that there are as many streams as there may be.
var ErrBusy = errors.New("too many live streams; try again in a minute, or ask the feed")

// A Stream is a live stream of one reader.
type Stream struct {
	feed   *Feed
	reader Reader
	key    []byte
	after  int64
}

// Open prepares a stream that begins after a cursor, or, without one, with what comes from now on.
func (f *Feed) Open(ctx context.Context, r Reader, after string) (*Stream, error) {
	from, last, err := f.from(ctx, after)
	if err != nil {
		return nil, err
	}
	if after == "" {
		from = last
	}
	key, err := f.outbox.ReceiverKey(ctx, r.Receiver)
	if err != nil {
		return nil, fmt.Errorf("finding the receiver's pseudonyms: %w", err)
	}
	return &Stream{feed: f, reader: r, key: key, after: from}, nil
}

// Serve sends signals as server-sent events until the client goes or ctx ends.
// The id of each event is its cursor. Nothing is written yet when it returns ErrBusy.
func (s *Stream) Serve(ctx context.Context, w http.ResponseWriter) error {
	if s.feed.streams.Add(1) > maxStreams {
		s.feed.streams.Add(-1)
		return ErrBusy
	}
	defer s.feed.streams.Add(-1)
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
			text, err := json.Marshal(eventOf(one, s.key))
			if err != nil {
				return fmt.Errorf("writing a signal: %w", err)
			}
			if err := send(fmt.Appendf(nil, "id: %s\ndata: %s\n\n", Cursor(one.Sequence), text)); err != nil {
				return err
			}
		}
		if len(some) < streamPage {
			return nil
		}
	}
}
