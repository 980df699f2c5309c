package records_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ganlin/devices"
	"ganlin/internal/records"
)

// reads returns who read what, in the order in which it was written down.
func reads(t *testing.T, file string) (all []string) {
	t.Helper()
	db := beside(t, file)
	rows, err := db.QueryContext(t.Context(), `SELECT account || ' ' || clue || ' ' || read_as FROM clue_read ORDER BY number`)
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
	return all
}

func TestWhoReadsAClueIsWrittenDown(t *testing.T) { onBoth(t, testWhoReadsAClueIsWrittenDown) }

func testWhoReadsAClueIsWrittenDown(r run) {
	t, in := r.T, r.in
	file := in.place(t)
	s := openStore(t, file)
	for _, id := range []string{"c-1", "c-2", "c-3"} {
		commit(t, s, raised(id, devices.HouseholdID("h-"+id)))
	}
	list := records.Reading{Account: "lin", As: records.ReadInList}
	got, err := s.ReadClues(t.Context(), list, []string{"c-3", "c-1"})
	if err != nil || len(got) != 2 || got[0].ID != "c-3" || got[1].Household != "h-c-1" {
		t.Errorf("%+v, %v", got, err)
	}
	none, err := s.ReadClues(t.Context(), list, nil)
	if err != nil || len(none) != 0 {
		t.Errorf("an empty page: %+v, %v", none, err)
	}
	if _, _, err := s.ReadClue(t.Context(), reading, "c-2", everybody); err != nil {
		t.Error(err)
	}
	refused := errors.New("refused")
	if _, err := s.ActOnClue(t.Context(), act("a-1", "c-1", "dispatched"), 0, everybody, anything); err != nil {
		t.Error(err)
	}
	if _, err := s.ActOnClue(t.Context(), act("a-2", "c-1", "visited"), 1, everybody, func(records.ClueRow) error { return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	want := []string{"lin c-3 list", "lin c-1 list", "lin c-2 clue", "lin c-1 act", "lin c-1 act"}
	if got := reads(t, file); !slices.Equal(got, want) {
		t.Errorf("it is written down that %q, want %q", got, want)
	}

	// Of what is not read nothing is written down.
	for name, read := range map[string]func() error{
		"a foreign one": func() error {
			_, _, err := s.ReadClue(t.Context(), reading, "c-1", func(records.ClueRow) bool { return false })
			return err
		},
		"a missing one": func() error { _, _, err := s.ReadClue(t.Context(), reading, "c-9", everybody); return err },
		"a list with a missing one": func() error {
			_, err := s.ReadClues(t.Context(), list, []string{"c-1", "c-9"})
			return err
		},
		"an act, kept already, on a foreign one": func() error {
			_, err := s.ActOnClue(t.Context(), act("a-1", "c-1", "visited"), 1, func(records.ClueRow) bool { return false }, anything)
			return err
		},
	} {
		if err := read(); !errors.Is(err, records.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := reads(t, file); len(got) != len(want) {
		t.Errorf("it is written down that %q", got[len(want):])
	}
}

// What cannot be written down is not read: a database that takes no row into
// its list of readers shows no clue. Before that, the control, it does.
func TestWhatCannotBeWrittenDownIsNotRead(t *testing.T) {
	onBoth(t, testWhatCannotBeWrittenDownIsNotRead)
}

func testWhatCannotBeWrittenDownIsNotRead(r run) {
	t, in := r.T, r.in
	file := in.place(t)
	s := openStore(t, file)
	commit(t, s, raised("c-1", "h-1"))
	read := func() (shown []bool) {
		clues, err := s.ReadClues(t.Context(), reading, []string{"c-1"})
		shown = append(shown, len(clues) > 0 && err == nil)
		c, _, err := s.ReadClue(t.Context(), reading, "c-1", everybody)
		shown = append(shown, c.Household != "" && err == nil)
		return append(shown, s.NoteClueRead(t.Context(), reading, "c-1") == nil)
	}
	if got := read(); slices.Contains(got, false) {
		t.Errorf("before: %v", got)
	}
	change(t, file, map[kind]string{
		inFile:     `CREATE TRIGGER no_room BEFORE INSERT ON clue_read BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`,
		inPostgres: `CREATE TRIGGER no_room BEFORE INSERT ON clue_read FOR EACH ROW EXECUTE FUNCTION refuse('the disk is full')`,
	}[in])
	if got := read(); slices.Contains(got, true) {
		t.Errorf("nothing can be written down, and it is read all the same: %v", got)
	}
}

// Notes of before are sealed once, whole, and nothing of them stays in the files.
func TestNotesOfBeforeAreSealed(t *testing.T) {
	const note = "kanarienvogel 13800138000"
	file := filepath.Join(t.TempDir(), "ganlin.db")
	s := openStore(t, file)
	commit(t, s, raised("c-1", "h-1"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	change(t, file, `INSERT INTO clue_act (id, clue, number, act, account, at, recorded_at, reason, note) VALUES ('a-1', 'c-1', 1, 'dispatched', 'lin', 1, 2, '', '`+note+
		`'), ('a-2', 'c-1', 2, 'visited', 'lin', 3, 4, '', ''), ('a-3', 'c-1', 3, 'dismissed', 'lin', 5, 6, 'crops_fine', '`+strings.Repeat(note, 400)+`')`)
	lying := func() (places int) {
		for _, name := range []string{file, file + "-wal"} {
			if content, err := os.ReadFile(name); err == nil {
				places += bytes.Count(content, []byte(note))
			}
		}
		return places
	}
	if lying() == 0 {
		t.Error("the control sees no open note")
	}
	s = openStore(t, file)
	seal := func(act, text string) []byte { return []byte(act + strings.ToUpper(text)) }
	for _, want := range []int{2, 0} {
		if n, err := s.SealNotes(t.Context(), seal); n != want || err != nil {
			t.Errorf("%d notes were sealed, want %d; %v", n, want, err)
		}
	}
	_, acts, err := s.ReadClue(t.Context(), reading, "c-1", everybody)
	if err != nil || len(acts) != 3 || string(acts[0].Sealed) != "a-1"+strings.ToUpper(note) || len(acts[1].Sealed) != 0 || acts[2].Reason != "crops_fine" || acts[2].At.UnixMilli() != 5 {
		t.Errorf("the acts are %+v, %v", acts, err)
	}
	if n := lying(); n > 0 {
		t.Errorf("a note lies open in %d places", n)
	}
}
