package records

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"ganlin/devices"
)

// A Signal is what is to be told of a clue to those who watch from outside. It
// is written with what it tells in one transaction, and never changed.
type Signal struct {
	Sequence  int64  // in the order of the commits; the store gives it
	ID        string // follows from the decision or the act
	Kind      string // raised, updated, withdrawn, verified or dismissed
	Clue      string
	Household devices.HouseholdID // never sent
	Site      devices.SiteID
	Place     devices.PlaceCode
	Level     string
	Cause     string
	At        time.Time // event time
	Decision  string    // what it tells; empty: an act
	Act       string    // likewise; empty: a decision
}

// signal begins what is told of a clue.
func (c *ClueRow) signal(kind string, at time.Time) Signal {
	return Signal{Kind: kind, Clue: c.ID, Household: c.Household, Site: c.Site, Place: c.Place, Level: c.Level, Cause: c.Cause, At: at}
}

// insertSignals gives each signal the next number. The store has one writer, so
// that the order of the numbers is that of the commits: who has read up to one
// never misses a lower one.
func insertSignals(ctx context.Context, tx *sql.Tx, signals []Signal) error {
	return insert(ctx, tx, len(signals), `INSERT INTO signal (sequence, id, kind, clue, household, site, place, level, cause, at, decision, act)
		SELECT (SELECT COALESCE(MAX(sequence), 0) + 1 FROM signal), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
		WHERE NOT EXISTS (SELECT 1 FROM signal WHERE id = $1)`, func(i int) []any {
		g := &signals[i]
		return []any{
			g.ID, g.Kind, g.Clue, string(g.Household), string(g.Site), string(g.Place), g.Level, g.Cause, g.At.UnixMilli(), g.Decision, g.Act,
		}
	})
}

// Signals returns at most limit signals after a sequence, in their order.
func (s *Store) Signals(ctx context.Context, after int64, limit int) (signals []Signal, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var g Signal
		var at int64
		err := rows.Scan(&g.Sequence, &g.ID, &g.Kind, &g.Clue, &g.Household, &g.Site, &g.Place, &g.Level, &g.Cause, &at, &g.Decision, &g.Act)
		g.At = time.UnixMilli(at).UTC()
		signals = append(signals, g)
		return err
	}, `SELECT sequence, id, kind, clue, household, site, place, level, cause, at, decision, act FROM signal
		WHERE sequence > $1 ORDER BY sequence LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the signals after %d: %w", after, err)
	}
	return signals, nil
}

// LastSignal returns the sequence of the newest signal; 0: there is none.
func (s *Store) LastSignal(ctx context.Context) (last int64, err error) {
	if err = s.reader.QueryRowContext(ctx, `SELECT COALESCE(MAX(sequence), 0) FROM signal`).Scan(&last); err != nil {
		return 0, fmt.Errorf("reading which signal is the newest: %w", explain(err))
	}
	return last, nil
}

// ReceiverKey returns the key of the pseudonyms that a receiver is told. It is
// made when it is asked for first, and stays the same.
func (s *Store) ReceiverKey(ctx context.Context, receiver string) ([]byte, error) {
	key, err := readReceiverKey(ctx, s.reader, receiver)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.within(ctx, func(tx *sql.Tx) error {
			fresh := make([]byte, 32)
			_, _ = rand.Read(fresh) // it never fails
			if _, err := tx.ExecContext(ctx, `INSERT INTO receiver (id, key, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
				receiver, hex.EncodeToString(fresh), time.Now().UnixMilli()); err != nil {
				return err
			}
			key, err = readReceiverKey(ctx, tx, receiver)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key of receiver %q: %w", receiver, explain(err))
	}
	return key, nil
}

func readReceiverKey(ctx context.Context, q querier, receiver string) ([]byte, error) {
	var text string
	if err := q.QueryRowContext(ctx, `SELECT key FROM receiver WHERE id = $1`, receiver).Scan(&text); err != nil {
		return nil, err
	}
	return hex.DecodeString(text)
}
