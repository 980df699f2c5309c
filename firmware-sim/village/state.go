package village

import (
	"encoding/json"
	"fmt"
	"time"

	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
)

// A state is a village between two steps, when nothing is under way but leases
// and commands. What devices hold back or could not send is no part of it.
type state struct {
	Village identity         `json:"village"`
	At      time.Time        `json:"at"`
	Field   field.State      `json:"field"`
	Devices []firmware.State `json:"devices"` // in the order of the registry
	Sums    sums             `json:"sums"`    // without the last opening of each valve
}

// An identity says which village a state belongs to.
type identity struct {
	Season     field.Season `json:"season"`
	Weather    string       `json:"weather,omitempty"` // digest of the observed weather
	Start      time.Time    `json:"start"`
	Days       int          `json:"days"`
	Plots      int          `json:"plots"`
	Seed       uint64       `json:"seed"`
	ProbesOnly bool         `json:"probes_only,omitempty"`
}

// sums are what was counted in all processes.
type sums struct {
	Fleet    firmware.Counts `json:"fleet"`
	Openings Openings        `json:"openings"`
}

func (v *Village) identity() identity {
	o := v.options
	i := identity{Season: o.Season, Start: o.Start, Days: o.Days, Plots: o.Plots, Seed: o.Seed, ProbesOnly: o.ProbesOnly}
	if o.record != nil {
		i.Season, i.Weather = "observed", o.record.Digest
	}
	return i
}

func (i identity) String() string {
	return fmt.Sprintf("the season %q from %s with %d plots, %d days and seed %d", i.Season, i.Start.Format(time.DateOnly), i.Plots, i.Days, i.Seed)
}

// State returns the village as JSON, to be given to a later one of the same
// options as Resume. It may be called from Link.Keep and when Run has returned.
func (v *Village) State() []byte {
	s := state{Village: v.identity(), At: v.now, Field: v.field.State(), Sums: v.before, Devices: make([]firmware.State, len(v.devices))}
	for i, d := range v.devices {
		s.Devices[i] = d.State()
		s.Sums.Fleet.Add(d.Counts())
		if all := d.Openings(); len(all) > 0 {
			s.Sums.Openings.add(v.now, all[:len(all)-1]...)
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // finite numbers and times alone
	}
	return text
}

// resume takes up a state.
func (v *Village) resume(text []byte) error {
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("reading the state: %w", err)
	}
	if own := v.identity(); s.Village != own {
		return fmt.Errorf("the state is that of %s, not of %s", s.Village, own)
	}
	if len(s.Devices) != len(v.devices) {
		return fmt.Errorf("the state has %d devices, the village %d", len(s.Devices), len(v.devices))
	}
	if err := v.field.Restore(s.Field); err != nil {
		return err
	}
	for i, d := range v.devices {
		d.Restore(s.Devices[i])
	}
	s.Sums.Fleet.Waiting, s.Sums.Fleet.Held = 0, 0 // what waited then is lost
	v.now, v.before, v.resumed = s.At, s.Sums, true
	return nil
}
