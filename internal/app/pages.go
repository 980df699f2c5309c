package app

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/influx"
	"ganlin/internal/influx/influxd"
	"ganlin/internal/now"
)

// pageSource fills the pages from what the program knows.
type pageSource struct{ *program }

var _ dashboards.Source = pageSource{}

// Changes gives a signal when a device says something new, and once a second for the counters.
func (p pageSource) Changes(ctx context.Context) <-chan struct{} {
	facts := p.now.Subscribe(ctx)
	changes := make(chan struct{})
	go func() {
		defer close(changes)
		second := time.NewTicker(time.Second)
		defer second.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-second.C:
			case _, ok := <-facts:
				if !ok {
					return
				}
			}
			select {
			case <-ctx.Done():
				return
			case changes <- struct{}{}:
			}
		}
	}()
	return changes
}

// View collects what the page shows of this moment.
func (p pageSource) View() dashboards.View {
	village := p.decidedNow()
	reg, snapshot := village.registry, p.now.Snapshot()
	a, quiet := p.accounting()
	v := dashboards.View{
		Clock:   dashboards.Clock{Stepped: p.o.step, Day: p.o.season.day(p.tick()), Days: p.o.season.days},
		Parts:   []dashboards.Part{p.brokerPart(), p.journalPart(), p.databasePart()},
		Command: p.example(),
		Ledger:  pageLedger(a, quiet),
	}
	dead := p.dead.counts()
	for _, reason := range slices.Sorted(maps.Keys(dead)) {
		v.DeadLetters = append(v.DeadLetters, dashboards.DeadLetters{Reason: reason, Count: dead[reason].Came})
	}
	if sites := reg.Sites(); len(sites) > 0 {
		if zone, err := time.LoadLocation(sites[0].TimeZone); err == nil {
			v.Zone = zone
		}
		for _, place := range reg.Places() {
			if place.Code == sites[0].Place {
				v.Name = place.Name
			}
		}
	}

	decided := village.shown()
	all := make([]dashboards.Device, 0, len(reg.Devices()))
	shown := func(some []devices.Device) []dashboards.Device {
		first := len(all)
		for _, d := range some {
			all = append(all, pageDevice(d, snapshot))
		}
		return all[first:len(all):len(all)]
	}
	for _, plot := range reg.Plots() {
		one := dashboards.Plot{
			ID: plot.ID, Name: plot.Name, Devices: shown(village.onPlot[plot.ID]), Crop: plot.Crop, AreaMu: plot.AreaMu, Mode: plot.Mode,
		}
		decided.fill(&one)
		v.Plots = append(v.Plots, one)
	}
	v.Alerts, v.Clues, v.Water = decided.alerts, decided.clues, decided.water
	for _, s := range reg.Stations() {
		v.Stations = append(v.Stations, dashboards.Station{ID: s.ID, Devices: shown(village.atStation[s.ID])})
	}
	return v
}

func pageLedger(a httpapi.Accounting, quiet bool) dashboards.Ledger {
	v := a.Values
	return dashboards.Ledger{
		Messages: dashboards.MessageLedger(a.Messages),
		Values: dashboards.ValueLedger{
			Decoded: v.Decoded, Stored: v.Stored, Duplicate: v.Duplicate, Rejected: v.Rejected, Waiting: v.Waiting, Lost: a.Notes.LostValues,
		},
		Quiet: quiet,
	}
}

func pageDevice(d devices.Device, s *now.Snapshot) dashboards.Device {
	shown := dashboards.Device{ID: d.ID, Valve: d.MaxDurationS > 0}
	known, ok := s.Device(d.ID)
	if !ok {
		return shown
	}
	shown.At, shown.Firmware, shown.Report, shown.ReportAt = known.At, known.Firmware, known.Report, known.ReportAt
	shown.Online, shown.OnlineAt = dashboards.Online(known.Online), known.OnlineAt
	for _, v := range known.Values {
		shown.Values = append(shown.Values, dashboards.Value{Key: v.Key, Number: v.Number, Flags: v.Flags, At: v.At})
	}
	return shown
}

func (p *program) brokerPart() dashboards.Part {
	part := dashboards.Part{Name: dashboards.Broker}
	add := func(c dashboards.Condition) { part.Conditions = append(part.Conditions, c) }
	if p.door != nil {
		switch {
		case !p.door.Open():
			add(dashboards.Condition{Kind: dashboards.BrokerStarting})
		default:
			add(dashboards.Condition{Kind: dashboards.BrokerReady, Detail: p.server.MQTTAddress()})
		}
	}
	for _, b := range p.brokers {
		if since, ok := b.lost(); ok {
			add(dashboards.Condition{Kind: dashboards.BrokerUnreachable, Detail: b.url, Since: since})
		} else {
			add(dashboards.Condition{Kind: dashboards.BrokerReady, Detail: b.url})
		}
	}
	return part
}

func (p *program) journalPart() dashboards.Part {
	part := dashboards.Part{Name: dashboards.Journal}
	state := p.journal.State()
	c := dashboards.Condition{Kind: dashboards.JournalReady}
	switch {
	case state.Broken:
		c = dashboards.Condition{Kind: dashboards.JournalFailed, Detail: state.Refusing}
	case state.Refusing != "":
		c = dashboards.Condition{Kind: dashboards.JournalDiskFull, Detail: state.Refusing}
	}
	part.Conditions = []dashboards.Condition{c}
	if w := p.engine.Waiting(); w.Crowded {
		part.Conditions = append(part.Conditions, dashboards.Condition{Kind: dashboards.JournalCrowded, Count: int64(w.Left)})
	}
	for _, lost := range state.Losses {
		if !lost.Acknowledged.IsZero() {
			continue
		}
		part.Conditions = append(part.Conditions, dashboards.Condition{Kind: dashboards.JournalLost, First: lost.First, Last: lost.Last})
	}
	return part
}

func (p *program) databasePart() dashboards.Part {
	one := func(c dashboards.Condition) dashboards.Part {
		return dashboards.Part{Name: dashboards.Database, Conditions: []dashboards.Condition{c}}
	}
	if p.child != nil {
		switch s := p.child.State(); s.Phase {
		case influxd.Building:
			return one(dashboards.Condition{Kind: dashboards.DatabaseBuilding, Elapsed: time.Since(s.Since), Detail: s.Why})
		case influxd.Starting:
			return one(dashboards.Condition{Kind: dashboards.DatabaseStarting})
		case influxd.Down:
			return one(dashboards.Condition{Kind: dashboards.DatabaseUnreachable, Since: s.Since, Detail: s.Why})
		}
	}
	switch s := p.writer.State(); s.Condition {
	case influx.Starting:
		return one(dashboards.Condition{Kind: dashboards.DatabaseStarting})
	case influx.Retrying:
		return one(dashboards.Condition{Kind: dashboards.DatabaseUnreachable, Since: s.Since, Detail: s.Why})
	case influx.Stopped:
		return one(dashboards.Condition{Kind: dashboards.DatabaseRefusing, Since: s.Since, Detail: s.Why})
	}
	a, _ := p.accounting()
	if a.Values.Waiting > catchingUp {
		return one(dashboards.Condition{Kind: dashboards.DatabaseCatchingUp, Count: a.Values.Waiting})
	}
	return one(dashboards.Condition{Kind: dashboards.DatabaseReady})
}

// catchingUp is how many waiting values are more than what is always on its way.
const catchingUp = 20_000

// example is a command line that sends a reading; empty without an embedded broker.
func (p *program) example() string {
	if p.door == nil {
		return ""
	}
	host, port, err := net.SplitHostPort(p.server.MQTTAddress())
	if err != nil {
		return ""
	}
	return fmt.Sprintf(`mosquitto_pub -h %s -p %s -q 1 -i ID -u ID -P PASSWORD -t ganlin/v1/ID/telemetry -m '{"values":{"soil_moisture@20":0.231}}'`, host, port)
}
