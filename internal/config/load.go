package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"ganlin/internal/position"
)

// Load reads a configuration. It returns all problems, sorted; with an error
// among them there is no configuration. Certificates, secret files and the
// names of registry and rule files are looked at, nothing is connected.
func Load(path string) (*Config, []position.Problem) {
	c, problems := Read(path)
	if position.HasErrors(problems) {
		return nil, problems
	}
	return c, problems
}

// Read returns, beside the problems, what could be read in spite of them: only
// to look at the files that it names, for the problems that they have. It is
// nil when nothing could be read.
func Read(path string) (*Config, []position.Problem) {
	l := &loader{folder: filepath.Dir(path)}
	text, ok := position.ReadFile(&l.report, path)
	if !ok {
		return nil, l.report.Problems()
	}
	root, ok := position.ReadYAML(&l.report, path, text)
	if !ok {
		return nil, l.report.Problems()
	}
	c := Default()
	l.root(root, &c)
	return &c, l.report.Problems()
}

// A loader reads one file.
type loader struct {
	report position.Report
	folder string // of the file; relative paths begin here
}

func (l *loader) root(n position.Node, c *Config) {
	m, ok := n.Mapping("a configuration", "data", "http", "mqtt", "journal", "deadletters", "influx", "records", "registry", "rules", "signals", "timezone", "notify")
	if !ok {
		return
	}
	l.path(m, "data", &c.Data)
	l.http(m.Get("http"), &c.HTTP)
	l.mqtt(m, &c.MQTT)
	l.journal(m.Get("journal"), &c.Journal)
	l.deadLetters(m.Get("deadletters"), &c.Letters)
	l.influx(m.Get("influx"), c)
	l.records(m.Get("records"), &c.Records)
	c.Registry = l.files(m.Get("registry"), "registry")
	c.Rules = l.files(m.Get("rules"), "rules")
	l.signals(m.Get("signals"), &c.Signals)
	if l.text(m, "timezone", &c.TimeZone) {
		complain(m.Get("timezone"), "timezone", checkTimeZone(c.TimeZone))
	}
	l.notify(m.Get("notify"), &c.Notify)
}

var (
	variable     = regexp.MustCompile(`\$\{[^}]*\}`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// text reads a value into v and puts what the environment says in the place of
// each ${NAME}. It reports whether there is a value; v keeps its default else.
func (l *loader) text(m position.Mapping, key string, v *string) bool {
	n := m.Get(key)
	got, ok := l.expand(n, key)
	if ok {
		*v = got
	}
	return ok
}

func (l *loader) expand(n position.Node, what string) (string, bool) {
	text, ok := n.Text(what)
	if !ok {
		return "", false
	}
	text = variable.ReplaceAllStringFunc(text, func(v string) string {
		name := v[2 : len(v)-1]
		if !variableName.MatchString(name) {
			n.Errorf("%s: %q names no variable of the environment; write one such as ${NAME}", what, v)
			ok = false
			return ""
		}
		value := os.Getenv(name)
		if value == "" {
			n.Errorf("%s: the environment's variable %s is not set or empty; set it", what, name)
			ok = false
		}
		return value
	})
	return text, ok
}

// path reads a path, relative to the folder of the file.
func (l *loader) path(m position.Mapping, key string, v *string) bool {
	if !l.text(m, key, v) {
		return false
	}
	*v = l.resolve(*v)
	return true
}

func (l *loader) resolve(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(l.folder, path)
}

// files reads a list of names and patterns. A name must exist; a pattern may
// match nothing.
func (l *loader) files(n position.Node, what string) []string {
	var all []string
	for _, item := range n.List(what) {
		text, ok := l.expand(item, what)
		if !ok {
			continue
		}
		path := l.resolve(text)
		if !strings.ContainsAny(text, "*?[") {
			if _, err := os.Stat(path); err != nil {
				item.Errorf("%s: there is no file %s", what, path)
			}
			all = append(all, path)
			continue
		}
		matches, err := filepath.Glob(path)
		if err != nil {
			item.Errorf("%s: %q is no pattern for files; use *, ? and [a-z]", what, text)
		}
		all = append(all, matches...)
	}
	var once []string
	for _, path := range all {
		if !slices.Contains(once, path) {
			once = append(once, path)
		}
	}
	return once
}

// secret reads a value that stands in the file, in the environment or in a file of its own.
func (l *loader) secret(m position.Mapping, key string, v *Secret) {
	inline, file := m.Get(key), m.Get(key+"_file")
	if !inline.Absent() && !file.Absent() {
		file.Errorf("give either %s or %s_file, not both", key, key)
		return
	}
	if text, ok := l.expand(inline, key); ok {
		*v = NewSecret(text)
	}
	var path string
	if !l.path(m, key+"_file", &path) {
		return
	}
	text, err := readSecret(path)
	if err != nil {
		file.Errorf("%s_file: %v", key, err)
		return
	}
	*v = NewSecret(text)
}
