package records_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/internal/records"
)

// A store is refused what it asks for at once instead of after the usual time.
const impatient = "&lock_timeout=50"

const takenText = "another ganlin process keeps its records in this database"

// progress keeps a position, and returns what is kept and what went wrong.
func progress(t *testing.T, s *records.Store, position string) (kept string, err error) {
	t.Helper()
	err = s.Commit(t.Context(), records.Progress{Reader: "r", Position: position}, nil)
	p, failed := s.Progress(t.Context(), "r")
	return p.Position, errors.Join(err, failed)
}

// One program at a time keeps records in a database. Another may look.
func TestOneProgramADatabase(t *testing.T) {
	where := inPostgres.place(t) + impatient
	s := openStore(t, where)
	if _, err := records.Open(t.Context(), where); err == nil || !strings.Contains(err.Error(), takenText) {
		t.Errorf("a second program: %v", err)
	}
	look, err := records.Look(where)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = look.Close() }()
	if err := look.Ping(t.Context()); err != nil {
		t.Errorf("looking beside it: %v", err)
	}
	if kept, err := progress(t, s, "1"); kept != "1" || err != nil {
		t.Errorf("the first is at %q, %v", kept, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if kept, err := progress(t, openStore(t, where), "2"); kept != "2" || err != nil {
		t.Errorf("the next is at %q, %v", kept, err)
	}
}

// Who loses the connection has lost the lock with it: nothing is written until it is had again.
func TestALostLockIsTakenAgain(t *testing.T) {
	where := inPostgres.place(t) + impatient
	s := openStore(t, where)
	other, err := beside(t, where).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	run := func(query string) {
		t.Helper()
		if _, err := other.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	run(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	run(`SELECT pg_advisory_lock(` + fmt.Sprint(0x67616e6c696e) + `)`)
	if kept, err := progress(t, s, "1"); kept != "" || err == nil {
		t.Errorf("without the connection it is at %q", kept)
	}
	if kept, err := progress(t, s, "1"); kept != "" || err == nil || !strings.Contains(err.Error(), takenText) {
		t.Errorf("while another has the lock it is at %q, %v", kept, err)
	}
	run(`SELECT pg_advisory_unlock_all()`)
	if kept, err := progress(t, s, "2"); kept != "2" || err != nil {
		t.Errorf("with the lock it is at %q, %v", kept, err)
	}
}

// A server that crashes has lost nothing that was committed, and who waits for it goes on by itself.
func TestTheServerCrashes(t *testing.T) {
	s := openStore(t, inPostgres.place(t))
	for n := range 2 {
		before := fmt.Sprint(n)
		if kept, err := progress(t, s, before); kept != before || err != nil {
			t.Errorf("it is at %q, %v", kept, err)
		}
		if err := postgres.Crash(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, err := progress(t, s, "never")
			if err == nil || !strings.Contains(err.Error(), "PostgreSQL is ") || strings.Contains(err.Error(), "open-sesame") {
				t.Errorf("without a server: %v", err)
			}
		}
		if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "PostgreSQL is out of reach") {
			t.Errorf("without a server: %v", err)
		}
		if err := postgres.Resume(); err != nil {
			t.Fatal(err)
		}
		if p, err := s.Progress(t.Context(), "r"); p.Position != before || err != nil {
			t.Errorf("it was at %q and is at %q, %v", before, p.Position, err)
		}
	}
}

// A server whose commits do not wait for the disk, or that cannot keep Chinese, is refused.
func TestAnUnfitDatabaseIsRefused(t *testing.T) {
	where := inPostgres.place(t)
	change(t, where, `DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET synchronous_commit = off'; END $$`)
	if _, err := records.Open(t.Context(), where); err == nil || !strings.Contains(err.Error(), "synchronous_commit is off in PostgreSQL, and a commit would not wait for the disk; make it on") {
		t.Errorf("%v", err)
	}
	change(t, where, `CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'`)
	ascii, err := url.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	ascii.Path = "/ascii"
	if _, err := records.Open(t.Context(), ascii.String()); err == nil || !strings.Contains(err.Error(), "server_encoding is SQL_ASCII") {
		t.Errorf("%v", err)
	}
}

// What an operator is told to do for a backup brings everything back, also what refuses forgery.
func TestADumpIsRestored(t *testing.T) {
	where, restored := inPostgres.place(t), inPostgres.place(t)
	s := openStore(t, where)
	commit(t, s, raised("c-1", "h-1"))
	if _, err := s.ActOnClue(t.Context(), act("a-1", "c-1", "verified"), 0, everybody, anything); err != nil {
		t.Fatal(err)
	}
	dump, err := postgres.Command("pg_dump", "--format=custom", where).Output()
	if err != nil {
		t.Fatal(err)
	}
	restore := postgres.Command("pg_restore", "--no-owner", "--exit-on-error", "--dbname="+restored)
	restore.Stdin = bytes.NewReader(dump)
	if said, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	before, after := beside(t, where), beside(t, restored)
	if a, b := forged(t, before), forged(t, after); a != b {
		t.Errorf("there was\n%s\nand is\n%s", a, b)
	}
	if _, err := after.ExecContext(t.Context(), `DELETE FROM clue_act`); err == nil || !strings.Contains(err.Error(), "never") {
		t.Errorf("after it was restored: %v", err)
	}
	if _, _, err := openStore(t, restored).ReadClue(t.Context(), reading, "c-1", everybody); err != nil {
		t.Error(err)
	}
}

// No error names a password, also where the URL cannot be read.
func TestThePasswordIsNeverShown(t *testing.T) {
	good := inPostgres.place(t)
	for _, where := range []string{
		strings.Replace(good, "/test", "/none", 1), strings.Replace(good, "ganlin:", "nobody:", 1),
		"postgres://u:open-sesame@127.0.0.1:1/db?sslmode=disable", "postgres://u@127.0.0.1:1/db?password=open-sesame",
		"postgres://u:open-sesame@127.0.0.1:1", "postgres://u:p/open-sesame@h/db", "postgres://u:%open-sesame@h/db", "postgres://u:open-sesame@h:port/db",
		"postgres://u:open-sesame@h/db?sslmode=strict", "postgres://u:open-sesame@h/db?sslrootcert=none.pem", "postgres://u:open-sesame@h/db?connect_timeout=x",
	} {
		_, err := records.Open(t.Context(), where)
		if err == nil || strings.Contains(err.Error()+fmt.Sprintf("%+v %q", err, err), "sesame") {
			t.Errorf("%s: %v", where, err)
		}
		if strings.Contains(records.Name(where), "sesame") {
			t.Errorf("%s is called %s", where, records.Name(where))
		}
	}
}

func TestReadersWriteNothing(t *testing.T) { onBoth(t, testReadersWriteNothing) }

func testReadersWriteNothing(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	if _, err := s.Reader().ExecContext(t.Context(), `DELETE FROM progress`); err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "-", ""), "read") {
		t.Errorf("a reader writes: %v", err)
	}
}

// Both databases have the same tables: what is added to one is added to the other.
func TestBothHaveTheSameTables(t *testing.T) {
	columns := map[kind]string{
		inFile: `SELECT m.name || '.' || c.name || CASE WHEN c."notnull" OR c.pk THEN ' not null' ELSE '' END || CASE c.type WHEN 'TEXT' THEN ' text' WHEN 'BLOB' THEN ' bytes' ELSE ' number' END
			FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`,
		inPostgres: `SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END ||
			CASE data_type WHEN 'text' THEN CASE collation_name WHEN 'C' THEN ' text' ELSE ' text by language' END WHEN 'bytea' THEN ' bytes' WHEN 'bigint' THEN ' number' WHEN 'integer' THEN ' number' ELSE data_type END
			FROM information_schema.columns WHERE table_schema = 'public'`,
	}
	indexes := map[kind]string{
		inFile:     `SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL`,
		inPostgres: `SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%\_pkey' AND indexname NOT LIKE '%\_key'`,
	}
	// Where SQLite has a trigger against REPLACE, PostgreSQL has one against TRUNCATE.
	triggers := map[kind]string{
		inFile:     `SELECT replace(name, '_replaced', '_truncated') FROM sqlite_master WHERE type = 'trigger'`,
		inPostgres: `SELECT tgname FROM pg_trigger WHERE NOT tgisinternal`,
	}
	for what, query := range map[string]map[kind]string{"columns": columns, "indexes": indexes, "triggers": triggers} {
		has := map[kind][]string{}
		for _, in := range []kind{inFile, inPostgres} {
			where := in.place(t)
			openStore(t, where)
			has[in] = lines(t, beside(t, where), query[in])
		}
		if diff := cmp.Diff(has[inFile], has[inPostgres]); diff != "" || len(has[inFile]) < 5 {
			t.Errorf("%s (-SQLite +PostgreSQL):\n%s", what, diff)
		}
	}
}

func lines(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
