package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/valves"
)

// newValves makes what carries commands out, over every way that leads to devices.
func (p *program) newValves() *valves.Courier {
	o := valves.Options{Sender: commandSender{p}, Now: func() time.Time { return p.clock.Now() }, Log: p.log, Stopped: p.wasStopped()}
	if p.step == nil {
		began := time.Now()
		o.Elapsed = func() time.Duration { return time.Since(began) }
	}
	if p.gate != nil && len(p.brokers) == 0 {
		o.Online = p.gate.Online
	}
	return valves.New(o)
}

// hear lets the courier know what a device says of itself: a valve's reports, and
// over the brokers of others its status, for nobody else there tells who is connected.
func (p *program) hear(f *devices.Fact) {
	switch {
	case f.Kind == devices.ReportFact:
		p.valves.Reported(f.Device, *f.Report, f.At)
	case f.Kind == devices.PresenceFact && len(p.brokers) > 0 && f.Presence != nil:
		p.valvePresence(f.Device, f.Presence.Online)
	}
}

// present takes the embedded broker's word on who is connected.
func (p *program) present(id devices.DeviceID, online bool, at time.Time) {
	p.now.SetOnline(id, online, at)
	p.valvePresence(id, online)
}

func (p *program) valvePresence(id devices.DeviceID, online bool) {
	d, _ := p.registry.Load().Device(id)
	if _, departs := p.departs(id); departs || d.MaxDurationS > 0 {
		p.valves.Presence(id, online)
	}
}

// brokerAway is after how long without a broker its valves have to say anew how they stand.
const brokerAway = time.Minute

// brokerBack is told that a broker of another's can be reached again.
func (p *program) brokerBack(b *externalBroker) {
	if since, lost := b.lost(); lost && time.Since(since) >= brokerAway {
		p.valves.Doubt(p.commanded()...)
	}
	b.down.Store(nil)
}

// commandSender reaches a device through the embedded broker or any other.
type commandSender struct{ p *program }

func (s commandSender) Publish(ctx context.Context, device devices.DeviceID, payload []byte) error {
	var errs []error
	if s.p.door != nil {
		err := s.p.door.Publish(ctx, device, payload)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	sent := false
	for _, b := range s.p.brokers {
		err := b.source.Publish(ctx, devices.Topic(device, devices.Commands), payload)
		sent = sent || err == nil
		errs = append(errs, err)
	}
	if sent {
		return nil
	}
	return errors.Join(errs...)
}

// commanded returns the valves that the rules may open.
func (p *program) commanded() []devices.DeviceID {
	var all []devices.DeviceID
	for _, plot := range p.registry.Load().Plots() {
		all = append(all, plot.Valves...)
	}
	return all
}

// everyValve returns all valves of the registry, as somebody may have opened also
// those by hand that water no plot, and those that have left it and that the rules have not let go of.
func (p *program) everyValve() (all []devices.DeviceID) {
	for _, d := range p.registry.Load().Devices() {
		if d.MaxDurationS > 0 {
			all = append(all, d.ID)
		}
	}
	for _, id := range append(p.commanded(), p.engine.Valves()...) {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// readyPatience is how long a step waits, after a start, for valves to say how
// they stand. One that says nothing is not opened, and holds nobody up longer.
const readyPatience = 20 * time.Second

// valvesReady waits, once after a start, until every valve that the rules may
// open has said how it stands.
func (p *program) valvesReady(ctx context.Context) error {
	if p.asked {
		return nil
	}
	all := p.commanded()
	p.valves.Ask(all)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(readyPatience); !p.valves.Ready(all) && time.Now().Before(end); {
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: waiting for the valves: %w", httpapi.ErrUnavailable, ctx.Err())
		}
	}
	p.asked = true
	return nil
}
