package records

import (
	"bytes"
	"cmp"
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
	Sealed  []byte    // what they wrote: this package cannot read it; empty: nothing
}

// same reports whether an act that was sent again says what it said the first time.
func (a ClueAct) same(b ClueAct) bool {
	return a.ID == b.ID && a.Clue == b.Clue && a.Act == b.Act && a.Account == b.Account && a.Reason == b.Reason && bytes.Equal(a.Sealed, b.Sealed)
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
// that tells it. A clue that whoever acts does not see is ErrNotFound. may is
// asked whether the clue as it stands allows the act; its error is returned. The
// clue is as it stands afterwards, also beside an error other than ErrNotFound,
// and it is written down that the account has read it. An act that is kept
// already is not done again.
func (s *Store) ActOnClue(ctx context.Context, a ClueAct, based int, sees func(ClueRow) bool, may func(ClueRow) error) (c ClueRow, err error) {
	var refused error
	err = s.within(ctx, func(tx *sql.Tx) error {
		if c, err = readClue(ctx, tx, a.Clue); err != nil {
			return err
		}
		if !sees(c) {
			return ErrNotFound
		}
		if refused, err = keepAct(ctx, tx, a, c, based, may); err != nil {
			return err
		}
		if c, err = readClue(ctx, tx, a.Clue); err != nil {
			return err
		}
		return noteReads(ctx, tx, Reading{a.Account, ReadToAct}, a.Clue)
	})
	if errors.Is(err, ErrNotFound) {
		c = ClueRow{}
	}
	if err = cmp.Or(err, refused); err != nil {
		return c, fmt.Errorf("keeping an act on clue %q: %w", a.Clue, err)
	}
	return c, nil
}

// keepAct keeps an act, unless it is kept already or refused.
func keepAct(ctx context.Context, tx *sql.Tx, a ClueAct, c ClueRow, based int, may func(ClueRow) error) (refused, err error) {
	kept, err := scanAct(tx.QueryRowContext(ctx, actColumns+` WHERE id = $1`, a.ID))
	switch {
	case err == nil && !kept.same(a):
		return ErrReused, nil
	case err == nil:
		return nil, nil
	case !errors.Is(err, sql.ErrNoRows):
		return nil, err
	}
	if err := may(c); err != nil {
		return err, nil
	}
	if based != c.Acts {
		return ErrStale, nil
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO clue_act (id, clue, number, act, account, at, recorded_at, reason, note, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9)`, a.ID, a.Clue, based+1, a.Act, a.Account, a.At.UnixMilli(), time.Now().UnixMilli(),
		a.Reason, append([]byte{}, a.Sealed...)); err != nil {
		return nil, err
	}
	if a.Act != ClueVerified && a.Act != ClueDismissed {
		return nil, nil
	}
	told := c.signal(a.Act, a.At)
	told.ID, told.Act = "act-"+a.ID, a.ID
	return nil, insertSignals(ctx, tx, []Signal{told})
}

const actColumns = `SELECT id, clue, number, act, account, at, reason, sealed FROM clue_act`

func scanAct(row interface{ Scan(into ...any) error }) (a ClueAct, err error) {
	var at int64
	err = row.Scan(&a.ID, &a.Clue, &a.Number, &a.Act, &a.Account, &at, &a.Reason, &a.Sealed)
	a.At = time.UnixMilli(at).UTC()
	return a, err
}
