package records

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"
	"unicode/utf8"

	"ganlin/devices"
)

// ErrAmbiguous says that several rows answer to the beginning of an id.
var ErrAmbiguous = errors.New("several begin so")

// A decisionRow is a decision as it is kept.
type decisionRow struct {
	devices.Decision
	body, points string
}

func decisionRows(decisions []devices.Decision) ([]decisionRow, error) {
	rows := make([]decisionRow, len(decisions))
	for i, d := range decisions {
		if d.ID == "" {
			return nil, errors.New("a decision has no id")
		}
		r := decisionRow{Decision: d}
		var err error
		if r.body, err = encode("decision "+d.ID, d); err != nil {
			return nil, err
		}
		if len(d.Points) > 0 {
			if r.points, err = encode("the points of decision "+d.ID, finite(d.Points)); err != nil {
				return nil, err
			}
		}
		rows[i] = r
	}
	return rows, nil
}

// finite returns the points without the numbers that are not.
func finite(points []devices.Point) []devices.Point {
	clean := make([]devices.Point, len(points))
	for i, p := range points {
		p.Numbers = maps.Clone(p.Numbers)
		maps.DeleteFunc(p.Numbers, func(_ string, v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
		clean[i] = p
	}
	return clean
}

func insertDecisions(ctx context.Context, tx *sql.Tx, decisions []decisionRow) error {
	if len(decisions) == 0 {
		return nil
	}
	var number int64
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) FROM decision`).Scan(&number); err != nil {
		return err
	}
	return insert(ctx, tx, len(decisions), `INSERT INTO decision (number, id, at, site, subject, plot, rule, kind, outcome, severity, body, points)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING`, func(i int) []any {
		d := &decisions[i]
		return []any{
			number + int64(i) + 1, d.ID, d.At.UnixMilli(), string(d.Site), d.Subject, string(d.Plot), d.Rule, string(d.Kind), d.Outcome, d.Severity, d.body, d.points,
		}
	})
}

// UnpublishedDecisions returns at most limit decisions with their points after
// a number, in the order in which they were committed, and the number of the
// last; without any it is the number that was asked after.
func (s *Store) UnpublishedDecisions(ctx context.Context, after int64, limit int) (decisions []devices.Decision, last int64, err error) {
	last = after
	err = s.each(ctx, func(rows *sql.Rows) error {
		var body, points string
		if err := rows.Scan(&last, &body, &points); err != nil {
			return err
		}
		d, err := decodeDecision(body)
		if err == nil && points != "" {
			err = json.Unmarshal([]byte(points), &d.Points)
		}
		decisions = append(decisions, d)
		return err
	}, `SELECT number, body, points FROM decision WHERE number > $1 ORDER BY number LIMIT $2`, after, limit)
	if err != nil {
		return nil, after, fmt.Errorf("reading the decisions after %d: %w", after, err)
	}
	return decisions, last, nil
}

// decisionsBeginning asks as the index of ids can answer: what is not there is found out without a look at the table.
const decisionsBeginning = `SELECT body FROM decision WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 2`

// Decision returns the decision with that id, or the only one whose id begins
// so. It returns ErrNotFound or ErrAmbiguous when there is none.
func (s *Store) Decision(ctx context.Context, id string) (d devices.Decision, err error) {
	found, err := s.decisions(ctx, `SELECT body FROM decision WHERE id = $1`, id)
	if err == nil && len(found) == 0 && id != "" {
		found, err = s.decisions(ctx, decisionsBeginning, id, id+string(utf8.MaxRune))
	}
	switch {
	case err != nil:
	case len(found) == 0:
		err = ErrNotFound
	case len(found) > 1:
		err = ErrAmbiguous
	default:
		return found[0], nil
	}
	return d, fmt.Errorf("reading decision %q: %w", id, err)
}

// A DecisionFilter says which decisions are asked for; what is empty asks for all.
type DecisionFilter struct {
	Kind    devices.DecisionKind
	Subject string
	Rule    string
	Outcome string
	Since   time.Time // not before
	Until   time.Time // before
	Limit   int
}

// Decisions returns decisions without their points, the latest first.
func (s *Store) Decisions(ctx context.Context, f DecisionFilter) ([]devices.Decision, error) {
	until := int64(math.MaxInt64)
	if !f.Until.IsZero() {
		until = f.Until.UnixMilli()
	}
	since := int64(math.MinInt64)
	if !f.Since.IsZero() {
		since = f.Since.UnixMilli()
	}
	query, args := `SELECT body FROM decision WHERE at >= $1 AND at < $2`, []any{since, until}
	kind := "kind"
	if f.Subject != "" {
		kind = "kind || ''" // so that a planner without statistics takes the index of subjects: it is the narrower one by far
	}
	for _, c := range []struct{ column, want string }{{kind, string(f.Kind)}, {"subject", f.Subject}, {"rule", f.Rule}, {"outcome", f.Outcome}} {
		if c.want != "" {
			args = append(args, c.want)
			query += fmt.Sprintf(` AND %s = $%d`, c.column, len(args))
		}
	}
	args = append(args, cmp.Or(f.Limit, math.MaxInt32))
	query += fmt.Sprintf(` ORDER BY at DESC, number DESC LIMIT $%d`, len(args))
	decisions, err := s.decisions(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading decisions: %w", err)
	}
	return decisions, nil
}

// A DecisionQuery asks for the decisions of one kind.
type DecisionQuery struct {
	Kind   devices.DecisionKind
	Plots  []devices.PlotID // at most a few hundred; nil: of all plots, and of none
	Since  time.Time        // not before
	Until  time.Time        // before
	Behind Behind
	Limit  int
}

// DecisionPage returns decisions without their points, the latest first.
func (s *Store) DecisionPage(ctx context.Context, q DecisionQuery) ([]devices.Decision, error) {
	where, args := q.Behind.where("at")
	args = append(args, string(q.Kind), q.Since.UnixMilli(), q.Until.UnixMilli())
	n := len(args)
	where += fmt.Sprintf(` AND kind = $%d AND at >= $%d AND at < $%d`, n-2, n-1, n)
	where, args = onPlots(q.Plots, where, args)
	decisions, err := s.decisions(ctx, `SELECT body FROM decision WHERE `+where+fmt.Sprintf(` ORDER BY at DESC, id LIMIT %d`, q.Limit), args...)
	if err != nil {
		return nil, fmt.Errorf("reading a page of decisions: %w", err)
	}
	return decisions, nil
}

// EachDecision calls fn with every decision, without its points, in the order
// of time, site, subject, rule and kind, and ends with the first error of fn.
func (s *Store) EachDecision(ctx context.Context, fn func(devices.Decision) error) error {
	err := s.each(ctx, func(rows *sql.Rows) error {
		var body string
		if err := rows.Scan(&body); err != nil {
			return err
		}
		d, err := decodeDecision(body)
		if err != nil {
			return err
		}
		return fn(d)
	}, `SELECT body FROM decision ORDER BY at, site, subject, rule, kind, id`)
	if err != nil {
		return fmt.Errorf("going through the decisions: %w", err)
	}
	return nil
}

// decisions returns what a query for bodies finds.
func (s *Store) decisions(ctx context.Context, query string, args ...any) (decisions []devices.Decision, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var body string
		if err := rows.Scan(&body); err != nil {
			return err
		}
		d, err := decodeDecision(body)
		decisions = append(decisions, d)
		return err
	}, query, args...)
	return decisions, err
}

func decodeDecision(body string) (d devices.Decision, err error) {
	err = json.Unmarshal([]byte(body), &d)
	return d, err
}
