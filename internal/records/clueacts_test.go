package records_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/records"
)

func raised(id string, household devices.HouseholdID) records.Effects {
	return records.Effects{
		Progress: records.Progress{Reader: "rules", Position: id},
		Clues: []records.ClueRow{{
			ID: id, Household: household, Site: "sanquan", Place: "500119101001", State: "raised", Level: "orange", Cause: "drought", RaisedAt: noon, UpdatedAt: noon, Decision: id,
		}},
		Signals: []records.Signal{{
			ID: id, Kind: "raised", Clue: id, Household: household, Site: "sanquan", Place: "500119101001", Level: "orange", Cause: "drought", At: noon, Decision: id,
		}},
	}
}

func act(id, clue, what string) records.ClueAct {
	return records.ClueAct{ID: id, Clue: clue, Act: what, Account: "lin", At: noon.Add(time.Hour), Reason: "crops_fine", Sealed: []byte("at the second terrace, sealed")}
}

func anything(records.ClueRow) error { return nil }

var reading = records.Reading{Account: "lin", As: records.ReadWhole}

func everybody(records.ClueRow) bool { return true }

func TestActsOnAClue(t *testing.T) { onBoth(t, testActsOnAClue) }

func testActsOnAClue(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	for range 2 { // effects may come twice
		commit(t, s, raised("c-1", "h-1"))
	}
	clue := raised("c-1", "h-1").Clues[0]
	for n, what := range []string{"dispatched", "visited", records.ClueDismissed} {
		a := act(fmt.Sprint("a-", n), "c-1", what)
		clue.Stage, clue.Acts, clue.Acted = what, n+1, a.At
		for range 2 { // a draft that was sent twice counts once
			got, err := s.ActOnClue(t.Context(), a, n, everybody, anything)
			same(t, what, clue, got, err)
		}
	}
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		act   records.ClueAct
		based int
		may   func(records.ClueRow) error
		want  error
	}{
		"the id of another act":      {act("a-0", "c-1", "visited"), 3, anything, records.ErrReused},
		"the id with another note":   {records.ClueAct{ID: "a-0", Clue: "c-1", Act: "dispatched", Account: "lin"}, 0, anything, records.ErrReused},
		"an earlier version":         {act("a-9", "c-1", "visited"), 2, anything, records.ErrStale},
		"a version that is to come":  {act("a-9", "c-1", "visited"), 4, anything, records.ErrStale},
		"what is refused":            {act("a-9", "c-1", "visited"), 3, func(records.ClueRow) error { return refused }, refused},
		"a clue that was not raised": {act("a-9", "c-2", "visited"), 0, anything, records.ErrNotFound},
	} {
		got, err := s.ActOnClue(t.Context(), c.act, c.based, everybody, c.may)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if name != "a clue that was not raised" {
			same(t, name+": how it stands", clue, got, nil)
		}
	}
	_, acts, err := s.ReadClue(t.Context(), reading, "c-1", everybody)
	if err != nil || len(acts) != 3 || acts[1].Number != 2 || string(acts[1].Sealed) != "at the second terrace, sealed" || !acts[2].At.Equal(noon.Add(time.Hour)) {
		t.Errorf("the acts are %+v, %v", acts, err)
	}

	// The rules change the clue beside it: that is no other version of what people did.
	e := raised("c-1", "h-1")
	e.Clues[0].State, e.Clues[0].Level = "updated", "red"
	commit(t, s, e)
	got, _, err := s.ReadClue(t.Context(), reading, "c-1", everybody)
	if err != nil || got.Acts != 3 || got.Level != "red" || got.Stage != records.ClueDismissed {
		t.Errorf("after the rules spoke: %+v, %v", got, err)
	}

	signals, err := s.Signals(t.Context(), 0, 10)
	want := raised("c-1", "h-1").Signals
	want = append(want, want[0])
	want[0].Sequence, want[1].Sequence = 1, 2
	want[1].Kind, want[1].ID, want[1].Act, want[1].Decision, want[1].At = "dismissed", "act-a-2", "a-2", "", noon.Add(time.Hour)
	same(t, "signals", want, signals, err)
}

// Many act at once on the same version: one of them is first.
func TestOneActAVersion(t *testing.T) { onBoth(t, testOneActAVersion) }

func testOneActAVersion(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	commit(t, s, raised("c-1", "h-1"))
	var mu sync.Mutex
	var wait sync.WaitGroup
	kept, stale := 0, 0
	for n := range 20 {
		wait.Go(func() {
			_, err := s.ActOnClue(t.Context(), act(fmt.Sprint(n), "c-1", "dispatched"), 0, everybody, anything)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				kept++
			case errors.Is(err, records.ErrStale):
				stale++
			default:
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if kept != 1 || stale != 19 {
		t.Errorf("%d acts are kept and %d came too late", kept, stale)
	}
}

// What a person did and what was told is refused to be changed by the database
// itself, whoever asks. The clue, which the rules change, is the control.
func TestTheDatabaseRefusesForgery(t *testing.T) { onBoth(t, testTheDatabaseRefusesForgery) }

func testTheDatabaseRefusesForgery(r run) {
	t, in := r.T, r.in
	file := in.place(t)
	s := openStore(t, file)
	commit(t, s, raised("c-1", "h-1"))
	if _, err := s.ActOnClue(t.Context(), act("a-1", "c-1", "verified"), 0, everybody, anything); err != nil {
		t.Fatal(err)
	}
	if err := s.NoteClueRead(t.Context(), reading, "c-1"); err != nil {
		t.Fatal(err)
	}
	db := beside(t, file)
	before := forged(t, db)
	attempts := []string{
		`UPDATE clue_act SET account = 'somebody else'`,
		`UPDATE clue_act SET note = ''`,
		`UPDATE clue_act SET sealed = '0'`,
		`UPDATE clue_act SET note = 'another'`,
		`DELETE FROM clue_act`,
		`INSERT INTO clue_act SELECT id, clue, number, 'dismissed', account, at, recorded_at, reason, note, sealed FROM clue_act WHERE true ON CONFLICT (id) DO UPDATE SET act = 'dismissed'`,
		`UPDATE signal SET household = 'h-2'`,
		`DELETE FROM signal`,
		`UPDATE clue_read SET account = 'x'`,
		`DELETE FROM clue_read`,
	}
	only := map[kind][]string{inFile: {
		`INSERT OR REPLACE INTO clue_act SELECT id, clue, number, 'dismissed', account, at, recorded_at, reason, note, sealed FROM clue_act`,
		`INSERT OR REPLACE INTO clue_act SELECT 'a-2', clue, number, 'dismissed', account, at, recorded_at, reason, note, sealed FROM clue_act`,
		`INSERT OR REPLACE INTO signal SELECT sequence, 'other', 'withdrawn', clue, household, site, place, level, cause, at, decision, act FROM signal`,
		`INSERT OR REPLACE INTO signal SELECT 99, id, 'withdrawn', clue, household, site, place, level, cause, at, decision, act FROM signal`,
		`INSERT OR REPLACE INTO clue_read VALUES (1, 'c-1', 'x', 0, 'list')`,
	}, inPostgres: {`TRUNCATE clue_act`, `TRUNCATE clue CASCADE`, `TRUNCATE signal`, `TRUNCATE clue_read`}}
	for _, attempt := range append(attempts, only[in]...) {
		if _, err := db.ExecContext(t.Context(), attempt); err == nil || !strings.Contains(err.Error(), "never") {
			t.Errorf("%s: %v", attempt, err)
		}
	}
	if after := forged(t, db); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
	if _, err := db.ExecContext(t.Context(), `UPDATE clue SET level = 'blue'`); err != nil {
		t.Errorf("the control could not change a clue: %v", err)
	}
}

// forged returns all that must not change as text.
func forged(t *testing.T, db *sql.DB) string {
	t.Helper()
	var acts, signals, reads string
	for into, query := range map[*string]string{
		&acts:    `SELECT count(*)||id||clue||number||act||account||at||recorded_at||reason||note||length(sealed) FROM clue_act GROUP BY id`,
		&signals: `SELECT max(sequence||id||kind||clue||household||at)||count(*) FROM signal`,
		&reads:   `SELECT max(number||clue||account)||count(*) FROM clue_read`,
	} {
		if err := db.QueryRowContext(t.Context(), query).Scan(into); err != nil {
			t.Fatal(err)
		}
	}
	return acts + signals + reads
}

func TestReceiverKeys(t *testing.T) { onBoth(t, testReceiverKeys) }

func testReceiverKeys(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	one, err := s.ReceiverKey(t.Context(), "town")
	if err != nil || len(one) != 32 {
		t.Fatalf("%x, %v", one, err)
	}
	again, err := s.ReceiverKey(t.Context(), "town")
	same(t, "the key asked for again", one, again, err)
	if other, err := s.ReceiverKey(t.Context(), "district"); err != nil || string(other) == string(one) {
		t.Errorf("two receivers have one key: %v", err)
	}
}

// A store of before keeps its clues, named by the decision that raised them.
func TestCluesOfBeforeHaveTheirNames(t *testing.T) {
	file := inFile.place(t)
	db := beside(t, file)
	text := ""
	for _, name := range []string{"0001_start", "0002_dead_letter_bytes", "0003_decisions"} {
		one, err := os.ReadFile("migrations/" + name + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		text += string(one)
	}
	text += `CREATE TABLE migration (version INTEGER PRIMARY KEY); INSERT INTO migration VALUES (1), (2), (3);
		INSERT INTO decision VALUES (1, 'd-1', 1000, 's', 'h-1', '', 'r', 'clue', 'raised', 'blue', '{}', ''), (2, 'd-2', 2000, 's', 'h-1', '', 'r', 'clue', 'withdrawn', 'none', '{}', ''),
		(3, 'd-3', 3000, 's', 'h-1', '', 'r', 'clue', 'raised', 'blue', '{}', ''), (4, 'd-4', 3000, 'other', 'h-1', '', 'r', 'clue', 'raised', 'blue', '{}', '');
		INSERT INTO clue VALUES ('h-1', 's', 'raised', 'blue', 3000, 3000, NULL, ''), ('h-1', 'other', 'withdrawn', 'none', -62135596800000, 4000, 4000, '')`
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	clues, err := openStore(t, file).Clues(t.Context(), records.Selection{})
	at := time.UnixMilli(3000).UTC()
	same(t, "clues", []records.ClueRow{
		{ID: "d-3", Household: "h-1", Site: "s", State: "raised", Level: "blue", Cause: "drought", RaisedAt: at, UpdatedAt: at, Decision: "d-3"},
		{ID: "d-4", Household: "h-1", Site: "other", State: "withdrawn", Level: "none", Cause: "drought", RaisedAt: at, UpdatedAt: at.Add(time.Second), WithdrawnAt: at.Add(time.Second), Decision: "d-4"},
	}, clues, err)
}
