package httpapi

import (
	"context"
	_ "embed" // the document
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed openapi.yaml
var documentYAML []byte

// Document returns the OpenAPI 3.1 document of /api/v1 as JSON.
func Document() ([]byte, error) {
	doc, err := loadDocument()
	if err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

func loadDocument() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(documentYAML)
	if err != nil {
		return nil, fmt.Errorf("reading the API's document: %w", err)
	}
	return doc, nil
}

// An operation is a route as the document declares it.
type operation struct {
	*routers.Route
	pattern string // as the mux has it
	scope   string
	maxBody int64 // bytes

	safeAgain bool // done twice it does no harm, and not at all it does
}

// The document's own words beside those of OpenAPI.
const (
	scopeWord   = "x-ganlin-scope"
	maxBodyWord = "x-ganlin-max-body"
	againWord   = "x-ganlin-safe-again"
)

// usualBody bounds the body of a request that declares nothing else.
const usualBody = 1 << 20

// operationsOf returns the operations of a document by their pattern. One that
// does not say who may use it is an error.
func operationsOf(doc *openapi3.T) (map[string]*operation, error) {
	all := map[string]*operation{}
	var errs []error
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			op := &operation{
				Route:   &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: o},
				pattern: method + " " + path, maxBody: usualBody,
			}
			scope, ok := o.Extensions[scopeWord].(string)
			if !ok || scope == "" {
				errs = append(errs, fmt.Errorf("%s declares no %s: nobody may use it", op.pattern, scopeWord))
			}
			op.scope = scope
			if n, ok := o.Extensions[maxBodyWord].(float64); ok {
				op.maxBody = int64(n)
			}
			op.safeAgain, _ = o.Extensions[againWord].(bool)
			all[op.pattern] = op
		}
	}
	return all, errors.Join(errs...)
}

// GetDocument returns the document.
func (a *api) GetDocument(context.Context, GetDocumentRequestObject) (GetDocumentResponseObject, error) {
	return document(a.document), nil
}

// A document is already encoded.
type document []byte

// VisitGetDocumentResponse writes it.
func (d document) VisitGetDocumentResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(d) //nolint:gosec // it is ours
	return err
}
