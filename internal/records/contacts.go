package records

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ganlin/devices"
)

// A ContactRow is where messages for a household go. What identifies a person
// is sealed: this package cannot read it.
type ContactRow struct {
	ID        string
	Household devices.HouseholdID
	Channel   string
	Language  string
	Quiet     string // 21:00-06:00, or none; empty: as configured
	Daily     int    // messages a day; 0: as configured
	Sealed    []byte
	AddedAt   time.Time
}

// SaveContacts keeps contacts, all or none. One whose id is there is replaced.
func (s *Store) SaveContacts(ctx context.Context, contacts []ContactRow) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		return insert(ctx, tx, len(contacts), `INSERT INTO contact (id, household, channel, language, quiet, daily, sealed, added_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET household = excluded.household, channel = excluded.channel,
			language = excluded.language, quiet = excluded.quiet, daily = excluded.daily, sealed = excluded.sealed`, func(i int) []any {
			c := &contacts[i]
			return []any{c.ID, string(c.Household), c.Channel, c.Language, c.Quiet, c.Daily, c.Sealed, c.AddedAt.UnixMilli()}
		})
	})
	if err != nil {
		return fmt.Errorf("keeping %d contacts: %w", len(contacts), err)
	}
	return nil
}

// Contacts returns all contacts by household.
func (s *Store) Contacts(ctx context.Context) (contacts []ContactRow, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var c ContactRow
		var added int64
		err := rows.Scan(&c.ID, &c.Household, &c.Channel, &c.Language, &c.Quiet, &c.Daily, &c.Sealed, &added)
		c.AddedAt = time.UnixMilli(added).UTC()
		contacts = append(contacts, c)
		return err
	}, `SELECT id, household, channel, language, quiet, daily, sealed, added_at FROM contact ORDER BY household, channel, id`)
	if err != nil {
		return nil, fmt.Errorf("reading the contacts: %w", err)
	}
	return contacts, nil
}

// RemoveContact forgets a contact and what waited for it, in one transaction
// with the notices that end by it. It returns ErrNotFound when there is none.
func (s *Store) RemoveContact(ctx context.Context, id string, ended []NoticeRow) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM contact WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			if err == nil {
				err = ErrNotFound
			}
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM notice_book WHERE contact = $1`, id); err != nil {
			return err
		}
		return upsertNotices(ctx, tx, ended)
	})
	if err != nil {
		return fmt.Errorf("removing contact %s: %w", id, err)
	}
	return nil
}
