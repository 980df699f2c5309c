package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"ganlin/ingest"
	"ganlin/internal/journal/seen"
)

// Options say where a journal keeps its things and how much of them.
type Options struct {
	Dir      string // the journal's own folder: manifest, index of duplicates, damaged pieces
	MaxBytes int64  // of the stream; 0: as much as the disk takes
	Replicas int    // of the stream; 0: 1

	// MinFree is how many bytes the disk must keep free; FreeBytes says how
	// many are. Below that the journal refuses, before the disk is full.
	MinFree   int64
	FreeBytes func() (int64, error)

	Kept []Kept // where the readers stand, as they kept it: proof of what was there

	IndexMemory int           // bytes for the index of duplicates; 0: 64 MiB
	AckTimeout  time.Duration // how long to wait for the server's answer; 0: 10 s
	Wrote       func(bytes int, took time.Duration)
	Now         func() time.Time // nil: time.Now
	Log         *slog.Logger
}

// A Kept is what a reader keeps of the journal.
type Kept struct {
	Position Position
	Counters *Counters // up to there; nil: it does not keep them
}

// A Server is a started NATS server with what Prepare found in its store.
type Server struct {
	Conn     *nats.Conn
	Reads    *nats.Conn // for readers, so that they do not hold up writing; nil: Conn
	Prepared *Prepared  // nil: the store is not on this machine
}

// A Journal keeps messages on disk and hands them on. It is safe for use by
// several goroutines. Records are numbered from 1, each in the order that
// Append returned.
type Journal struct {
	options Options
	log     *slog.Logger
	index   *seen.Index
	failed  chan error

	writing sync.Mutex // held while a record is made and written
	encoder encoder
	saves   saves
	untold  []memory // of a start that failed, for the next

	remembering sync.Mutex // held while the manifest is written

	mu       sync.Mutex
	stream   *stream
	end      Position // of the last record on disk
	at       int64    // when it was written, Unix ms
	streamAt uint64   // where it lies in the stream
	counters Counters
	recent   recent
	first    uint64        // the sequence below which all may be purged; 0: nobody knows
	changed  chan struct{} // closed when the end moves on
	refusing error         // why nothing is taken
	broken   bool          // and nothing will be before Reopen
	again    time.Time     // when to look at the room again
	losses   []Loss
	gone     uint64 // records of the losses that are not among them any more
	closed   bool
}

var _ ingest.Journal = (*Journal)(nil)

// Open opens the journal on a server. Whatever is missing of what the manifest,
// the readers and the store itself tell of is in State and in the log; the
// journal then goes on in a new generation.
func Open(ctx context.Context, s Server, o Options) (*Journal, error) {
	o.IndexMemory = orDefault(o.IndexMemory, 64<<20)
	o.AckTimeout = orDefault(o.AckTimeout, 10*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	j := &Journal{options: o, log: o.Log, failed: make(chan error, 1), changed: make(chan struct{})}
	m, err := readManifest(o.Dir)
	if err == nil {
		j.first, j.losses, j.gone = m.First, m.Losses, m.Gone
	}
	var covered string
	j.index, covered, err = seen.Open(ctx, filepath.Join(o.Dir, "seen.db"), o.IndexMemory, o.Log)
	if err != nil {
		return nil, err
	}
	j.encoder.index = j.index
	memories, err := memoriesOf(m, o.Kept)
	if err == nil {
		err = j.start(ctx, s, memories, covered)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the journal: %w", err), j.index.Close())
	}
	return j, nil
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Reopen goes on with a server that was closed and started again after the
// journal had failed. Records that were on their way are found out about.
func (j *Journal) Reopen(ctx context.Context, s Server) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.saves.wait()
	j.mu.Lock()
	counters := j.counters
	memories := []memory{{j.end, &counters}}
	end := j.end
	j.mu.Unlock()
	if err := j.start(ctx, s, memories, end.String()); err != nil {
		return fmt.Errorf("reopening the journal: %w", err)
	}
	return nil
}

// start finds the end of the stream, compares it with what is remembered, and
// brings the index, which covers the journal up to covered, up to it.
func (j *Journal) start(ctx context.Context, s Server, memories []memory, covered string) error {
	st, err := openStream(ctx, s, j.options)
	if err != nil {
		return err
	}
	const overhead = 4096 // header of the record, subject
	j.encoder.room = int(min(s.Conn.MaxPayload(), maxRecord)) - overhead
	if s.Prepared != nil {
		memories = append(memories, s.Prepared.newest)
		for _, l := range s.Prepared.losses {
			j.lose(l)
		}
	}
	memories = append(memories, j.untold...)
	j.untold = memories
	f, err := j.settle(ctx, st, memories)
	if err != nil {
		return err
	}
	j.mu.Lock()
	j.stream, j.end, j.at, j.streamAt, j.counters = st, f.end, f.at, f.streamAt, f.counters
	j.recent = recent{}
	j.mu.Unlock()
	if err := j.catchUp(ctx, covered); err != nil {
		return err
	}
	if f.lost != (gap{}) {
		if err := j.openGeneration(ctx, f); err != nil {
			return err
		}
	}
	select {
	case cause := <-j.failed:
		j.log.Info("the journal goes on after it broke down", "error", cause)
	default:
	}
	j.untold = nil
	j.mu.Lock()
	j.broken = false
	j.accept()
	j.wake()
	j.mu.Unlock()
	return j.remember(false)
}

// maxRecord bounds a record: the server loads blocks of 8 MiB whole.
const maxRecord = 8 << 20

// Close saves what the journal knows. The server is to be closed afterwards.
func (j *Journal) Close(ctx context.Context) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	clean := !j.broken
	j.wake()
	j.mu.Unlock()
	j.saves.wait()
	err := j.save(ctx, j.snapshot())
	return errors.Join(err, j.remember(clean && err == nil), j.index.Close())
}

// remember writes the manifest.
func (j *Journal) remember(clean bool) error {
	j.remembering.Lock()
	defer j.remembering.Unlock()
	j.mu.Lock()
	m := manifest{First: j.first, End: j.end.String(), Counters: j.counters, Clean: clean, Losses: slices.Clone(j.losses), Gone: j.gone}
	j.mu.Unlock()
	return writeManifest(j.options.Dir, m)
}

// wake tells readers that something has changed. j.mu is held.
func (j *Journal) wake() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// lose reports a loss once, and none of what may be purged: files of the server
// hold records that are purged until it writes them anew.
func (j *Journal) lose(l Loss) {
	l.Found = j.options.Now().UTC()
	j.mu.Lock()
	if l.Last < j.first {
		j.mu.Unlock()
		return
	}
	losses, isNew := merge(j.losses, l)
	j.losses = losses
	j.mu.Unlock()
	if isNew {
		j.log.Error("records of the journal are lost", "loss", l)
	}
}
