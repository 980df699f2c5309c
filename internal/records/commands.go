package records

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"ganlin/devices"
)

// A Command is a command to a valve that was decided and is to be carried out.
type Command struct {
	ID      string
	Valve   devices.DeviceID
	At      time.Time // event time of the decision
	Command devices.Command
}

// The states of a command. It is pending from when it is decided until it is
// known what became of it, also over a restart.
const (
	CommandPending  = "pending"
	CommandAnswered = "answered" // by the valve, whatever it said
	CommandExpired  = "expired"  // no answer came in time
)

func insertCommands(ctx context.Context, tx *sql.Tx, commands []Command) error {
	bodies := make([]string, len(commands))
	for i, c := range commands {
		var err error
		if bodies[i], err = encode("command "+c.ID, c.Command); err != nil {
			return err
		}
	}
	now := time.Now().UnixMilli()
	return insert(ctx, tx, len(commands), `INSERT INTO command (id, valve, at, body, state, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`, func(i int) []any {
		c := &commands[i]
		return []any{c.ID, string(c.Valve), c.At.UnixMilli(), bodies[i], CommandPending, now}
	})
}

// KeepCommand keeps a command that a person gave, before it is sent.
func (s *Store) KeepCommand(ctx context.Context, c Command) error {
	err := s.within(ctx, func(tx *sql.Tx) error { return insertCommands(ctx, tx, []Command{c}) })
	if err != nil {
		return fmt.Errorf("keeping command %s: %w", c.ID, err)
	}
	return nil
}

func settleCommands(ctx context.Context, tx *sql.Tx, ids []string) error {
	now := time.Now().UnixMilli()
	return insert(ctx, tx, len(ids), `UPDATE command SET state = $1, updated_at = $2 WHERE id = $3`, func(i int) []any {
		return []any{CommandAnswered, now, ids[i]}
	})
}

// PendingCommands returns the commands that are not settled, the earliest first.
func (s *Store) PendingCommands(ctx context.Context) (commands []Command, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var c Command
		var at int64
		var body string
		if err := rows.Scan(&c.ID, &c.Valve, &at, &body); err != nil {
			return err
		}
		c.At = time.UnixMilli(at).UTC()
		err := json.Unmarshal([]byte(body), &c.Command)
		commands = append(commands, c)
		return err
	}, `SELECT id, valve, at, body FROM command WHERE state = $1 ORDER BY at, id`, CommandPending)
	if err != nil {
		return nil, fmt.Errorf("reading the commands that are to be sent: %w", err)
	}
	return commands, nil
}

// SettleCommand keeps what became of a command; a later word replaces an
// earlier one. It returns ErrNotFound when there is no such command.
func (s *Store) SettleCommand(ctx context.Context, id, state string) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE command SET state = $1, updated_at = $2 WHERE id = $3`, state, time.Now().UnixMilli(), id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return ErrNotFound
	})
	if err != nil {
		return fmt.Errorf("settling command %s: %w", id, err)
	}
	return nil
}
