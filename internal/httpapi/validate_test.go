package httpapi_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"ganlin/internal/httpapi"
)

func TestBadRequestsAreToldWhatIsWrong(t *testing.T) {
	r := &registrar{}
	s := serve(t, all{}, func(o *httpapi.Options) { o.Registrar = r })
	for _, c := range []struct {
		name, method, path, body, kind string
		status                         int
		pointer, detail                string
	}{
		{"unknown parameter", "GET", "/api/v1/plots?colour=red", "", "", 400, "?colour", "there are site, place, grade, after, limit"},
		{"parameter where none is", "GET", "/api/v1/rules?limit=1", "", "", 400, "?limit", "no parameters here"},
		{"limit of 0", "GET", "/api/v1/plots?limit=0", "", "", 400, "?limit", "minimum"},
		{"limit too high", "GET", "/api/v1/plots?limit=1001", "", "", 400, "?limit", "maximum"},
		{"limit in words", "GET", "/api/v1/plots?limit=ten", "", "", 400, "?limit", "invalid integer"},
		{"twice", "GET", "/api/v1/plots?limit=1&limit=2", "", "", 400, "?limit", "more than once"},
		{"unknown grade", "GET", "/api/v1/plots?grade=mild", "", "", 400, "?grade", "one of"},
		{"broken query", "GET", "/api/v1/plots?limit=%zz", "", "", 400, "?", "not well formed"},
		{"no cursor", "GET", "/api/v1/plots?after=p-001", "", "", 400, "?after", "no cursor"},
		{"no body", "POST", "/api/v1/devices", "", "", 400, "#", "required"},
		{"no JSON", "POST", "/api/v1/devices", "{", "", 400, "#", "unexpected end"},
		{"an array", "POST", "/api/v1/devices", "[]", "", 400, "#", "must be an object"},
		{"missing field", "POST", "/api/v1/devices", `{"id":"s-1"}`, "", 400, "#/model", "is missing"},
		{"unknown field", "POST", "/api/v1/devices", `{"id":"s-1","model":"m","mo/dell\"":"x"}`, "", 400, "#/mo~1dell\"", "is not known"},
		{"field missing elsewhere", "POST", "/api/v1/valves/v-0001/open", `{"duration":1}`, "", 400, "#/duration_s", "is missing"},
		{"unknown field elsewhere", "POST", "/api/v1/valves/v-0001/open", `{"duration":1}`, "", 400, "#/duration", "is not known"},
		{"a number that no machine holds", "POST", "/api/v1/valves/v-0001/open", `{"duration_s":99999999999999999999}`, "", 400, "#/duration_s", "at most 604800"},
		{"a number written oddly", "POST", "/api/v1/valves/v-0001/open", `{"duration_s":1e3}`, "", 400, "#/duration_s", "as it is written"},
		{"from the year 1", "GET", "/api/v1/plots/p-0001/series?quantity=eto_mm&from=0001-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "", "", 400, "?from", "before the year 2000"},
		{"to the year 9999", "GET", "/api/v1/plots/p-0001/series?quantity=eto_mm&from=2026-01-01T00:00:00Z&to=9999-12-31T23:59:59Z", "", "", 400, "?to", "after the year 2100"},
		{"twenty years", "GET", "/api/v1/plots/p-0001/series?quantity=eto_mm&from=2006-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "", "", 400, "?from", "ten years"},
		{"twenty years of water", "GET", "/api/v1/water/ledger?from=2006-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "", "", 400, "?from", "ten years"},
		{"a bucket of centuries", "GET", "/api/v1/plots/p-0001/series?quantity=eto_mm&every=99999d", "", "", 400, "?every", "longer than a year"},
		{"wrong type", "POST", "/api/v1/devices", `{"id":7,"model":"m"}`, "", 400, "#/id", "must be a string"},
		{"too low", "POST", "/api/v1/devices", `{"id":"s-1","model":"m","max_duration_s":-1}`, "", 400, "#/max_duration_s", "at least 0"},
		{"body goes on", "POST", "/api/v1/devices", `{"id":"s-1","model":"m"} {}`, "", 400, "#", "after"},
		{"a form", "POST", "/api/v1/devices", "id=s-1", "application/x-www-form-urlencoded", 415, "", ""},
		{"body too large", "POST", "/api/v1/devices", `{"id":"` + strings.Repeat("s", 1<<20) + `"}`, "", 413, "", ""},
		{"body where none is", "DELETE", "/api/v1/devices/s-1", "{}", "", 400, "#", "not allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var headers []string
			if c.kind != "" {
				headers = []string{"Content-Type", c.kind}
			}
			a := ask(t, c.method, s.URL+c.path, c.body, headers...)
			p := a.problem(t)
			if a.StatusCode != c.status || p.Status != c.status || p.Title == "" || p.Type == "" {
				t.Errorf("answers %d %+v, want %d", a.StatusCode, p, c.status)
			}
			if c.pointer == "" {
				return
			}
			found := false
			for _, e := range p.Errors {
				found = found || e.Pointer == c.pointer && strings.Contains(e.Detail, c.detail)
			}
			if !found {
				t.Errorf("says %+v, want %s: …%s…", p.Errors, c.pointer, c.detail)
			}
		})
	}
	if len(r.added) > 0 {
		t.Errorf("%v were added all the same", r.added)
	}
	a := ask(t, http.MethodPost, s.URL+"/api/v1/devices", `{"id":"s-1","model":"m"}`) // the control; the type is understood
	if a.StatusCode != http.StatusOK || len(r.added) != 1 {
		t.Errorf("a good request answers %d %s", a.StatusCode, a.body)
	}
}

// A header that came twice is refused before an act could be remembered under it.
func TestHeadersThatComeTwice(t *testing.T) {
	store, h := openStore(t, filepath.Join(t.TempDir(), "ganlin.db")), &hand{}
	s := serve(t, all{}, func(o *httpapi.Options) { o.Valves, o.Answers = h, store })
	for name, target := range map[string]string{"Idempotency-Key": "POST /api/v1/valves/v-0001/open", "Last-Event-ID": "GET /api/v1/risk/signals/stream"} {
		method, path, _ := strings.Cut(target, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
		if method == http.MethodPost {
			r, err = http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(anOpening))
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Header[http.CanonicalHeaderKey(name)] = []string{"k", "k2"}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if p := (answer{res, text}).problem(t); err != nil || res.StatusCode != http.StatusBadRequest || len(p.Errors) != 1 || p.Errors[0].Pointer != name {
			t.Errorf("two of %s answer %d %s, %v", name, res.StatusCode, text, err)
		}
	}
	if a := open(t, s.URL, "k", anOpening); a.StatusCode != http.StatusAccepted || h.openings() != 1 { // the control
		t.Errorf("with one of them it answers %d, and %d were made", a.StatusCode, h.openings())
	}
}

func TestMethods(t *testing.T) {
	s := serve(t, all{}, nil)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"POST", "/api/v1/plots", 405, "GET, HEAD, OPTIONS"},
		{"PUT", "/api/v1/devices", 405, "GET, HEAD, POST, OPTIONS"},
		{"OPTIONS", "/api/v1/devices", 204, "GET, HEAD, POST, OPTIONS"},
		{"OPTIONS", "/api/v1/devices/s-1", 204, "GET, HEAD, DELETE, OPTIONS"},
		{"PUT", "/api/v1/devices/s-1", 405, "GET, HEAD, DELETE, OPTIONS"},
		{"GET", "/api/v1/nowhere", 404, ""},
		{"OPTIONS", "/api/v1/nowhere", 404, ""},
		{"HEAD", "/api/v1/plots", 200, ""},
	} {
		a := ask(t, c.method, s.URL+c.path, "")
		if a.StatusCode != c.status || a.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s answers %d and allows %q, want %d and %q", c.method, c.path, a.StatusCode, a.Header.Get("Allow"), c.status, c.allow)
		}
	}
}

func TestETags(t *testing.T) {
	s := serve(t, all{}, nil)
	first := ask(t, "GET", s.URL+"/api/v1/plots", "")
	tag := first.Header.Get("ETag")
	if first.StatusCode != http.StatusOK || tag == "" {
		t.Fatalf("a read answers %d with the ETag %q", first.StatusCode, tag)
	}
	for _, sent := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		if a := ask(t, "GET", s.URL+"/api/v1/plots", "", "If-None-Match", sent); a.StatusCode != http.StatusNotModified || len(a.body) > 0 || a.Header.Get("ETag") != tag {
			t.Errorf("If-None-Match: %s answers %d", sent, a.StatusCode)
		}
	}
	for _, sent := range []string{`"other"`, ""} {
		if a := ask(t, "GET", s.URL+"/api/v1/plots", "", "If-None-Match", sent); a.StatusCode != http.StatusOK {
			t.Errorf("If-None-Match: %s answers %d", sent, a.StatusCode)
		}
	}
	if head := ask(t, "HEAD", s.URL+"/api/v1/plots", ""); head.Header.Get("ETag") != tag || len(head.body) > 0 {
		t.Errorf("HEAD has the ETag %q, GET %q", head.Header.Get("ETag"), tag)
	}
	if a := ask(t, "GET", s.URL+"/api/v1/plots/none", "", "If-None-Match", "*"); a.StatusCode != http.StatusNotFound {
		t.Errorf("what is not there answers %d", a.StatusCode)
	}
}
