// Package broker is the door: it answers what MQTT devices publish to the
// embedded server, so that an acknowledgement means that the journal has the
// message on disk. The listener turns a QoS 1 PUBLISH into a request on
// $MQTT.msgs.<topic> and sends the PUBACK when an answer comes; without the
// door a stream of the server would answer, and it acknowledges what nobody stores.
package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"ganlin/devices"
	"ganlin/ingest"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// A Server is the embedded server with its MQTT listener.
type Server interface {
	Connect(name string, opts ...nats.Option) (*nats.Conn, error)
	ConnectSystem(name string, opts ...nats.Option) (*nats.Conn, error)
	DialMQTT(ctx context.Context) (net.Conn, error)
	Disconnect(connection uint64)
}

// ErrOffline says that a device is not there to hear a command.
var ErrOffline = errors.New("device is offline")

// A Door brings what devices publish to ingest and answers each message as
// ingest settles it.
type Door struct {
	server Server
	gate   *Gate
	log    *slog.Logger

	shift atomic.Pointer[shift] // of the Run that goes on; nil: the door is closed

	mu      sync.Mutex
	resumed chan struct{} // closed unless the door is paused
}

var _ ingest.Source = (*Door)(nil)

// New returns a door behind the gate, which must be the one that the server asks for logins.
func New(s Server, gate *Gate) *Door {
	d := &Door{server: s, gate: gate, log: gate.log, resumed: make(chan struct{})}
	close(d.resumed)
	return d
}

// A shift is one Run of the door: its connections and whom it works for.
type shift struct {
	door    *Door
	deliver func(ingest.Message) error
	nc      *nats.Conn // asks for the acknowledgement of QoS 1 messages
	qos0    *nats.Conn // brings every message, among them those of QoS 0
	sys     *nats.Conn // tells who has gone
	canary  chan *nats.Msg
	closing chan struct{} // closed when nothing is taken any more
	lost    chan struct{} // the server has gone

	work sync.RWMutex // held for reading by each callback
	over bool         // nothing is called back any more
}

// Run opens the door, takes messages until ctx ends and closes it again; devices
// that are connected then lose their connection. When the server goes away Run
// opens the door again as soon as the server is back. It returns an error when
// the door cannot be opened, above all when a canary shows that somebody else
// acknowledges what the journal does not have.
func (d *Door) Run(ctx context.Context, deliver func(ingest.Message) error) error {
	for opened := false; ; {
		err := d.runOnce(ctx, deliver)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // whatever did not succeed any more is of no interest
		case err == nil:
			opened = true
			d.log.Error("door has lost the server and opens again when it is back")
		case opened && errors.Is(err, errNoServer):
			select {
			case <-time.After(reopenWait):
			case <-ctx.Done():
			}
		default:
			return fmt.Errorf("opening the door: %w", err)
		}
	}
}

// reopenWait is how often the door looks whether a server that has gone is back.
const reopenWait = 50 * time.Millisecond

var errNoServer = errors.New("server is not running")

// runOnce returns an error when the door does not open, and nil when it was open until ctx or the server ended.
func (d *Door) runOnce(ctx context.Context, deliver func(ingest.Message) error) error {
	s := &shift{
		door: d, deliver: deliver,
		canary: make(chan *nats.Msg, 1), closing: make(chan struct{}), lost: make(chan struct{}, 2),
	}
	defer s.end()
	if err := s.begin(ctx); err != nil {
		if s.nc == nil || s.sys == nil || s.nc.FlushTimeout(time.Second) != nil {
			err = fmt.Errorf("%w: %w", errNoServer, err)
		}
		return err
	}
	d.shift.Store(s)
	defer d.shift.Store(nil)
	d.gate.setOpen(true)
	defer d.gate.setOpen(false)
	d.log.Info("door is open")
	select {
	case <-ctx.Done():
	case <-s.lost:
		d.gate.refused.count(DoorLost, "")
	}
	return nil
}

// Open reports whether devices are let in: the canary has shown that what is not settled is not acknowledged.
func (d *Door) Open() bool { return d.shift.Load() != nil }

// Pause makes the door answer nothing until Resume, which must follow. It is for
// trials of what devices do then; a door that must refuse says so instead.
func (d *Door) Pause() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.resumed = make(chan struct{})
}

// Resume ends a Pause. What came meanwhile is taken now.
func (d *Door) Resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.resumed)
}

func (d *Door) running() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.resumed
}

// Kick closes the connections of a device, such as one whose secret was revoked just before.
func (d *Door) Kick(device devices.DeviceID) {
	for _, connection := range d.gate.connections(device) {
		d.server.Disconnect(connection)
	}
}

// patience is how long opening may take: it waits for nothing but the server.
const patience = 15 * time.Second

func (s *shift) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var err error
	if s.nc, err = s.door.server.Connect("door", s.options()...); err != nil {
		return err
	}
	if s.sys, err = s.door.server.ConnectSystem("door-presence", s.options()...); err != nil {
		return err
	}
	// A connection of its own: those who flood the door at QoS 0, which nothing
	// slows down, then hurt themselves alone.
	if s.qos0, err = s.door.server.Connect("door-qos0", nats.DisconnectErrHandler(s.lostQoS0), nats.ErrorHandler(s.failed)); err != nil {
		return err
	}
	if err := prepareStreams(ctx, s.nc); err != nil {
		return err
	}
	if err := s.subscribe(s.sys, "$SYS.ACCOUNT.$G.DISCONNECT", s.disconnected); err != nil {
		return err
	}
	// One subscription for all upward topics keeps the order that a device published in.
	if err := s.subscribe(s.nc, requestPrefix+subject("*", "*"), s.receiveRequest); err != nil {
		return err
	}
	for _, leaf := range devices.UpLeaves() {
		if err := s.subscribe(s.qos0, subject("*", leaf), s.receiveQoS0); err != nil {
			return err
		}
	}
	for _, nc := range []*nats.Conn{s.nc, s.qos0, s.sys} {
		if err := nc.FlushWithContext(ctx); err != nil {
			return fmt.Errorf("subscribing: %w", err)
		}
	}
	if err := s.proveNobodyElseAnswers(ctx); err != nil {
		return fmt.Errorf("trying with a canary: %w", err)
	}
	return nil
}

// options are of the connections without which the door cannot work. They do
// not come back by themselves: what a restarted server has forgotten must be set up again.
func (s *shift) options() []nats.Option {
	return []nats.Option{
		nats.NoReconnect(),
		nats.ClosedHandler(func(*nats.Conn) { s.lost <- struct{}{} }),
		nats.ErrorHandler(s.failed),
	}
}

// failed is told of what must not happen, such as a client that drops what nobody reads.
func (s *shift) failed(_ *nats.Conn, _ *nats.Subscription, err error) {
	s.door.gate.refused.count(DoorLost, "")
	s.door.log.Error("door's connection to the server", "error", err)
}

func (s *shift) lostQoS0(_ *nats.Conn, err error) {
	select {
	case <-s.closing:
	default:
		s.door.gate.refused.count(DoorLost, "")
		s.door.log.Error("door has lost its connection for QoS 0", "error", err)
	}
}

// subscribe sets no limit on what waits for a callback: there the client would
// drop in silence. What bounds it is that deliver takes or refuses at once.
func (s *shift) subscribe(nc *nats.Conn, subject string, callback nats.MsgHandler) error {
	sub, err := nc.Subscribe(subject, func(m *nats.Msg) {
		s.work.RLock()
		defer s.work.RUnlock()
		if !s.over {
			callback(m)
		}
	})
	if err != nil {
		return fmt.Errorf("subscribing to %s: %w", subject, err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return fmt.Errorf("subscribing to %s: %w", subject, err)
	}
	return nil
}

// farewell is how long the door waits for the wills of devices whose connections it closes.
const farewell = 2 * time.Second

// end sends the devices away, refuses what they still say, so that none of them
// waits for an answer, and closes the connections.
func (s *shift) end() {
	close(s.closing)
	g := s.door.gate
	for _, connection := range g.connections("") {
		s.door.server.Disconnect(connection)
	}
	deadline := time.Now().Add(farewell)
	for g.Connected() > 0 && s.sys != nil && s.sys.IsConnected() && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	for _, nc := range []*nats.Conn{s.nc, s.qos0, s.sys} {
		nc.Close()
	}
	s.work.Lock()
	s.over = true
	s.work.Unlock()
	for _, connection := range g.connections("") {
		g.leave(connection)
	}
}

// disconnected takes the server's word that a connection has ended.
func (s *shift) disconnected(m *nats.Msg) {
	var event struct {
		Client struct {
			ID uint64 `json:"id"`
		} `json:"client"`
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal(m.Data, &event); err != nil {
		s.door.log.Error("reading who disconnected", "error", err)
		return
	}
	if event.Reason == server.MaxPayloadExceeded.String() {
		s.door.gate.refused.count(TooLarge, "")
	}
	s.door.gate.leave(event.Client.ID)
}
