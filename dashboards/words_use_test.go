package dashboards_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template/parse"

	"go.yaml.in/yaml/v3"

	"ganlin/devices"
)

// reasons are the codes of dead letters.
var reasons = []string{
	"bad_json", "bad_topic", "bad_time", "bad_key", "wrong_type", "unknown_quantity", "out_of_bounds", "unknown_device",
	"too_many", "too_large", "no_values", "type_conflict", "unparsable", "beyond_retention",
}

// read returns the files of a pattern as one text, without tests.
func read(t *testing.T, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, error %v", pattern, len(names), err)
	}
	var all strings.Builder
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}

func catalogueKeys(t *testing.T) []string {
	t.Helper()
	var raw map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "words/zh-CN.yaml")), &raw); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for group, node := range raw {
		if messages, ok := node.(map[string]any); ok {
			for key := range messages {
				keys = append(keys, group+"."+key)
			}
			continue
		}
		keys = append(keys, group)
	}
	slices.Sort(keys)
	return keys
}

// TestEveryMessageIsUsed looks for each key in templates and source: whole, or
// as a group and a name that the source joins.
func TestEveryMessageIsUsed(t *testing.T) {
	templates, source := read(t, "pages/*.html"), read(t, "*.go")
	quoted := func(s string) bool { return strings.Contains(source, `"`+s+`"`) }
	for _, key := range catalogueKeys(t) {
		group, name, _ := strings.Cut(key, ".")
		used := strings.Contains(templates, `{{t "`+key+`"}}`) || quoted(key)
		switch group {
		case "quantity":
			_, used = devices.Quantity(name).Spec()
		case "reason":
			used = slices.Contains(reasons, name)
		case "state":
			used = devices.CommandReport{State: devices.CommandState(name)}.Validate() == nil
		default:
			base, suffix := name, ""
			for _, s := range []string{"_since", "_steps"} {
				if cut, ok := strings.CutSuffix(name, s); ok {
					base, suffix = cut, s
				}
			}
			used = used || (quoted(group+".") && quoted(base) || quoted(group+"."+base)) && (suffix == "" || quoted(suffix))
		}
		if !used {
			t.Errorf("%s is used nowhere", key)
		}
	}
}

func TestEveryUseHasItsMessage(t *testing.T) {
	keys := catalogueKeys(t)
	var used []string
	for _, m := range regexp.MustCompile(`\{\{t "([^"]+)"\}\}`).FindAllStringSubmatch(read(t, "pages/*.html"), -1) {
		used = append(used, m[1])
	}
	for _, m := range regexp.MustCompile(`text\("(\w+\.\w+)"`).FindAllStringSubmatch(read(t, "*.go"), -1) {
		used = append(used, m[1])
	}
	for _, m := range regexp.MustCompile(`ConditionKind = "(\w+)"`).FindAllStringSubmatch(read(t, "source.go"), -1) {
		used = append(used, "condition."+m[1])
	}
	for _, m := range regexp.MustCompile(`PartName = "(\w+)"`).FindAllStringSubmatch(read(t, "source.go"), -1) {
		used = append(used, "part."+m[1])
	}
	for _, spec := range devices.Quantities() {
		used = append(used, "quantity."+string(spec.Quantity))
	}
	for _, reason := range reasons {
		used = append(used, "reason."+reason)
	}
	if len(used) < 120 {
		t.Fatalf("only %d uses were found", len(used))
	}
	for _, key := range used {
		if !slices.Contains(keys, key) {
			t.Errorf("%s has no message", key)
		}
	}
}

// TestTemplatesHoldNoWords: what people read comes from the catalogue, but for the name.
func TestTemplatesHoldNoWords(t *testing.T) {
	tag := regexp.MustCompile(`<[^>]*>`)
	spoken := regexp.MustCompile(`(?:aria-label|title|alt|placeholder|content|data-text|data-live|data-lost)="([^"]*)"`)
	letters := regexp.MustCompile(`\pL+`)
	technical := []string{"width", "device", "initial", "scale", "light", "dark", "c"} // viewport, colour scheme, theme colour
	names, err := filepath.Glob("pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		trees, err := parse.Parse(name, string(data), "", "", map[string]any{"t": 0, "asset": 0, "not": 0})
		if err != nil {
			t.Fatal(err)
		}
		for _, tree := range trees {
			var markup strings.Builder // the template without its actions
			walk(tree.Root, func(n *parse.TextNode) { markup.Write(n.Text) })
			for _, word := range letters.FindAllString(tag.ReplaceAllString(markup.String(), " "), -1) {
				if word != "甘霖" && word != "Ganlin" {
					t.Errorf("%s, %s says %q by itself", name, tree.Name, word)
				}
			}
			for _, m := range spoken.FindAllStringSubmatch(markup.String(), -1) {
				for _, word := range letters.FindAllString(m[1], -1) {
					if !slices.Contains(technical, word) {
						t.Errorf("%s, %s says %q by itself", name, tree.Name, word)
					}
				}
			}
		}
	}
}

func walk(node parse.Node, visit func(*parse.TextNode)) {
	list := func(l *parse.ListNode) {
		if l != nil {
			for _, n := range l.Nodes {
				walk(n, visit)
			}
		}
	}
	switch n := node.(type) {
	case *parse.TextNode:
		visit(n)
	case *parse.ListNode:
		list(n)
	case *parse.IfNode:
		list(n.List)
		list(n.ElseList)
	case *parse.WithNode:
		list(n.List)
		list(n.ElseList)
	case *parse.RangeNode:
		list(n.List)
		list(n.ElseList)
	}
}

// TestAPageSpeaksOneLanguage looks for foreign words and for bare keys in what is read.
func TestAPageSpeaksOneLanguage(t *testing.T) {
	tag := regexp.MustCompile(`(?s)<(?:pre|code|style).*?</(?:pre|code|style)>|<[^>]*>`)
	latin, han, key := regexp.MustCompile(`[A-Za-z]{3,}`), regexp.MustCompile(`\p{Han}+`), regexp.MustCompile(`\b[a-z]+\.[a-z_]{3,}\b`)
	shared := []string{"Ganlin", "English", "InfluxDB", "JSON", "hPa", "dBm", "min", "tcp", "registry", "yaml"}
	for name, view := range states() {
		view.Name = ""
		for i := range view.Plots {
			view.Plots[i].Name = ""
		}
		for _, lang := range []string{"zh", "en"} {
			text := tag.ReplaceAllString(body(t, ask(t, serve(t, newVillage(view)), "/?lang="+lang)), "\n")
			for _, word := range latin.FindAllString(text, -1) {
				if lang == "zh" && !slices.Contains(shared, word) {
					t.Errorf("the Chinese page of %s says %q", name, word)
				}
			}
			for _, word := range han.FindAllString(text, -1) {
				if lang == "en" && word != "甘霖" && word != "中文" {
					t.Errorf("the English page of %s says %q", name, word)
				}
			}
			for _, word := range key.FindAllString(text, -1) {
				if word != "registry.yaml" {
					t.Errorf("the page of %s in %s shows the key %q", name, lang, word)
				}
			}
		}
	}
}
