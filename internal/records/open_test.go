package records_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganlin/internal/records"
)

// versionOne makes a store as the first version did, with something of everything in it.
func versionOne(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ganlin.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	schema, err := os.ReadFile("migrations/0001_start.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`CREATE TABLE migration (version INTEGER PRIMARY KEY)`, `INSERT INTO migration VALUES (1)`, string(schema),
		`INSERT INTO credential VALUES ('s-1', '` + strings.Repeat("00", 32) + `', 1, NULL)`,
		`INSERT INTO imported VALUES ('a.yaml', 'text', 1)`,
		`INSERT INTO progress VALUES ('dead', '1:2:x', '{"a":1}', 1)`,
		`INSERT INTO dead_letter (id, received_at, device, topic, reason, detail, codec, part, length, sha256, payload)
			VALUES ('1-0', 1, '', '', 'bad_json', '', '', 0, 3, '', x'010203'), ('1-1', 1, '', '', 'bad_json', '', '', 0, 3, '', x'01'), ('1-2', 1, '', '', 'bad_time', '', '', 0, 3, '', x'')`,
		`INSERT INTO dead_letter_count VALUES ('bad_json', 2), ('bad_time', 1)`,
	} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return file
}

func TestVersionOneIsBroughtUpToDate(t *testing.T) {
	file := versionOne(t)
	for range 2 { // the second time there is nothing to do
		s := openStore(t, file)
		if counts, err := s.DeadLetterCounts(t.Context()); err != nil || counts["bad_json"] != (records.LetterCount{Came: 2, Bytes: 4}) {
			t.Errorf("%v, %v; want two letters of 4 bytes", counts, err)
		}
		if err := s.Commit(t.Context(), records.Progress{Reader: "dead", Position: "1:2:x", Counts: map[string]int64{"a": 1}}, []records.DeadLetter{{ID: "1-3", Reason: "bad_time"}}); err != nil {
			t.Fatal(err)
		}
		page, err := s.DeadLetters(t.Context(), "", 10)
		if err != nil || len(page) != 4 || page[0].ID != "1-3" || page[3].ID != "1-0" {
			t.Errorf("%v, %v", page, err)
		}
		p, err := s.Progress(t.Context(), "dead")
		if diff := cmp.Diff(records.Progress{Reader: "dead", Position: "1:2:x", Counts: map[string]int64{"a": 1}}, p); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		credentials, err := s.Credentials(t.Context())
		imported, err2 := s.Imported(t.Context())
		if err != nil || err2 != nil || len(credentials) != 1 || len(imported) != 1 {
			t.Errorf("%v, %v, %v, %v", credentials, imported, err, err2)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestANewerStoreIsRefused(t *testing.T) { onBoth(t, testANewerStoreIsRefused) }

func testANewerStoreIsRefused(r run) {
	t, in := r.T, r.in
	file := in.place(t)
	if err := openStore(t, file).Close(); err != nil {
		t.Fatal(err)
	}
	change(t, file, `INSERT INTO migration VALUES (1000)`)
	known, err := filepath.Glob(map[kind]string{inFile: "migrations/*.sql", inPostgres: "migrations/postgres/*.sql"}[in])
	if err != nil {
		t.Fatal(err)
	}
	_, err = records.Open(t.Context(), file)
	if want := fmt.Sprintf("opening the records store %s: it has version 1000 and this program knows %d: use the newer program that wrote it", records.Name(file), len(known)); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestADamagedStoreSaysSo(t *testing.T) {
	const says = "the file is damaged; stop the program, keep the file aside and restore it from a backup"
	for name, damage := range map[string]func([]byte) []byte{
		"another file": func([]byte) []byte { return []byte(strings.Repeat("no database ", 500)) },
		"header":       func(b []byte) []byte { copy(b, "XXXX"); return b },
		"cut":          func(b []byte) []byte { return b[:len(b)/2] },
		"schema":       func(b []byte) []byte { clear(b[100:4096]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			file := inFile.place(t)
			s := openStore(t, file)
			if err := s.Commit(t.Context(), records.Progress{Reader: "dead"}, []records.DeadLetter{letter(20)}); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			content = damage(content)
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err = records.Open(t.Context(), file)
			if err == nil {
				_, err = s.DeadLetter(t.Context(), "1-20")
				if closed := s.Close(); closed != nil {
					t.Error(closed)
				}
			}
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("the error is %v", err)
			}
			after, err := os.ReadFile(file)
			if err != nil || string(after) != string(content) {
				t.Errorf("the damaged file was changed, %v", err)
			}
		})
	}
}

// Root may write everywhere, so another user opens the file.
func TestAStoreThatCannotBeWrittenSaysSo(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "ganlin.db")
	if err := openStore(t, file).Close(); err != nil {
		t.Fatal(err)
	}
	for p := dir; p != os.TempDir() && p != "/"; p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(file, 0o444); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), childVariable+"=open", fileVariable+"="+file)
	if os.Getuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	said, err := c.CombinedOutput()
	var failed *exec.ExitError
	if !errors.As(err, &failed) || !strings.Contains(string(said), "permission denied") || !strings.Contains(string(said), file) {
		t.Errorf("%v: %s", err, said)
	}
	_, err = records.Open(t.Context(), filepath.Join(dir, "none", "ganlin.db"))
	if err == nil || !strings.Contains(err.Error(), "no such file or directory") {
		t.Errorf("a folder that is not there: %v", err)
	}
}
