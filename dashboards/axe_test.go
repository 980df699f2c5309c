package dashboards_test

import (
	"os"
	"path/filepath"
	"testing"
)

// axe lets axe-core judge the page that is open: the rules of WCAG 2.2 A and AA and its best practices.
func (b *browser) axe(t *testing.T, name string) {
	t.Helper()
	for _, wrong := range b.violations(t) {
		t.Errorf("%s: %s", name, wrong)
	}
}

// violations are what axe-core finds, each with where.
func (b *browser) violations(t *testing.T) []string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(cache, "ganlin", "axe-core-4.14.1.min.js"))
	if err != nil {
		t.Fatalf("%v; make parts brings it", err)
	}
	evaluate[bool](t, b, string(script)+`; window.found = undefined; axe.run(document, {resultTypes: ['violations']}).then((r) => {
		window.found = r.violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => v.id + ' (' + v.impact + ') ' + n.target.join(' ') + ': ' + n.failureSummary));
	}, (e) => { window.found = ['axe: ' + e]; }); true`)
	b.is(t, "window.found !== undefined")
	return evaluate[[]string](t, b, "window.found")
}
