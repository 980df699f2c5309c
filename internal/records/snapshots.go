package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// SaveSnapshot keeps a state that belongs to a position in the journal, in
// place of the one before of that name.
func (s *Store) SaveSnapshot(ctx context.Context, name, position string, state []byte) error {
	if state == nil {
		state = []byte{} // nil would be NULL
	}
	err := s.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO snapshot (name, position, state, saved_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (name) DO UPDATE SET position = excluded.position, state = excluded.state, saved_at = excluded.saved_at`,
			name, position, state, time.Now().UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping the snapshot of %s: %w", name, err)
	}
	return nil
}

// Snapshot returns what was saved last under a name, nothing when nothing was.
func (s *Store) Snapshot(ctx context.Context, name string) (position string, state []byte, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT position, state FROM snapshot WHERE name = $1`, name).Scan(&position, &state)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", nil, fmt.Errorf("reading the snapshot of %s: %w", name, explain(err))
	}
	return position, state, nil
}

// SaveVersion keeps the content of a version of the registry or the rules. One
// whose hash is there already is passed over: the hash is of the content.
func (s *Store) SaveVersion(ctx context.Context, kind, hash, content string) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO version (hash, kind, content) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING`, hash, kind, content)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping %s %s: %w", kind, hash, err)
	}
	return nil
}

// Version returns the kind and the content of a version, or ErrNotFound.
func (s *Store) Version(ctx context.Context, hash string) (kind, content string, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT kind, content FROM version WHERE hash = $1`, hash).Scan(&kind, &content)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return "", "", fmt.Errorf("reading version %s: %w", hash, explain(err))
	}
	return kind, content, nil
}
