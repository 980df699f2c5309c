package journal

import (
	"context"

	"ganlin/ingest"
)

// NewRecord reads the bytes of a record.
var NewRecord = newRecord

// WithBody returns a right record with any body.
func WithBody(body []byte) []byte {
	return encodeRecord(header{bytes: len(body), generation: 1, sequence: 1}, body)
}

// ScanBlock looks through a block file.
func ScanBlock(b []byte) error {
	h, err := frameHash(StreamName, 1)
	if err != nil {
		return err
	}
	s := scanBlock(b, Subject, h, func(*Record) {})
	for _, r := range s.bad {
		if r.from >= r.to || r.to > len(b) {
			panic("a piece that is none")
		}
	}
	return nil
}

// Replay goes through what the index is told of a record.
func Replay(r *Record) {
	for range r.readings() {
		continue
	}
}

// AppendAndForgetToRollBack is an Append that keeps in the index of duplicates
// what did not get to the disk.
func (j *Journal) AppendAndForgetToRollBack(ctx context.Context, batch []ingest.Decoded) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.encoder.reset()
	for _, p := range pieces(batch, j.encoder.room) {
		if err := j.encoder.message(ctx, p); err != nil {
			return err
		}
	}
	j.index.Commit()
	return j.commit(ctx)
}
