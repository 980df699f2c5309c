package registry

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"ganlin/internal/position"
)

// readCSV reads a table with a header into the YAML that would say the same,
// so that whatever is checked of one is checked of the other. An empty cell is
// not given.
func readCSV(r *position.Report, name string, text []byte) (*yaml.Node, bool) {
	text, ok := position.CheckText(r, name, text)
	if !ok {
		return nil, false
	}
	t := table{report: r, name: name, lines: bytes.Split(text, []byte("\n")), csv: csv.NewReader(bytes.NewReader(text))}
	t.csv.FieldsPerRecord = -1
	header, ok := t.next()
	if !ok {
		return &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}, !t.broken
	}
	columns, kind, ok := t.columns(header)
	if !ok {
		return nil, false
	}
	rows := &yaml.Node{Kind: yaml.SequenceNode, Line: 1, Column: 1}
	for row, ok := t.next(); ok; row, ok = t.next() {
		if len(row) != len(header) {
			r.Errorf(t.at(0), "the row has %d cells and the header has %d", len(row), len(header))
			continue
		}
		rows.Content = append(rows.Content, t.item(columns, row))
	}
	return &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1, Content: []*yaml.Node{
		{Kind: yaml.ScalarNode, Value: kind.list, Line: 1, Column: 1}, rows,
	}}, !t.broken
}

// A table is a CSV file on its way through.
type table struct {
	report *position.Report
	name   string
	lines  [][]byte
	csv    *csv.Reader
	broken bool
}

// next returns the next row that can be read.
func (t *table) next() ([]string, bool) {
	for {
		row, err := t.csv.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil, false
		case errors.As(err, &bad):
			t.report.Errorf(t.position(bad.Line, bad.Column), "the CSV cannot be read here: %v", bad.Err)
			t.broken = true
		default:
			return row, true
		}
	}
}

// at returns the position of a cell of the row that was read last.
func (t *table) at(cell int) position.Position {
	return t.position(t.csv.FieldPos(cell))
}

// position counts a column in characters, where the CSV reader counts bytes.
func (t *table) position(line, column int) position.Position {
	if line < 1 || line > len(t.lines) {
		return position.Position{File: t.name, Line: max(line, 1), Column: 1}
	}
	text := t.lines[line-1]
	return position.Position{File: t.name, Line: line, Column: utf8.RuneCount(text[:min(max(column-1, 0), len(text))]) + 1}
}

// columns finds out of which kind the rows are: of the one that knows most
// columns. It empties the names of columns that are not to be read.
func (t *table) columns(header []string) ([]string, kind, bool) {
	names := make([]string, len(header))
	for i, h := range header {
		names[i] = strings.TrimSpace(h)
	}
	var best kind
	most := 0
	for _, k := range kinds() {
		known := 0
		for _, key := range k.keys() {
			if slices.Contains(names, key) {
				known++
			}
		}
		if known > most {
			best, most = k, known
		}
	}
	if most == 0 {
		t.report.Errorf(t.at(0), "the header names no column of places (code, name), sites, stations, plots or devices (id, model, plot, …); separate columns by commas")
		return nil, best, false
	}
	ok := true
	for i, n := range names {
		switch {
		case n == "" && header[i] == "": // a spreadsheet may leave empty columns behind
		case !slices.Contains(best.keys(), n):
			t.report.Errorf(t.at(i), "%s have no column %q%s; the columns are %s", best.list, shorten(n), position.DidYouMean(n, best.keys()), strings.Join(best.keys(), ", "))
			names[i] = ""
		case slices.Index(names, n) < i:
			t.report.Errorf(t.at(i), "column %s stands twice; keep one", n)
			names[i] = ""
		}
	}
	for _, key := range best.required {
		if !slices.Contains(names, key) {
			t.report.Errorf(t.at(0), "the header lacks the column %s of %s", key, best.list)
			ok = false
		}
	}
	return names, best, ok
}

// item makes the mapping of a row.
func (t *table) item(columns, row []string) *yaml.Node {
	start := t.at(0)
	m := &yaml.Node{Kind: yaml.MappingNode, Line: start.Line, Column: start.Column, Content: make([]*yaml.Node, 0, 2*len(row))}
	for i, cell := range row {
		cell = strings.TrimSpace(cell)
		if cell == "" || columns[i] == "" {
			continue
		}
		at := t.at(i)
		value := scalarAt(at, cell)
		if columns[i] == "valves" {
			value = &yaml.Node{Kind: yaml.SequenceNode, Line: at.Line, Column: at.Column}
			for _, id := range strings.FieldsFunc(cell, func(c rune) bool { return c == ' ' || c == ';' }) {
				value.Content = append(value.Content, scalarAt(at, id))
			}
		}
		m.Content = append(m.Content, scalarAt(at, columns[i]), value)
	}
	return m
}

func scalarAt(at position.Position, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: at.Line, Column: at.Column}
}
