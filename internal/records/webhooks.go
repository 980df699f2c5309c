package records

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A Webhook is an address that signals are sent to. Its times are the machine's.
type Webhook struct {
	ID        string
	Account   string
	URL       string
	Secret    string
	OldSecret string // signs as well until OldUntil; empty: none
	OldUntil  time.Time
	Disabled  string // why nothing is sent; empty: it is in force
	Created   time.Time
	Delivery
}

// A Delivery is how far a webhook has come.
type Delivery struct {
	Delivered    int64 // up to this sequence everything has been taken
	Attempts     int   // that failed, of the signal behind it
	NextAt       time.Time
	FailingSince time.Time
	LastAt       time.Time
	LastAnswer   string
}

// Webhooks returns all webhooks, the oldest first.
func (s *Store) Webhooks(ctx context.Context) (all []Webhook, err error) {
	err = s.each(ctx, func(rows *sql.Rows) error {
		var w Webhook
		var until, created, next, failing, last sql.NullInt64
		err := rows.Scan(&w.ID, &w.Account, &w.URL, &w.Secret, &w.OldSecret, &until, &w.Disabled, &created, &w.Delivered, &w.Attempts, &next, &failing, &last, &w.LastAnswer)
		w.OldUntil, w.Created = fromMilli(until), fromMilli(created)
		w.NextAt, w.FailingSince, w.LastAt = fromMilli(next), fromMilli(failing), fromMilli(last)
		all = append(all, w)
		return err
	}, `SELECT id, account, url, secret, old_secret, old_until, disabled, created_at, delivered, attempts, next_at, failing_since, last_at, last_answer
		FROM webhook ORDER BY created_at, id`)
	if err != nil {
		return nil, fmt.Errorf("reading the webhooks: %w", err)
	}
	return all, nil
}

// AddWebhook keeps a new webhook.
func (s *Store) AddWebhook(ctx context.Context, w Webhook) error {
	return s.changeOne(ctx, "adding webhook "+w.ID, nil, `INSERT INTO webhook
		(id, account, url, secret, old_secret, old_until, disabled, created_at, delivered, attempts, next_at, failing_since, last_at, last_answer)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		w.ID, w.Account, w.URL, w.Secret, w.OldSecret, milli(w.OldUntil), w.Disabled, w.Created.UnixMilli(),
		w.Delivered, w.Attempts, milli(w.NextAt), milli(w.FailingSince), milli(w.LastAt), w.LastAnswer)
}

// SaveWebhook keeps what may change of a webhook: everything but its account
// and its address. It returns ErrNotFound when it is gone.
func (s *Store) SaveWebhook(ctx context.Context, w Webhook) error {
	return s.changeOne(ctx, "keeping webhook "+w.ID, ErrNotFound, `UPDATE webhook SET secret = $1, old_secret = $2, old_until = $3, disabled = $4,
		delivered = $5, attempts = $6, next_at = $7, failing_since = $8, last_at = $9, last_answer = $10 WHERE id = $11`,
		w.Secret, w.OldSecret, milli(w.OldUntil), w.Disabled,
		w.Delivered, w.Attempts, milli(w.NextAt), milli(w.FailingSince), milli(w.LastAt), w.LastAnswer, w.ID)
}

// DeleteWebhook deletes a webhook with its secrets. It returns ErrNotFound when it is gone.
func (s *Store) DeleteWebhook(ctx context.Context, id string) error {
	return s.changeOne(ctx, "deleting webhook "+id, ErrNotFound, `DELETE FROM webhook WHERE id = $1`, id)
}

// changeOne runs one statement; missing is what it returns when that changes nothing.
func (s *Store) changeOne(ctx context.Context, doing string, missing error, query string, args ...any) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return missing
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
