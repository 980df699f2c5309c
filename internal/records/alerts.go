package records

import (
	"cmp"
	"context"
	"database/sql"
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
