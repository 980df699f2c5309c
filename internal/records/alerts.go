package records

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"ganlin/devices"
)

// An AlertRow is one episode of an alert, as it stands now.
type AlertRow struct {
	ID         string
	Rule       string
	Subject    string
	Plot       devices.PlotID
	Site       devices.SiteID
	Severity   string
	State      string
	RaisedAt   time.Time
	ResolvedAt time.Time // zero: not yet
}

// A ClueRow is what is known of a household's exposure in a site. The newest
// episode replaces the one before; the decisions tell them all.
type ClueRow struct {
	Household   devices.HouseholdID
	Site        devices.SiteID
	State       string
	Level       string
	RaisedAt    time.Time
	UpdatedAt   time.Time
	WithdrawnAt time.Time       // zero: not yet
	Body        json.RawMessage // the evidence; empty: none
}

// A Selection says which alerts or clues are asked for.
type Selection struct {
	Open  bool // only those that are not resolved or withdrawn
	Limit int  // 0: all
}

func (s Selection) args() []any {
	all := 1
	if s.Open {
		all = 0
	}
	return []any{all, cmp.Or(s.Limit, math.MaxInt32)}
}

func upsertAlerts(ctx context.Context, tx *sql.Tx, alerts []AlertRow) error {
	return insert(ctx, tx, len(alerts), `INSERT INTO alert (id, rule, subject, plot, site, severity, state, raised_at, resolved_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET rule = excluded.rule, subject = excluded.subject,
		plot = excluded.plot, site = excluded.site, severity = excluded.severity, state = excluded.state,
		raised_at = excluded.raised_at, resolved_at = excluded.resolved_at`, func(i int) []any {
		a := &alerts[i]
		return []any{a.ID, a.Rule, a.Subject, string(a.Plot), string(a.Site), a.Severity, a.State, a.RaisedAt.UnixMilli(), milli(a.ResolvedAt)}
	})
}

// Alerts returns alerts, the one raised last first.
func (s *Store) Alerts(ctx context.Context, which Selection) (alerts []AlertRow, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var a AlertRow
		var raised, resolved sql.NullInt64
		err := rows.Scan(&a.ID, &a.Rule, &a.Subject, &a.Plot, &a.Site, &a.Severity, &a.State, &raised, &resolved)
		a.RaisedAt, a.ResolvedAt = fromMilli(raised), fromMilli(resolved)
		alerts = append(alerts, a)
		return err
	}, `SELECT id, rule, subject, plot, site, severity, state, raised_at, resolved_at FROM alert
		WHERE $1 = 1 OR resolved_at IS NULL ORDER BY raised_at DESC, id LIMIT $2`, which.args()...)
	if err != nil {
		return nil, fmt.Errorf("reading alerts: %w", err)
	}
	return alerts, nil
}

func upsertClues(ctx context.Context, tx *sql.Tx, clues []ClueRow) error {
	return insert(ctx, tx, len(clues), `INSERT INTO clue (household, site, state, level, raised_at, updated_at, withdrawn_at, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (household, site) DO UPDATE SET state = excluded.state, level = excluded.level,
		raised_at = excluded.raised_at, updated_at = excluded.updated_at, withdrawn_at = excluded.withdrawn_at, body = excluded.body`, func(i int) []any {
		c := &clues[i]
		return []any{
			string(c.Household), string(c.Site), c.State, c.Level, c.RaisedAt.UnixMilli(), c.UpdatedAt.UnixMilli(), milli(c.WithdrawnAt), string(c.Body),
		}
	})
}

// Clues returns clues, the one raised last first.
func (s *Store) Clues(ctx context.Context, which Selection) (clues []ClueRow, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var c ClueRow
		var body string
		var raised, updated, withdrawn sql.NullInt64
		err := rows.Scan(&c.Household, &c.Site, &c.State, &c.Level, &raised, &updated, &withdrawn, &body)
		c.RaisedAt, c.UpdatedAt, c.WithdrawnAt = fromMilli(raised), fromMilli(updated), fromMilli(withdrawn)
		if body != "" {
			c.Body = json.RawMessage(body)
		}
		clues = append(clues, c)
		return err
	}, `SELECT household, site, state, level, raised_at, updated_at, withdrawn_at, body FROM clue
		WHERE $1 = 1 OR withdrawn_at IS NULL ORDER BY raised_at DESC, household, site LIMIT $2`, which.args()...)
	if err != nil {
		return nil, fmt.Errorf("reading clues: %w", err)
	}
	return clues, nil
}
