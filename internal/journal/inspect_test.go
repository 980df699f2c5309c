package journal_test

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ganlin/internal/journal"
)

// TestInspect looks at whole and at spoilt stores, and leaves each as it is.
func TestInspect(t *testing.T) {
	o := newOriginal(t)
	last := o.records[len(o.records)-1].Position()
	at := o.records[len(o.records)-1].Time()
	newest := func(dir string) string {
		return slices.MaxFunc((&node{dir: dir}).blocks(t), func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	}
	change := func(name string, fn func([]byte) []byte) {
		t.Helper()
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, fn(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		of    string
		spoil func(dir string)
		kept  uint64 // by a reader
		want  journal.Tail
	}{
		"closed":        {of: o.clean, want: journal.Tail{Last: last.Sequence, At: at, Clean: true}},
		"killed":        {of: o.killed, want: journal.Tail{Last: last.Sequence, At: at}},
		"a reader knew": {of: o.killed, kept: last.Sequence + 2, want: journal.Tail{Last: last.Sequence, At: at, Losses: []journal.Loss{{First: last.Sequence + 1, Last: last.Sequence + 2, Values: -1, Reason: journal.EndLost}}}},
		"half a record": {
			of: o.killed, spoil: func(dir string) { change(newest(dir), func(b []byte) []byte { return append(b, b[:40]...) }) },
			want: journal.Tail{Last: last.Sequence, At: at, Torn: true},
		},
		"a flipped bit": {
			of: o.killed, spoil: func(dir string) { change(newest(dir), func(b []byte) []byte { b[len(b)-40] ^= 1; return b }) },
			want: journal.Tail{Last: last.Sequence - 1, At: o.records[len(o.records)-2].Time(), Damaged: 1},
		},
		"no store yet": {of: t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyOf(t, c.of)
			if c.spoil != nil {
				c.spoil(dir)
			}
			before := content(t, dir)
			var kept []journal.Kept
			if c.kept > 0 {
				kept = append(kept, journal.Kept{Position: journal.Position{Generation: 1, Sequence: c.kept}})
			}
			got, err := journal.Inspect(filepath.Join(dir, "journal"), (&node{dir: dir}).store(), kept)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff(before, content(t, dir)); diff != "" {
				t.Errorf("looking changed it:\n%s", diff)
			}
		})
	}
}

// content returns the files below a folder.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[path] = string(b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}
