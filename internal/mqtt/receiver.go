package mqtt

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"ganlin/ingest"
)

// inFlight is the most that MQTT lets be in flight: one message for each packet id.
const inFlight = 65535

// A receiver takes messages from the client library, which must never be kept
// waiting, to deliver, and acknowledgements back, in the order in which the
// messages came. It outlives connections: what has come is delivered even when
// its connection is gone, for the broker may have forgotten it.
type receiver struct {
	source  *Source
	deliver func(ingest.Message) error

	inbound chan arrival
	acks    chan paho.Message

	unsettled atomic.Int64 // delivered and neither acknowledged nor refused
	pumping   sync.WaitGroup
	acking    sync.WaitGroup
	stopped   chan struct{}
}

// An arrival is a message with the connection that it came by.
type arrival struct {
	message  paho.Message
	received time.Time
	refused  chan<- struct{} // tells the connection that it has a message to bring again
}

func newReceiver(s *Source, deliver func(ingest.Message) error) *receiver {
	return &receiver{
		source: s, deliver: deliver,
		inbound: make(chan arrival, inFlight),
		acks:    make(chan paho.Message, inFlight),
		stopped: make(chan struct{}),
	}
}

// start begins to deliver until ctx ends, and to acknowledge until stop.
func (r *receiver) start(ctx context.Context) {
	r.pumping.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case a := <-r.inbound:
				r.hand(ctx, a)
			}
		}
	})
	r.acking.Go(func() {
		for {
			select {
			case <-r.stopped:
				return
			case m := <-r.acks:
				m.Ack()
				r.source.acknowledged.Add(1)
				r.unsettled.Add(-1)
			}
		}
	})
}

// stop ends what start began, after its ctx has ended.
func (r *receiver) stop() {
	r.pumping.Wait()
	close(r.stopped)
	r.acking.Wait()
}

// take is called by the client library and never blocks.
func (r *receiver) take(m paho.Message, refused chan<- struct{}) {
	r.source.received.Add(1)
	a := arrival{m, r.source.options.Now(), refused}
	select {
	case r.inbound <- a:
	default:
		a.refuse(r.source)
	}
}

// refuse leaves a message unacknowledged, so that the broker brings it again
// on the next connection. One of QoS 0 is lost.
func (a arrival) refuse(s *Source) {
	if a.message.Qos() == 0 {
		s.dropped.Add(1)
		return
	}
	select {
	case a.refused <- struct{}{}:
	default:
	}
}

// hand delivers a message, waiting while the intake is full.
func (r *receiver) hand(ctx context.Context, a arrival) {
	m := ingest.Message{
		Topic:    a.message.Topic(),
		Payload:  a.message.Payload(),
		QoS:      a.message.Qos(),
		Received: a.received,
		Codec:    r.source.codec(a.message.Topic()),
	}
	if m.QoS > 0 {
		r.unsettled.Add(1)
		m.Settle = func(err error) { r.settle(a, err) }
	}
	err := r.deliver(m)
	for errors.Is(err, ingest.ErrFull) {
		select {
		case <-ctx.Done():
			r.unsettled.Add(-1)
			return
		case <-time.After(10 * time.Millisecond):
		}
		err = r.deliver(m)
	}
	if err != nil {
		r.unsettled.Add(-1)
		a.refuse(r.source)
	}
}

// settle answers a message; it does not block.
func (r *receiver) settle(a arrival, err error) {
	if err != nil {
		a.refuse(r.source)
		r.unsettled.Add(-1)
		return
	}
	select {
	case r.acks <- a.message:
	default: // more than can be in flight: it has come again meanwhile, on another connection
		r.unsettled.Add(-1)
	}
}

// drain waits for what was delivered to be settled, for a while. It is called
// after the end of start's ctx.
func (r *receiver) drain() {
	r.pumping.Wait()
	for range 400 {
		if r.unsettled.Load() <= 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// codec returns the codec of the first subscription that takes in the topic.
func (s *Source) codec(topic string) ingest.Codec {
	for _, subscription := range s.options.Subscriptions {
		for _, filter := range subscription.Topics {
			if matches(filter, topic) {
				return subscription.Codec
			}
		}
	}
	return nil
}
