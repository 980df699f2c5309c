package dashboards_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
)

// An office keeps clues as the program does, which lives in another package,
// and takes down all that arrives.
type office struct {
	mu      sync.Mutex
	errands []dashboards.Errand
	arrived []arrival
	kept    map[string]arrival // acts by id
	lost    int                // so many answers are lost on the way
	refuse  int                // the status of every answer, if not 0
	viewer  dashboards.Viewer
	fails   error
}

// An arrival is an act as it was sent.
type arrival struct {
	Clue, Act, CSRF  string
	ID, Reason, Note string
	Version          int
}

func newOffice(errands ...dashboards.Errand) *office {
	return &office{errands: errands, kept: map[string]arrival{}, viewer: dashboards.Viewer{
		Account: "grid", Role: "grid_worker", CSRF: "c", ReadsClues: true, ActsOnClues: true,
	}}
}

func (o *office) Errands(_ context.Context, done bool, from, limit int) (list dashboards.ErrandList, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.errands {
		if (len(e.Steps) == 0) == done {
			list.Errands = append(list.Errands, e)
		}
	}
	list.At, list.Zone, list.Total = evening.Add(-3*time.Hour), chongqing, len(list.Errands)
	list.Errands = list.Errands[min(from, list.Total):min(from+limit, list.Total)]
	return list, o.fails
}

func (o *office) Errand(_ context.Context, id string) (dashboards.Errand, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := o.find(id); i >= 0 {
		return o.errands[i], o.fails
	}
	return dashboards.Errand{}, dashboards.ErrNothing
}

func (o *office) find(id string) int {
	return slices.IndexFunc(o.errands, func(e dashboards.Errand) bool { return e.ID == id })
}

// take keeps an act as the program does, and returns the status of the answer.
func (o *office) take(a arrival) int {
	o.arrived = append(o.arrived, a)
	if o.refuse != 0 {
		return o.refuse
	}
	if a.CSRF != o.viewer.CSRF {
		return http.StatusForbidden
	}
	i := o.find(a.Clue)
	if i < 0 {
		return http.StatusNotFound
	}
	if before, ok := o.kept[a.ID]; ok {
		if before != a {
			return http.StatusConflict
		}
		return http.StatusOK
	}
	e := &o.errands[i]
	if e.Version != a.Version || len(e.Steps) == 0 || !slices.ContainsFunc(e.Steps[0], func(s dashboards.Step) bool { return s.Act == a.Act }) {
		return http.StatusConflict
	}
	o.kept[a.ID] = a
	stage := map[string]string{"dispatch": "dispatched", "visit": "visited", "verify": "verified", "dismiss": "dismissed"}[a.Act]
	e.Version++
	e.Stage, e.Steps = stage, e.Steps[1:]
	e.Deeds = append(slices.Clone(e.Deeds), dashboards.Deed{Stage: stage, Account: o.viewer.Account, At: evening, Reason: a.Reason, Note: a.Note})
	return http.StatusOK
}

// api takes acts from scripts.
func (o *office) api(w http.ResponseWriter, r *http.Request) {
	a := arrival{Clue: r.PathValue("id"), Act: r.PathValue("act"), CSRF: r.Header.Get("X-CSRF-Token")}
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	status := o.take(a)
	if o.lost > 0 {
		o.lost--
		garble(w)
		return
	}
	w.WriteHeader(status)
}

// garble cuts an answer off and leaves noise in its place: with nothing at all a browser may ask again by itself.
func garble(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = conn.Write([]byte("\x00\x00\x00\x00"))
	_ = conn.Close()
}

// form takes acts from forms.
func (o *office) form(pages *dashboards.Pages) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		act, reason, _ := strings.Cut(r.PostFormValue("choice"), ".")
		version, _ := strconv.Atoi(r.PostFormValue("version"))
		o.mu.Lock()
		status := o.take(arrival{
			Clue: r.PathValue("id"), Act: act, CSRF: r.PostFormValue("csrf"), ID: r.PostFormValue("id"), Version: version, Reason: reason, Note: r.PostFormValue("note"),
		})
		o.mu.Unlock()
		if status != http.StatusOK {
			pages.ShowErrand(w, r, dashboards.Untaken{Why: "first", Status: status, Choice: r.PostFormValue("choice"), Note: r.PostFormValue("note")})
			return
		}
		dashboards.Flash(w, r, r.URL.Path, act)
		http.Redirect(w, r, r.URL.RequestURI(), http.StatusSeeOther)
	}
}

func (o *office) serve(tb testing.TB) *http.ServeMux {
	tb.Helper()
	log := slog.New(slog.DiscardHandler)
	pages, err := dashboards.New(dashboards.Options{
		Source: newVillage(dashboards.View{}), Errands: o, Log: log, Now: func() time.Time { return evening },
		Viewer: func(context.Context) dashboards.Viewer {
			o.mu.Lock()
			defer o.mu.Unlock()
			return o.viewer
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	pages.Register(mux)
	mux.HandleFunc("POST /clues/{id}", o.form(pages))
	mux.HandleFunc("POST /api/v1/risk/clues/{id}/{act}", o.api)
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "signed out") })
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusSeeOther) })
	return mux
}

// steps are what may be done about a clue of a stage.
func steps(stage string) [][]dashboards.Step {
	all := [][]dashboards.Step{
		{{Act: "dispatch"}},
		{{Act: "visit"}},
		{{Act: "verify", Reasons: []string{"crops_damaged", "no_water", "other"}}, {Act: "dismiss", Reasons: []string{"crops_fine", "already_watered", "not_farmed", "wrong_data", "other"}}},
	}
	return all[slices.Index([]string{"open", "dispatched", "visited", "verified"}, stage):]
}

// errand is a clue of two plots at a stage.
func errand(id, household, level, stage string) dashboards.Errand {
	since := time.Date(2026, 7, 10, 16, 0, 0, 0, time.UTC)
	e := dashboards.Errand{
		Clue: dashboards.Clue{
			ID: id, Level: level, LossLow: new(0.35), LossMid: new(0.62), LossHigh: new(0.9), Since: since,
			Plots: []string{"后坡三号", "水井坎二号"}, Confidence: "medium",
		},
		Household: household, Place: "三泉村", Zone: chongqing, Stage: stage, Spoke: since, Steps: steps(stage),
		Parcels: []dashboards.Parcel{
			{ID: "p-001", Name: "后坡三号", Crop: "maize_grain", AreaMu: 3.2, Loss: new(0.71), Grade: dashboards.GradeSevere, Dry: 18, Known: 30, Now: dashboards.GradeExtreme, LossNow: new(0.76)},
			{ID: "p-007", Name: "水井坎二号", Crop: "potato", AreaMu: 1.2, Grade: dashboards.GradeUnknown, Known: 0},
		},
	}
	outcome := map[bool]string{false: "raised", true: "withdrawn"}[level == "none"]
	e.Decided = &devices.Decision{
		ID: id + "-last", At: since, Subject: household, Rule: "household_exposure", Kind: devices.ClueDecision, Outcome: outcome, Severity: level,
		Numbers: map[string]float64{"loss_low": 0.35, "loss_mid": 0.62, "loss_high": 0.9}, Texts: map[string]string{"level": level, "confidence": "medium"},
	}
	deeds := []dashboards.Deed{
		{Stage: "dispatched", Account: "grid", At: since.Add(41 * time.Hour)},
		{Stage: "visited", Account: "grid-2", At: since.Add(50 * time.Hour), Note: "井干了。\n玉米卷叶。"},
		{Stage: "verified", Account: "grid", At: since.Add(51 * time.Hour), Reason: "no_water", Note: "要水罐"},
	}
	e.Version = slices.Index([]string{"open", "dispatched", "visited", "verified"}, stage)
	e.Deeds = deeds[:e.Version]
	return e
}
