package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"ganlin/devices"
	"ganlin/internal/config"
	"ganlin/internal/journal"
	"ganlin/internal/natsd"
	"ganlin/internal/position"
	"ganlin/internal/rulefile"
	"ganlin/rules"
)

type rulesCommand struct {
	Check  rulesCheck  `cmd:"" help:"Check rule files: every problem with file:line:column."`
	Test   rulesTest   `cmd:"" help:"Run the tests of rule files, and those of the built-in rules: what fails with file:line:column."`
	Replay rulesReplay `cmd:"" help:"Decide everything again from the journal of a stopped program, and print decisions_sha256."`
}

type rulesCheck struct {
	Files  []string `arg:"" optional:"" help:"Rule files, and their tests: FILE_test.yaml; besides them those of --config."`
	Config string   `placeholder:"FILE" help:"The configuration whose rule files are meant."`
	JSON   bool     `name:"json" help:"Print JSON, and nothing else, to standard output."`
}

// Run prints every problem with its place.
func (k rulesCheck) Run(c console) error {
	set, problems := k.load()
	if err := printProblems(c, problems, k.JSON); err != nil {
		return err
	}
	if position.HasErrors(problems) {
		return errCheckFailed
	}
	if !k.JSON {
		_, _ = fmt.Fprintf(c.err, "%d rules, version %.12s: no errors\n", len(set.Rules), set.Hash)
	}
	return nil
}

// load reads the files that are meant, with the built-in rules.
func (k *rulesCheck) load() (*rulefile.Set, []position.Problem) {
	var problems []position.Problem
	if k.Config != "" {
		cfg, found := config.Load(k.Config)
		problems = found
		if cfg != nil {
			k.Files = append(k.Files, cfg.Rules...)
		}
	}
	set, found := rulefile.Load(k.Files, true)
	return set, append(problems, found...)
}

type rulesTest struct{ rulesCheck }

// Run prints what the tests expected and did not get. The built-in rules are
// tested too, but for those whose place another has taken.
func (k rulesTest) Run(c console) error {
	set, problems := k.load()
	ran := 0
	if set != nil {
		var failed []position.Problem
		ran, failed = rulefile.Try(set, k.Files, true)
		problems = append(problems, failed...)
	}
	if err := printProblems(c, problems, k.JSON); err != nil {
		return err
	}
	if position.HasErrors(problems) {
		return errCheckFailed
	}
	if !k.JSON {
		_, _ = fmt.Fprintf(c.err, "%d tests of %d rules: all passed\n", ran, len(set.Rules))
	}
	return nil
}

func printProblems(c console, problems []position.Problem, asJSON bool) error {
	if asJSON {
		if problems == nil {
			problems = []position.Problem{}
		}
		return json.NewEncoder(c.out).Encode(problems)
	}
	for _, p := range problems {
		_, _ = fmt.Fprintln(c.out, p)
	}
	return nil
}

type rulesReplay struct {
	where
	Shuffle *uint64 `placeholder:"SEED" help:"Permute the facts between ticks, and delay them by up to the lateness."`
}

// Run decides everything again.
func (k rulesReplay) Run(ctx context.Context, c console) error {
	cfg, err := k.open(c)
	if err != nil {
		return err
	}
	if err := haveRecords(cfg); err != nil {
		return err
	}
	f, err := openFolder(cfg.Data)
	if err != nil {
		return err
	}
	defer func() { _ = f.close() }()
	store, err := openRecords(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	r := &replay{versions: versions{store}}
	if k.Shuffle != nil {
		r.rng = rand.New(rand.NewPCG(*k.Shuffle, 0)) //nolint:gosec // seeded on purpose
	}
	began := time.Now()
	if err := readWhole(ctx, c, f, r.record); err != nil {
		return err
	}
	result := struct {
		Decisions int    `json:"decisions"`
		SHA256    string `json:"decisions_sha256"`
		Facts     int64  `json:"facts"`
		Ticks     int64  `json:"ticks"`
		Late      int64  `json:"late"`
	}{r.digest.Number(), r.digest.Sum(), r.facts, r.ticks, r.late()}
	if k.JSON {
		return json.NewEncoder(c.out).Encode(result)
	}
	_, err = fmt.Fprintf(c.out, "decisions_sha256 %s\n%d decisions of %d facts in %d ticks, %.1f s; %d late\n",
		result.SHA256, result.Decisions, result.Facts, result.Ticks, time.Since(began).Seconds(), result.Late)
	return err
}

// readWhole hands every record of a stopped program's journal to fn.
func readWhole(ctx context.Context, c console, f *folder, fn func(context.Context, *journal.Record) error) error {
	p := &program{folder: f}
	prepared, err := journal.Prepare(ctx, p.journalFolder(), p.storeFolder(), c.log)
	if err != nil {
		return err
	}
	if p.server, err = natsd.Start(ctx, natsd.Options{StoreDir: p.storeFolder(), Logger: c.log}); err != nil {
		return exitError{exitOutOfReach, err}
	}
	defer func() { _ = p.server.Stop(context.WithoutCancel(ctx)) }()
	connected, err := p.connect(prepared)
	if err != nil {
		return err
	}
	j, err := journal.Open(ctx, connected, journal.Options{Dir: p.journalFolder(), Log: c.log})
	if err != nil {
		return err
	}
	defer func() { _ = j.Close(context.WithoutCancel(ctx)) }()
	head := j.State().End
	if head.Sequence == 0 {
		return nil
	}
	done := errors.New("done")
	err = j.Follow(ctx, journal.Position{}, func(r *journal.Record) error {
		if err := fn(ctx, r); err != nil {
			return err
		}
		if r.Position().Compare(head) >= 0 {
			return done
		}
		return nil
	})
	if errors.Is(err, done) {
		return nil
	}
	return err
}

// A replay decides a journal's facts again, by the versions that were in force.
// With a source of randomness the facts between two ticks come in any order,
// and as late as the versions allow.
type replay struct {
	versions
	rng     *rand.Rand // nil: as they came
	sites   rules.Sites
	held    []devices.Fact // until a tick
	version devices.Version
	digest  rules.Digest
	facts   int64
	ticks   int64
	change  func(*devices.Fact) // of a test; else nil
}

func (r *replay) record(ctx context.Context, record *journal.Record) error {
	for f := range record.Facts() {
		if r.change != nil {
			r.change(&f)
		}
		switch f.Kind {
		case devices.TickFact:
			if err := r.tick(f); err != nil {
				return err
			}
		case devices.VersionFact:
			if err := r.configure(ctx, *f.Version); err != nil {
				return err
			}
		default:
			r.facts++
			r.held = append(r.held, f)
		}
	}
	return nil
}

// tick hands over what has come by a tick, and decides. A fact that plays no
// part at this tick may come as late as the next.
func (r *replay) tick(tick devices.Fact) error {
	later := func(devices.Fact) bool { return false }
	if r.rng != nil {
		r.rng.Shuffle(len(r.held), func(i, j int) { r.held[i], r.held[j] = r.held[j], r.held[i] })
		watermark := tick.At.Add(-time.Duration(r.version.LatenessS) * time.Second)
		later = func(f devices.Fact) bool {
			return f.Kind != devices.ActFact && f.At.After(watermark) && r.rng.IntN(2) == 0
		}
	}
	kept := r.held[:0]
	for _, f := range r.held {
		if later(f) {
			kept = append(kept, f)
		} else {
			r.sites.Add(f)
		}
	}
	r.held = kept
	r.ticks++
	decided := r.sites.Tick(tick)
	r.sites = r.sites.Unfinished()
	return r.decided(decided)
}

func (r *replay) decided(decisions []devices.Decision) error {
	for _, d := range decisions {
		if err := r.digest.Add(d); err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) configure(ctx context.Context, v devices.Version) error {
	if v == r.version {
		return nil
	}
	configs, err := r.configs(ctx, v)
	if err != nil {
		return err
	}
	var decided []devices.Decision
	r.sites, decided = r.sites.Configure(configs)
	r.version = v
	return r.decided(decided)
}

func (r *replay) late() (n int64) {
	for _, s := range r.sites {
		n += s.Late()
	}
	return n
}
