package httpapi

import (
	"encoding/json"
	"net/http"
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
