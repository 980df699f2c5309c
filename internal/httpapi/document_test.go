package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestDocument holds the document against OpenAPI 3.1, and every operation of
// it against the rules of the house.
func TestDocument(t *testing.T) {
	doc, err := loadDocument()
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("the document is of OpenAPI %s", doc.OpenAPI)
	}
	operations, err := operationsOf(doc)
	if err != nil {
		t.Error(err)
	}
	for _, op := range operations {
		o := op.Operation
		read := op.Method == http.MethodGet
		if read == strings.HasSuffix(op.scope, ":act") {
			t.Errorf("%s has the scope %s", op.pattern, op.scope)
		}
		if o.Summary == "" || len(o.Tags) != 1 {
			t.Errorf("%s has no summary or not one tag", op.pattern)
		}
		if op.scope != "open" && o.Responses.Default() == nil {
			t.Errorf("%s does not say what its problems are", op.pattern)
		}
		if o.RequestBody != nil {
			schema := o.RequestBody.Value.Content.Get("application/json").Schema.Value
			if ap := schema.AdditionalProperties; ap.Has == nil || *ap.Has {
				t.Errorf("%s takes fields that it does not know", op.pattern)
			}
		}
	}
	text, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := openapi3.NewLoader().LoadFromData(text); err != nil || !json.Valid(text) {
		t.Errorf("what is served does not load: %v, %v", again, err)
	}
}

// answers are the statuses that an operation has by what it is.
func (op *operation) answers() (all []string) {
	o := op.Operation
	asks := func(in, name string) bool { return o.Parameters.GetByInAndName(in, name) != nil }
	for status, so := range map[string]bool{
		"304": op.Method == http.MethodGet && !op.streams(),
		"400": true, "401": op.scope != "open", "403": op.scope != "open", "429": op.scope != "open", "503": op.scope != "open",
		"404": strings.Contains(op.Path, "{") || asks("query", "plot"),
		"413": o.RequestBody != nil, "415": o.RequestBody != nil,
		"422": asks("header", keyHeader),
	} {
		if so {
			all = append(all, status)
		}
	}
	slices.Sort(all)
	return all
}

// headers are those that a good answer has by what its operation is.
func (op *operation) headers() (names []string) {
	switch {
	case op.Method == http.MethodGet && !op.streams():
		names = []string{"ETag"}
	case op.Operation.Parameters.GetByInAndName("header", keyHeader) != nil:
		names = []string{"Idempotency-Replayed"}
	}
	return names
}

// TestDocumentSaysWhatElseIsAnswered holds what every operation says of
// problems, headers and forged requests against what it is.
func TestDocumentSaysWhatElseIsAnswered(t *testing.T) {
	doc, err := loadDocument()
	if err != nil {
		t.Fatal(err)
	}
	operations, err := operationsOf(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range operations {
		responses := op.Operation.Responses
		for _, status := range op.answers() {
			if responses.Value(status) == nil {
				t.Errorf("%s does not say that it may answer %s", op.pattern, status)
			}
		}
		for status, r := range responses.Map() {
			if strings.HasPrefix(status, "2") {
				for _, name := range op.headers() {
					if r.Value.Headers[name] == nil {
						t.Errorf("%s answers %s without the header %s", op.pattern, status, name)
					}
				}
				continue
			}
			if status != "304" && r.Value.Content["application/problem+json"] == nil {
				t.Errorf("%s answers %s by no problem", op.pattern, status)
			}
			if (status == "429" || status == "503") && r.Value.Headers["Retry-After"] == nil {
				t.Errorf("%s answers %s without Retry-After", op.pattern, status)
			}
		}
		forgeable := strings.HasSuffix(op.scope, ":act")
		if guarded := op.Operation.Security != nil && len(*op.Operation.Security) == 2 && (*op.Operation.Security)[1]["csrf"] != nil; guarded != forgeable {
			t.Errorf("%s wants a token against forged requests: %t", op.pattern, guarded)
		}
	}
}

// TestExamples holds every example of the document against its schema, and asks for one of everything that is sent or answered.
func TestExamples(t *testing.T) {
	for _, wrong := range wrongExamples(t, documentYAML) {
		t.Error(wrong)
	}
	for what, change := range map[string][2]string{ // the control
		"a value out of bounds": {"{duration_s: 1800, reason: dry}", "{duration_s: 0, reason: dry}"}, "a member missing": {"{duration_s: 1800, reason: dry}", "{reason: dry}"},
		"a member too many": {"[{watermark: ", "[{mark: x, watermark: "}, "none at all": {"      examples: [{answer: watered}]\n", ""},
	} {
		text := strings.Replace(string(documentYAML), change[0], change[1], 1)
		if text == string(documentYAML) || len(wrongExamples(t, []byte(text))) != 1 {
			t.Errorf("%s is not seen", what)
		}
	}
}

// wrongExamples says what is wrong with the examples of a document.
func wrongExamples(t *testing.T, text []byte) (wrong []string) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[*openapi3.Schema]string{}
	want := func(where string, c openapi3.Content) {
		for _, m := range c {
			of := m.Schema
			if of.Value.Items != nil {
				of = of.Value.Items
			}
			if of.Ref != "" {
				wanted[of.Value] = where
			}
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			if o.RequestBody != nil {
				want("the body of "+method+" "+path, o.RequestBody.Value.Content)
			}
			for status, r := range o.Responses.Map() {
				want(status+" of "+method+" "+path, r.Value.Content)
			}
		}
	}
	for name, s := range doc.Components.Schemas {
		for _, example := range s.Value.Examples {
			delete(wanted, s.Value)
			err := s.Value.VisitJSON(example, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors())
			if err = errors.Join(err, unknownIn(s.Value, example)); err != nil {
				wrong = append(wrong, fmt.Sprintf("an example of %s: %v", name, err))
			}
		}
	}
	for _, where := range wanted {
		wrong = append(wrong, "there is no example for "+where)
	}
	return wrong
}

// unknownIn looks for members of an example that its schema does not have.
func unknownIn(s *openapi3.Schema, example any) (err error) {
	switch v := example.(type) {
	case []any:
		for _, one := range v {
			err = errors.Join(err, unknownIn(s.Items.Value, one))
		}
	case map[string]any:
		for name, one := range v {
			of := s.Properties[name]
			if of == nil {
				of = s.AdditionalProperties.Schema
			}
			if of == nil {
				err = errors.Join(err, fmt.Errorf("there is no %s", name))
				continue
			}
			err = errors.Join(err, unknownIn(of.Value, one))
		}
	}
	return err
}

// TestDocumentWithoutAScope takes the scope from one operation: the control.
func TestDocumentWithoutAScope(t *testing.T) {
	text := strings.Replace(string(documentYAML), "\n      x-ganlin-scope: land:read", "", 1)
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operationsOf(doc); err == nil || !strings.Contains(err.Error(), "GET /api/v1/plots") {
		t.Errorf("an operation without a scope gives %v", err)
	}
}
