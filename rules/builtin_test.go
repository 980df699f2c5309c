package rules_test

import (
	"slices"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules"
	"ganlin/rules/condition"
)

// A trouble is what goes wrong in a summer, from an hour of a day on.
type trouble struct{ day, hour, hours int }

func (o trouble) begins() time.Time { return begin.Add(time.Duration(24*o.day+o.hour) * time.Hour) }

func (o trouble) over() time.Time { return o.begins().Add(time.Duration(o.hours) * time.Hour) }

func (o trouble) at(at time.Time) bool { return at.After(o.begins()) && !at.After(o.over()) }

// TestEveryBuiltinRuleFires lives a summer in which everything goes wrong once,
// in readings and reports that could be. Each built-in rule fires because of its
// trouble, neither before nor long after, and is over when that is.
func TestEveryBuiltinRuleFires(t *testing.T) {
	c := config(t)
	const day = 24 * time.Hour
	var (
		heat     = trouble{10, 8, 10}
		mute     = trouble{14, 0, 9} // the probe
		dark     = trouble{16, 0, 10}
		stuck    = trouble{18, 0, 34}
		inAir    = trouble{22, 0, 8}
		drained  = trouble{24, 0, 27} // the battery
		unheard  = trouble{26, 0, 72} // the valve of p-2, from its next opening on
		dry      = trouble{28, 0, 72} // the source of p-1, likewise
		strange  = trouble{32, 10, 1} // the valve of p-2 opens for a command that nobody gave
		leaking  = trouble{34, 0, 1}
		flooded  = trouble{40, 0, 60}
		cold     = trouble{46, 20, 10}
		expected = map[string]struct {
			begins trouble
			within time.Duration // that it fires after the end of it, at the latest
		}{
			"heat": {heat, 0}, "frost": {cold, 0}, "probe_silent": {mute, 0}, "station_silent": {dark, 0}, "soil_unknown": {dark, 0},
			"probe_stuck": {stuck, 0}, "probe_implausible": {inAir, 0}, "low_battery": {drained, 0}, "valve_unconfirmed": {unheard, time.Hour},
			"valve_unasked": {strange, 0}, "valve_still": {dry, 0}, "valve_leak": {leaking, time.Hour}, "waterlogging": {flooded, 0},
			"drought": {trouble{2, 0, 37 * 24}, 0}, "drought_severe": {trouble{2, 0, 37 * 24}, 0},
		}
	)
	w := &world{soaked: true, theta: 0.25}
	w.bend = func(f *devices.Fact) bool {
		probe := f.Device == "s-1"
		switch {
		case f.Device == "w-01" && dark.at(f.At), probe && mute.at(f.At):
			return false
		case probe && f.Key.Quantity == devices.BatteryVoltage:
		case probe && stuck.at(f.At):
			f.Value = 0.2
		case probe && inAir.at(f.At):
			f.Value = -0.01
		case probe && flooded.at(f.At):
			f.Value += 0.305 - w.theta
		case f.Key.Quantity == devices.RainTotal && f.At.After(flooded.begins()):
			f.Value += 220
		case f.Key.Quantity == devices.AirTemperature && heat.at(f.At):
			f.Value += 4
		case f.Key.Quantity == devices.AirTemperature && cold.at(f.At):
			f.Value -= 25.6
		}
		return true
	}
	troubled := map[devices.DeviceID]time.Time{}
	obey := func(d devices.Decision) []devices.Fact {
		facts := w.obey(d)
		valve, opens := devices.DeviceID(d.Subject), d.Command.Action == devices.Open
		switch {
		case opens && valve == "v-2" && unheard.at(d.At) && troubled[valve].IsZero():
			troubled[valve] = d.At
			return facts[:1] // it says that it will, and nothing more for an hour
		case valve == "v-2" && d.At.Sub(troubled[valve]) < time.Hour:
			return nil
		case opens && valve == "v-1" && dry.at(d.At) && troubled[valve].IsZero():
			troubled[valve] = d.At
			for m := 5; m <= 45; m += 10 {
				facts = append(facts, w.fact(valve, d.At.Add(time.Duration(m)*time.Minute), "flow", 0))
			}
		}
		return facts
	}
	s := rules.New(c)
	s.Tick(begin)
	late := w.hello(begin.Add(time.Millisecond))
	fired, over := map[string][]time.Time{}, map[string]int{}
	for at := begin.Add(10 * time.Minute); at.Before(begin.Add(50 * day)); at = at.Add(10 * time.Minute) {
		facts := late
		late = nil
		if at.Minute() == 0 {
			facts = append(facts, w.live(at)...)
			volts := 3.6
			if drained.at(at) {
				volts = 3.1
			}
			if battery := w.fact("s-1", at, "battery_voltage", volts); w.bend(&battery) {
				facts = append(facts, battery)
			}
		}
		if flow := 0.0; at.After(leaking.begins().Add(-time.Hour)) && !at.After(leaking.over().Add(time.Hour)) {
			if leaking.at(at) {
				flow = 8
			}
			facts = append(facts, w.fact("v-1", at, "flow", flow))
		}
		if at.Equal(strange.over()) {
			facts = append(facts, w.opensUnasked("v-2", at))
		}
		for _, f := range facts {
			s.Add(f)
		}
		for _, d := range s.Tick(at) {
			if d.Command != nil {
				late = append(late, obey(d)...)
			}
			switch {
			case d.Kind == devices.IrrigationDecision && d.Outcome == "start", d.Kind == devices.AlertDecision && d.Outcome == "firing":
				fired[d.Rule] = append(fired[d.Rule], d.At)
			case d.Kind == devices.IrrigationDecision && (d.Outcome == "done" || d.Outcome == "stop"), d.Kind == devices.AlertDecision && d.Outcome == "resolved":
				over[d.Rule]++
			}
		}
	}
	for _, r := range c.Rules {
		if len(fired[r.ID]) == 0 || over[r.ID] != len(fired[r.ID]) {
			t.Errorf("%s fired at %s and was over %d times", r.ID, fired[r.ID], over[r.ID])
		}
		want, ok := expected[r.ID]
		if !ok {
			if r.Do != condition.Irrigate {
				t.Errorf("nothing is done to drive %s", r.ID)
			}
			continue
		}
		if slices.ContainsFunc(fired[r.ID], func(at time.Time) bool {
			return at.Before(want.begins.begins()) || at.After(want.begins.over().Add(want.within))
		}) {
			t.Errorf("%s fired at %s, its trouble was from %s to %s", r.ID, fired[r.ID], want.begins.begins(), want.begins.over())
		}
	}
}
