package grafana_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganlin/dashboards/grafana"
)

var update = flag.Bool("update", false, "write the JSON of the dashboards anew")

// TestJSON holds the files that Grafana loads to the code, and with -update writes them.
func TestJSON(t *testing.T) {
	written := map[string]bool{}
	for _, d := range grafana.All() {
		got, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(got, []byte("预警")) {
			t.Errorf("%s speaks of a weather warning: only a meteorological office publishes those, ours are 告警", d.UID)
		}
		name := filepath.Join("json", d.UID+".json")
		written[name] = true
		if *update {
			if err := os.WriteFile(name, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatalf("%v; make generate writes it", err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what the code says; make generate writes it (-file +code):\n%s", name, diff)
		}
	}
	files, err := filepath.Glob("json/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !written[name] {
			t.Errorf("%s is of no dashboard", name)
		}
	}
}

// explained is the form of what stands behind the i of a panel; each part says something.
var explained = regexp.MustCompile(`^\*\*显示\*\* \S.*\n\n\*\*单位\*\* \S.*\n\n\*\*怎么办\*\* \S.*\n\n---\n\n\*\*Shows\*\* \S.*\n\n\*\*Unit\*\* \S.*\n\n\*\*What to do\*\* \S.*$`)

func TestEveryPanelIsExplained(t *testing.T) {
	for _, d := range grafana.All() {
		for _, p := range d.Panels {
			if !explained.MatchString(p.Description) {
				t.Errorf("%s, %s: the description is %q; it says what is shown, its unit and what to do, in both languages", d.UID, p.Title, p.Description)
			}
			if p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s, %s: no unit", d.UID, p.Title)
			}
		}
	}
}

// TestPanelsStandBesideEachOther checks that none covers another or hangs over the edge, and that ids are unique.
func TestPanelsStandBesideEachOther(t *testing.T) {
	for _, d := range grafana.All() {
		taken, ids := map[[2]int]string{}, map[int]bool{}
		for _, p := range d.Panels {
			if g := p.GridPos; g.X < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
				t.Errorf("%s, %s: stands at %+v", d.UID, p.Title, g)
			}
			if ids[p.ID] {
				t.Errorf("%s, %s: id %d is taken", d.UID, p.Title, p.ID)
			}
			ids[p.ID] = true
			for x := range p.GridPos.W {
				for y := range p.GridPos.H {
					at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
					if other, ok := taken[at]; ok {
						t.Fatalf("%s: %s covers %s", d.UID, p.Title, other)
					}
					taken[at] = p.Title
				}
			}
		}
	}
}

// variable finds what Grafana fills in.
var variable = regexp.MustCompile(`\$\{?([A-Za-z_]+)`)

// TestVariables checks that every query asks by variables that the dashboard has, and that none is idle.
func TestVariables(t *testing.T) {
	builtIn := []string{"timeFilter", "__interval", "__rate_interval"}
	for _, d := range grafana.All() {
		var named []string
		used := map[string]bool{}
		see := func(where, query string) {
			for _, m := range variable.FindAllStringSubmatch(query, -1) {
				if used[m[1]] = true; !slices.Contains(named, m[1]) && !slices.Contains(builtIn, m[1]) {
					t.Errorf("%s, %s: %s is no variable here", d.UID, where, m[0])
				}
			}
		}
		for _, v := range d.Templating.List {
			if q, ok := v.Query.(grafana.InfluxVariableQuery); ok {
				see("variable "+v.Name, q.Query)
			}
			named = append(named, v.Name)
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				see(p.Title, q.Query+q.Expr)
				if (q.Query == "") == (q.Expr == "") || (q.Datasource.UID == "influx") != (q.Query != "") {
					t.Errorf("%s, %s: query %s is not for its source", d.UID, p.Title, q.RefID)
				}
				if q.Datasource.UID != p.Datasource.UID {
					t.Errorf("%s, %s: query %s asks another source than its panel", d.UID, p.Title, q.RefID)
				}
				if strings.Contains(q.Query, "FROM") && !strings.Contains(q.Query, "$timeFilter") {
					t.Errorf("%s, %s: query %s asks for all time", d.UID, p.Title, q.RefID)
				}
			}
		}
		for _, want := range []string{"site", "plot"} {
			if !slices.Contains(named, want) {
				t.Errorf("%s has no variable %s", d.UID, want)
			}
		}
		for _, name := range named {
			if !used[name] {
				t.Errorf("%s: variable %s changes nothing", d.UID, name)
			}
		}
	}
}
