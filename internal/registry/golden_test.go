package registry_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"ganlin/internal/position"
	"ganlin/internal/registry"
)

var update = flag.Bool("update", false, "write the .want files anew")

// lines returns problems one a line, with the files' names alone.
func lines(problems []position.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		p.File = filepath.Base(p.File)
		b.WriteString(strings.ReplaceAll(p.String(), "testdata/bad/", "") + "\n")
	}
	return b.String()
}

func TestEveryProblemIsNamedWithItsPlace(t *testing.T) {
	tables, _ := filepath.Glob("testdata/bad/*.csv")
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	files = append(files, tables...)
	if len(files) < 15 {
		t.Fatalf("only %d cases", len(files))
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			r, problems := registry.Load([]string{name}, registry.Options{})
			if r != nil {
				t.Error("there is a registry in spite of errors")
			}
			got := lines(problems)
			want := name + ".want"
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			expected, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(expected), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
