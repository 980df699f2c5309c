package position

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// ReadYAML reads the one document of a YAML file. It returns false when it
// cannot be read; an empty file is an absent node.
func ReadYAML(r *Report, name string, text []byte) (Node, bool) {
	text, ok := CheckText(r, name, text)
	if !ok {
		return Node{}, false
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return Node{report: r, file: name, line: 1, column: 1}, true
	}
	if err == nil && decoder.Decode(&second) == nil {
		r.Errorf(Position{name, second.Line, second.Column}, "a second document begins here; put it into a file of its own")
		return Node{}, false
	}
	if err != nil {
		at, message := whereYAML(name, text, err)
		r.Errorf(at, "the YAML cannot be read from here on: %s", message)
		return Node{}, false
	}
	return NodeOf(r, name, document.Content[0]), true
}

// NodeOf wraps a node of a YAML document, or one made of another format. Null
// and empty text are absent.
func NodeOf(r *Report, file string, n *yaml.Node) Node {
	if n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!null" || strings.TrimSpace(n.Value) == "") {
		return Node{report: r, file: file, line: n.Line, column: n.Column}
	}
	return Node{report: r, file: file, line: n.Line, column: n.Column, yaml: n}
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// lookahead is how many characters the YAML scanner reads beyond the one it looks at.
const lookahead = 4

// whereYAML finds where the YAML parser gave up. The parser names a line in
// its scanner's errors alone; in others it is off, or names the beginning of
// the list that holds the error. So the text is given to it once more byte by
// byte: where it stops asking is the place.
func whereYAML(name string, text []byte, err error) (Position, string) {
	feed := &slowReader{text: text}
	_ = yaml.NewDecoder(feed).Decode(new(yaml.Node))
	end := feed.given
	for range lookahead {
		_, size := utf8.DecodeLastRune(text[:end])
		end -= size
	}
	at := At(name, text, end)
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	named := yamlLine.FindStringSubmatch(message)
	if named == nil {
		return at, message
	}
	message = strings.TrimPrefix(message, named[0])
	if line, err := strconv.Atoi(named[1]); err == nil && line != at.Line && !strings.Contains(message, "did not find expected") {
		at.Line, at.Column = line, 1
	}
	return at, message
}

// A slowReader gives one byte at a time and counts them.
type slowReader struct {
	text  []byte
	given int
}

func (s *slowReader) Read(p []byte) (int, error) {
	if s.given == len(s.text) || len(p) == 0 {
		return 0, io.EOF
	}
	p[0] = s.text[s.given]
	s.given++
	return 1, nil
}
