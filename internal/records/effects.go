package records

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"ganlin/devices"
)

// Effects are what the rules changed, and how far in the journal they had come then.
type Effects struct {
	Progress  Progress
	Decisions []devices.Decision
	Commands  []Command
	Settled   []string // ids of commands whose end is known
	Alerts    []AlertRow
	Clues     []ClueRow
	Signals   []Signal
}

// CommitEffects keeps all effects with the progress, or nothing. It may be
// repeated: a decision, a command or a signal whose id is there already is passed over,
// and an alert or a clue becomes what was committed last. A number that is not
// finite has no JSON: in a decision it is an error, in a point it is left out.
func (s *Store) CommitEffects(ctx context.Context, e Effects) error {
	decisions, err := decisionRows(e.Decisions)
	if err != nil {
		return err
	}
	err = s.within(ctx, func(tx *sql.Tx) error {
		if err := insertDecisions(ctx, tx, decisions); err != nil {
			return fmt.Errorf("keeping the decisions: %w", err)
		}
		if err := insertCommands(ctx, tx, e.Commands); err != nil {
			return fmt.Errorf("keeping the commands: %w", err)
		}
		if err := settleCommands(ctx, tx, e.Settled); err != nil {
			return fmt.Errorf("settling commands: %w", err)
		}
		if err := upsertAlerts(ctx, tx, e.Alerts); err != nil {
			return fmt.Errorf("keeping the alerts: %w", err)
		}
		if err := upsertClues(ctx, tx, e.Clues); err != nil {
			return fmt.Errorf("keeping the clues: %w", err)
		}
		if err := insertSignals(ctx, tx, e.Signals); err != nil {
			return fmt.Errorf("keeping the signals: %w", err)
		}
		return e.Progress.save(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("keeping %d decisions and %d commands with the progress of %s: %w", len(e.Decisions), len(e.Commands), e.Progress.Reader, err)
	}
	return nil
}

// insert runs one statement for each row.
func insert(ctx context.Context, tx *sql.Tx, rows int, query string, args func(i int) []any) error {
	if rows == 0 {
		return nil
	}
	statement, err := tx.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = statement.Close() }()
	for i := range rows {
		if _, err := statement.ExecContext(ctx, args(i)...); err != nil {
			return err
		}
	}
	return nil
}

// milli returns the time as it is kept; the zero time is null.
func milli(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// fromMilli returns the time that milli made of.
func fromMilli(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

func encode(what string, v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encoding %s: %w", what, err)
	}
	return string(b), nil
}
