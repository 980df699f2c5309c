// Package records is the relational store: credentials of devices, what was
// imported into the registry, dead letters, and how far each reader of the
// journal has come. It is SQLite in the data folder. The SQL is of the kind
// that PostgreSQL understands too.
package records

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNotFound says that there is no such row.
var ErrNotFound = errors.New("not found")

// A Store is an open records store. It may be used by several goroutines.
type Store struct {
	db *sql.DB
}

// Open opens the store in the file, creates it where it is missing and brings
// it to the newest version. A store that a newer program wrote is refused.
func Open(ctx context.Context, file string) (*Store, error) {
	// One connection: SQLite has one writer, and waiting in Go is fair.
	dsn := "file:" + (&url.URL{Path: file}).EscapedPath() +
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(ON)&_txlock=immediate"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("opening the records store %s: %w", file, err)
	}
	db.SetMaxOpenConns(1)
	s := &Store{db: db}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the records store %s: %w", file, err), db.Close())
	}
	return s, nil
}

// Close closes the store.
func (s *Store) Close() error { return s.db.Close() }

// Ping reports whether the store answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.db.QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
		return fmt.Errorf("asking the records store: %w", err)
	}
	return nil
}

// migrate applies the numbered files that the store does not have yet.
func (s *Store) migrate(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY)`); err != nil {
		return err
	}
	var have int
	if err := s.db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM migration`).Scan(&have); err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	newest := 0
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if newest, err = strconv.Atoi(number); err != nil {
			return fmt.Errorf("numbering migration %s: %w", name, err)
		}
		if newest <= have {
			continue
		}
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		err = s.within(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO migration (version) VALUES ($1)`, newest)
			return err
		})
		if err != nil {
			return fmt.Errorf("applying migration %s: %w", name, err)
		}
	}
	if have > newest {
		return fmt.Errorf("it has version %d and this program knows %d: use the newer program that wrote it", have, newest)
	}
	return nil
}

// within runs fn in one transaction.
func (s *Store) within(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
