// Package records is the relational store: credentials of devices, what was
// imported into the registry, dead letters, what the rules decided with the
// commands and signals that follow from it, what people did about clues, and
// how far each reader of the journal has come. It is SQLite in the data folder,
// or a PostgreSQL database. The statements are the same for both: what differs
// is in sqlite.go, in postgres.go and in the migrations.
package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrNotFound says that there is no such row.
var ErrNotFound = errors.New("not found")

// ErrEmpty says of a database that nothing was ever kept in it.
var ErrEmpty = errors.New("the database answers; there are no records in it yet")

// A Store is an open records store. It may be used by several goroutines.
type Store struct {
	writer *sql.DB // one connection: what is written is written in one order, and waiting in Go is fair; nil: nothing is written
	reader *sql.DB // readers do not wait for the writer
}

// Open opens the store and brings it to the newest version. Where it is, is a
// file of SQLite, created when it is missing, or the URL of a PostgreSQL database. A
// store that a newer program wrote is refused. PostgreSQL lets one program at a time write.
func Open(ctx context.Context, where string) (*Store, error) {
	s, folder, err := &Store{}, sqliteMigrations, error(nil)
	if IsPostgres(where) {
		folder = postgresMigrations
		err = explain(s.openPostgres(ctx, where))
	} else {
		err = explain(s.openFile(ctx, where))
	}
	if err == nil {
		err = migrate(ctx, s.writer, folder)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the records store %s: %w", Name(where), err), s.Close())
	}
	return s, nil
}

// Look opens a store to read from it, also beside a program that runs: it makes
// nothing, and brings nothing to a newer version.
func Look(where string) (*Store, error) {
	s := &Store{}
	var err error
	if IsPostgres(where) {
		s.reader, err = lookIntoPostgres(where, 1)
	} else {
		s.reader, err = connect(where, 1, "mode=rw&_query_only=1")
	}
	if err != nil {
		return nil, fmt.Errorf("looking into the records store %s: %w", Name(where), err)
	}
	return s, nil
}

// Close closes the store.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Ping reports whether the store answers.
func (s *Store) Ping(ctx context.Context) error {
	var versions int
	if err := s.reader.QueryRowContext(ctx, `SELECT count(*) FROM migration`).Scan(&versions); err != nil {
		return fmt.Errorf("asking the records store: %w", explain(err))
	}
	return nil
}

// within runs fn in one transaction of the writer.
func (s *Store) within(ctx context.Context, fn func(*sql.Tx) error) error {
	return within(ctx, s.writer, fn)
}

// within runs fn in one transaction: all of it is on disk when within returns nil, else nothing.
func within(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return explain(err)
	}
	if err := fn(tx); err != nil {
		return errors.Join(explain(err), tx.Rollback())
	}
	return explain(tx.Commit())
}

// each hands every row of a query to scan.
func (s *Store) each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := s.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return explain(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return explain(err)
		}
	}
	return explain(rows.Err())
}

// explain adds to what the database says what a person can do about it.
func explain(err error) error { return explainPostgres(explainSQLite(err)) }
