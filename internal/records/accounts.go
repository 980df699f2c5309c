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

// ErrExists says that there is such a row already.
var ErrExists = errors.New("exists already")

// An Account is a person or a program that may come in. Its role is not looked at here.
type Account struct {
	ID, Role  string
	Sites     []devices.SiteID
	Places    []devices.PlaceCode
	Household devices.HouseholdID
	Receiver  string
	Language  string
	Created   time.Time
	Revoked   time.Time // zero: in force
}

// A Token is what is kept of an account's token.
type Token struct {
	SHA256  string // hexadecimal
	Account string
	Created time.Time
	Expires time.Time
	Revoked time.Time // zero: in force until it expires
}

// A Session is what is kept of a browser that is signed in.
type Session struct {
	SHA256  string // of its id, hexadecimal
	Account string
	Token   string // the SHA-256 of the token that it was made with
	Created time.Time
	Expires time.Time
}

// AddAccounts keeps new accounts and tokens of these or of earlier ones, all or none. An account's id is never
// used twice, not even after it was revoked: it stands in what was signed.
func (s *Store) AddAccounts(ctx context.Context, accounts []Account, tokens []Token) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		for _, a := range accounts {
			if err := addAccount(ctx, tx, a); err != nil {
				return err
			}
		}
		for _, t := range tokens {
			var ours int
			if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM account WHERE id = $1 AND revoked_at IS NULL`, t.Account).Scan(&ours); err != nil {
				return err
			}
			if ours == 0 {
				return fmt.Errorf("account %s: %w, or it is revoked", t.Account, ErrNotFound)
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO token (sha256, account, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
				t.SHA256, t.Account, t.Created.UnixMilli(), t.Expires.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keeping %d accounts and %d tokens: %w", len(accounts), len(tokens), err)
	}
	return nil
}

func addAccount(ctx context.Context, tx *sql.Tx, a Account) error {
	sites, err := json.Marshal(a.Sites)
	if err != nil {
		return err
	}
	places, err := json.Marshal(a.Places)
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO account (id, role, sites, places, household, receiver, language, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
		a.ID, a.Role, string(sites), string(places), string(a.Household), a.Receiver, a.Language, a.Created.UnixMilli())
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fmt.Errorf("account %s: %w", a.ID, ErrExists)
}

// RevokeAccount ends an account with its tokens and sessions. It returns ErrNotFound when none of that id is in force.
func (s *Store) RevokeAccount(ctx context.Context, id string, now time.Time) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		if err := changeOne(ctx, tx, `UPDATE account SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL`, now.UnixMilli(), id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE token SET revoked_at = $1 WHERE account = $2 AND revoked_at IS NULL`, now.UnixMilli(), id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM session WHERE account = $1`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("revoking the account %s: %w", id, err)
	}
	return nil
}

// RevokeToken ends one token and the sessions that were made with it. It returns ErrNotFound when it is not in force.
func (s *Store) RevokeToken(ctx context.Context, sha256 string, now time.Time) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		if err := changeOne(ctx, tx, `UPDATE token SET revoked_at = $1 WHERE sha256 = $2 AND revoked_at IS NULL`, now.UnixMilli(), sha256); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM session WHERE token = $1`, sha256)
		return err
	})
	if err != nil {
		return fmt.Errorf("revoking a token: %w", err)
	}
	return nil
}

// changeOne changes a row, or returns ErrNotFound.
func changeOne(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return ErrNotFound
}

// Accounts returns all accounts, also those revoked, by id.
func (s *Store) Accounts(ctx context.Context) ([]Account, error) {
	var all []Account
	err := s.each(ctx, func(rows *sql.Rows) error {
		var (
			a             Account
			sites, places string
			created       int64
			revoked       sql.NullInt64
		)
		if err := rows.Scan(&a.ID, &a.Role, &sites, &places, &a.Household, &a.Receiver, &a.Language, &created, &revoked); err != nil {
			return err
		}
		if err := errors.Join(json.Unmarshal([]byte(sites), &a.Sites), json.Unmarshal([]byte(places), &a.Places)); err != nil {
			return fmt.Errorf("account %s: %w", a.ID, err)
		}
		a.Created, a.Revoked = time.UnixMilli(created).UTC(), timeOrZero(revoked)
		all = append(all, a)
		return nil
	}, `SELECT id, role, sites, places, household, receiver, language, created_at, revoked_at FROM account ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("reading the accounts: %w", err)
	}
	return all, nil
}

// Tokens returns all tokens, also those revoked, of each account the oldest first.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) {
	var all []Token
	err := s.each(ctx, func(rows *sql.Rows) error {
		var (
			t                Token
			created, expires int64
			revoked          sql.NullInt64
		)
		err := rows.Scan(&t.SHA256, &t.Account, &created, &expires, &revoked)
		t.Created, t.Expires, t.Revoked = time.UnixMilli(created).UTC(), time.UnixMilli(expires).UTC(), timeOrZero(revoked)
		all = append(all, t)
		return err
	}, `SELECT sha256, account, created_at, expires_at, revoked_at FROM token ORDER BY account, created_at, sha256`)
	if err != nil {
		return nil, fmt.Errorf("reading the tokens: %w", err)
	}
	return all, nil
}

// Sessions returns the sessions that have not expired, and forgets the others.
func (s *Store) Sessions(ctx context.Context, now time.Time) ([]Session, error) {
	err := s.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM session WHERE expires_at <= $1`, now.UnixMilli())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("forgetting expired sessions: %w", err)
	}
	var all []Session
	err = s.each(ctx, func(rows *sql.Rows) error {
		var (
			e                Session
			created, expires int64
		)
		err := rows.Scan(&e.SHA256, &e.Account, &e.Token, &created, &expires)
		e.Created, e.Expires = time.UnixMilli(created).UTC(), time.UnixMilli(expires).UTC()
		all = append(all, e)
		return err
	}, `SELECT sha256, account, token, created_at, expires_at FROM session ORDER BY expires_at, sha256`)
	if err != nil {
		return nil, fmt.Errorf("reading the sessions: %w", err)
	}
	return all, nil
}

// SaveSession keeps a new session.
func (s *Store) SaveSession(ctx context.Context, e Session) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO session (sha256, account, token, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
			e.SHA256, e.Account, e.Token, e.Created.UnixMilli(), e.Expires.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping a session of %s: %w", e.Account, err)
	}
	return nil
}

// ExtendSession keeps how long a session lasts now. One that is not there has ended, and stays so.
func (s *Store) ExtendSession(ctx context.Context, sha256 string, expires time.Time) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE session SET expires_at = $1 WHERE sha256 = $2`, expires.UnixMilli(), sha256)
		return err
	})
	if err != nil {
		return fmt.Errorf("extending a session: %w", err)
	}
	return nil
}

// DropSession ends a session, known by its SHA-256. One that is not there has ended.
func (s *Store) DropSession(ctx context.Context, sha256 string) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM session WHERE sha256 = $1`, sha256)
		return err
	})
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

func timeOrZero(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}
