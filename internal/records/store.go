// Package records is the relational store: credentials of devices, what was
// imported into the registry, dead letters, what the rules decided with the
// commands and signals that follow from it, what people did about clues, and
// how far each reader of the journal has come. It is SQLite in the data folder.
// The SQL is of the kind that PostgreSQL understands too.
package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrNotFound says that there is no such row.
var ErrNotFound = errors.New("not found")

// A Store is an open records store. It may be used by several goroutines.
type Store struct {
	writer *sql.DB // one connection: SQLite has one writer, and waiting in Go is fair; nil: nothing is written
	reader *sql.DB // in WAL mode readers do not wait for the writer
}

// Open opens the store in the file, creates it where it is missing and brings
// it to the newest version. A store that a newer program wrote is refused.
func Open(ctx context.Context, file string) (*Store, error) {
	s, err := open(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("opening the records store %s: %w", file, err)
	}
	return s, nil
}

// Look opens a store to read from it, also beside a program that runs: it makes
// no file, and brings none to a newer version.
func Look(file string) (*Store, error) {
	s := &Store{}
	var err error
	if s.reader, err = connect(file, 1, "mode=rw&_query_only=1"); err != nil {
		return nil, fmt.Errorf("looking into the records store %s: %w", file, err)
	}
	return s, nil
}

func open(ctx context.Context, file string) (*Store, error) {
	// SQLite would let everybody read it; what it makes beside it takes the file's mode.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	s := &Store{}
	if s.writer, err = connect(file, 1, "_txlock=immediate"); err != nil {
		return nil, err
	}
	if s.reader, err = connect(file, 4, "_query_only=1"); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	if err := awaken(ctx, s.writer); err != nil {
		return nil, errors.Join(explain(err), s.Close())
	}
	if err := migrate(ctx, s.writer); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// awaken makes the writer's connection, which gives a new file its write-ahead log. SQLite waits for
// no other program that does the same at that moment, whatever its time-out says, so this does.
func awaken(ctx context.Context, writer *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	for {
		err := writer.PingContext(ctx)
		failure, ok := errors.AsType[*sqlite.Error](err)
		if !ok || failure.Code()&0xff != sqlite3.SQLITE_BUSY {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// busyTimeout is how long a statement waits for another program.
const busyTimeout = 5 * time.Second

// connect makes a pool. With FULL every commit waits for the disk; in WAL mode NORMAL would not.
func connect(file string, connections int, option string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+
		"?_busy_timeout="+strconv.FormatInt(busyTimeout.Milliseconds(), 10)+"&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&"+option)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	return db, nil
}

// Close closes the store.
func (s *Store) Close() error {
	err := s.reader.Close()
	if s.writer != nil {
		err = errors.Join(err, s.writer.Close())
	}
	return err
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

// explain adds to what SQLite says what a person can do about it.
func explain(err error) error {
	failure, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch failure.Code() & 0xff { // the primary code of an extended one
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("the file is damaged; stop the program, keep the file aside and restore it from a backup: %w", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("the file cannot be written; give it and its folder to the user that the program runs as: %w", err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("the disk is full; make room: %w", err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("another program keeps the file locked; end it: %w", err)
	}
	return err
}
