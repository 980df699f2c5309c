package registry_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"ganlin/internal/position"
	"ganlin/internal/registry"
)

// FuzzRead feeds both readers: nothing may panic, every problem has a place in
// the text, and a registry without errors is written and read again.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.yaml", "testdata/*/*.csv"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(filepath.Ext(name) == ".csv", text)
		}
	}
	f.Fuzz(func(t *testing.T, table bool, text []byte) {
		name := "f.yaml"
		if table {
			name = "f.csv"
		}
		r, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.Read(name, text)}})
		for _, p := range problems {
			if p.File != name || p.Line < 1 || p.Line > len(text)+1 || p.Column < 1 || p.Column > len(text)+2 {
				t.Errorf("a problem outside the text: %s", p)
			}
		}
		if position.HasErrors(problems) {
			return
		}
		var written bytes.Buffer
		if err := registry.WriteYAML(&written, r); err != nil {
			t.Fatal(err)
		}
		again, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.Read("again.yaml", written.Bytes())}})
		if position.HasErrors(problems) || again.Hash() != r.Hash() {
			t.Errorf("%v\n%s", problems, written.String())
		}
	})
}
