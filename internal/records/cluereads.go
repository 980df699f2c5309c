package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A Reading is by whom clues are read, and as what. It is written down for
// every clue that is shown with its household, before it is shown.
type Reading struct {
	Account string // empty: nobody had to sign in, at the machine of a demo
	As      string
}

// As what a clue is read.
const (
	ReadInList     = "list"
	ReadWhole      = "clue"     // with what people did about it
	ReadToAct      = "act"      // by whoever acted on it, or was refused to
	ReadAsDecision = "decision" // one of the rules, about it
	ReadAsSignal   = "signal"   // the evidence behind one
)

// ReadClues returns clues by their ids, in that order, and writes down who read them: both or neither.
func (s *Store) ReadClues(ctx context.Context, by Reading, ids []string) (clues []ClueRow, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			c, err := readClue(ctx, tx, id)
			if err != nil {
				return err
			}
			clues = append(clues, c)
		}
		return noteReads(ctx, tx, by, ids...)
	})
	if err != nil {
		return nil, fmt.Errorf("reading %d clues: %w", len(ids), err)
	}
	return clues, nil
}

// ReadClue returns a clue with what people did about it, the first first, and
// writes down who read it: both or neither. One that the reader may not see is ErrNotFound, as one that is not there.
func (s *Store) ReadClue(ctx context.Context, by Reading, id string, may func(ClueRow) bool) (c ClueRow, acts []ClueAct, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		if c, err = readClue(ctx, tx, id); err != nil {
			return err
		}
		if !may(c) {
			return ErrNotFound
		}
		if acts, err = readActs(ctx, tx, id); err != nil {
			return err
		}
		return noteReads(ctx, tx, by, id)
	})
	if err != nil {
		return ClueRow{}, nil, fmt.Errorf("reading clue %q: %w", id, err)
	}
	return c, acts, nil
}

func readActs(ctx context.Context, tx *sql.Tx, clue string) (acts []ClueAct, err error) {
	rows, err := tx.QueryContext(ctx, actColumns+` WHERE clue = $1 ORDER BY number`, clue)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		a, err := scanAct(rows)
		if err != nil {
			return nil, err
		}
		acts = append(acts, a)
	}
	return acts, rows.Err()
}

// NoteClueRead writes down that somebody is about to read what is kept of a clue elsewhere.
func (s *Store) NoteClueRead(ctx context.Context, by Reading, clue string) error {
	err := s.within(ctx, func(tx *sql.Tx) error { return noteReads(ctx, tx, by, clue) })
	if err != nil {
		return fmt.Errorf("keeping who read clue %q: %w", clue, err)
	}
	return nil
}

func noteReads(ctx context.Context, tx *sql.Tx, by Reading, clues ...string) error {
	now := time.Now().UnixMilli()
	return insert(ctx, tx, len(clues), `INSERT INTO clue_read (number, clue, account, read_at, read_as)
		SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4 FROM clue_read`, func(i int) []any { return []any{clues[i], by.Account, now, by.As} })
}

// HasSealedNotes reports whether some were sealed already, by a key that is needed to read them.
func (s *Store) HasSealedNotes(ctx context.Context) (has bool, err error) {
	if err = s.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM clue_act WHERE length(sealed) > 0)`).Scan(&has); err != nil {
		return false, fmt.Errorf("looking for sealed notes: %w", explain(err))
	}
	return has, nil
}

// SealNotes seals what people wrote before notes were sealed, and leaves nothing
// of it in the file. It returns how many there were.
func (s *Store) SealNotes(ctx context.Context, seal func(act, note string) []byte) (sealed int, err error) {
	if sealed, err = s.sealNotes(ctx, seal); err != nil {
		return sealed, fmt.Errorf("sealing notes: %w", explain(err))
	}
	return sealed, nil
}

func (s *Store) sealNotes(ctx context.Context, seal func(act, note string) []byte) (int, error) {
	open := map[string]string{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var id, note string
		err := rows.Scan(&id, &note)
		open[id] = note
		return err
	}, `SELECT id, note FROM clue_act WHERE note <> ''`)
	if err != nil || len(open) == 0 {
		return 0, err
	}
	// SQLite leaves what was there in free places of the file, and in its log: it is overwritten at once, and what older changes left goes after it.
	if _, err := s.writer.ExecContext(ctx, `PRAGMA secure_delete = ON`); err != nil {
		return 0, err
	}
	err = s.within(ctx, func(tx *sql.Tx) error {
		for id, note := range open {
			if _, err := tx.ExecContext(ctx, `UPDATE clue_act SET note = '', sealed = $1 WHERE id = $2`, seal(id, note), id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if _, err := s.writer.ExecContext(ctx, `VACUUM`); err != nil {
		return len(open), err
	}
	var busy bool
	var frames, moved int
	if err := s.writer.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved); err != nil {
		return len(open), err
	}
	if busy {
		return len(open), errors.New("another program is reading; its log goes when the last one has closed the file")
	}
	return len(open), nil
}
