package records_test

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	"ganlin/internal/records"
	"ganlin/internal/records/postgrestest"
)

// A kind is what a store is kept in.
type kind string

const (
	inFile     kind = "SQLite"
	inPostgres kind = "PostgreSQL"
)

// postgres is the server that the tests share, each with a database of its own. TestMain starts it.
var postgres *postgrestest.Server

// A run is a test with one kind of store.
type run struct {
	*testing.T
	in kind
}

// onBoth runs a test with SQLite and with PostgreSQL.
func onBoth(t *testing.T, test func(run)) {
	t.Helper()
	for _, in := range []kind{inFile, inPostgres} {
		t.Run(string(in), func(t *testing.T) { test(run{t, in}) })
	}
}

// place returns where a new store may be.
func (in kind) place(tb testing.TB) string {
	tb.Helper()
	if in == inFile {
		return filepath.Join(tb.TempDir(), "a b%?#.db") // a name that means something in a URI
	}
	return postgres.Database(tb)
}

// beside opens the database of a store beside the store.
func beside(t *testing.T, where string) *sql.DB {
	t.Helper()
	driver, name := "sqlite", "file:"+(&url.URL{Path: where}).EscapedPath()+"?_txlock=immediate"
	if records.IsPostgres(where) {
		driver, name = "pgx", where
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// change changes something beside the store.
func change(t *testing.T, where, text string) {
	t.Helper()
	if _, err := beside(t, where).ExecContext(context.WithoutCancel(t.Context()), text); err != nil {
		t.Fatal(err)
	}
}
