package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"ganlin/devices"
)

// GateOptions says who may come in.
type GateOptions struct {
	// Check reports whether the secret is the device's. It compares in constant
	// time and does not wait for anything: each login passes it.
	Check func(device devices.DeviceID, secret string) bool

	// OnPresence is told when a device comes online and when it has gone, in
	// that order. It must not block. It may be nil.
	OnPresence func(device devices.DeviceID, online bool, at time.Time)

	Now    func() time.Time // of receipt, UTC
	Logger *slog.Logger
}

// A Gate decides which MQTT logins pass and knows who is inside. Until the door
// behind it is open, logins wait: what a device publishes must find the door.
type Gate struct {
	check      func(devices.DeviceID, string) bool
	onPresence func(devices.DeviceID, bool, time.Time)
	now        func() time.Time
	log        *slog.Logger
	refused    *refusals

	turn sync.Mutex // one change of presence at a time, so that OnPresence is called in order

	mu     sync.Mutex
	open   chan struct{} // closed while logins pass
	canary string        // the secret of the canary; empty: none may come
	visits map[uint64]*visit
	online map[devices.DeviceID]int // how many connections of each device are in: two during a takeover
}

// A visit is a connection, by the server's number for it: only the number tells
// the old connection of a device from the new one, or from a forged login.
type visit struct {
	device devices.DeviceID
	in     bool // the secret was right
}

// NewGate returns a closed gate.
func NewGate(o GateOptions) *Gate {
	if o.OnPresence == nil {
		o.OnPresence = func(devices.DeviceID, bool, time.Time) {}
	}
	return &Gate{
		check: o.Check, onPresence: o.OnPresence, now: o.Now, log: o.Logger,
		refused: newRefusals(o.Logger),
		open:    make(chan struct{}),
		visits:  map[uint64]*visit{},
		online:  map[devices.DeviceID]int{},
	}
}

var errLogin = errors.New("login refused")

// Login lets a device in whose user name, client id and secret are right, and
// returns what it may publish and subscribe to. While the door is closed it
// waits, at most until ctx ends. It is the server's hook for MQTT logins.
func (g *Gate) Login(ctx context.Context, connection uint64, clientID, user, secret string) (publish, subscribe []string, err error) {
	if clientID == canaryID {
		return g.loginCanary(secret)
	}
	device := devices.DeviceID(user)
	switch {
	case user == "":
		return nil, nil, g.refuse(Anonymous, "")
	case device.Validate() != nil:
		return nil, nil, g.refuse(BadID, "")
	case clientID != user:
		return nil, nil, g.refuse(WrongClientID, device)
	}
	// Known before it is checked: a secret revoked in between is then either
	// refused here or its connection found by Kick.
	for !g.visit(connection, device) {
		select {
		case <-g.opened():
		case <-ctx.Done():
			g.refused.count(NotOpen, device)
			return nil, nil, fmt.Errorf("waiting for the door: %w", ctx.Err())
		}
	}
	if !g.check(device, secret) {
		g.leave(connection)
		return nil, nil, g.refuse(WrongSecret, device)
	}
	if !g.enter(connection) {
		return nil, nil, errLogin // kicked meanwhile
	}
	for _, leaf := range devices.UpLeaves() {
		publish = append(publish, subject(device, leaf))
	}
	return publish, []string{subject(device, devices.Commands)}, nil
}

func (g *Gate) loginCanary(secret string) (publish, subscribe []string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.canary == "" || secret != g.canary {
		return nil, nil, errLogin
	}
	return []string{subject(canaryID, devices.Telemetry)}, []string{subject(canaryID, devices.Commands)}, nil
}

func (g *Gate) refuse(reason Reason, device devices.DeviceID) error {
	g.refused.count(reason, device)
	return errLogin
}

// Forbidden counts a publish to a topic that is not the device's. It is the
// server's hook for it.
func (g *Gate) Forbidden(connection uint64) {
	g.mu.Lock()
	var device devices.DeviceID // unknown when it was the will of a connection that has ended
	if v := g.visits[connection]; v != nil {
		device = v.device
	}
	g.mu.Unlock()
	g.refused.count(ForeignTopic, device)
}

// Online reports whether the device is connected.
func (g *Gate) Online(device devices.DeviceID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.online[device] > 0
}

// Connected returns how many devices are connected.
func (g *Gate) Connected() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.online)
}

// Refused returns how many logins and messages were refused since the start, by reason.
func (g *Gate) Refused() map[Reason]uint64 { return g.refused.snapshot() }

// visit notes a connection that wants in, and reports whether the gate is open.
// A gate that shuts knows of all that have passed it.
func (g *Gate) visit(connection uint64, device devices.DeviceID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		g.visits[connection] = &visit{device: device}
		return true
	default:
		return false
	}
}

// enter reports whether the connection is still there now that its secret was found right.
func (g *Gate) enter(connection uint64) bool {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.mu.Lock()
	v, here := g.visits[connection]
	if !here {
		g.mu.Unlock()
		return false
	}
	v.in = true
	g.online[v.device]++
	first := g.online[v.device] == 1
	g.mu.Unlock()
	if first {
		g.onPresence(v.device, true, g.now())
	}
	return true
}

// leave forgets a connection. A failed login ends with one too, under the name
// of whoever it pretended to be; its number was never let in.
func (g *Gate) leave(connection uint64) {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.mu.Lock()
	v, here := g.visits[connection]
	delete(g.visits, connection)
	if !here || !v.in {
		g.mu.Unlock()
		return
	}
	g.online[v.device]--
	last := g.online[v.device] == 0
	if last {
		delete(g.online, v.device)
	}
	g.mu.Unlock()
	if last {
		g.onPresence(v.device, false, g.now())
	}
}

// connections returns the connections of a device, or of all devices when it is empty.
func (g *Gate) connections(device devices.DeviceID) []uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []uint64
	for connection, v := range g.visits {
		if device == "" || v.device == device {
			found = append(found, connection)
		}
	}
	return found
}

func (g *Gate) opened() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

func (g *Gate) expectCanary(secret string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.canary = secret
}

func (g *Gate) setOpen(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if open {
		close(g.open)
	} else {
		g.open = make(chan struct{})
	}
}

// subject returns the topic of a leaf as the server spells it.
func subject(device devices.DeviceID, leaf devices.Leaf) string {
	return strings.ReplaceAll(devices.Topic(device, leaf), "/", ".")
}
