package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"ganlin/internal/httpapi"
)

// FuzzQuery asks for plots with any query: it is answered, or told what is
// wrong with it, and never an error of ours.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"", "limit=10", "limit=-1", "limit=1e3", "limit=١", "after=", "after=x", "after=" + coded(`{"l":"plots","q":"","a":"p-1"}`),
		"after=" + coded(`{"l":"plots","q":"grade=&place=&site=","a":"p-0007"}`), "after=" + coded(`{"l":"plots","a":null}`),
		"place=5001", "place=x", "grade=none&grade=none", "%zz", "limit=%00", "a[b]=c", "site=%ff", "&&=&", "limit;after",
	} {
		f.Add(q)
	}
	h, err := httpapi.New(options(all{}))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/plots", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Errorf("%q answers %d %s", query, w.Code, w.Body)
		}
	})
}
