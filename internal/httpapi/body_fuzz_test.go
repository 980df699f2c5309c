package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// readers returns an API that reads every request as the real one does and then
// answers 409, and the operations of it that take a body.
func readers(tb testing.TB) (http.Handler, []*operation) {
	tb.Helper()
	a := &api{Options: Options{
		Require: func(_ string, next http.Handler) http.Handler { return next },
		Access:  func(context.Context) (Access, bool) { return Access{}, true },
		Log:     slog.New(slog.DiscardHandler),
	}}
	mux := http.NewServeMux()
	err := a.routes(mux, func(StrictHandlerFunc, string) StrictHandlerFunc {
		return func(context.Context, http.ResponseWriter, *http.Request, any) (any, error) { return nil, ErrConflict }
	})
	if err != nil {
		tb.Fatal(err)
	}
	doc, err := loadDocument()
	if err != nil {
		tb.Fatal(err)
	}
	all, err := operationsOf(doc)
	if err != nil {
		tb.Fatal(err)
	}
	var taking []*operation
	for _, pattern := range slices.Sorted(maps.Keys(all)) {
		if all[pattern].Operation.RequestBody != nil {
			taking = append(taking, all[pattern])
		}
	}
	return mux, taking
}

var variable = regexp.MustCompile(`\{[^}]*\}`)

// send sends a body to an operation.
func (op *operation) send(h http.Handler, body string) *httptest.ResponseRecorder {
	path := variable.ReplaceAllString(strings.ReplaceAll(op.Path, "{act}", "visit"), "x")
	r := httptest.NewRequest(op.Method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// examples are the bodies that the document shows.
func (op *operation) examples(tb testing.TB) (all []string) {
	tb.Helper()
	for _, example := range op.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value.Examples {
		text, err := json.Marshal(example)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

func TestExamplesOfBodiesAreTaken(t *testing.T) {
	h, taking := readers(t)
	for _, op := range taking {
		for _, example := range op.examples(t) {
			if w := op.send(h, example); w.Code != http.StatusConflict {
				t.Errorf("%s answers its example %s with %d %s", op.pattern, example, w.Code, w.Body)
			}
		}
	}
}

// FuzzBody sends any body to every operation that takes one: it is taken, or
// told what is wrong with it, and never an error of ours.
func FuzzBody(f *testing.F) {
	h, taking := readers(f)
	if len(taking) < 10 {
		f.Fatalf("only %d operations take a body", len(taking))
	}
	for i, op := range taking {
		for _, example := range op.examples(f) {
			f.Add(uint8(i), example)
		}
		for _, body := range []string{
			``, `{}`, `[]`, `null`, "\xff", `{"id":"\ud800"}`, `{"id":1,"id":2}`, `{"duration_s":99999999999999999999,"version":1e400,"days":1e3}`,
			`{"at":"2026-02-30T24:00:60Z","last":{"a":9007199254740992,"":-1,"b":1.0}}`, `{"id":"12345678","version":1E0,"duration_s":0.1e1,"max_duration_s":10e-1}`,
		} {
			f.Add(uint8(i), body)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		op := taking[int(which)%len(taking)]
		if w := op.send(h, body); w.Code != http.StatusConflict && w.Code != http.StatusBadRequest {
			t.Errorf("%s answers %q with %d %s", op.pattern, body, w.Code, w.Body)
		}
	})
}

// TestNumbersThatDoNotFit sends each operation a number in the place of each member: what the document lets through is taken in.
func TestNumbersThatDoNotFit(t *testing.T) {
	h, taking := readers(t)
	for _, op := range taking {
		schema := op.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value
		for name := range schema.Properties {
			for _, number := range []string{"1e3", "1.0", "-1", "2147483648", "9223372036854775808", "99999999999999999999", "1e308", "1e999", "-0", "0.5"} {
				body := fmt.Sprintf("{%q:%s}", name, number)
				w := op.send(h, body)
				if w.Code != http.StatusConflict && w.Code != http.StatusBadRequest || w.Code == http.StatusBadRequest && !strings.Contains(w.Body.String(), `"#/`) {
					t.Errorf("%s answers %s with %d %s", op.pattern, body, w.Code, w.Body)
				}
			}
		}
	}
}
