package app

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"ganlin/devices"
	"ganlin/internal/records"
)

// departures are the valves that have left the registry while they may be open.
// They stay connected and are heard until the rules let go of them; then they are
// sent away as everything else that leaves was at once.
type departures struct {
	mu     sync.Mutex
	valves map[devices.DeviceID]bool // whether the password is to end with it
}

func (d *departures) add(id devices.DeviceID, forgotten bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.valves == nil {
		d.valves = map[devices.DeviceID]bool{}
	}
	d.valves[id] = d.valves[id] || forgotten
}

func (d *departures) all() map[devices.DeviceID]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.valves)
}

func (d *departures) drop(id devices.DeviceID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.valves, id)
}

// departs reports whether a device is a valve that has left the registry and that
// the rules have not let go of, and where it stands.
func (p *program) departs(id devices.DeviceID) (where devices.Location, departs bool) {
	if _, declared := p.registry.Load().Device(id); declared {
		return where, false
	}
	return p.engine.Knows(id)
}

// departEvery is how often is looked whether the rules have let go of a valve.
const departEvery = time.Second

// sendAway sends valves away once the rules have let go of them, until ctx ends.
func (p *program) sendAway(ctx context.Context) error {
	look := time.NewTicker(departEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		all := p.leaving.all()
		if len(all) > 0 {
			p.engine.Views() // as they stand now, also when no tick follows
		}
		for _, id := range slices.Sorted(maps.Keys(all)) {
			if err := p.depart(ctx, id, all[id]); err != nil && ctx.Err() == nil {
				p.log.Error("a valve that has left the registry keeps its password", "valve", id, "error", err)
			}
		}
	}
}

// depart sends a valve away if the rules have let go of it.
func (p *program) depart(ctx context.Context, id devices.DeviceID, forgotten bool) error {
	p.registering.Lock()
	defer p.registering.Unlock()
	_, declared := p.registry.Load().Device(id)
	if _, departs := p.departs(id); departs {
		return nil
	}
	p.leaving.drop(id)
	if declared {
		return nil
	}
	var err error
	if forgotten {
		if err = p.records.RevokeCredential(ctx, id, time.Now()); errors.Is(err, records.ErrNotFound) {
			err = nil // it had none
		}
		err = errors.Join(err, p.records.LoadSecrets(ctx, p.secrets))
	}
	if p.door != nil {
		p.door.Kick(id)
	}
	return err
}
