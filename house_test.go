// Package ganlin_test checks the house: who may import whom, and that every package says what it is.
package ganlin_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A room is a folder and what of ours its packages may import.
type room struct {
	folder string
	may    []string // import paths below ganlin/, each with all below it
	why    string
}

// rooms are tried in order; the first whose folder holds the package counts.
var rooms = []room{
	{"devices", nil, "the vocabulary stands on the standard library alone"},
	{"ingest", []string{"devices", "ingest"}, "ingest knows neither rules, sockets nor storage"},
	{"rules", []string{"devices", "rules"}, "rules are pure"},
	{"firmware-sim", []string{"devices", "firmware-sim"}, "the simulator shares only the vocabulary with what it tests"},
	{"dashboards", []string{"devices", "dashboards"}, "pages know only the vocabulary"},
	{"docs", nil, "an example knows the contract and nothing of ours"},
	{"cmd", []string{"internal/app"}, "cmd parses nothing and calls the wiring"},
	{"internal/app", []string{"devices", "ingest", "rules", "firmware-sim", "dashboards", "docs", "internal"}, "the only place where parts meet"},
	{"internal/position", nil, "a place in a file is a word that all readers of files share"},
	{"internal/file", nil, "a file that is whole after a crash is a need that all writers of files share"},
	{"internal/webhook", nil, "where may be posted to is a need that all who post share"},
	{"internal/engine", []string{"devices", "rules", "internal/engine"}, "adapters never import each other"},
	{"internal/valves", []string{"devices", "rules", "internal/valves"}, "adapters never import each other"},
	{"internal/rulefile", []string{"devices", "rules/condition", "internal/position", "internal/rulefile"}, "rule files are read into conditions, and nothing is decided here"},
	{"internal/httpapi", []string{"devices", "rules", "internal/httpapi", "dashboards/words"}, "adapters never import each other"},
	{"internal", []string{"devices", "ingest", "dashboards/words", "internal/position", "internal/file", "internal/webhook", "SELF"}, "adapters never import each other"},
}

// mayImport reports whether a package of ours may import another, and the reason of the room it lives in.
func mayImport(from, to string) (ok bool, why string) {
	within := func(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }
	for _, r := range rooms {
		if !within(from, r.folder) {
			continue
		}
		return slices.ContainsFunc(r.may, func(m string) bool {
			if m == "SELF" {
				parts := strings.SplitN(from, "/", 3)
				m = path.Join(parts[:2]...)
			}
			return within(to, m)
		}), r.why
	}
	return false, "it lives in no room of the house"
}

func TestImportDirections(t *testing.T) {
	packages := 0
	eachPackage(t, func(folder string, files []*ast.File) {
		packages++
		for _, f := range files {
			for _, spec := range f.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				to, ours := strings.CutPrefix(imported, "ganlin/")
				if !ours {
					if folder == "devices" && strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
						t.Errorf("devices imports %s: the vocabulary stands on the standard library alone", imported)
					}
					continue
				}
				if ok, why := mayImport(folder, to); !ok {
					t.Errorf("%s imports %s: %s", folder, imported, why)
				}
			}
		}
	})
	if packages < 10 {
		t.Errorf("only %d packages were looked at", packages)
	}
}

func TestForbiddenImportsAreSeen(t *testing.T) {
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"devices", "ingest", false},
		{"ingest", "rules", false},
		{"ingest", "internal/journal", false},
		{"rules/water", "ingest", false},
		{"internal/influx", "internal/journal", false},
		{"internal/influx/influxtest", "internal/influx", true},
		{"internal/broker", "internal/app", false},
		{"internal/app", "internal/broker", true},
		{"cmd/ganlin", "devices", false},
		{"firmware-sim/village", "internal/journal", false},
		{"elsewhere", "devices", false},
	} {
		if ok, _ := mayImport(c.from, c.to); ok != c.ok {
			t.Errorf("mayImport(%s, %s) = %v, want %v", c.from, c.to, ok, c.ok)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	eachPackage(t, func(folder string, files []*ast.File) {
		comments := 0
		for _, f := range files {
			if f.Doc != nil && !ast.IsGenerated(f) {
				comments++
			}
		}
		if comments != 1 {
			t.Errorf("%s has %d package comments, want 1", folder, comments)
		}
	})
}

// eachPackage parses the non-test files of every package of the module.
func eachPackage(t *testing.T, visit func(folder string, files []*ast.File)) {
	t.Helper()
	byFolder := map[string][]*ast.File{}
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, p, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(p))
		byFolder[folder] = append(byFolder[folder], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for folder, files := range byFolder {
		visit(folder, files)
	}
}
