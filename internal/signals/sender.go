package signals

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// SenderOptions say what a Sender works with.
type SenderOptions struct {
	Feed  *Feed
	Store WebhookStore
	// Reader returns what an account may be told; false: it may be told nothing any more.
	Reader func(account string) (Reader, bool)
	// AllowPrivate lists networks that are not public and may be sent to, and unencrypted too.
	AllowPrivate []netip.Prefix
	FirstPause   time.Duration // before the second attempt; 0: 5 s
	Log          *slog.Logger
}

// How long is waited after an attempt that failed: FirstPause, twice as long
// after each, up to lastPause; a webhook that has failed for giveUp is disabled.
const (
	firstPause = 5 * time.Second
	lastPause  = 4 * time.Hour
	giveUp     = 5 * 24 * time.Hour
)

// A Sender sends signals to webhooks, to each in order and at least once. Each
// has a line of its own, so that none waits for another.
type Sender struct {
	o      SenderOptions
	client *client

	mu      sync.Mutex // also over a change in the store, so that changes come one after the other
	hooks   map[string]*line
	running context.Context //nolint:containedctx // of Run, for the lines that begin later; nil: it does not run
	lines   sync.WaitGroup
}

// A line is what is sent to one webhook.
type line struct {
	hook Webhook            // as the rest: s.mu is held
	busy bool               // somebody sends
	stop context.CancelFunc // of who sends
	kick chan struct{}      // there is no reason to wait any longer
}

// NewSender reads the webhooks. Run sends.
func NewSender(ctx context.Context, o SenderOptions) (*Sender, error) {
	if o.FirstPause == 0 {
		o.FirstPause = firstPause
	}
	s := &Sender{o: o, client: newClient(o.AllowPrivate), hooks: map[string]*line{}}
	all, err := o.Store.Webhooks(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the webhooks: %w", err)
	}
	for _, w := range all {
		s.hooks[w.ID] = newLine(w)
	}
	return s, nil
}

func newLine(w Webhook) *line {
	return &line{hook: w, stop: func() {}, kick: make(chan struct{}, 1)}
}

// Run sends until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	s.mu.Lock()
	s.running = ctx
	for _, l := range s.hooks {
		s.begin(l)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.lines.Wait()
	return nil
}

// begin lets a line send at once, if its webhook is in force. s.mu is held.
func (s *Sender) begin(l *line) {
	select {
	case l.kick <- struct{}{}:
	default:
	}
	if s.running == nil || s.running.Err() != nil || l.hook.Disabled != "" || l.busy {
		return
	}
	ctx, stop := context.WithCancel(s.running)
	l.busy, l.stop = true, stop
	s.lines.Go(func() {
		defer stop()
		s.send(ctx, l)
	})
}

// Pending returns how many signals the webhooks in force have not been brought yet, summed up.
func (s *Sender) Pending(ctx context.Context) (int64, error) {
	last, err := s.o.Feed.outbox.LastSignal(ctx)
	if err != nil {
		return 0, fmt.Errorf("counting the signals that wait: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum int64
	for _, l := range s.hooks {
		if l.hook.Disabled == "" {
			sum += max(0, last-l.hook.Delivered)
		}
	}
	return sum, nil
}
