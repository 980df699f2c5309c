package now

import (
	"context"
	"time"
)

// A subscriber has room for one signal: it says that something changed, not what, so that it can never queue.
type subscriber struct {
	signal chan struct{}
	since  time.Time // when the signal that may still lie there was put
}

// Subscribe returns a channel that gives a signal now and after changes; the
// reader then takes a Snapshot and so always has the newest state. The channel
// is closed when ctx ends, or when a signal lay untaken for longer than
// Options.Patience.
func (s *State) Subscribe(ctx context.Context) <-chan struct{} {
	sub := &subscriber{signal: make(chan struct{}, 1), since: time.Now()}
	sub.signal <- struct{}{}
	s.mu.Lock()
	s.subscribers[sub] = struct{}{}
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop(sub)
	})
	return sub.signal
}

func (s *State) notify() {
	now := time.Now()
	for sub := range s.subscribers {
		select {
		case sub.signal <- struct{}{}:
			sub.since = now
		default:
			if now.Sub(sub.since) > s.options.Patience {
				s.drop(sub)
			}
		}
	}
}

func (s *State) drop(sub *subscriber) {
	if _, ok := s.subscribers[sub]; ok {
		delete(s.subscribers, sub)
		close(sub.signal)
	}
}
