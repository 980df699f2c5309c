package records

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"ganlin/devices"
)

// A NoticeRow is a message to a contact and what became of it.
type NoticeRow struct {
	ID        string
	Contact   string
	Channel   string
	State     string
	At        time.Time       // event time in which it was made
	SettledAt time.Time       // event time; zero: not yet
	Body      json.RawMessage // what it tells of, opaque here
}

// A NoticeBook is what a contact was told of and what waits, opaque here.
type NoticeBook struct {
	Contact string
	Body    json.RawMessage
}

// A NoticeChange is what changed among the messages: all of it is kept, or nothing.
type NoticeChange struct {
	Progress Progress
	Books    []NoticeBook
	Notices  []NoticeRow
	Forget   time.Time // what was settled before is forgotten
}

// CommitNotices keeps a change. Books and notices become what was committed last.
func (s *Store) CommitNotices(ctx context.Context, c NoticeChange) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		err := insert(ctx, tx, len(c.Books), `INSERT INTO notice_book (contact, body) VALUES ($1, $2)
			ON CONFLICT (contact) DO UPDATE SET body = excluded.body`, func(i int) []any {
			return []any{c.Books[i].Contact, string(c.Books[i].Body)}
		})
		if err != nil {
			return err
		}
		if err := upsertNotices(ctx, tx, c.Notices); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM notice WHERE settled_at < $1`, c.Forget.UnixMilli()); err != nil {
			return err
		}
		return c.Progress.save(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("keeping %d notices: %w", len(c.Notices), err)
	}
	return nil
}

func upsertNotices(ctx context.Context, tx *sql.Tx, notices []NoticeRow) error {
	return insert(ctx, tx, len(notices), `INSERT INTO notice (id, contact, channel, state, at, settled_at, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET state = excluded.state, settled_at = excluded.settled_at, body = excluded.body`,
		func(i int) []any {
			n := &notices[i]
			return []any{n.ID, n.Contact, n.Channel, n.State, n.At.UnixMilli(), milli(n.SettledAt), string(n.Body)}
		})
}

// NoticeBooks returns all books.
func (s *Store) NoticeBooks(ctx context.Context) (books []NoticeBook, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var b NoticeBook
		var body string
		err := rows.Scan(&b.Contact, &body)
		b.Body = json.RawMessage(body)
		books = append(books, b)
		return err
	}, `SELECT contact, body FROM notice_book`)
	if err != nil {
		return nil, fmt.Errorf("reading what contacts were told: %w", err)
	}
	return books, nil
}

// Notices returns messages, the newest first; the open ones are those that are not settled.
func (s *Store) Notices(ctx context.Context, which Selection) (notices []NoticeRow, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var n NoticeRow
		var at int64
		var settled sql.NullInt64
		var body string
		err := rows.Scan(&n.ID, &n.Contact, &n.Channel, &n.State, &at, &settled, &body)
		n.At, n.SettledAt, n.Body = time.UnixMilli(at).UTC(), fromMilli(settled), json.RawMessage(body)
		notices = append(notices, n)
		return err
	}, `SELECT id, contact, channel, state, at, settled_at, body FROM notice
		WHERE $1 = 1 OR settled_at IS NULL ORDER BY at DESC, id LIMIT $2`, which.args()...)
	if err != nil {
		return nil, fmt.Errorf("reading the notices: %w", err)
	}
	return notices, nil
}

// EpisodeDecisions returns at most limit decisions about alerts and irrigation
// after a number, in the order in which they were committed, and the number up
// to which there are no others.
func (s *Store) EpisodeDecisions(ctx context.Context, after int64, limit int) (decisions []devices.Decision, last int64, err error) {
	if last, err = s.LastDecision(ctx); err != nil || last <= after {
		return nil, max(last, after), err
	}
	var number int64
	err = s.each(ctx, func(rows *sql.Rows) error {
		var body string
		if err := rows.Scan(&number, &body); err != nil {
			return err
		}
		d, err := decodeDecision(body)
		decisions = append(decisions, d)
		return err
	}, `SELECT number, body FROM decision WHERE number > $1 AND number <= $2 AND kind IN ($3, $4) ORDER BY number LIMIT $5`,
		after, last, string(devices.AlertDecision), string(devices.IrrigationDecision), limit)
	if err != nil {
		return nil, after, fmt.Errorf("reading what was decided after %d: %w", after, err)
	}
	if len(decisions) == limit {
		last = number
	}
	return decisions, last, nil
}

// LastDecision returns the number of the newest decision; 0: there is none.
func (s *Store) LastDecision(ctx context.Context) (number int64, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) FROM decision`).Scan(&number)
	if err != nil {
		return 0, fmt.Errorf("reading the number of the newest decision: %w", explain(err))
	}
	return number, nil
}
