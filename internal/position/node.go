package position

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Node is a value in a file: a mapping, a list or a scalar. What is null or
// not there at all is absent. Its methods note in the report what is not as
// they expect and then return false.
type Node struct {
	report       *Report
	file         string
	line, column int
	yaml         *yaml.Node // nil: absent
}

// At returns where the node stands.
func (n Node) At() Position { return Position{n.file, n.line, n.column} }

// Absent reports whether nothing was given.
func (n Node) Absent() bool { return n.yaml == nil }

// Errorf notes an error at the node.
func (n Node) Errorf(format string, args ...any) { n.report.Errorf(n.At(), format, args...) }

// IsMapping reports whether the node is a mapping.
func (n Node) IsMapping() bool { return !n.Absent() && n.yaml.Kind == yaml.MappingNode }

// IsScalar reports whether the node is a single value.
func (n Node) IsScalar() bool { return !n.Absent() && n.yaml.Kind == yaml.ScalarNode }

// kind returns what the node is, in words. Aliases are not followed, so that
// a few lines cannot stand for millions.
func (n Node) kind() string {
	switch n.yaml.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias, which is not followed: write the value out"
	default:
		return quoteShort(n.yaml.Value)
	}
}

// Text returns a scalar as it was written, without quotes.
func (n Node) Text(what string) (string, bool) {
	if n.Absent() {
		return "", false
	}
	if n.yaml.Kind != yaml.ScalarNode {
		n.Errorf("%s must be a single value, not %s", what, n.kind())
		return "", false
	}
	return strings.TrimSpace(n.yaml.Value), true
}

// Float returns a number. It is a plain decimal: not hexadecimal, not in groups of digits, not infinite.
func (n Node) Float(what string) (float64, bool) {
	text, ok := n.Text(what)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "+-.0123456789eE") != "" {
		n.Errorf("%s must be a number such as 3.2, not %s", what, quoteShort(text))
		return 0, false
	}
	return v, true
}

// Int returns a whole number.
func (n Node) Int(what string) (int, bool) {
	text, ok := n.Text(what)
	if !ok {
		return 0, false
	}
	v, err := strconv.Atoi(text)
	if err != nil {
		n.Errorf("%s must be a whole number, not %s", what, quoteShort(text))
		return 0, false
	}
	return v, true
}

// List returns the items of a list; none when it is absent.
func (n Node) List(what string) []Node {
	if n.Absent() {
		return nil
	}
	if n.yaml.Kind != yaml.SequenceNode {
		n.Errorf("%s must be a list such as [a, b], not %s", what, n.kind())
		return nil
	}
	items := make([]Node, len(n.yaml.Content))
	for i, c := range n.yaml.Content {
		items[i] = NodeOf(n.report, n.file, c)
	}
	return items
}

// A Mapping is a node's keys and values.
type Mapping struct {
	at     Position
	fields []field
}

type field struct {
	key   string
	line  int // of the key
	value Node
}

// Mapping returns the values by key. Keys that are not among the known ones,
// or there twice, are errors. An absent node is an empty mapping.
func (n Node) Mapping(what string, known ...string) (Mapping, bool) {
	m := Mapping{at: n.At()}
	if n.Absent() {
		return m, true
	}
	if n.yaml.Kind != yaml.MappingNode {
		n.Errorf("%s must be a mapping of %s, not %s", what, strings.Join(known, ", "), n.kind())
		return m, false
	}
	m.fields = make([]field, 0, len(n.yaml.Content)/2)
	for i := 0; i+1 < len(n.yaml.Content); i += 2 {
		key := NodeOf(n.report, n.file, n.yaml.Content[i])
		name := n.yaml.Content[i].Value
		first := slices.IndexFunc(m.fields, func(f field) bool { return f.key == name })
		switch {
		case !slices.Contains(known, name):
			key.Errorf("%s has no key %s%s; its keys are %s", what, quoteShort(name), DidYouMean(name, known), strings.Join(known, ", "))
			continue
		case first >= 0:
			key.Errorf("key %s stands twice: also in line %d; keep one", name, m.fields[first].line)
			continue
		}
		m.fields = append(m.fields, field{name, key.line, NodeOf(n.report, n.file, n.yaml.Content[i+1])})
	}
	return m, true
}

// At returns where the mapping begins.
func (m Mapping) At() Position { return m.at }

// Get returns the value of a key; absent when it was not given.
func (m Mapping) Get(key string) Node {
	for _, f := range m.fields {
		if f.key == key {
			return f.value
		}
	}
	return Node{}
}

// Missing returns those of the keys that were not given.
func (m Mapping) Missing(keys ...string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !m.Get(key).Absent() })
}
