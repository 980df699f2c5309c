package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"ganlin/devices"
)

// A Behind is a place in a list by time, the last first: behind what happened
// at a time and has an id. The zero value is the beginning.
type Behind struct {
	At time.Time
	ID string
}

// An AlertQuery says which alerts are asked for.
type AlertQuery struct {
	Plots  []devices.PlotID // at most a few hundred; nil: of all plots, and of none
	Open   bool             // only those that are not resolved
	Behind Behind
	Limit  int
}

// AlertPage returns alerts, the one raised last first.
func (s *Store) AlertPage(ctx context.Context, q AlertQuery) (alerts []AlertRow, err error) {
	where, args := q.Behind.where("raised_at")
	if q.Open {
		where += ` AND resolved_at IS NULL`
	}
	where, args = onPlots(q.Plots, where, args)
	alerts, err = s.alertRows(ctx, where+fmt.Sprintf(` ORDER BY raised_at DESC, id LIMIT %d`, q.Limit), args...)
	if err != nil {
		return nil, fmt.Errorf("reading alerts: %w", err)
	}
	return alerts, nil
}

// Alert returns one alert, or ErrNotFound.
func (s *Store) Alert(ctx context.Context, id string) (AlertRow, error) {
	found, err := s.alertRows(ctx, `id = $1`, id)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return AlertRow{}, fmt.Errorf("reading alert %q: %w", id, err)
	}
	return found[0], nil
}

func (s *Store) alertRows(ctx context.Context, where string, args ...any) (alerts []AlertRow, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var a AlertRow
		var raised, resolved sql.NullInt64
		err := rows.Scan(&a.ID, &a.Rule, &a.Subject, &a.Plot, &a.Site, &a.Severity, &a.State, &raised, &resolved)
		a.RaisedAt, a.ResolvedAt = fromMilli(raised), fromMilli(resolved)
		alerts = append(alerts, a)
		return err
	}, `SELECT id, rule, subject, plot, site, severity, state, raised_at, resolved_at FROM alert WHERE `+where, args...)
	return alerts, err
}

// where begins a condition that is narrowed further.
func (b Behind) where(column string) (string, []any) {
	if b.ID == "" && b.At.IsZero() {
		return `1 = 1`, nil
	}
	return fmt.Sprintf(`(%[1]s < $1 OR (%[1]s = $1 AND id > $2))`, column), []any{b.At.UnixMilli(), b.ID}
}

// onPlots narrows a condition to plots; nil does not.
func onPlots(plots []devices.PlotID, where string, args []any) (string, []any) {
	if plots == nil {
		return where, args
	}
	var in []string
	for _, id := range plots {
		args = append(args, string(id))
		in = append(in, fmt.Sprintf(`$%d`, len(args)))
	}
	if len(in) == 0 {
		return where + ` AND 1 = 0`, args
	}
	return where + ` AND plot IN (` + strings.Join(in, `, `) + `)`, args
}

// An AlertAct is what somebody said about an alert. It is never changed.
type AlertAct struct {
	ID         string
	Alert      string
	Act        string
	Code       string // empty: none
	Account    string
	At         time.Time // event time
	RecordedAt time.Time // by the machine's clock
}

// AddAlertAct keeps what somebody said. One whose id is there already is passed over.
func (s *Store) AddAlertAct(ctx context.Context, a AlertAct) error {
	if a.ID == "" {
		return errors.New("an act on an alert has no id")
	}
	err := s.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO alert_act (id, alert, act, code, account, at, recorded_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`,
			a.ID, a.Alert, a.Act, a.Code, a.Account, a.At.UnixMilli(), a.RecordedAt.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping what was said about alert %s: %w", a.Alert, err)
	}
	return nil
}

// AlertActs returns what was said about alerts, by alert and in its order.
func (s *Store) AlertActs(ctx context.Context, alerts []string) (map[string][]AlertAct, error) {
	said := map[string][]AlertAct{}
	if len(alerts) == 0 {
		return said, nil
	}
	var args []any
	var in []string
	for _, id := range alerts {
		args = append(args, id)
		in = append(in, fmt.Sprintf(`$%d`, len(args)))
	}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var a AlertAct
		var at, recorded sql.NullInt64
		err := rows.Scan(&a.ID, &a.Alert, &a.Act, &a.Code, &a.Account, &at, &recorded)
		a.At, a.RecordedAt = fromMilli(at), fromMilli(recorded)
		said[a.Alert] = append(said[a.Alert], a)
		return err
	}, `SELECT id, alert, act, code, account, at, recorded_at FROM alert_act WHERE alert IN (`+strings.Join(in, `, `)+`) ORDER BY recorded_at, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("reading what was said about %d alerts: %w", len(alerts), err)
	}
	return said, nil
}
