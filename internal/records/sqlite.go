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

const sqliteMigrations = "migrations"

func (s *Store) openFile(ctx context.Context, file string) error {
	// SQLite would let everybody read it; what it makes beside it takes the file's mode.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if s.writer, err = connect(file, 1, "_txlock=immediate"); err != nil {
		return err
	}
	if s.reader, err = connect(file, 4, "_query_only=1"); err != nil {
		return err
	}
	return awaken(ctx, s.writer)
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

// explainSQLite adds to what SQLite says what a person can do about it.
func explainSQLite(err error) error {
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
