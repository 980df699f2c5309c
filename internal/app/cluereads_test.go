package app

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
)

// kept opens the records of a program beside it.
func (s still) kept(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", s.folder.file(recordsFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestEveryReadOfAClueIsWrittenDown asks every address that there is, as every kind of account, and the command line for a household with
// a clue. Whatever names it was written down before; and when nothing can be written down, nothing names it.
func TestEveryReadOfAClueIsWrittenDown(t *testing.T) {
	const household = "h-of-the-clue"
	folder := t.TempDir()
	s := openStill(t, folder, nil)
	clue := clueDecision("c-seen", household, here, "raised", "red", 0.5, 0)
	clue.Site = "sanquan"
	s.decide(t, clue)
	tokens := map[string]string{
		"operator":    s.token,
		"agronomist":  s.add(t, httpapi.NewAccount{ID: "a", Role: "agronomist", Places: []devices.PlaceCode{here}}),
		"farmer":      s.add(t, httpapi.NewAccount{ID: "f", Role: "farmer", Household: "h-001"}),
		"grid worker": s.add(t, httpapi.NewAccount{ID: "g", Role: "grid_worker", Places: []devices.PlaceCode{here}}),
		"monitor":     s.add(t, httpapi.NewAccount{ID: "m", Role: "monitor", Places: []devices.PlaceCode{here}}),
	}
	db := s.kept(t)
	noted := func() (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM clue_read WHERE clue = 'c-seen'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	ids := map[string]string{"clues": "c-seen", "decisions": clue.ID, "plots": "p-001"}
	named := func() (by []string) {
		t.Helper()
		for pattern, scope := range s.routes(t) {
			method, path, _ := strings.Cut(pattern, " ")
			if method != http.MethodGet {
				continue
			}
			parts := strings.Split(strings.TrimSuffix(path, "{$}"), "/")
			for i, part := range parts {
				if strings.HasPrefix(part, "{") {
					parts[i] = ids[parts[i-1]]
				}
			}
			for role, token := range tokens {
				before := noted()
				res := s.ask(method, strings.Join(parts, "/")+"?lang=en", bearer(token), html, func(r *http.Request) {
					if scope == auth.WholeRead || strings.HasSuffix(path, "/stream") { // a stream ends at once
						ctx, cancel := context.WithCancel(r.Context())
						cancel()
						*r = *r.WithContext(ctx)
					}
					if strings.HasPrefix(path, "/api/") {
						r.URL.RawQuery = ""
					}
				})
				if !strings.Contains(text(t, res), household) {
					continue
				}
				by = append(by, pattern+" by "+role)
				if noted() == before {
					t.Errorf("%s names the household to the %s, and nobody wrote it down", pattern, role)
				}
			}
		}
		slices.Sort(by)
		return by
	}
	got := named()
	for _, want := range []string{
		"GET /api/v1/risk/clues by grid worker", "GET /api/v1/risk/clues/{id} by agronomist", "GET /api/v1/decisions/{id} by operator", "GET /clues by grid worker",
		"GET /clues/{id} by operator", "GET /decisions/{id} by operator",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("not seen: %s, only %q", want, got)
		}
	}
	before := noted()
	call[httpapi.Clue](t, s, tokens["grid worker"], "POST", "/api/v1/risk/clues/c-seen/dispatch", 200, httpapi.NewClueAct{ID: "act-1-of-g"})
	call[httpapi.ClueConflict](t, s, tokens["grid worker"], "POST", "/api/v1/risk/clues/c-seen/dispatch", 409, httpapi.NewClueAct{ID: "act-2-of-g"})
	if got := noted() - before; got != 2 {
		t.Errorf("acting and acting too late were written down %d times", got)
	}
	before = noted()
	if code, out, said := command(t, "explain", clue.ID, "--data", folder); code != exitDone || !strings.Contains(out, household) || noted() != before+1 {
		t.Errorf("the command line: %d, %s%s, written down %d times", code, out, said, noted()-before)
	}
	if _, err := db.ExecContext(t.Context(), `CREATE TRIGGER full BEFORE INSERT ON clue_read BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`); err != nil {
		t.Fatal(err)
	}
	if got := named(); len(got) > 0 {
		t.Errorf("nothing can be written down, and all the same the household is named by %q", got)
	}
	if code, out, said := command(t, "explain", clue.ID, "--data", folder); code == exitDone || strings.Contains(out+said, household) {
		t.Errorf("nothing can be written down, and the command line says %d, %s%s", code, out, said)
	}
}

// Notes are sealed where they are kept, and for those who act on clues or operate alone.
func TestNotesAreSealedAndForFew(t *testing.T) {
	const note = "the well is dry, call 13800138000"
	folder := t.TempDir()
	s := openStill(t, folder, nil)
	s.decide(t, clueDecision("c-red", "h-002", here, "raised", "red", 0.7, 1))
	worker := s.add(t, httpapi.NewAccount{ID: "g", Role: "grid_worker", Places: []devices.PlaceCode{here}})
	agronomist := s.add(t, httpapi.NewAccount{ID: "a", Role: "agronomist", Places: []devices.PlaceCode{here}})
	for range 2 { // a draft that was sent twice counts once
		call[httpapi.Clue](t, s, worker, "POST", "/api/v1/risk/clues/c-red/dispatch", 200, httpapi.NewClueAct{ID: "act-1-of-g", Note: note})
	}
	call[httpapi.ClueConflict](t, s, worker, "POST", "/api/v1/risk/clues/c-red/dispatch", 409, httpapi.NewClueAct{ID: "act-1-of-g", Note: "another"})
	for token, sees := range map[string]bool{worker: true, s.token: true, agronomist: false} {
		acts := call[httpapi.ClueDetail](t, s, token, "GET", "/api/v1/risk/clues/c-red", 200, nil).Acts
		if len(acts) != 1 || (acts[0].Note == note) != sees || acts[0].NoteUnreadable || !sees && acts[0].Note != "" {
			t.Errorf("the acts are %+v, want with the note: %t", acts, sees)
		}
		if page := text(t, s.ask("GET", "/clues/c-red", bearer(token), html)); strings.Contains(page, note) != sees || !strings.Contains(page, "h-002") {
			t.Errorf("the page shows the note: %t, want %t", !sees, sees)
		}
	}
	s.shut()
	nowhere(t, folder, note, "h-002")
	if strings.Contains(s.log.tail(), note) {
		t.Error("a note is in the log")
	}
	if key, err := os.ReadFile(folder + "/" + notesKeyFile); err != nil || len(bytes.TrimSpace(key)) != 64 {
		t.Errorf("the key: %d bytes, %v", len(key), err)
	}

	// Without its key a note is not read, and none is written; all else goes on.
	if err := os.Rename(folder+"/"+notesKeyFile, folder+"/aside"); err != nil {
		t.Fatal(err)
	}
	s = openStill(t, folder, nil)
	if acts := s.actsOn(t, "c-red"); len(acts) != 1 || acts[0].Note != "" || !acts[0].NoteUnreadable {
		t.Errorf("without the key the acts are %+v", acts)
	}
	if p := call[httpapi.ProblemError](t, s, worker, "POST", "/api/v1/risk/clues/c-red/visit", 400, httpapi.NewClueAct{ID: "act-2-of-g", Version: 1, Note: note}); len(p.Errors) != 1 || p.Errors[0].Pointer != notePlace || !strings.Contains(p.Errors[0].Detail, "without a note") {
		t.Errorf("a note is refused with %+v", p)
	}
	for token, says := range map[string]bool{worker: true, agronomist: false} { // nobody is told of a note who may not read it
		if page := text(t, s.ask("GET", "/clues/c-red?lang=en", bearer(token), html)); strings.Contains(page, "Something was written here") != says || strings.Contains(page, "Leave this empty") != says {
			t.Errorf("without the key the page says so: %t, want %t", !says, says)
		}
	}
	_, cookie := s.signIn(worker)
	byBrowser := func(r *http.Request) { r.AddCookie(cookie) }
	form := nextStep(text(t, s.ask("GET", "/clues/c-red", html, byBrowser)))
	form.Set("note", note)
	res := s.ask("POST", "/clues/c-red?lang=en", filled(form), byBrowser)
	if page := text(t, res); res.StatusCode != http.StatusBadRequest || !strings.Contains(page, "Not noted: nothing written can be kept now.") || !strings.Contains(page, note+"</textarea>") {
		t.Errorf("a form with a note is answered %d %s", res.StatusCode, page)
	}
	call[httpapi.Clue](t, s, worker, "POST", "/api/v1/risk/clues/c-red/visit", 200, httpapi.NewClueAct{ID: "act-2-of-g", Version: 1})
	if _, err := os.Stat(folder + "/" + notesKeyFile); err == nil || !strings.Contains(s.log.tail(), notesKeyFile+" is lost") {
		t.Errorf("another key was made: %v; the log: %s", err, s.log.tail())
	}
	s.shut()
	if err := os.Rename(folder+"/aside", folder+"/"+notesKeyFile); err != nil {
		t.Fatal(err)
	}
	s = openStill(t, folder, nil)
	if acts := s.actsOn(t, "c-red"); len(acts) != 2 || acts[0].Note != note || acts[1].NoteUnreadable {
		t.Errorf("with the key put back the acts are %+v", acts)
	}
}

// Notes that an earlier version left open are sealed when the program starts.
func TestNotesOfAnEarlierVersionAreSealed(t *testing.T) {
	const note = "kanarienvogel 13800138000"
	folder := t.TempDir()
	s := openStill(t, folder, nil)
	s.decide(t, clueDecision("c-red", "h-002", here, "raised", "red", 0.7, 1))
	if _, err := s.kept(t).ExecContext(t.Context(), fmt.Sprintf(`INSERT INTO clue_act (id, clue, number, act, account, at, recorded_at, reason, note)
		VALUES ('act-1-of-g', 'c-red', 1, 'dispatched', 'g', 1, 2, '', '%s')`, note)); err != nil {
		t.Fatal(err)
	}
	s.shut()
	s = openStill(t, folder, nil)
	if acts := s.actsOn(t, "c-red"); len(acts) != 1 || acts[0].Note != note {
		t.Errorf("the acts are %+v", acts)
	}
	s.shut()
	nowhere(t, folder, note, "h-002")
	if strings.Contains(s.log.tail(), note) {
		t.Error("a note is in the log")
	}
}
