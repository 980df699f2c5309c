package app

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ganlin/internal/httpapi"
)

// TestOneFlippedBit damages one bit of a record that the database does not have
// yet: the next start says what is lost, goes on, and stores nothing damaged.
func TestOneFlippedBit(t *testing.T) {
	tr := newTrial(t, asItIs, 5, "")
	configured, err := os.ReadFile(tr.config)
	if err != nil {
		t.Fatal(err)
	}
	// Without a database everything stays in the journal.
	write(t, tr.config, string(configured)+"influx: {url: \"http://"+freeAddress(t)+"\", token: none}\n")
	tr.launch("serve", "--config", tr.config)
	waitFor(t, time.Minute, "the program to run", func() (bool, string) {
		return readJSONFile(filepath.Join(tr.folder, "data", runFile), &tr.ready) == nil, tr.out.tail()
	})
	l := tr.load()
	l.perSec, l.messages = 100, 200
	if err := l.run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	tr.stop()

	flipBit(t, filepath.Join(tr.folder, "data", "journal"))
	write(t, tr.config, string(configured))
	tr.start()
	waitFor(t, time.Minute, "what is left to be stored", func() (bool, string) {
		s, err := tr.status()
		return err == nil && s.Accounting.Values.Stored > 0 && s.Accounting.Values.Waiting == 0, tr.out.tail()
	})
	a := tr.settled(time.Minute)
	t.Logf("lost %d records with %d values; stored %d of %d values", a.Notes.LostRecords, a.Notes.LostValues, a.Values.Stored, l.values.Load())
	if a.Notes.LostValues == 0 || a.Values.Stored+a.Notes.LostValues != l.values.Load() {
		t.Errorf("%d values are stored, %d are called lost and %d were acknowledged", a.Values.Stored, a.Notes.LostValues, l.values.Load())
	}
	if err := tr.tells(a); err != nil {
		t.Error(err)
	}
	if !a.Conserved() {
		t.Errorf("the law does not hold with what is lost and named: %+v", a)
	}
	// It goes on.
	more := tr.load()
	more.seed, more.start, more.perSec, more.messages = 7, time.Now().Add(-time.Hour), 100, 50
	if err := more.run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	waitFor(t, time.Minute, "new values to be stored", func() (bool, string) {
		s, err := tr.status()
		return err == nil && s.Accounting.Values.Stored == a.Values.Stored+more.values.Load(), tr.out.tail()
	})

	// Somebody takes note of it: it is part of the account, and nothing alarms, over a restart.
	tr.command("losses", "acknowledge", "--config", tr.config)
	tr.calm(a.Notes.LostRecords)
	tr.stop()
	tr.start()
	tr.calm(a.Notes.LostRecords)
	// A later loss is seen anew. Nothing more is missing in the database, which has had it.
	tr.stop()
	flipBit(t, filepath.Join(tr.folder, "data", "journal"))
	tr.start()
	b := tr.settled(time.Minute)
	if b.Notes.LostRecords <= a.Notes.LostRecords || b.Notes.LostValues != a.Notes.LostValues || !b.Conserved() {
		t.Errorf("after more damage: %+v, before %+v", b, a)
	}
	if err := tr.tells(b); err != nil {
		t.Error(err)
	}
}

// calm holds that a loss is acknowledged: the account balances with it, and
// neither doctor nor page nor metrics alarm.
func (tr *trial) calm(records uint64) {
	tr.t.Helper()
	a := tr.settled(time.Minute)
	if !a.Conserved() || a.Notes.LostUnacknowledged != 0 || a.Notes.LostRecords != records {
		tr.t.Errorf("after it was acknowledged: %+v", a)
	}
	out := string(tr.command("doctor", "--config", tr.config)) // and it exits 0
	if !strings.Contains(out, "lost with") {
		tr.t.Errorf("doctor forgets the loss: %s", out)
	}
	if list := string(tr.command("losses", "list", "--config", tr.config)); !strings.Contains(list, "by operator") {
		tr.t.Errorf("the losses are %s", list)
	}
	if _, page := tr.get("/"); bytes.Contains(page, []byte("号记录丢失")) {
		tr.t.Error("the page still alarms")
	}
	if _, metrics := tr.get("/metrics"); !bytes.Contains(metrics, []byte("ganlin_journal_lost_records_unacknowledged 0\n")) {
		tr.t.Error("the metrics still alarm")
	}
}

// tells returns where a program that has lost something does not say so.
func (tr *trial) tells(a httpapi.Accounting) error {
	tr.t.Helper()
	var wrong []error
	if a.Notes.LostRecords == 0 || a.Notes.LostUnacknowledged == 0 {
		wrong = append(wrong, fmt.Errorf("the account says nothing of a loss: %+v", a))
	}
	if inDatabase := tr.counted(); inDatabase != a.Values.Stored {
		wrong = append(wrong, fmt.Errorf("%d values are in the database, %d are called stored", inDatabase, a.Values.Stored))
	}
	if !strings.Contains(tr.out.String(), "records of the journal are lost") {
		wrong = append(wrong, fmt.Errorf("the log says nothing of a loss: %s", tr.out.tail()))
	}
	if _, page := tr.get("/"); !bytes.Contains(page, []byte("号记录丢失")) {
		wrong = append(wrong, errors.New("the page says nothing of a loss"))
	}
	if out, err := tr.try("doctor", "--config", tr.config); err == nil {
		wrong = append(wrong, fmt.Errorf("doctor says nothing of a loss: %s", out))
	}
	return errors.Join(wrong...)
}

// TestJournalBehindItsReaders takes the end of the journal away that only the
// rules and the latest values have read: the next start says so and goes on,
// in place of ending because a reader stands beyond the end.
func TestJournalBehindItsReaders(t *testing.T) {
	tr := newTrial(t, asItIs, 5, "")
	configured, err := os.ReadFile(tr.config)
	if err != nil {
		t.Fatal(err)
	}
	// Without a database its reader stays at the beginning.
	write(t, tr.config, string(configured)+"influx: {url: \"http://"+freeAddress(t)+"\", token: none}\n")
	tr.launch("serve", "--config", tr.config)
	waitFor(t, time.Minute, "the program to run", func() (bool, string) {
		return readJSONFile(filepath.Join(tr.folder, "data", runFile), &tr.ready) == nil, tr.out.tail()
	})
	l := tr.load()
	l.perSec, l.messages, l.broken = 25, 100, 0 // for seconds: the rules note how far they are once in each
	if err := l.run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	waitFor(t, time.Minute, "the rules to have read it", func() (bool, string) {
		_, metrics := tr.get("/metrics")
		return bytes.Contains(metrics, []byte("ganlin_journal_lag_records{reader=\"rules\"} 0\n")), "they are behind"
	})
	tr.kill()
	blocks := journalBlocks(t, filepath.Join(tr.folder, "data", "journal"))
	if err := os.Truncate(blocks[0], size(t, blocks[0])/2); err != nil {
		t.Fatal(err)
	}
	write(t, tr.config, string(configured))
	tr.start()
	waitFor(t, time.Minute, "what is left to be stored", func() (bool, string) {
		s, err := tr.status()
		return err == nil && s.Accounting.Values.Stored > 0 && s.Accounting.Values.Waiting == 0, tr.out.tail()
	})
	a := tr.settled(time.Minute)
	if err := tr.tells(a); err != nil {
		t.Error(err)
	}
	if !a.Conserved() || a.Values.Stored >= l.values.Load() {
		t.Errorf("%d of %d values are stored: %+v", a.Values.Stored, l.values.Load(), a)
	}
}

// flipBit flips one bit of a soil moisture in the middle of the journal's largest block.
func flipBit(t *testing.T, folder string) {
	t.Helper()
	blocks := journalBlocks(t, folder)
	content, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	at := len(content)/2 + bytes.Index(content[len(content)/2:], []byte("soil_moisture="))
	content[at+len("soil_moisture=0.1")] ^= 1
	if err := os.WriteFile(blocks[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// journalBlocks returns the files that the records lie in, the largest first.
func journalBlocks(t *testing.T, folder string) []string {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(folder, "store", "jetstream", "*", "streams", "JOURNAL", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("no block of the journal is in %s: %v", folder, err)
	}
	slices.SortFunc(blocks, func(a, b string) int { return int(size(t, b) - size(t, a)) })
	return blocks
}

func size(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
