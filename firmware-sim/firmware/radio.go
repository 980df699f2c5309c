package firmware

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"ganlin/devices"
)

// window is how many messages a device has unacknowledged at most.
const window = 32

// Between two connections a device waits at least minPause: brokers take a
// faster change for a fight over the client id.
const (
	minPause = time.Second
	maxPause = 30 * time.Second
)

var (
	errLost  = errors.New("connection was lost")
	errOff   = errors.New("radio was switched off")
	errNoAck = errors.New("no PUBACK in time")
)

// Run is the device's radio: it keeps a connection, publishes what waits, and
// hands commands to the valve. It returns when ctx ends, after the device has
// said that it is going.
func (d *Device) Run(ctx context.Context, l Link) {
	if l.AckTimeout == 0 {
		l.AckTimeout = 30 * time.Second
	}
	if l.Dial == nil {
		l.Dial = new(net.Dialer).DialContext
	}
	d.rough = newRoughness(l.Rough, d.key)
	log := l.Logger.With("device", string(d.id))
	for failures := 0; d.untilOn(ctx); {
		s, err := d.connect(ctx, l)
		if err == nil {
			failures = 0
			err = d.serve(ctx, s, l)
			d.setSession(nil, false)
		}
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errOff) {
			continue // in the device's own time the pause is over when it is switched on again
		}
		log.Warn("device has no connection", "error", err)
		if !sleep(ctx, pause(failures)) {
			return
		}
		failures++
	}
}

// pause returns a jittered back-off above one second.
func pause(failures int) time.Duration {
	most := minPause << min(failures, 5)
	return min(minPause+most/20+rand.N(most), maxPause) //nolint:gosec // jitter
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connect opens a session and says that the device is online.
func (d *Device) connect(ctx context.Context, l Link) (*session, error) {
	s, err := open(ctx, d.id, l, d.topics[devices.Status], d.presence(false).payload, d.command)
	if err != nil {
		return nil, err
	}
	d.setSession(s, false)
	if err := d.greet(ctx, s, l); err != nil {
		s.cut()
		d.setSession(nil, false)
		return nil, err
	}
	d.setSession(s, true)
	return s, nil
}

func (d *Device) greet(ctx context.Context, s *session, l Link) error {
	d.mu.Lock()
	d.counts.Connects++
	valve := d.valve != nil
	d.mu.Unlock()
	if valve {
		if err := s.subscribe(ctx, d.topics[devices.Commands]); err != nil {
			return err
		}
	}
	if err := d.say(ctx, s, l, true); err != nil {
		return fmt.Errorf("saying that it is online: %w", err)
	}
	if valve {
		d.mu.Lock()
		d.pushReport(d.valve.statement(""))
		d.mu.Unlock()
	}
	return nil
}

// serve publishes what waits until the connection ends. What was waiting when
// it began goes out in arrays, what is measured from then on one by one unless
// the link is a batch.
func (d *Device) serve(ctx context.Context, s *session, l Link) error {
	timer := time.NewTimer(l.AckTimeout)
	defer timer.Stop()
	d.mu.Lock()
	backlog := d.ring.n
	d.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return d.goodbye(s, l)
		}
		batch, on := d.nextBatch(&backlog, l.Batch)
		if !on {
			s.cut()
			return errOff
		}
		if len(batch) > 0 {
			if err := d.deliver(ctx, s, l, batch, timer); err != nil {
				s.cut()
				return err
			}
			continue
		}
		select {
		case <-d.wake:
		case <-s.lost:
			return errLost
		case <-ctx.Done():
		}
	}
}

// nextBatch takes what fits into the window.
func (d *Device) nextBatch(backlog *int, join bool) (batch []message, on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.on() {
		return nil, false
	}
	for len(batch) < window && d.ring.n > 0 {
		if join {
			*backlog = d.ring.n
		}
		m := nextMessage(&d.ring, max(*backlog, 1))
		*backlog = max(*backlog-len(m.items), 0)
		d.inFlight += len(m.items)
		batch = append(batch, m)
	}
	d.settle()
	return batch, true
}

// deliver publishes messages and waits for their PUBACKs. Those that did not
// get one go back to the ring.
func (d *Device) deliver(ctx context.Context, s *session, l Link, batch []message, timer *time.Timer) error {
	tokens := make([]mqtt.Token, len(batch))
	for i, m := range batch {
		d.rough.delay()
		tokens[i] = d.publish(s, m)
		if d.rough.cuts() {
			s.cut()
		}
	}
	timer.Reset(l.AckTimeout)
	var err error
	var kept []item
	for i, m := range batch {
		if err == nil {
			err = await(ctx, s, tokens[i], timer)
		}
		if err == nil || acked(tokens[i]) {
			d.acknowledged(m, l)
		} else {
			kept = append(kept, m.items...)
		}
	}
	if err == nil {
		err = d.repeat(ctx, s, l, batch, timer)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ring.giveBack(kept)
	d.inFlight = 0
	return err
}

// repeat publishes again what is to come twice.
func (d *Device) repeat(ctx context.Context, s *session, l Link, batch []message, timer *time.Timer) error {
	for _, m := range batch {
		if !slices.ContainsFunc(m.items, func(it item) bool { return it.again }) {
			continue
		}
		token := d.publish(s, m)
		timer.Reset(l.AckTimeout)
		if err := await(ctx, s, token, timer); err != nil {
			return err
		}
		d.mu.Lock()
		d.counts.Duplicates++
		d.mu.Unlock()
		d.acknowledged(message{leaf: m.leaf, payload: m.payload}, l)
	}
	return nil
}

func (d *Device) publish(s *session, m message) mqtt.Token {
	d.mu.Lock()
	d.counts.Published++
	d.mu.Unlock()
	return s.publish(d.topics[m.leaf], m.payload, m.leaf == devices.Status)
}

// await waits for a PUBACK. When ctx ends it waits a little longer, so that a
// device that is switched off knows what became of its last messages.
func await(ctx context.Context, s *session, token mqtt.Token, timer *time.Timer) error {
	done := ctx.Done()
	for {
		select {
		case <-token.Done():
			return token.Error()
		case <-s.lost:
			return errLost
		case <-timer.C:
			return errNoAck
		case <-done:
			done = nil
			timer.Reset(leaveTimeout)
		}
	}
}

func acked(token mqtt.Token) bool {
	select {
	case <-token.Done():
		return token.Error() == nil
	default:
		return false
	}
}

// acknowledged counts a message whose PUBACK came, and the items it brings for the first time.
func (d *Device) acknowledged(m message, l Link) {
	d.mu.Lock()
	d.counts.Acknowledged++
	for _, it := range m.items {
		switch {
		case it.broken:
			d.counts.Broken++
			continue
		case it.leaf == devices.Reports:
			d.counts.Reports++
		case it.leaf == devices.Telemetry:
			d.counts.Readings++
			d.counts.Values += int64(it.values)
		}
		d.lastSent = max(d.lastSent, it.seq)
	}
	d.mu.Unlock()
	if l.Acknowledged != nil {
		l.Acknowledged(m.leaf, m.payload)
	}
}

// presence makes a status message.
func (d *Device) presence(online bool) message {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := devices.Presence{Online: online, Firmware: Version, At: d.clock(d.now), Seq: d.nextSeq()}
	return message{leaf: devices.Status, payload: mustMarshal(p), items: []item{{leaf: devices.Status, seq: p.Seq}}}
}

// say publishes the device's status and waits for the PUBACK. A status that got
// none is not kept: the next connection has a newer one.
func (d *Device) say(ctx context.Context, s *session, l Link, online bool) error {
	m := d.presence(online)
	token := d.publish(s, m)
	timer := time.NewTimer(l.AckTimeout)
	defer timer.Stop()
	if err := await(ctx, s, token, timer); err != nil {
		return err
	}
	d.acknowledged(m, l)
	return nil
}

// goodbye says that the device is going and leaves.
func (d *Device) goodbye(s *session, l Link) error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	err := d.say(ctx, s, l, false)
	s.leave()
	return err
}
