package words_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"ganlin/dashboards/words"
)

// read returns the messages of a file by key: each form of each one.
func read(t *testing.T, l words.Language) map[string]map[string]string {
	t.Helper()
	parts, err := filepath.Glob("messages/*." + string(l) + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	messages := map[string]map[string]string{}
	var walk func(prefix string, node any)
	walk = func(prefix string, node any) {
		switch n := node.(type) {
		case string:
			messages[prefix] = map[string]string{"other": n}
		case map[string]any:
			if _, plural := n["other"]; plural {
				forms := map[string]string{}
				for form, text := range n {
					forms[form] = text.(string)
				}
				messages[prefix] = forms
				return
			}
			for key, child := range n {
				if prefix != "" {
					key = prefix + "." + key
				}
				walk(key, child)
			}
		default:
			t.Errorf("%s in %s is neither text nor a group", prefix, l)
		}
	}
	for _, name := range append(parts, string(l)+".yaml") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var raw map[string]any
		if err := yaml.Unmarshal(data, &raw); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := len(messages)
		one := messages
		messages = map[string]map[string]string{}
		walk("", raw)
		maps.Copy(one, messages)
		if len(one) != before+len(messages) {
			t.Errorf("%s repeats messages of another file", name)
		}
		messages = one
	}
	return messages
}

var placeholder = regexp.MustCompile(`\{\{\.(\w+)\}\}`)

func placeholders(text string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	zh, en := read(t, words.Chinese), read(t, words.English)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(zh)), slices.Sorted(maps.Keys(en))); diff != "" {
		t.Fatalf("keys (-Chinese +English):\n%s", diff)
	}
	for key, forms := range zh {
		want := placeholders(forms["other"])
		for form, text := range en[key] {
			if got := placeholders(text); !slices.Equal(want, got) {
				t.Errorf("%s: placeholders %v in Chinese, %v in English (%s)", key, want, got, form)
			}
		}
		for language, all := range map[words.Language]map[string]string{words.Chinese: forms, words.English: en[key]} {
			for form, text := range all {
				if text == "" {
					t.Errorf("%s is empty in %s (%s)", key, language, form)
				}
				if strings.Contains(text, "预警") {
					t.Errorf("%s speaks of a weather warning: only a meteorological office publishes those, ours are 告警", key)
				}
			}
		}
	}
}

func TestEveryMessageCanBeSaid(t *testing.T) {
	c, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range words.Languages() {
		for key, forms := range read(t, l) {
			for _, n := range []int{0, 1, 2, 12345} {
				args := words.Args{"n": n}
				for _, name := range placeholders(forms["other"]) {
					if name != "n" {
						args[name] = "…"
					}
				}
				text, ok := c.Lookup(l, key, args)
				if !ok || text == "" || placeholder.MatchString(text) {
					t.Errorf("%s in %s with n = %d: %q, %v", key, l, n, text, ok)
				}
			}
		}
	}
}

func TestNumbersAndPlurals(t *testing.T) {
	c, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		language words.Language
		n        int
		want     string
	}{
		{words.English, 1, "1 plot needs a look"},
		{words.English, 12345, "12,345 plots need a look"},
		{words.Chinese, 1, "有 1 块地需要留意"},
	} {
		if got := c.Text(test.language, "headline.look", words.Args{"n": test.n}); got != test.want {
			t.Errorf("%s, %d: %q, want %q", test.language, test.n, got, test.want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "−1,234,567"} {
		if got := words.Integer(n); got != want {
			t.Errorf("Integer(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestAMissingMessageGivesItsKey(t *testing.T) {
	c, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Text(words.English, "reason.from_the_future", nil); got != "reason.from_the_future" {
		t.Errorf("a missing message gives %q", got)
	}
	if got := c.Text(words.English, "headline.look", words.Args{"other": 1}); got != "headline.look" {
		t.Errorf("a message without its argument gives %q", got)
	}
}

func TestTheLanguageIsChosen(t *testing.T) {
	for _, test := range []struct {
		asked, header string
		want          words.Language
	}{
		{"", "", words.Chinese},
		{"", "zh-CN,zh;q=0.9,en;q=0.8", words.Chinese},
		{"", "en-US,en;q=0.9", words.English},
		{"", "en;q=0.5, zh-TW;q=0.9", words.Chinese},
		{"", "fr-FR,fr;q=0.9", words.Chinese},
		{"", "fr-FR,en;q=0.4", words.English},
		{"", "en;q=0", words.Chinese},
		{"", "*", words.Chinese},
		{"", "\x00;;q=", words.Chinese},
		{"en", "zh-CN", words.English},
		{"zh", "en-US", words.Chinese},
		{"zh-CN", "en-US", words.Chinese},
		{"xx<script>", "en-US", words.English},
	} {
		if got := words.Choose(test.asked, test.header); got != test.want {
			t.Errorf("Choose(%q, %q) = %s, want %s", test.asked, test.header, got, test.want)
		}
	}
}
