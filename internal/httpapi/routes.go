package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// A router registers the document's operations, each behind its guard.
type router struct {
	*http.ServeMux
	api        *api
	operations map[string]*operation
	missing    []error
}

// HandleFunc is called with every generated route.
func (r *router) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	op, ok := r.operations[pattern]
	if !ok {
		r.missing = append(r.missing, fmt.Errorf("%s is generated from another document: run make generate", pattern))
		return
	}
	r.Handle(pattern, r.api.route(op, http.HandlerFunc(h)))
}

// routes serves every operation of the document. Between reading a request and
// carrying it out stands what is given last.
func (a *api) routes(mux *http.ServeMux, between ...StrictMiddlewareFunc) error {
	doc, err := loadDocument()
	if err != nil {
		return err
	}
	operations, err := operationsOf(doc)
	if err != nil {
		return err
	}
	if a.document, err = doc.MarshalJSON(); err != nil {
		return err
	}
	r := &router{ServeMux: mux, api: a, operations: operations}
	strict := NewStrictHandlerWithOptions(a, append(between, withRequest), StrictHTTPServerOptions{RequestErrorHandlerFunc: a.unread, ResponseErrorHandlerFunc: a.fail})
	HandlerWithOptions(strict, StdHTTPServerOptions{BaseRouter: r, ErrorHandlerFunc: a.unread})
	mux.HandleFunc("/", a.elsewhere(mux))
	return errors.Join(r.missing...)
}

// route puts before an operation what the document says of it: who may use it
// first, so that nobody else learns more.
func (a *api) route(op *operation, h http.Handler) http.Handler {
	switch {
	case op.streams():
	case op.Method == http.MethodGet:
		h = tagged(h)
	case op.Operation.Parameters.GetByInAndName(openapi3.ParameterInHeader, keyHeader) != nil:
		h = a.once(op, h)
	}
	return a.Require(op.scope, a.validated(op, h))
}

// streams reports whether the answer is a stream of events.
func (op *operation) streams() bool {
	ok := op.Operation.Responses.Value("200")
	return ok != nil && ok.Value.Content.Get("text/event-stream") != nil
}

// A stream answers by itself until the client goes.
type stream struct {
	http.Handler
	request *http.Request
}

// VisitFollowLiveResponse sends what the page shows.
func (s stream) VisitFollowLiveResponse(w http.ResponseWriter) error {
	s.ServeHTTP(w, s.request)
	return nil
}

// FollowLive sends what the page shows.
func (a *api) FollowLive(ctx context.Context, _ FollowLiveRequestObject) (FollowLiveResponseObject, error) {
	return stream{a.Live, requestOf(ctx)}, nil
}

type requestKey struct{}

// withRequest lets an operation that streams have its request.
func withRequest(f StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error) {
		return f(context.WithValue(ctx, requestKey{}, r), w, r, request)
	}
}

func requestOf(ctx context.Context) *http.Request {
	r, _ := ctx.Value(requestKey{}).(*http.Request)
	return r
}

// methods are those that an address may know, in the order in which Allow lists them.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// elsewhere answers what is no operation: 404, or 405 and OPTIONS with what the address knows.
func (a *api) elsewhere(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var allow []string
		for _, method := range methods {
			probe := r.Clone(r.Context())
			probe.Method = method
			if _, pattern := mux.Handler(probe); strings.HasPrefix(pattern, method+" ") {
				allow = append(allow, method)
				if method == http.MethodGet {
					allow = append(allow, http.MethodHead)
				}
			}
		}
		if allow == nil {
			WriteProblem(w, ProblemError{Status: http.StatusNotFound, Detail: r.Method + " " + r.URL.Path + " is not part of the API"})
			return
		}
		w.Header().Set("Allow", strings.Join(append(allow, http.MethodOptions), ", "))
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		WriteProblem(w, ProblemError{Status: http.StatusMethodNotAllowed, Detail: r.URL.Path + " knows " + strings.Join(allow, ", ")})
	}
}
