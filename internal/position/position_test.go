package position_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganlin/internal/position"
)

func TestWhereYAMLCannotBeRead(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a: 1\n b: 3\nc: 4\n", "2:3: mapping values"},
		{"a: 1\nb: x: y\nc: 3\n", "2:5: mapping values"},
		{"a: 1\nb:\n\tc: 3\n", "3:1: found character that cannot start"},
		{"a: 1\nb: 'x\nc: 3\n", "2:1: found unexpected end of stream"},
		{"a: 1\nab\nb: 1\n", "2:1: could not find expected ':'"},
		{"a: 1\nb: [1, 2\nc: 3\nd: 4\n", "4:2: did not find expected ',' or ']'"},
		{"l:\n  - a: 1\n  - a: 2\n  - a: 3\n  b: 4\nc: 5\n", "5:4: did not find expected '-' indicator"},
		{"三: 村\n村: [}\n", "2:3: did not find expected node content"},
		{"a: \x01\n", "1:1: control characters are not allowed"},
		{"a: *x\n", "1:3: unknown anchor"},
	} {
		var r position.Report
		if _, ok := position.ReadYAML(&r, "f", []byte(c.text)); ok {
			t.Errorf("%q is read", c.text)
			continue
		}
		got := r.Problems()[0].String()
		place, says, _ := strings.Cut(c.want, ": ")
		if !strings.HasPrefix(got, "f:"+place+": error: ") || !strings.Contains(got, says) {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestColumnsCountCharacters(t *testing.T) {
	text := []byte("a\n三泉村: x\n")
	for offset, want := range map[int]string{0: "f:1:1", 1: "f:1:2", 2: "f:2:1", 5: "f:2:2", 11: "f:2:4", 99: "f:3:1"} {
		if got := position.At("f", text, offset).String(); got != want {
			t.Errorf("At(%d) = %s, want %s", offset, got, want)
		}
	}
}

func TestProblemsAreSortedAndStandOnce(t *testing.T) {
	var r position.Report
	at := func(file string, line, column int) position.Position {
		return position.Position{File: file, Line: line, Column: column}
	}
	r.Errorf(at("b", 1, 1), "one")
	r.Warnf(at("a", 10, 1), "two")
	r.Errorf(at("a", 9, 2), "three")
	r.Errorf(at("a", 9, 1), "four")
	r.Errorf(at("a", 9, 1), "four")
	var got []string
	for _, p := range r.Problems() {
		got = append(got, p.String())
	}
	want := []string{"a:9:1: error: four", "a:9:2: error: three", "a:10:1: warning: two", "b:1:1: error: one"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !position.HasErrors(r.Problems()) || position.HasErrors(r.Problems()[2:3]) {
		t.Error("a warning is no error")
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"maize_grain", "maize_sweet", "rice", "plot", "station", "id"}
	for name, want := range map[string]string{
		"maize":                  " (did you mean maize_grain or maize_sweet?)",
		"Statoin":                " (did you mean station?)",
		"plots":                  " (did you mean plot?)",
		"wheat":                  "",
		"":                       "",
		"玉米":                     "",
		strings.Repeat("x", 999): "",
	} {
		if got := position.DidYouMean(name, known); got != want {
			t.Errorf("DidYouMean(%q) = %q, want %q", name, got, want)
		}
	}
}
