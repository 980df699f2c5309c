package records

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ganlin/devices"
)

// A ClueRow is one episode of a household's exposure in a site, as it stands now.
type ClueRow struct {
	ID          string // of the decision that raised it
	Household   devices.HouseholdID
	Site        devices.SiteID
	Place       devices.PlaceCode
	State       string // of the rules: raised, updated or withdrawn
	Level       string
	Cause       string
	RaisedAt    time.Time
	UpdatedAt   time.Time
	WithdrawnAt time.Time       // zero: not yet
	Decision    string          // the one that spoke last
	Body        json.RawMessage // the evidence; empty: none

	// What people did about it. Only read: ActOnClue changes it.
	Stage string    // of the last act; empty: none yet
	Acts  int       // how many there are: the version that the next act is based on
	Acted time.Time // when the last was, in event time; zero: none yet
}

func upsertClues(ctx context.Context, tx *sql.Tx, clues []ClueRow) error {
	return insert(ctx, tx, len(clues), `INSERT INTO clue (id, household, site, place, state, level, cause, raised_at, updated_at, withdrawn_at, decision, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO UPDATE SET place = excluded.place, state = excluded.state,
		level = excluded.level, updated_at = excluded.updated_at, withdrawn_at = excluded.withdrawn_at, decision = excluded.decision,
		body = excluded.body`, func(i int) []any {
		c := &clues[i]
		return []any{
			c.ID, string(c.Household), string(c.Site), string(c.Place), c.State, c.Level, c.Cause, c.RaisedAt.UnixMilli(), c.UpdatedAt.UnixMilli(),
			milli(c.WithdrawnAt), c.Decision, string(c.Body),
		}
	})
}

const clueColumns = `SELECT c.id, c.household, c.site, c.place, c.state, c.level, c.cause, c.raised_at, c.updated_at, c.withdrawn_at, c.decision, c.body,
	COALESCE(a.act, ''), COALESCE(a.number, 0), a.at FROM clue c LEFT JOIN clue_act a ON a.clue = c.id
	AND a.number = (SELECT MAX(b.number) FROM clue_act b WHERE b.clue = c.id)`

func scanClue(row interface{ Scan(into ...any) error }) (c ClueRow, err error) {
	var body string
	var raised, updated, withdrawn, acted sql.NullInt64
	err = row.Scan(&c.ID, &c.Household, &c.Site, &c.Place, &c.State, &c.Level, &c.Cause, &raised, &updated, &withdrawn, &c.Decision, &body, &c.Stage, &c.Acts, &acted)
	c.RaisedAt, c.UpdatedAt, c.WithdrawnAt, c.Acted = fromMilli(raised), fromMilli(updated), fromMilli(withdrawn), fromMilli(acted)
	if body != "" {
		c.Body = json.RawMessage(body)
	}
	return c, err
}

// Clues returns clues, the one raised last first, to count them and to choose
// from. What is shown of one to somebody is read by ReadClues or ReadClue.
func (s *Store) Clues(ctx context.Context, which Selection) (clues []ClueRow, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		c, err := scanClue(rows)
		clues = append(clues, c)
		return err
	}, clueColumns+` WHERE $1 = 1 OR c.withdrawn_at IS NULL ORDER BY c.raised_at DESC, c.id LIMIT $2`, which.args()...)
	if err != nil {
		return nil, fmt.Errorf("reading clues: %w", err)
	}
	return clues, nil
}

// A querier is a transaction, or a pool outside of one.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readClue(ctx context.Context, q querier, id string) (ClueRow, error) {
	c, err := scanClue(q.QueryRowContext(ctx, clueColumns+` WHERE c.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return c, err
}
