package rulefile_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ganlin/internal/rulefile"
	"ganlin/rules/condition"
)

// TestThePageOnRules holds docs/rules.md against what there is: every fact with
// its unit and meaning, every parameter with the built-in value, every built-in rule.
func TestThePageOnRules(t *testing.T) {
	text, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	row := func(cells ...string) {
		if want := "| " + strings.Join(cells, " | ") + " |"; !slices.Contains(lines, want) {
			t.Errorf("the page lacks\n%s", want)
		}
	}
	unit := func(u string) string {
		if u == "1" {
			return ""
		}
		return u
	}
	for _, s := range condition.Subjects() {
		for _, f := range condition.Facts(s) {
			of := unit(f.Unit)
			switch {
			case len(f.Values) > 0:
				of = strings.Join(f.Values, ", ")
			case f.Type == condition.Bool:
				of = "true or false"
			case f.Type == condition.Text:
				of = "text"
			}
			row("`"+f.Name+"`", of, f.Doc)
		}
	}
	set, problems := rulefile.Load(nil, true)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	water := set.Rule("water_need")
	for _, p := range condition.IrrigateParams() {
		v, given := water.Params[p.Name]
		if !given {
			t.Errorf("the built-in rule has no %s", p.Name)
		}
		row("`"+p.Name+"`", unit(p.Unit), strconv.FormatFloat(v, 'g', -1, 64), p.Doc)
	}
	for _, r := range set.Rules {
		if !strings.Contains(string(text), fmt.Sprintf("`%s`", r.ID)) {
			t.Errorf("the page does not name %s", r.ID)
		}
	}
}
