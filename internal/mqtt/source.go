// Package mqtt brings messages from an MQTT broker of another maker (Mosquitto,
// EMQX, HiveMQ) to ingest, and commands to its devices. It keeps a session at
// the broker under a fixed client id and acknowledges a message only once it
// is settled, so that whatever happens here the broker holds what was not put
// on disk. What the broker itself loses before that is beyond it.
package mqtt

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"ganlin/ingest"
)

// Options describe a broker and what to take from it.
type Options struct {
	URL                string // tcp://host:1883, or ssl://host:8883
	ClientID           string // must stay the same, and be nobody else's: the broker keeps our messages under it
	Username, Password string
	TLS                *tls.Config // of ssl; nil trusts the system's authorities

	Subscriptions []Subscription
	Share         string // group of a shared subscription, for brokers that have them; empty: none

	Now     func() time.Time // of receipt
	Log     *slog.Logger
	OnEvent func(Event) // for metrics and pages; must not block; may be nil

	RefusedPause time.Duration // a refused message rests so long before the broker is made to send it again; 0 is 5 s
	MaxPause     time.Duration // between attempts to connect, at most; 0 is 30 s
}

// A Subscription is a set of topic filters whose messages one codec reads.
type Subscription struct {
	Topics []string
	Codec  ingest.Codec // nil is ingest.Native
}

// An Event is a change of the connection to the broker.
type Event struct {
	Kind EventKind
	Err  error // of Lost: why
}

// An EventKind says what has changed.
type EventKind string

// The kinds of events.
const (
	Connected EventKind = "connected"  // and subscribed
	Lost      EventKind = "lost"       // or an attempt to connect failed
	StateLost EventKind = "state_lost" // the broker has forgotten our session, and with it what it held for us
)

// ErrNotConnected is returned by Publish while there is no connection.
var ErrNotConnected = errors.New("not connected to the broker")

// A Source is an ingest.Source over one broker.
type Source struct {
	options    Options
	subscribed bool // a session of ours must be at the broker; used by Run alone

	mu     sync.Mutex
	client paho.Client // nil while not connected

	received, acknowledged, dropped atomic.Uint64
}

var _ ingest.Source = (*Source)(nil)

// New returns a source that connects when it runs.
func New(o Options) (*Source, error) {
	address, err := url.Parse(o.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the broker's URL: %w", errors.Unwrap(err)) // the error itself quotes it, password and all
	case !slices.Contains([]string{"tcp", "mqtt", "ssl", "tls", "mqtts"}, address.Scheme) || address.Host == "":
		return nil, fmt.Errorf("broker URL %q is not like tcp://host:1883 or ssl://host:8883", address.Redacted())
	case address.User != nil:
		return nil, fmt.Errorf("broker URL %q holds a user; give user name and password apart from it", address.Redacted())
	case o.ClientID == "":
		return nil, errors.New("client id is empty; the broker keeps messages under it")
	case len(o.Subscriptions) == 0:
		return nil, errors.New("no subscription is given")
	}
	o.RefusedPause = cmp.Or(o.RefusedPause, 5*time.Second)
	o.MaxPause = cmp.Or(o.MaxPause, 30*time.Second)
	return &Source{options: o}, nil
}

// Stats are counts since the source was made.
type Stats struct {
	Received     uint64 // messages from the broker, repeated ones included
	Acknowledged uint64
	Dropped      uint64 // messages of QoS 0 that found the queue full
}

// Stats returns the counts of this moment.
func (s *Source) Stats() Stats {
	return Stats{s.received.Load(), s.acknowledged.Load(), s.dropped.Load()}
}

// The first pause between attempts to connect, which doubles each time, and how
// long a connection must last for the next pause to be the first one again. Two
// programs under one client id throw each other out: they slow down too.
const (
	firstPause = 250 * time.Millisecond
	steady     = 10 * time.Second
)

// Run connects, and connects again, until ctx ends. It then delivers nothing
// more, and waits up to two seconds for what it delivered to be settled.
func (s *Source) Run(ctx context.Context, deliver func(ingest.Message) error) error {
	r := newReceiver(s, deliver)
	defer r.stop()
	r.start(ctx)

	pause := firstPause
	for ctx.Err() == nil {
		begin := time.Now()
		err := s.session(ctx, r)
		if ctx.Err() != nil {
			break
		}
		s.event(Event{Lost, err})
		if errors.Is(err, errRefused) {
			continue
		}
		if time.Since(begin) > steady {
			pause = firstPause
		}
		pause = min(pause, s.options.MaxPause)
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause/2+1)): //nolint:gosec // spreads reconnects, guards nothing
		}
		pause *= 2
	}
	return nil
}

// Publish sends a message at QoS 0, now or not at all: a command that arrives
// late can open a valve that should be shut. That it was sent proves nothing;
// only the device's report does.
func (s *Source) Publish(ctx context.Context, topic string, payload []byte) error {
	s.mu.Lock()
	client := s.client
	s.mu.Unlock()
	if client == nil || !client.IsConnectionOpen() {
		return ErrNotConnected
	}
	token := client.Publish(topic, 0, false, payload)
	select {
	case <-ctx.Done():
		return fmt.Errorf("publishing to %s: %w", topic, ctx.Err())
	case <-token.Done():
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	return nil
}

// event logs a change of the connection and passes it on.
func (s *Source) event(e Event) {
	log := s.options.Log.With("broker", s.options.URL, "client_id", s.options.ClientID)
	switch e.Kind {
	case Connected:
		log.Info("connected to broker")
	case Lost:
		log.Warn("no connection to broker", "error", e.Err)
	case StateLost:
		log.Error("broker has forgotten our session; what it held for us is lost")
	}
	if s.options.OnEvent != nil {
		s.options.OnEvent(e)
	}
}
