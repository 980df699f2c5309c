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
	t.Logf("lost %d records; stored %d of %d values", a.Notes.LostRecords, a.Values.Stored, l.values.Load())
	if a.Values.Stored >= l.values.Load() {
		t.Errorf("%d values are stored and %d were acknowledged: nothing was damaged", a.Values.Stored, l.values.Load())
	}
	if err := tr.tells(a); err != nil {
		t.Error(err)
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
}

// tells returns where a program that has lost something does not say so.
func (tr *trial) tells(a httpapi.Accounting) error {
	tr.t.Helper()
	var wrong []error
	if a.Notes.LostRecords == 0 {
		wrong = append(wrong, fmt.Errorf("the account says nothing of a loss: %+v", a))
	}
	if a.Conserved() {
		wrong = append(wrong, fmt.Errorf("the law holds although something is lost: %+v", a))
	}
	if inDatabase := tr.counted(); inDatabase != a.Values.Stored {
		wrong = append(wrong, fmt.Errorf("%d values are in the database, %d are called stored", inDatabase, a.Values.Stored))
	}
	if !strings.Contains(tr.out.String(), "records of the journal are lost") {
		wrong = append(wrong, fmt.Errorf("the log says nothing of a loss: %s", tr.out.tail()))
	}
	if _, page := tr.get("/"); !bytes.Contains(page, []byte("丢失")) {
		wrong = append(wrong, errors.New("the page says nothing of a loss"))
	}
	return errors.Join(wrong...)
}

// flipBit flips one bit of a soil moisture in the middle of the journal's largest block.
func flipBit(t *testing.T, folder string) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(folder, "store", "jetstream", "*", "streams", "JOURNAL", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("no block of the journal is in %s: %v", folder, err)
	}
	slices.SortFunc(blocks, func(a, b string) int { return int(size(t, b) - size(t, a)) })
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

func size(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
