package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/internal/engine"
	"ganlin/internal/httpapi"
	"ganlin/internal/journal"
	"ganlin/internal/position"
	"ganlin/internal/records"
	"ganlin/internal/registry"
	"ganlin/internal/rulefile"
	"ganlin/rules"
)

// readerRules is the engine, as its progress and the metrics name it.
const readerRules = "rules"

// The wall clock's ticks, and how long facts may be on their way. In step mode
// a step waits for them instead.
const (
	tickEvery = 30 * time.Second
	lateness  = 10 * time.Minute
)

// openEngine makes the rules ready to decide, from where they stood.
func (p *program) openEngine(ctx context.Context) error {
	set, problems := rulefile.Load(p.o.config.Rules, true)
	if set == nil {
		return exitError{exitCheckFailed, fmt.Errorf("reading the rules: %v; ganlin rules check lists what is wrong", problems)}
	}
	p.rules = set
	p.valves = p.newValves()
	p.recent.hear = p.hear
	p.engine = engine.New(engine.Options{
		Journal: engineJournal{p}, Store: engineStore{p}, Configure: versions{p.records}.configs, Committed: p.committed, Log: p.log,
	})
	if err := p.engine.Load(ctx); err != nil {
		if errors.Is(err, engine.ErrForgotten) {
			err = fmt.Errorf("%w; nothing is decided, as valves that are open would be unknown: start the version of ganlin that ran before, or bring the records and the journal back from one backup", err)
			return exitError{exitCheckFailed, err}
		}
		return err
	}
	if err := p.announceVersion(ctx); err != nil {
		return err
	}
	if p.step == nil { // else the first step asks, and waits for the answers
		p.valves.Ask(p.everyValve())
	}
	return p.sendAgain(ctx)
}

// announceVersion says in the journal by which registry and rules is decided
// from now on: at every start, as only the journal knows what was said last, and
// when it changes. Said again it changes nothing.
func (p *program) announceVersion(ctx context.Context) error {
	reg := p.registry.Load()
	v := devices.Version{Registry: reg.Hash(), Rules: p.rules.Hash}
	if p.step == nil {
		v.LatenessS = int(lateness / time.Second)
	}
	var text strings.Builder
	if err := registry.WriteYAML(&text, reg); err != nil {
		return err
	}
	if err := p.records.SaveVersion(ctx, "registry", v.Registry, text.String()); err != nil {
		return err
	}
	if err := p.records.SaveVersion(ctx, "rules", v.Rules, p.rules.Text()); err != nil {
		return err
	}
	return p.sayVersion(ctx, v)
}

// sayVersion puts the version into the journal unless it was said last, and today:
// of a journal that was purged what is left tells it too.
func (p *program) sayVersion(ctx context.Context, v devices.Version) error {
	p.saying.Lock()
	defer p.saying.Unlock()
	now := p.clock.Now()
	if v == p.said && now.Sub(p.saidAt) < repeatVersion {
		return nil
	}
	err := p.journal.AppendVersion(ctx, now, p.sites(), v)
	if err == nil {
		p.said, p.saidAt = v, now
	}
	return err
}

// repeatVersion is how often the journal is told by which version is decided.
const repeatVersion = 24 * time.Hour

// appendTicks lets event time come to at.
func (p *program) appendTicks(ctx context.Context, at time.Time) error {
	p.saying.Lock()
	v := p.said
	p.saying.Unlock()
	if err := p.sayVersion(ctx, v); err != nil {
		return err
	}
	return p.journal.AppendTicks(ctx, at, p.sites())
}

// sites returns the sites of the registry, and those that have left it and are not finished.
func (p *program) sites() []devices.SiteID {
	all := p.engine.Sites()
	for _, s := range p.registry.Load().Sites() {
		all = append(all, s.ID)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// versions makes sites of what the records keep.
type versions struct{ records *records.Store }

// configs reads a version as it was kept and makes its sites.
func (s versions) configs(ctx context.Context, v devices.Version) ([]rules.Config, error) {
	_, text, err := s.records.Version(ctx, v.Registry)
	if err != nil {
		return nil, err
	}
	reg, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.Read("registry.yaml", []byte(text))}})
	if reg == nil {
		return nil, fmt.Errorf("reading registry %.12s: %v", v.Registry, problems)
	}
	_, text, err = s.records.Version(ctx, v.Rules)
	if err != nil {
		return nil, err
	}
	set, problems := rulefile.Read("rules.yaml", text)
	if position.HasErrors(problems) {
		return nil, fmt.Errorf("reading rules %.12s: %v", v.Rules, problems)
	}
	return rules.Configs(reg.Sites(), reg.Stations(), reg.Plots(), reg.Devices(), set.Rules, time.Duration(v.LatenessS)*time.Second)
}

// tickByTheWall lets event time pass with the machine's clock.
func (p *program) tickByTheWall(ctx context.Context) error {
	turn := time.NewTicker(tickEvery)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-turn.C:
		}
		now := p.clock.Now().Truncate(time.Millisecond)
		if last := p.tick(); now.Before(last) {
			p.log.Error("this machine's clock went back, and time stands still until it has caught up", "clock", now, "last_tick", last)
			continue
		}
		if err := p.appendTicks(ctx, now); err != nil && ctx.Err() == nil {
			p.log.Warn("a tick is not in the journal, the next one stands for it", "error", err)
		}
	}
}

// committed starts what has been decided.
func (p *program) committed(decisions []devices.Decision) {
	for _, d := range decisions {
		if d.Kind == devices.ClueDecision {
			p.feed.Wake()
		}
		if d.Command != nil && d.Rule != rules.PersonRule { // a person's has been sent already
			if err := p.valves.Send(devices.DeviceID(d.Subject), *d.Command); err != nil {
				p.log.Error("a command is not sent", "valve", d.Subject, "command", d.ID, "error", err)
			}
		}
	}
	p.notices.outbox.Kick()
}

// engineJournal is the journal as the engine knows it.
type engineJournal struct{ p *program }

func (j engineJournal) End() engine.Position { return enginePosition(j.p.journal.State().End) }

func (j engineJournal) Whole() bool { return j.p.journal.Whole() }

func (j engineJournal) Follow(ctx context.Context, after engine.Position, fn func(engine.Position, engine.Record) error) error {
	from, err := journal.ParsePosition(after.Text)
	if err != nil {
		return err
	}
	return j.p.journal.Follow(ctx, from, func(r *journal.Record) error {
		for f := range r.Facts() {
			j.p.hear(&f)
		}
		if err := fn(enginePosition(r.Position()), r); err != nil {
			return err
		}
		j.p.handled.set([]*journal.Record{r})
		return nil
	})
}

// Read ends with a record, or where the journal has lost it.
func (j engineJournal) Read(ctx context.Context, after engine.Position, last uint64, fn func(engine.Position, engine.Record) error) error {
	from, err := journal.ParsePosition(after.Text)
	if err != nil {
		return err
	}
	over := errors.New("over")
	err = j.p.journal.Follow(ctx, from, func(r *journal.Record) error {
		at := enginePosition(r.Position())
		if at.Sequence > last {
			return over
		}
		if err := fn(at, r); err != nil {
			return err
		}
		if at.Sequence == last {
			return over
		}
		return nil
	})
	if errors.Is(err, over) {
		return nil
	}
	return err
}

func (j engineJournal) AppendDecisions(ctx context.Context, decisions []devices.Decision) error {
	return j.p.journal.AppendDecisions(ctx, decisions)
}

func enginePosition(at journal.Position) engine.Position {
	return engine.Position{Sequence: at.Sequence, Text: at.String()}
}

// engineStore is the records store as the engine knows it.
type engineStore struct{ p *program }

func (s engineStore) Commit(ctx context.Context, e engine.Effects) error {
	effects := records.Effects{
		Progress:  records.Progress{Reader: readerRules, Position: e.At.Text},
		Decisions: e.Decisions,
	}
	for _, d := range e.Decisions {
		switch {
		case d.Command != nil:
			effects.Commands = append(effects.Commands, records.Command{ID: d.ID, Valve: devices.DeviceID(d.Subject), At: d.At, Command: *d.Command})
		case d.Kind == devices.CommandDecision:
			effects.Settled = append(effects.Settled, d.Texts["command"])
		case d.Kind == devices.AlertDecision:
			effects.Alerts = append(effects.Alerts, alertRow(d))
		case d.Kind == devices.ClueDecision:
			row, told, err := clueEffects(d)
			if err != nil {
				return err
			}
			effects.Clues, effects.Signals = append(effects.Clues, row), append(effects.Signals, told)
		}
	}
	return s.p.records.CommitEffects(ctx, effects)
}

func (s engineStore) Progress(ctx context.Context) (engine.Position, error) {
	progress, err := s.p.records.Progress(ctx, readerRules)
	if err != nil {
		return engine.Position{}, err
	}
	return parseEnginePosition(progress.Position)
}

func (s engineStore) Decided(ctx context.Context, after int64, limit int) ([]devices.Decision, int64, error) {
	return s.p.records.UnpublishedDecisions(ctx, after, limit)
}

func (s engineStore) SaveSnapshot(ctx context.Context, at engine.Position, state []byte) error {
	return s.p.records.SaveSnapshot(ctx, readerRules, at.Text, state)
}

func (s engineStore) Snapshot(ctx context.Context) (engine.Position, []byte, error) {
	text, state, err := s.p.records.Snapshot(ctx, readerRules)
	if errors.Is(err, records.ErrNotFound) || err == nil && text == "" {
		return engine.Position{}, nil, nil
	}
	if err != nil {
		return engine.Position{}, nil, err
	}
	at, err := parseEnginePosition(text)
	return at, state, err
}

func parseEnginePosition(text string) (engine.Position, error) {
	at, err := journal.ParsePosition(text)
	if err != nil {
		return engine.Position{}, fmt.Errorf("reading how far the rules are: %w", err)
	}
	return enginePosition(at), nil
}

func alertRow(d devices.Decision) records.AlertRow {
	row := records.AlertRow{
		ID: d.Texts["alert"], Rule: d.Rule, Subject: d.Subject, Plot: d.Plot, Site: d.Site, Severity: d.Severity, State: d.Outcome, RaisedAt: d.At,
	}
	if raised, err := time.Parse(time.RFC3339, d.Texts["raised_at"]); err == nil {
		row.RaisedAt = raised
	}
	if d.Outcome == "resolved" {
		row.ResolvedAt = d.At
	}
	return row
}

// decidedUpTo waits until everything up to a tick is decided and committed and
// the valves have answered the commands of it, or were waited for in vain.
func (p *program) decidedUpTo(ctx context.Context, at time.Time) error {
	if err := p.engine.WaitTick(ctx, at); err != nil {
		return fmt.Errorf("%w: %w", httpapi.ErrUnavailable, err)
	}
	pending, err := p.records.PendingCommands(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", httpapi.ErrUnavailable, err)
	}
	var ids []string
	for _, c := range pending {
		ids = append(ids, c.ID)
	}
	if err := p.valves.Wait(ctx, ids); err != nil {
		return fmt.Errorf("%w: %w", httpapi.ErrUnavailable, err)
	}
	return nil
}

// sendAgain goes on with the commands that an earlier process had decided and
// whose end nobody knows: what has expired is not sent.
func (p *program) sendAgain(ctx context.Context) error {
	pending, err := p.records.PendingCommands(ctx)
	if err != nil {
		return err
	}
	for _, c := range pending {
		if err := p.valves.Send(c.Valve, c.Command); err != nil {
			p.log.Error("a command is not sent", "valve", c.Valve, "command", c.ID, "error", err)
		}
	}
	return nil
}
