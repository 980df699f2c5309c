package app

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/internal/signals"
)

var clueDay = time.Date(2026, 7, 10, 16, 0, 0, 0, time.UTC)

// clueDecision is a decision on a clue of a household with one plot, as the rules make it.
func clueDecision(clue, household, place, outcome, level string, loss float64, day int) devices.Decision {
	return devices.Decision{
		ID: clue + outcome + level, At: clueDay.AddDate(0, 0, day), Site: devices.SiteID("site-" + place), Subject: household, Rule: "household_exposure",
		Kind: devices.ClueDecision, Outcome: outcome, Severity: level,
		Numbers: map[string]float64{"loss_low": loss / 2, "loss_mid": loss, "loss_high": loss * 1.5, "loss_of_p-001": loss, "area_mu_of_p-001": 3.2, "episode": 1},
		Texts:   map[string]string{"clue": clue, "level": level, "confidence": "medium", "cause": "drought", "raised_at": clueDay.Format(time.RFC3339)},
		Points:  []devices.Point{{Measurement: devices.ClueMeasurement, Location: devices.Location{Place: devices.PlaceCode(place)}}},
	}
}

// decide commits decisions on clues as the engine does.
func (s still) decide(t *testing.T, decisions ...devices.Decision) {
	t.Helper()
	e := records.Effects{Progress: records.Progress{Reader: readerRules}, Decisions: decisions}
	for _, d := range decisions {
		row, told, err := clueEffects(d)
		if err != nil {
			t.Fatal(err)
		}
		e.Clues, e.Signals = append(e.Clues, row), append(e.Signals, told)
	}
	if err := s.records.CommitEffects(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	s.feed.Wake()
}

func sending(v any) func(*http.Request) {
	return func(r *http.Request) {
		b, _ := json.Marshal(v)
		r.Header.Set("Content-Type", "application/json")
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	}
}

// call asks as an account and reads the answer.
func call[T any](t *testing.T, s still, token, method, target string, want int, body any) (out T) {
	t.Helper()
	change := []func(*http.Request){bearer(token)}
	if body != nil {
		change = append(change, sending(body))
	}
	res := s.ask(method, target, change...)
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != want {
		t.Errorf("%s %s answers %d, want %d: %s", method, target, res.StatusCode, want, text)
		return out
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Errorf("%s %s: %v: %s", method, target, err, text)
		}
	}
	return out
}

const (
	here  = "500119101001"
	there = "500119102001"
)

// grid opens a program with clues here and there, and a grid worker for here.
func grid(t *testing.T) (s still, worker string) {
	t.Helper()
	s = openStill(t, t.TempDir(), nil)
	s.decide(t,
		clueDecision("c-low", "h-001", here, "raised", "blue", 0.2, 0),
		clueDecision("c-red", "h-002", here, "raised", "red", 0.7, 1),
		clueDecision("c-grey", "h-003", here, "raised", "unknown", 0.1, 2),
		clueDecision("c-over", "h-004", here, "raised", "red", 0.7, 0), clueDecision("c-over", "h-004", here, "withdrawn", "none", 0, 9),
		clueDecision("c-far", "h-005", there, "raised", "orange", 0.5, 0),
	)
	return s, s.add(t, httpapi.NewAccount{ID: "g", Role: "grid_worker", Places: []devices.PlaceCode{"500119101"}})
}

// actsOn is what people did about a clue, as an operator reads it.
func (s still) actsOn(t *testing.T, clue string) []httpapi.ClueAct {
	t.Helper()
	return call[httpapi.ClueDetail](t, s, s.token, "GET", "/api/v1/risk/clues/"+clue, 200, nil).Acts
}

func clueIDs(page httpapi.CluePage) (ids []string) {
	for _, c := range page.Items {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestCluesOfMyPlaceByUrgency(t *testing.T) {
	s, worker := grid(t)
	for query, want := range map[string][]string{
		"": {"c-red", "c-grey", "c-low"}, "?state=closed": {"c-over"}, "?state=all": {"c-red", "c-grey", "c-low", "c-over"},
	} {
		got := clueIDs(call[httpapi.CluePage](t, s, worker, "GET", "/api/v1/risk/clues"+query, 200, nil))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	var paged []string
	for after := ""; ; {
		page := call[httpapi.CluePage](t, s, worker, "GET", "/api/v1/risk/clues?limit=2&after="+after, 200, nil)
		paged = append(paged, clueIDs(page)...)
		if after = page.Next; after == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"c-red", "c-grey", "c-low"}, paged); diff != "" {
		t.Errorf("in pages (-want +got):\n%s", diff)
	}
	got := call[httpapi.ClueDetail](t, s, worker, "GET", "/api/v1/risk/clues/c-red", 200, nil)
	loss := 0.7
	want := httpapi.ClueDetail{Acts: []httpapi.ClueAct{}, Clue: httpapi.Clue{
		ID: "c-red", Household: "h-002", Site: "site-" + here, Place: here, PlaceName: "三泉村", Stage: "open", Rules: "raised", Level: "red", Cause: "drought",
		Next: []httpapi.ClueStep{{Act: "dispatch", Reasons: []string{}}}, Since: clueDay, Updated: clueDay.AddDate(0, 0, 1), Decision: "c-redraisedred",
		Confidence: "medium", LossLow: 0.35, LossMid: &loss, LossHigh: loss * 1.5, Plots: []httpapi.CluePlot{{ID: "p-001", Crop: "maize_grain", AreaMu: 3.2, Loss: &loss}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("one clue (-want +got):\n%s", diff)
	}
	for _, id := range []string{"c-far", "c-none"} { // foreign and missing ones look the same
		p := call[httpapi.ProblemError](t, s, worker, "GET", "/api/v1/risk/clues/"+id, 404, nil)
		if want := fmt.Sprintf("there is no clue %q", id); p.Detail != want {
			t.Errorf("%s: %q, want %q", id, p.Detail, want)
		}
		call[httpapi.ProblemError](t, s, worker, "POST", "/api/v1/risk/clues/"+id+"/dispatch", 404, httpapi.NewClueAct{ID: "12345678"})
	}
}

func TestActsOfAGridWorker(t *testing.T) {
	s, worker := grid(t)
	second := s.add(t, httpapi.NewAccount{ID: "g2", Role: "grid_worker", Places: []devices.PlaceCode{here}})
	act := func(token, clue, name string, want int, n httpapi.NewClueAct) httpapi.Clue {
		t.Helper()
		return call[httpapi.Clue](t, s, token, "POST", "/api/v1/risk/clues/"+clue+"/"+name, want, n)
	}
	sent := act(worker, "c-red", "dispatch", 200, httpapi.NewClueAct{ID: "act-1-of-g"})
	if sent.Stage != "dispatched" || sent.Version != 1 || sent.Next[0].Act != "visit" {
		t.Errorf("dispatched: %+v", sent)
	}
	if again := act(worker, "c-red", "dispatch", 200, httpapi.NewClueAct{ID: "act-1-of-g"}); again.Version != 1 {
		t.Errorf("the draft that was sent twice counts %d times", again.Version)
	}
	// A second worker saw what was before; the answer shows what is.
	stale := call[httpapi.ClueConflict](t, s, second, "POST", "/api/v1/risk/clues/c-red/dispatch", 409, httpapi.NewClueAct{ID: "act-1-of-g2"})
	if stale.Clue.Version != 1 || stale.Clue.Stage != "dispatched" || !strings.Contains(stale.Detail, "somebody else was first") {
		t.Errorf("the second worker is told %+v", stale)
	}
	act(second, "c-red", "visit", 409, httpapi.NewClueAct{ID: "act-1-of-g", Version: 1}) // another's id
	far := s.add(t, httpapi.NewAccount{ID: "far", Role: "grid_worker", Places: []devices.PlaceCode{there}})
	act(far, "c-far", "dispatch", 200, httpapi.NewClueAct{ID: "act-1-of-far"})
	act(far, "c-red", "dispatch", 404, httpapi.NewClueAct{ID: "act-1-of-far"}) // an id that is known opens no foreign clue
	act(second, "c-red", "verify", 409, httpapi.NewClueAct{ID: "act-2-of-g2", Version: 1, Reason: "no_water"})
	act(second, "c-red", "visit", 200, httpapi.NewClueAct{ID: "act-3-of-g2", Version: 1, Note: "the well is dry"})
	act(worker, "c-red", "dismiss", 400, httpapi.NewClueAct{ID: "act-2-of-g", Version: 2})
	act(worker, "c-red", "dismiss", 400, httpapi.NewClueAct{ID: "act-2-of-g", Version: 2, Reason: "no_water"})
	act(worker, "c-red", "dismiss", 400, httpapi.NewClueAct{ID: "short", Version: 2, Reason: "crops_fine"})
	act(worker, "c-red", "dismiss", 400, httpapi.NewClueAct{ID: "act-2-of-g", Version: 2, Reason: "crops_fine", Note: strings.Repeat("x", 2001)})
	act(worker, "c-red", "forgive", 400, httpapi.NewClueAct{ID: "act-2-of-g", Version: 2})
	done := act(worker, "c-red", "verify", 200, httpapi.NewClueAct{ID: "act-2-of-g", Version: 2, Reason: "no_water", Note: "needs a tank"})
	if done.Stage != "verified" || len(done.Next) != 0 {
		t.Errorf("verified: %+v", done)
	}
	act(worker, "c-red", "dismiss", 409, httpapi.NewClueAct{ID: "act-4-of-g", Version: 3, Reason: "crops_fine"})
	act(worker, "c-over", "dispatch", 409, httpapi.NewClueAct{ID: "act-5-of-g"}) // the rules have withdrawn it

	got := call[httpapi.ClueDetail](t, s, worker, "GET", "/api/v1/risk/clues/c-red", 200, nil)
	var said []string
	for _, a := range got.Acts {
		said = append(said, strings.Join([]string{a.Stage, a.Account, a.Reason, a.Note}, "|"))
	}
	if diff := cmp.Diff([]string{"dispatched|g||", "visited|g2||the well is dry", "verified|g|no_water|needs a tank"}, said); diff != "" {
		t.Errorf("the history (-want +got):\n%s", diff)
	}
	for _, role := range []httpapi.NewAccount{{ID: "a", Role: "agronomist", Places: []devices.PlaceCode{here}}, {ID: "m", Role: "monitor", Places: []devices.PlaceCode{here}}} {
		act(s.add(t, role), "c-low", "dispatch", 403, httpapi.NewClueAct{ID: "act-of-other"})
	}
	act(s.token, "c-low", "dispatch", 403, httpapi.NewClueAct{ID: "act-of-operator"})
	told := call[httpapi.SignalPage](t, s, s.token, "GET", "/api/v1/risk/signals", 200, nil)
	told = call[httpapi.SignalPage](t, s, s.token, "GET", "/api/v1/risk/signals?after="+told.Signals[5].Sequence, 200, nil)
	if len(told.Signals) != 1 || told.Signals[0].Type != signals.TypePrefix+"verified" || told.Signals[0].Data.Level != "red" {
		t.Errorf("what people did is told as %+v", told)
	}
	if text := fmt.Sprint(told); strings.Contains(text, "tank") || strings.Contains(text, "no_water") || strings.Contains(s.log.tail(), "tank") {
		t.Error("a note or a reason is told")
	}
}

// following is a cursor some signals behind another.
func following(t *testing.T, cursor string, some int64) string {
	t.Helper()
	at, err := signals.ParseCursor(cursor)
	if err != nil {
		t.Fatal(err)
	}
	return signals.Cursor(at + some)
}

func TestMonitorReadsWithinReach(t *testing.T) {
	s, _ := grid(t)
	town := s.add(t, httpapi.NewAccount{ID: "town", Role: "monitor", Places: []devices.PlaceCode{"500119102"}})
	county := s.add(t, httpapi.NewAccount{ID: "county", Role: "monitor", Places: []devices.PlaceCode{"500119"}})
	blind := s.add(t, httpapi.NewAccount{ID: "blind", Role: "monitor"})
	for token, want := range map[string]int{town: 1, county: 6, blind: 0, s.token: 6} {
		page := call[httpapi.SignalPage](t, s, token, "GET", "/api/v1/risk/signals", 200, nil)
		if len(page.Signals) != want || want > 0 && page.Next != page.Signals[want-1].Sequence || page.More {
			t.Errorf("%d signals, next %s; want %d", len(page.Signals), page.Next, want)
		}
	}
	first := call[httpapi.SignalPage](t, s, town, "GET", "/api/v1/risk/signals", 200, nil).Next
	for _, cursor := range []string{following(t, first, 1), "7", "x", "-1"} {
		p := call[httpapi.ProblemError](t, s, town, "GET", "/api/v1/risk/signals?after="+cursor, 400, nil)
		if p.Type != httpapi.CursorType || len(p.Errors) != 1 || p.Errors[0].Pointer != "?after" {
			t.Errorf("cursor %s: %+v", cursor, p)
		}
		call[httpapi.ProblemError](t, s, town, "GET", "/api/v1/risk/signals/stream?after="+cursor, 400, nil)
	}
	foreign := call[httpapi.SignalPage](t, s, county, "GET", "/api/v1/risk/signals", 200, nil).Signals[0]
	call[httpapi.ProblemError](t, s, town, "GET", foreign.Data.Link, 404, nil) // not of its place
	call[httpapi.ProblemError](t, s, town, "GET", "/api/v1/risk/signals/"+following(t, first, 1), 404, nil)
	evidence := call[httpapi.SignalEvidence](t, s, town, "GET", "/api/v1/risk/signals/"+first, 200, nil)
	if evidence.LossHigh != 0.75 || len(evidence.Plots) != 1 || evidence.Plots[0].ID != "" || evidence.Plots[0].Crop != "maize_grain" || evidence.Signal.Sequence != first {
		t.Errorf("the evidence is %+v", evidence)
	}
	db, err := sql.Open("sqlite", s.folder.file(recordsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var reads string
	if err := db.QueryRowContext(t.Context(), `SELECT group_concat(clue || ' by ' || account || ' as ' || read_as) FROM clue_read`).Scan(&reads); err != nil || reads != "c-far by town as signal" {
		t.Errorf("it was read: %s, %v", reads, err)
	}
	sum := call[httpapi.RiskSummary](t, s, county, "GET", "/api/v1/risk/summary", 200, nil)
	if sum.Counts.Raised != 5 || sum.Counts.Open != 4 || sum.Counts.Withdrawn != 1 || sum.Counts.Levels["red"] != 1 || sum.Counts.Levels["unknown"] != 1 || sum.Counts.Stages["open"] != 5 ||
		len(sum.Places) != 2 || sum.Places[1].Place != "500119102000" || sum.Places[1].Counts.Levels["orange"] != 1 {
		t.Errorf("the summary is %+v", sum)
	}
	call[httpapi.ProblemError](t, s, town, "GET", "/api/v1/risk/clues", 403, nil)
}

func TestWebhooksAreTheirOwners(t *testing.T) {
	s, _ := grid(t)
	town := s.add(t, httpapi.NewAccount{ID: "town", Role: "monitor", Places: []devices.PlaceCode{there}})
	county := s.add(t, httpapi.NewAccount{ID: "county", Role: "monitor", Places: []devices.PlaceCode{"500119"}})
	reached := func(account string) string { // the end of its feed
		return call[httpapi.SignalPage](t, s, map[string]string{"town": town, "county": county}[account], "GET", "/api/v1/risk/signals", 200, nil).Next
	}
	made := call[httpapi.WebhookWithSecret](t, s, town, "POST", "/api/v1/webhooks", 201, httpapi.NewWebhook{URL: "https://town.example/ganlin"})
	if !strings.HasPrefix(made.Secret, "whsec_") || made.Webhook.Account != "town" || made.Webhook.State != "well" || made.Webhook.Delivered != reached("town") {
		t.Errorf("made %+v", made)
	}
	of := call[httpapi.WebhookWithSecret](t, s, s.token, "POST", "/api/v1/webhooks", 201, httpapi.NewWebhook{URL: "https://county.example", Account: "county", After: "0"})
	if of.Webhook.Account != "county" || of.Webhook.Delivered != following(t, reached("county"), -6) {
		t.Errorf("made by the operator for another: %+v", of)
	}
	for token, want := range map[string]int{town: 1, county: 1, s.token: 2} {
		if list := call[[]httpapi.Webhook](t, s, token, "GET", "/api/v1/webhooks", 200, nil); len(list) != want {
			t.Errorf("%d webhooks are seen, want %d", len(list), want)
		}
	}
	for _, bad := range []httpapi.NewWebhook{
		{URL: "http://town.example"},
		{URL: "x"},
		{URL: "https://town.example", Account: "county"},
		{URL: "https://town.example", After: "7"},
		{URL: "https://town.example", After: reached("county")},
		{URL: "https://192.168.1.7/ganlin"},
	} {
		call[httpapi.ProblemError](t, s, town, "POST", "/api/v1/webhooks", 400, bad)
	}
	call[httpapi.ProblemError](t, s, s.token, "POST", "/api/v1/webhooks", 400, httpapi.NewWebhook{URL: "https://x.example", Account: "nobody"})
	where := "/api/v1/webhooks/" + made.Webhook.ID
	for _, c := range []struct{ method, target string }{{"DELETE", where}, {"POST", where + "/test"}, {"POST", where + "/rotate"}, {"POST", where + "/enable"}} {
		call[httpapi.ProblemError](t, s, county, c.method, c.target, 404, nil) // of another
	}
	rotated := call[httpapi.WebhookWithSecret](t, s, town, "POST", where+"/rotate", 200, nil)
	if rotated.Secret == made.Secret || !strings.HasPrefix(rotated.Secret, "whsec_") {
		t.Error("the secret is the same")
	}
	text, _ := io.ReadAll(s.ask("GET", "/api/v1/webhooks", bearer(s.token)).Body)
	if strings.Contains(string(text)+s.log.tail(), "whsec_") {
		t.Error("a secret is shown twice")
	}
	call[struct{}](t, s, town, "DELETE", where, 204, nil)
	call[httpapi.ProblemError](t, s, town, "DELETE", where, 404, nil)
}
