package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ganlin/ingest"
)

// fullRecord is the size of a body from which on no message is added to it.
const fullRecord = 1 << 20

// Append puts messages on disk, as one record unless they are uncommonly large,
// and returns nil when they are there. Any error means that none of them may be
// acknowledged; it wraps ingest.ErrRefused when the journal takes nothing at the
// moment. A message that was written all the same is a duplicate when it comes
// again.
func (j *Journal) Append(ctx context.Context, batch []ingest.Decoded) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	for rest := pieces(batch, j.encoder.room); len(rest) > 0; {
		n, err := j.appendSome(ctx, rest)
		if err != nil {
			return fmt.Errorf("appending %d messages: %w", len(batch), err)
		}
		rest = rest[n:]
	}
	return nil
}

// appendSome makes one record of as many pieces as fit, and returns how many.
func (j *Journal) appendSome(ctx context.Context, batch []piece) (int, error) {
	if err := j.ready(); err != nil {
		return 0, err
	}
	j.encoder.reset()
	n := 0
	for n < len(batch) && (n == 0 || len(j.encoder.body) < fullRecord && len(j.encoder.body)+estimate(batch[n].Decoded) <= j.encoder.room) {
		if err := j.encoder.message(ctx, batch[n]); err != nil {
			j.index.Rollback()
			return 0, j.mendIndex(ctx, err)
		}
		n++
	}
	return n, j.commit(ctx)
}

// mendIndex makes the index anew from the journal when it cannot be read.
func (j *Journal) mendIndex(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	j.log.Error("index of duplicates is unreadable and made anew from the journal", "error", cause)
	j.saves.wait()
	if err := j.catchUp(ctx, ""); err != nil {
		return j.breakDown(err)
	}
	return refused(cause)
}

// commit writes what the encoder holds as the next record.
func (j *Journal) commit(ctx context.Context) error {
	h := header{
		generation: max(1, j.end.Generation),
		sequence:   j.end.Sequence + 1,
		previous:   j.end.Hash,
		counters:   j.counters.add(j.encoder.counters),
		fresh:      j.encoder.fresh,
	}
	if err := j.write(ctx, h, j.encoder.body); err != nil {
		// What comes again must not be taken for a duplicate of what may not be there.
		j.index.Rollback()
		return err
	}
	j.index.Commit()
	j.mu.Lock()
	j.wake()
	j.mu.Unlock()
	j.saveWhenDue()
	return nil
}

// write puts a record on disk. The context of the caller cannot cut it short:
// whether it is there would be unknown.
func (j *Journal) write(ctx context.Context, h header, body []byte) error {
	h.at = max(j.options.Now().UnixMilli(), j.at)
	h.bytes = len(body)
	raw := encodeRecord(h, body)
	r := &Record{header: h, position: Position{h.generation, h.sequence, hashOf(raw)}, body: raw[len(raw)-len(body):]}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), j.options.AckTimeout)
	defer cancel()
	start := time.Now()
	if err := j.stream.publish(ctx, raw, j.streamAt); err != nil {
		if isFull(err) {
			return j.refuse(err)
		}
		return j.breakDown(err)
	}
	if j.options.Wrote != nil {
		j.options.Wrote(len(raw), time.Since(start))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.end, j.at, j.counters = r.position, h.at, h.counters
	j.streamAt++
	j.recent.add(r)
	j.accept()
	return nil
}

// Failed receives why the journal has broken down. It takes nothing more until
// its server was closed, its store prepared, a server started on it and Reopen
// called.
func (j *Journal) Failed() <-chan error { return j.failed }

// breakDown stops taking: what the server did last is unknown.
func (j *Journal) breakDown(cause error) error {
	j.mu.Lock()
	j.refusing, j.broken = cause, true
	j.mu.Unlock()
	j.log.Error("the journal broke down and takes nothing", "error", cause)
	select {
	case j.failed <- cause:
	default:
	}
	return refused(cause)
}

// refuse stops taking for a while: there is no room.
func (j *Journal) refuse(cause error) error {
	j.mu.Lock()
	isNew := j.refusing == nil
	j.refusing, j.again = cause, j.options.Now().Add(spacePause)
	j.mu.Unlock()
	if isNew {
		j.log.Error("the journal takes nothing for want of room", "error", cause)
	}
	return refused(cause)
}

// accept ends a refusal. j.mu is held.
func (j *Journal) accept() {
	if j.refusing != nil {
		j.refusing = nil
		j.log.Info("the journal takes messages again")
	}
}

func refused(cause error) error { return fmt.Errorf("%w: %w", ingest.ErrRefused, cause) }

// errClosed says that the journal was closed.
var errClosed = errors.New("journal is closed")

// ready returns why nothing can be written now, if so.
func (j *Journal) ready() error {
	j.mu.Lock()
	closed, broken, refusing, again := j.closed, j.broken, j.refusing, j.again
	j.mu.Unlock()
	if closed {
		return refused(errClosed)
	}
	if broken {
		return refused(refusing)
	}
	now := j.options.Now()
	if now.Before(again) {
		if refusing != nil {
			return refused(refusing)
		}
		return nil
	}
	return j.checkSpace(now)
}

// spacePause lies between two looks at the free space, and between two tries at a full stream.
const spacePause = time.Second

func (j *Journal) checkSpace(now time.Time) error {
	if j.options.FreeBytes == nil {
		return nil
	}
	free, err := j.options.FreeBytes()
	if err != nil {
		return j.refuse(fmt.Errorf("asking for the free space: %w", err))
	}
	if free < j.options.MinFree {
		return j.refuse(fmt.Errorf("the disk has %d bytes free; at least %d must stay free", free, j.options.MinFree))
	}
	j.mu.Lock()
	j.again = now.Add(spacePause)
	j.mu.Unlock()
	return nil
}
