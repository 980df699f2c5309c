package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// validated lets a request through that is as the document says, with the
// document's defaults filled in. Everything that is wrong with another one is
// told at once, each with its place.
func (a *api) validated(op *operation, next http.Handler) http.Handler {
	filter := &openapi3filter.Options{
		MultiError: true, RejectWhenRequestBodyNotSpecified: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, wrong := op.query(r)
		wrong = append(wrong, op.twice(r)...)
		if err := op.readBody(w, r); err != nil {
			WriteProblem(w, problemOfBody(err, op.maxBody))
			return
		}
		names := map[string]string{}
		for _, p := range op.Operation.Parameters {
			if p.Value.In == openapi3.ParameterInPath {
				names[p.Value.Name] = r.PathValue(p.Value.Name)
			}
		}
		err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
			Request: r, PathParams: names, QueryParams: query, Route: op.Route, Options: filter,
		})
		wrong = append(wrong, fieldErrors(err)...)
		if len(wrong) > 0 {
			WriteProblem(w, ProblemError{
				Type: InvalidType, Title: "invalid request", Status: http.StatusBadRequest,
				Detail: "see errors; the document at /api/v1/openapi.json says what is expected", Errors: wrong,
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// query reads the query parameters and tells of those that the operation does not know.
func (op *operation) query(r *http.Request) (url.Values, []FieldError) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, []FieldError{{"?", "the query is not well formed: " + err.Error()}}
	}
	var known []string
	for _, p := range op.Operation.Parameters {
		if p.Value.In == openapi3.ParameterInQuery {
			known = append(known, p.Value.Name)
		}
	}
	var wrong []FieldError
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(values[name]) == 1 && values[name][0] == "" { // a field that was left empty
			values.Del(name)
			continue
		}
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			wrong = append(wrong, FieldError{"?" + name, "is not known; there are no parameters here"})
		case !slices.Contains(known, name):
			wrong = append(wrong, FieldError{"?" + name, "is not known; there are " + strings.Join(known, ", ")})
		case len(values[name]) > 1:
			wrong = append(wrong, FieldError{"?" + name, "is given more than once"})
		}
	}
	r.URL.RawQuery = values.Encode()
	return values, wrong
}

// twice tells of headers of the operation that came more than once.
func (op *operation) twice(r *http.Request) (wrong []FieldError) {
	for _, p := range op.Operation.Parameters {
		if p.Value.In == openapi3.ParameterInHeader && len(r.Header.Values(p.Value.Name)) > 1 {
			wrong = append(wrong, FieldError{p.Value.Name, "is given more than once"})
		}
	}
	return wrong
}

var (
	errWrongType = errors.New("the body is not JSON by its Content-Type")
	errNoJSON    = errors.New("the body is not one JSON value")
)

// readBody reads the whole body, so that its size and type are judged before anything else of it.
func (op *operation) readBody(w http.ResponseWriter, r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, op.maxBody))
	if err != nil {
		return err
	}
	// A long act would take the end of the time to send for the client's going. Where no deadline can be set, as in a test, there is none.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if len(body) == 0 || op.Operation.RequestBody == nil {
		return nil
	}
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return errWrongType
	}
	var any json.RawMessage
	if err := json.Unmarshal(body, &any); err != nil {
		return fmt.Errorf("%w: %w", errNoJSON, err)
	}
	return nil
}

func problemOfBody(err error, limit int64) ProblemError {
	if errors.Is(err, errWrongType) {
		return ProblemError{Status: http.StatusUnsupportedMediaType, Detail: "send the body as JSON with Content-Type: application/json"}
	}
	if errors.Is(err, errNoJSON) {
		return ProblemError{Type: InvalidType, Title: "invalid request", Status: http.StatusBadRequest, Errors: []FieldError{{"#", err.Error()}}}
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return ProblemError{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("a body here is at most %d bytes", limit)}
	}
	return ProblemError{Status: http.StatusBadRequest, Detail: "the body broke off"}
}

// fieldErrors takes apart what the validator found.
func fieldErrors(err error) (all []FieldError) {
	if many, ok := err.(openapi3.MultiError); ok { //nolint:errorlint // a list, taken apart
		for _, one := range many {
			all = append(all, fieldErrors(one)...)
		}
		return all
	}
	e, ok := errors.AsType[*openapi3filter.RequestError](err)
	if !ok {
		if err == nil {
			return nil
		}
		return []FieldError{{"#", err.Error()}}
	}
	at := "#"
	if p := e.Parameter; p != nil {
		at = map[string]string{openapi3.ParameterInQuery: "?"}[p.In] + p.Name
	}
	if schema, ok := errors.AsType[*jsonschema.ValidationError](e.Err); ok {
		return leaves(at, schema, message.NewPrinter(language.English))
	}
	if inner := refused(at, e.Err); len(inner) > 0 {
		return inner
	}
	return []FieldError{{at, reason(e)}}
}

// refused takes apart what the validator that knows no 2020-12 found.
func refused(at string, err error) (all []FieldError) {
	switch e := err.(type) { //nolint:errorlint // a list, taken apart
	case openapi3.MultiError:
		for _, one := range e {
			all = append(all, refused(at, one)...)
		}
	case *openapi3.SchemaError:
		for _, part := range e.JSONPointer() {
			at += "/" + escaped(part)
		}
		name, unknown := unsupported(e.Reason)
		switch {
		case unknown: // this validator points at what the member is in
			all = append(all, FieldError{at + "/" + escaped(name), "is not known here"})
		case e.SchemaField == "required":
			all = append(all, FieldError{at, "is missing"})
		default:
			all = append(all, FieldError{at, e.Reason})
		}
	}
	return all
}

// unsupported finds the member's name where it is not known.
func unsupported(reason string) (name string, ok bool) {
	quoted, ok := strings.CutPrefix(reason, "property ")
	if !ok {
		return "", false
	}
	quoted, ok = strings.CutSuffix(quoted, " is unsupported")
	name, err := strconv.Unquote(quoted)
	return name, ok && err == nil
}

// unread answers a request that is as the document says and cannot be taken in
// all the same: a number is written so that it does not fit into what keeps it.
func (a *api) unread(w http.ResponseWriter, r *http.Request, err error) {
	wrong := FieldError{"#", fmt.Sprintf("cannot be taken in: %.200s", err)}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		wrong = FieldError{"#/" + strings.ReplaceAll(e.Field, ".", "/"), fmt.Sprintf("cannot be taken in as it is written: %.60s", e.Value)}
	}
	if e, ok := errors.AsType[*InvalidParamFormatError](err); ok {
		wrong = FieldError{e.ParamName, "cannot be taken in as it is written"}
		if r.URL.Query().Has(e.ParamName) {
			wrong.Pointer = "?" + e.ParamName
		}
	}
	a.fail(w, r, Invalid(wrong.Pointer, wrong.Detail))
}

// leaves are the innermost causes of an error: what is really wrong, and where.
func leaves(at string, e *jsonschema.ValidationError, english *message.Printer) (all []FieldError) {
	for _, cause := range e.Causes {
		all = append(all, leaves(at, cause, english)...)
	}
	if len(e.Causes) > 0 {
		return all
	}
	for _, part := range e.InstanceLocation {
		at += "/" + escaped(part)
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			all = append(all, FieldError{at + "/" + escaped(name), "is not known here"})
		}
		return all
	case *kind.Required:
		for _, name := range k.Missing {
			all = append(all, FieldError{at + "/" + escaped(name), "is missing"})
		}
		return all
	}
	return []FieldError{{at, e.ErrorKind.LocalizedString(english)}}
}

// escaped is a part of a JSON pointer.
func escaped(part string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(part) }

// reason says what is wrong with what could not even be read: what the innermost reader says.
func reason(e *openapi3filter.RequestError) (said string) {
	err := e.Err
	for parse, ok := errors.AsType[*openapi3filter.ParseError](err); ok; parse, ok = errors.AsType[*openapi3filter.ParseError](err) {
		if parse.Reason != "" {
			said = parse.Reason
		}
		err = parse.Cause
	}
	switch {
	case said != "":
		return said
	case e.Err != nil:
		return e.Err.Error()
	}
	return e.Reason
}
