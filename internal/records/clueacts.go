package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A ClueAct is one thing that a person did about a clue. It is never changed:
// the database refuses it.
type ClueAct struct {
	ID      string // made by who sends it: sent twice it counts once
	Clue    string
	Number  int    // of the clue's acts, from 1; ActOnClue gives it
	Act     string // what the clue's stage is from then on
	Account string
	At      time.Time // event time
	Reason  string    // a code; empty: none
	Note    string    // may be personal: for those alone who may read the clue
}

// The acts that end a clue; each is told by a signal.
const (
	ClueVerified  = "verified"
	ClueDismissed = "dismissed"
)

var (
	// ErrStale says that somebody else acted since the version that an act is based on.
	ErrStale = errors.New("somebody else was first")
	// ErrReused says that the id of an act stands for another one.
	ErrReused = errors.New("the id stands for another act")
)

// ActOnClue keeps an act on the clue's version number based, with the signal
// that tells it. may is asked whether the clue as it stands allows the act; its
// error is returned. The clue is as it stands afterwards, also beside an error
// other than ErrNotFound; an act that is kept already is not done again.
func (s *Store) ActOnClue(ctx context.Context, a ClueAct, based int, may func(ClueRow) error) (c ClueRow, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		if c, err = readClue(ctx, tx, a.Clue); err != nil {
			return err
		}
		kept, err := scanAct(tx.QueryRowContext(ctx, actColumns+` WHERE id = $1`, a.ID))
		switch {
		case err == nil:
			if kept.At, kept.Number = a.At, a.Number; kept != a {
				return ErrReused
			}
			return nil
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		if err := may(c); err != nil {
			return err
		}
		if based != c.Acts {
			return ErrStale
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO clue_act (id, clue, number, act, account, at, recorded_at, reason, note)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, a.ID, a.Clue, based+1, a.Act, a.Account, a.At.UnixMilli(), time.Now().UnixMilli(),
			a.Reason, a.Note); err != nil {
			return err
		}
		if a.Act == ClueVerified || a.Act == ClueDismissed {
			told := c.signal(a.Act, a.At)
			told.ID, told.Act = "act-"+a.ID, a.ID
			if err := insertSignals(ctx, tx, []Signal{told}); err != nil {
				return err
			}
		}
		c, err = readClue(ctx, tx, a.Clue)
		return err
	})
	if err != nil {
		return c, fmt.Errorf("keeping an act on clue %q: %w", a.Clue, err)
	}
	return c, nil
}

const actColumns = `SELECT id, clue, number, act, account, at, reason, note FROM clue_act`

func scanAct(row interface{ Scan(into ...any) error }) (a ClueAct, err error) {
	var at int64
	err = row.Scan(&a.ID, &a.Clue, &a.Number, &a.Act, &a.Account, &at, &a.Reason, &a.Note)
	a.At = time.UnixMilli(at).UTC()
	return a, err
}

// ClueActs returns what people did about a clue, the first first.
func (s *Store) ClueActs(ctx context.Context, clue string) (acts []ClueAct, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		a, err := scanAct(rows)
		acts = append(acts, a)
		return err
	}, actColumns+` WHERE clue = $1 ORDER BY number`, clue)
	if err != nil {
		return nil, fmt.Errorf("reading the acts on clue %q: %w", clue, err)
	}
	return acts, nil
}

// NoteClueRead keeps that an account read the evidence of a clue.
func (s *Store) NoteClueRead(ctx context.Context, clue, account string) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO clue_read (number, clue, account, read_at)
			SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3 FROM clue_read`, clue, account, time.Now().UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping who read clue %q: %w", clue, err)
	}
	return nil
}
