package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/influx"
	"ganlin/internal/influx/influxd"
	"ganlin/internal/journal"
	"ganlin/internal/records"
	"ganlin/internal/registry"
)

// declaration is where this program's registry comes from.
func (p *program) declaration() declaration {
	d := declarationOf(p.o.config)
	d.files = p.o.files
	return d
}

// registrar is the keeper of devices of this running program.
func (p *program) registrar() registrar {
	return registrar{declaration: p.declaration(), records: p.records, program: p}
}

// takeOver puts a new registry, where there is one, and the present credentials
// into force. Devices that are out, or not in the new registry, are sent away: a
// valve only once the rules know that it is closed.
func (p *program) takeOver(ctx context.Context, r *registry.Registry, out []devices.DeviceID) error {
	if r != nil {
		for _, d := range p.registry.Swap(r).Devices() {
			if _, still := r.Device(d.ID); !still {
				out = append(out, d.ID)
			}
		}
	}
	err := p.records.LoadSecrets(ctx, p.secrets)
	for _, id := range out {
		if _, departs := p.departs(id); departs && r != nil {
			p.leaving.add(id, false)
		} else if p.door != nil {
			p.door.Kick(id)
		}
	}
	if r != nil && err == nil {
		err = p.announceVersion(ctx)
	}
	return err
}

// letsIn reports whether a secret is that of a device which the registry
// declares: what was taken out of it stays outside, whatever password it has. A
// valve that may be open comes in, so that it can be told to close.
func (p *program) letsIn(id devices.DeviceID, secret string) bool {
	if !p.secrets.Check(id, secret) {
		return false
	}
	if _, declared := p.registry.Load().Device(id); declared {
		return true
	}
	_, departs := p.departs(id)
	if departs {
		p.leaving.add(id, false)
	}
	return departs
}

func (p *program) isOnline(id devices.DeviceID) bool { return p.gate != nil && p.gate.Online(id) }

// villageRegistry is under which name the demo's village is kept.
const villageRegistry = "village.yaml"

// openRegistry makes the registry in force; the demo's village is imported into it first.
func (p *program) openRegistry(ctx context.Context) error {
	if p.o.village != nil {
		var text strings.Builder
		if err := registry.WriteYAML(&text, p.o.village); err != nil {
			return err
		}
		if err := p.records.Import(ctx, records.Imported{Name: villageRegistry, Content: text.String()}, time.Now()); err != nil {
			return err
		}
	}
	all, err := p.records.Imported(ctx)
	if err != nil {
		return err
	}
	d := p.declaration()
	counts, givesWay := d.inForce(all)
	for _, k := range givesWay {
		p.log.Info("an imported copy of a file of the configuration is dropped: the file itself counts", "file", k.Name)
		if err := p.records.Forget(ctx, k.Name, nil, time.Now()); err != nil {
			return err
		}
	}
	for _, k := range counts {
		if d.maybeCopied(k) {
			_, ids := gone(readImported(k), d.all(nil))
			p.log.Warn("a file that was imported once is of the name of a file of the configuration and declares devices that this does not; ganlin devices forget takes it away", "file", k.Name, "devices", ids)
		}
	}
	reg, err := d.sound(counts, nil)
	if err != nil {
		return err
	}
	p.registry.Store(reg)
	return nil
}

// demoCredentials returns the secrets of the simulated devices, which have to
// outlive the process that made them.
func (p *program) demoCredentials(ctx context.Context) (map[devices.DeviceID]string, error) {
	name := p.folder.file("demo-credentials.json")
	secrets := map[devices.DeviceID]string{}
	switch err := readJSONFile(name, &secrets); {
	case err == nil:
		return secrets, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	for _, d := range p.o.village.Devices() { // those of a start that was cut short are known to nobody
		if err := p.registrar().Revoke(ctx, d.ID); err != nil && !errors.Is(err, httpapi.ErrNotFound) {
			return nil, err
		}
	}
	made, err := p.registrar().makeCredentials(ctx, p.o.village.Devices())
	if err != nil {
		return nil, err
	}
	for _, c := range made {
		secrets[c.Device] = c.Password
	}
	if err := writeJSONFile(name, secrets); err != nil {
		return nil, err
	}
	return secrets, p.records.LoadSecrets(ctx, p.secrets)
}

// progressOf returns where the readers that keep it in the records store stand.
func progressOf(ctx context.Context, s *records.Store) (map[string]keptProgress, error) {
	kept := map[string]keptProgress{}
	for _, reader := range []string{readerStore, readerDeadLetters, readerRules} {
		progress, err := s.Progress(ctx, reader)
		if err != nil {
			return nil, err
		}
		at, err := journal.ParsePosition(progress.Position)
		if err != nil {
			return nil, fmt.Errorf("reading how far %s is: %w", reader, err)
		}
		kept[reader] = keptProgress{journal.Kept{Position: at, Counters: keptCounters(progress.Counts)}, progress.Counts}
	}
	return kept, nil
}

// loadProgress reads where all readers stand: the journal's end is compared with
// each. It takes over the latest values on the way.
func (p *program) loadProgress(ctx context.Context) (err error) {
	if p.kept, err = progressOf(ctx, p.records); err != nil {
		return err
	}
	text, err := p.now.Load(p.folder.file(nowFile))
	var at journal.Position
	if err == nil {
		at, err = journal.ParsePosition(text)
	}
	if err != nil {
		p.log.Warn("latest values are read from the journal again", "error", err)
	}
	p.kept[readerNow] = keptProgress{Kept: journal.Kept{Position: at}}
	return nil
}

// keptPositions returns where all readers stood at the start.
func (p *program) keptPositions() (kept []journal.Kept) {
	for _, k := range p.kept {
		kept = append(kept, k.Kept)
	}
	return kept
}

// A keptProgress is where a reader of the journal stood at the start, and what it had counted.
type keptProgress struct {
	journal.Kept
	counts map[string]int64
}

// nowFile holds the latest values in the data folder.
const nowFile = "now.json"

// openReaders prepares the database's writer and the journal's readers.
func (p *program) openReaders(ctx context.Context) error {
	if p.o.config.Influx == nil {
		p.child = influxd.New(influxd.Options{Dir: p.folder.file("influx"), Logger: p.log, Changed: func(s influxd.State) {
			if s.Phase == influxd.Ready {
				p.writer.Kick()
			}
		}})
	}
	p.writer = influx.NewWriter(influx.WriterOptions{
		Endpoint: p.endpoint, Logger: p.log,
		Wrote: func(took time.Duration, _ int) { p.metrics.stored(took) },
	})
	store, dead, recent := p.kept[readerStore], p.kept[readerDeadLetters].Position, p.kept[readerNow].Position
	p.store = newStoreReader(p, store.Kept, store.counts)
	p.dead = &deadReader{read: p.readBatches, records: p.records, position: dead, kept: dead}
	p.recent = &nowReader{journal: p.journal, read: p.readBatches, now: p.now, file: p.folder.file(nowFile), log: p.log, position: recent, kept: recent}
	return p.recent.load(ctx)
}

// nobodyIsConnected says so of every device: the embedded broker is not open yet.
func (p *program) nobodyIsConnected() {
	for _, d := range p.registry.Load().Devices() {
		p.now.SetOnline(d.ID, false, p.clock.Now())
	}
}
