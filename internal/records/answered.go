package records

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// An Asked is what an act is remembered by.
type Asked struct {
	Account, Route, Key string
}

// An Answered is what an act was answered. Status 0 says that it began and
// nobody knows how it ended: it may be under way, or the program was ended.
type Answered struct {
	Digest string // SHA-256 of what was asked
	Act    string // the id of the act
	Status int
	Kind   string // Content-Type
	Body   []byte
}

// RememberAct takes down that an act begins, unless one of the same key began
// after a time; then it returns that one. Older ones are forgotten.
func (s *Store) RememberAct(ctx context.Context, a Asked, begins Answered, now, since time.Time) (kept Answered, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM answered WHERE began_at < $1`, since.UnixMilli()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO answered (account, route, key, digest, act, status, kind, body, began_at)
			VALUES ($1, $2, $3, $4, $5, 0, '', '', $6) ON CONFLICT (account, route, key) DO NOTHING`,
			a.Account, a.Route, a.Key, begins.Digest, begins.Act, now.UnixMilli()); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT digest, act, status, kind, body FROM answered WHERE account = $1 AND route = $2 AND key = $3`,
			a.Account, a.Route, a.Key).Scan(&kept.Digest, &kept.Act, &kept.Status, &kept.Kind, &kept.Body)
	})
	if err != nil {
		return Answered{}, fmt.Errorf("remembering an act: %w", err)
	}
	return kept, nil
}

// AnswerAct takes down how an act was answered.
func (s *Store) AnswerAct(ctx context.Context, a Asked, how Answered) error {
	return s.answered(ctx, `UPDATE answered SET status = $4, kind = $5, body = $6 WHERE account = $1 AND route = $2 AND key = $3`,
		a.Account, a.Route, a.Key, how.Status, how.Kind, how.Body)
}

// ForgetAct lets an act be tried again.
func (s *Store) ForgetAct(ctx context.Context, a Asked) error {
	return s.answered(ctx, `DELETE FROM answered WHERE account = $1 AND route = $2 AND key = $3`, a.Account, a.Route, a.Key)
}

func (s *Store) answered(ctx context.Context, query string, args ...any) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("remembering how an act ended: %w", err)
	}
	return nil
}
