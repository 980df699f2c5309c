package app

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"

	"ganlin/internal/journal"
)

// The journal's upkeep.
const (
	verifyBytesPerSecond = 20 << 20
	purgeEvery           = time.Minute
	freeEvery            = 15 * time.Second
	memoryFloor          = 96 << 20 // bytes, of the Go runtime
	purgeAbove           = 0.8      // of the journal's largest size: from here on the oldest fifth goes
)

// verifyJournal reads the whole store once, slowly, so that damage is noticed before somebody needs the record.
func (p *program) verifyJournal(ctx context.Context) error {
	if err := p.journal.Verify(ctx, p.storeFolder(), verifyBytesPerSecond); err != nil && ctx.Err() == nil {
		p.log.Error("verifying the journal", "error", err)
	}
	<-ctx.Done()
	return nil
}

// purgeJournal drops records that are older than they are kept, and the oldest
// ones when the journal is nearly full; never any that a reader still needs.
func (p *program) purgeJournal(ctx context.Context) error {
	turn := time.NewTicker(purgeEvery)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-turn.C:
		}
		if err := p.purge(ctx, time.Now()); err != nil && ctx.Err() == nil {
			p.log.Warn("purging the journal", "error", err)
		}
	}
}

func (p *program) purge(ctx context.Context, now time.Time) error {
	before := now.Add(-p.o.config.Journal.Keep)
	used, err := p.journal.Usage(ctx)
	if err != nil {
		return err
	}
	if float64(used.Bytes) > purgeAbove*float64(p.o.config.Journal.MaxBytes) {
		if early := used.Oldest.Add(now.Sub(used.Oldest) / 5); early.After(before) {
			before = early
		}
	}
	decided, err := journal.ParsePosition(p.engine.Kept().Text)
	if err != nil {
		return err
	}
	n, err := p.journal.Purge(ctx, before, []journal.Position{p.store.at(), p.dead.keptAt(), p.recent.keptAt(), decided})
	if n > 0 {
		p.log.Info("old records of the journal are dropped", "records", n, "before", before)
	}
	return err
}

// freeMemory gives back now and then what a burst, such as a thousand devices
// that connect at once, has left behind: the runtime by itself keeps it. The
// limit is soft and follows what is in use, so that it never starves the work.
func (p *program) freeMemory(ctx context.Context) error {
	turn := time.NewTicker(freeEvery)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-turn.C:
		}
		debug.FreeOSMemory()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		debug.SetMemoryLimit(max(memoryFloor, 2*int64(m.HeapAlloc))) //nolint:gosec // far below the limit of the type
	}
}
