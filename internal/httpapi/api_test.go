package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
)

// all sees and acts on everything.
type all struct{}

func (all) SeesPlot(devices.Plot) bool { return true }
func (all) SeesSite(devices.Site) bool { return true }
func (all) ActsOn(devices.Plot) bool   { return true }

// household sees one household's plots.
type household devices.HouseholdID

func (h household) SeesPlot(p devices.Plot) bool { return p.Household == devices.HouseholdID(h) }
func (household) SeesSite(devices.Site) bool     { return false }
func (h household) ActsOn(p devices.Plot) bool   { return h.SeesPlot(p) }

// village is a row of plots, p-0000 and on, of households h-0 to h-9.
type village int

func (v village) plot(i int) devices.Plot {
	return devices.Plot{
		ID: devices.PlotID(fmt.Sprintf("p-%04d", i)), Site: "sanquan", Place: "500119101001",
		Household: devices.HouseholdID(fmt.Sprintf("h-%d", i%10)), Planted: time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC), Mode: devices.Auto,
	}
}

func (v village) Declared(id devices.PlotID) (devices.Plot, bool) {
	for i := range int(v) {
		if p := v.plot(i); p.ID == id {
			return p, true
		}
	}
	return devices.Plot{}, false
}

func (v village) Watered(id devices.DeviceID) []devices.Plot {
	for i := range int(v) {
		if p := v.plot(i); "v"+p.ID[1:] == devices.PlotID(id) {
			return []devices.Plot{p}
		}
	}
	return nil
}

func (v village) Plots(_ context.Context, want func(devices.Plot, httpapi.Grade) bool, after devices.PlotID, limit int) ([]httpapi.Plot, bool) {
	page := []httpapi.Plot{}
	for i := range int(v) {
		p := v.plot(i)
		if p.ID <= after || !want(p, httpapi.GradeUnknown) {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, httpapi.Plot{ID: p.ID, Site: p.Site, Place: p.Place, Mode: p.Mode, Valves: []devices.DeviceID{}, Grade: httpapi.GradeUnknown})
	}
	return page, false
}

func (v village) Plot(_ context.Context, id devices.PlotID) (httpapi.PlotDetail, error) {
	return httpapi.PlotDetail{Plot: httpapi.Plot{ID: id}}, nil
}

func (v village) Outlook(_ context.Context, id devices.PlotID) (httpapi.Outlook, error) {
	return httpapi.Outlook{Plot: id, Grade: httpapi.GradeUnknown}, nil
}

// registrar notes what it is asked for.
type registrar struct {
	httpapi.Registrar
	added []devices.Device
}

func (r *registrar) List(context.Context) ([]httpapi.Device, error) { return []httpapi.Device{}, nil }

func (r *registrar) Add(_ context.Context, d devices.Device) ([]httpapi.Credential, error) {
	r.added = append(r.added, d)
	return []httpapi.Credential{{Device: d.ID}}, nil
}

// options are of an API for who has that reach.
func options(reach httpapi.Reach) httpapi.Options {
	return httpapi.Options{
		Require: func(_ string, next http.Handler) http.Handler { return next },
		Access: func(context.Context) (httpapi.Access, bool) {
			return httpapi.Access{Account: "a-1", Reach: reach}, reach != nil
		},
		Registrar: &registrar{}, Plots: village(250), Rules: func() httpapi.RuleSet { return httpapi.RuleSet{} },
		Metrics: http.NotFoundHandler(), Live: http.NotFoundHandler(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
}

// serve serves the API to who has that reach.
func serve(t *testing.T, reach httpapi.Reach, change func(*httpapi.Options)) *httptest.Server {
	t.Helper()
	o := options(reach)
	if change != nil {
		change(&o)
	}
	h, err := httpapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// answer is what was said, with its body.
type answer struct {
	*http.Response
	body []byte
}

func ask(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, text}
}

func (a answer) problem(t *testing.T) (p httpapi.ProblemError) {
	t.Helper()
	if kind := a.Header.Get("Content-Type"); kind != "application/problem+json" {
		t.Fatalf("a problem is of type %q: %s", kind, a.body)
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatal(err)
	}
	return p
}
