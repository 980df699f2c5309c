package records

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Progress is how far a reader of the journal has come, and what it has counted on the way.
type Progress struct {
	Reader   string
	Position string // opaque here; empty: at the beginning
	Counts   map[string]int64
}

// Commit keeps the progress and the dead letters that belong to it, both or
// neither. A dead letter whose id is there already is passed over.
func (s *Store) Commit(ctx context.Context, p Progress, letters []DeadLetter) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		if err := insertDeadLetters(ctx, tx, letters); err != nil {
			return err
		}
		return p.save(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("keeping the progress of %s with %d dead letters: %w", p.Reader, len(letters), err)
	}
	return nil
}

func (p Progress) save(ctx context.Context, tx *sql.Tx) error {
	if p.Counts == nil {
		p.Counts = map[string]int64{}
	}
	counts, err := encode("the counts of "+p.Reader, p.Counts)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO progress (reader, position, counts, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (reader) DO UPDATE SET position = excluded.position, counts = excluded.counts, updated_at = excluded.updated_at`,
		p.Reader, p.Position, counts, time.Now().UnixMilli())
	return err
}

// Progress returns how far a reader has come; one that never began stands at the beginning.
func (s *Store) Progress(ctx context.Context, reader string) (Progress, error) {
	p := Progress{Reader: reader, Counts: map[string]int64{}}
	var counts string
	err := s.reader.QueryRowContext(ctx, `SELECT position, counts FROM progress WHERE reader = $1`, reader).Scan(&p.Position, &counts)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(counts), &p.Counts)
	}
	if err != nil {
		return p, fmt.Errorf("reading the progress of %s: %w", reader, explain(err))
	}
	return p, nil
}
