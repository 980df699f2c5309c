package app

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
	"ganlin/internal/now"
	"ganlin/internal/records"
	"ganlin/internal/valves"
	"ganlin/rules/condition"
	"ganlin/rules/valve"
)

// operationsSource fills the operator's page, and carries out what its forms
// ask for. What it shows of a number that is a metric too comes from where the metric does.
type operationsSource struct {
	*program
	slow *slowFigures
}

var _ dashboards.Operations = operationsSource{}

func (p *program) operationsSource() operationsSource {
	return operationsSource{p, &slowFigures{}}
}

// Machine collects how the program is.
func (p operationsSource) Machine(ctx context.Context) dashboards.Machine {
	slow := p.slow.within(ctx, p.ask)
	a, rejected, quiet := p.account()
	n := p.tally()
	m := dashboards.Machine{
		ClockOff: !examineClock().OK,
		Parts:    []dashboards.Part{p.brokerPart(), p.journalPart(), p.databasePart(), p.recordsPart(slow)},
		Ledger:   pageLedger(a, quiet),
		Rejected: tallies(rejected),
		Readers:  p.readerFigures(),
		Rules:    p.ruleFigures(a, n),
		Valves:   p.valveFigures(n),
		Devices:  p.sensors(),
		Letters:  slow.letters,
		Notices:  slow.notices,
		Webhooks: slow.webhooks,
	}
	measured := p.metrics.measured()
	m.Journal = p.journalFigures(slow, measured.commit, a.Notes.LostRecords)
	m.Database = dashboards.DatabaseFigures{Stored: a.Values.Stored, Waiting: a.Values.Waiting, Took: measured.write}
	if at := p.metrics.wrote.Load(); at != 0 {
		m.Database.Since = new(time.Since(time.Unix(0, at)))
	}
	m.Process = dashboards.ProcessFigures{
		Up: time.Since(measured.started), Version: version, Runtime: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		Memory: measured.memory, Goroutines: measured.goroutines,
	}
	m.Broker.QoS0 = int64(p.intake.Stats().QoS0) //nolint:gosec // no program takes so many
	if p.gate != nil {
		m.Broker.Embedded, m.Broker.Connected, m.Broker.Refused = true, p.gate.Connected(), tallies(p.gate.Refused())
	}
	if sites := p.registry.Load().Sites(); len(sites) > 0 {
		m.Zone = p.decidedNow().zone(sites[0].ID)
	}
	return m
}

// tallies lists counts by their codes.
func tallies[C ~string, N int | int64 | uint64](counts map[C]N) (all []dashboards.Tally) {
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, dashboards.Tally{Code: string(code), Count: int64(counts[code])})
	}
	return all
}

// recordsPart tells of the records store: it may fail at writing, or not answer at all.
func (p operationsSource) recordsPart(slow slowAnswer) dashboards.Part {
	c := dashboards.Condition{Kind: dashboards.RecordsReady}
	if why := p.recordsTrouble.why.Load(); why != nil {
		c = dashboards.Condition{Kind: dashboards.RecordsFailing, Detail: *why}
	} else if slow.failed != "" {
		c = dashboards.Condition{Kind: dashboards.RecordsFailing, Detail: slow.failed}
	}
	return dashboards.Part{Name: dashboards.Records, Conditions: []dashboards.Condition{c}}
}

func (p operationsSource) journalFigures(slow slowAnswer, took dashboards.Spread, lost uint64) dashboards.JournalFigures {
	state := p.journal.State()
	return dashboards.JournalFigures{
		Generation: state.End.Generation, Sequence: state.End.Sequence, Bytes: slow.used, Max: p.o.config.Journal.MaxBytes, Free: slow.free,
		Lost: int64(lost), Took: took, //nolint:gosec // no journal is so long
	}
}

func (p operationsSource) readerFigures() (all []dashboards.ReaderFigures) {
	lags := p.lags()
	for _, name := range []string{readerStore, readerNow, readerRules, readerDeadLetters} {
		all = append(all, dashboards.ReaderFigures{Name: name, Records: lags[name].records, By: lags[name].by})
	}
	return all
}

func (p operationsSource) ruleFigures(a httpapi.Accounting, n tally) dashboards.RuleFigures {
	inForce := p.engine.Version()
	f := dashboards.RuleFigures{
		Tick: p.tick(), Watermark: n.watermark, Late: a.Notes.Late, Registry: inForce.Registry, RuleSet: inForce.Rules,
		Rules: len(p.rules.Rules), Sites: len(p.registry.Load().Sites()),
	}
	if !n.watermark.IsZero() {
		f.Delay = p.clock.Now().Sub(n.watermark)
	}
	if p.step == nil && !f.Tick.IsZero() {
		f.TickAge = p.clock.Now().Sub(f.Tick)
	}
	for _, view := range p.decidedNow().of.Sites {
		for _, alert := range view.Alerts {
			if alert.Rule == brokenRule {
				f.Broken++
			}
		}
	}
	for which, count := range n.alerts {
		if which.State == condition.Firing {
			f.Alerts += count
		}
	}
	return f
}

// brokenRule is the alert about a rule that cannot be worked out.
const brokenRule = "rule_broken"

// notShutAfter is how long a close may take before a person has to look.
const notShutAfter = 10 * time.Minute

func (p operationsSource) valveFigures(n tally) dashboards.ValveFigures {
	sent, view, latest, stop := p.valves.Stats(), p.decidedNow(), p.now.Snapshot(), p.lastStop.Load()
	f := dashboards.ValveFigures{UnderWay: sent.Pending, Commands: commandTallies(sent), Stopped: p.valves.Stopped()}
	for _, state := range valveStates() {
		f.States = append(f.States, dashboards.Tally{Code: string(state), Count: int64(n.valves[state])})
	}
	if f.Stopped && stop != nil {
		f.StoppedAt, f.StoppedBy = stop.at, stop.by
	}
	for _, id := range p.commanded() {
		device, _ := view.registry.Device(id)
		known := view.valves[id]
		if known != nil && known.State == valve.Closing && view.watermark.Sub(known.Since) > notShutAfter {
			f.NotShut++
		}
		home := p.homeTap(device, known, latest)
		tap := dashboards.StopTap{Valve: home.Valve, Reachable: home.Reachable, Plot: plotName(view, id)}
		tap.ID = id
		if f.Stopped {
			tap.Stop = p.stopState(id, home, latest, stop)
		}
		f.Taps = append(f.Taps, tap)
	}
	return f
}

func plotName(v *villageView, id devices.DeviceID) string {
	plot, _ := v.plot(string(id))
	if plot.Name != "" {
		return plot.Name
	}
	return string(plot.ID)
}

// stopState says what became of the close of the stop that is in force. What
// the valve has said since counts first.
func (p operationsSource) stopState(id devices.DeviceID, tap dashboards.HomeTap, latest *now.Snapshot, stop *stopReport) dashboards.StopState {
	var ended error
	known := false
	if stop != nil && stop.results != nil {
		ended, known = stop.results[id]
	}
	if seen, ok := latest.Device(id); ok && stop != nil && seen.Report != nil && seen.Report.At.After(stop.at) {
		switch seen.Report.State {
		case devices.Closed:
			return dashboards.StopClosed
		case devices.Opened:
			return dashboards.StopOpened
		case devices.Accepted:
			return dashboards.StopClosing
		case devices.Rejected, devices.Expired, devices.Failed:
		}
	}
	switch {
	case known && ended == nil:
		return dashboards.StopClosed
	case errors.Is(ended, valves.ErrClosing):
		return dashboards.StopClosing
	case known && stopResult(ended) == "refused":
		return dashboards.StopRefused
	case tap.Reachable == dashboards.IsOffline || known && stopResult(ended) == "out_of_reach":
		return dashboards.StopOutOfReach
	}
	return dashboards.StopAsked
}

// sensors are the devices of the registry as the operator sees them.
func (p operationsSource) sensors() []dashboards.Sensor {
	reg, latest := p.registry.Load(), p.now.Snapshot()
	names := map[devices.PlotID]string{}
	for _, plot := range reg.Plots() {
		names[plot.ID] = plot.Name
	}
	var all []dashboards.Sensor
	for _, d := range reg.Devices() {
		all = append(all, dashboards.Sensor{Device: pageDevice(d, latest), Plot: d.Plot, Name: names[d.Plot], Station: d.Station})
	}
	return all
}

// Letters returns dead letters, the newest first.
func (p operationsSource) Letters(ctx context.Context, after string, limit int) ([]dashboards.Letter, error) {
	ctx, cancel := context.WithTimeout(ctx, slowPatience)
	defer cancel()
	return pageLetters(ctx, p.records, after, limit)
}

func pageLetters(ctx context.Context, s *records.Store, after string, limit int) ([]dashboards.Letter, error) {
	rows, err := s.DeadLetters(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	all := make([]dashboards.Letter, len(rows))
	for i, l := range rows {
		all[i] = dashboards.Letter(l)
	}
	return all, nil
}

// Letter returns one dead letter with what came.
func (p operationsSource) Letter(ctx context.Context, id string) (dashboards.Letter, error) {
	ctx, cancel := context.WithTimeout(ctx, slowPatience)
	defer cancel()
	l, err := p.records.DeadLetter(ctx, id)
	if errors.Is(err, records.ErrNotFound) {
		err = dashboards.ErrNothing
	}
	return dashboards.Letter(l), err
}

// openOperations puts the forms of the operator's page on the router. They need
// neither the records store nor the database.
func (p *program) openOperations() {
	acts := valveActs{p}
	p.router.HandleFunc("POST "+dashboards.StopAddress, func(w http.ResponseWriter, r *http.Request) {
		haltOver(w, r, "stopped", "unkept", func(ctx context.Context, by string) error {
			_, err := acts.Stop(ctx, by)
			return err
		})
	})
	p.router.HandleFunc("POST "+dashboards.ResumeAddress, func(w http.ResponseWriter, r *http.Request) {
		haltOver(w, r, "resumed", "kept", acts.Resume)
	})
}

// haltPatience bounds an act that goes on although its browser has gone.
const haltPatience = 20 * time.Second

// haltOver carries out an act on all valves and leads back to the page, which says how it went.
func haltOver(w http.ResponseWriter, r *http.Request, well, ill string, act func(ctx context.Context, by string) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), haltPatience)
	defer cancel()
	who, _ := auth.From(ctx)
	said, address := well, dashboards.OperationsAddress
	if !auth.MachineRead.Allows(who.Role) {
		said, address = "told", "/village"
	}
	if err := act(ctx, who.Account); err != nil {
		said = ill
	}
	backTo(w, r, address, said)
}
