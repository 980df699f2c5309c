package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

// A caller asks a program's API and holds every answer against its document.
type caller struct {
	t        *testing.T
	base     string
	token    string
	document *openapi3.T
}

func newCaller(t *testing.T, base, token string) *caller {
	t.Helper()
	text, err := httpapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	return &caller{t, base, token, document}
}

// as is the same caller with another token.
func (c *caller) as(token string) *caller {
	other := *c
	other.token = token
	return &other
}

// call asks an operation of the document: path with its variables filled in by names, and a query.
func (c *caller) call(method, path string, names map[string]string, query string, body any) (int, []byte) {
	c.t.Helper()
	item := c.document.Paths.Value("/api/v1" + path)
	if item == nil || item.GetOperation(method) == nil {
		c.t.Fatalf("the document has no %s %s", method, path)
	}
	target := path
	for name, value := range names {
		target = strings.ReplaceAll(target, "{"+name+"}", url.PathEscape(value))
	}
	var sent io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+"/api/v1"+target+query, sent)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r, PathParams: names,
			Route: &routers.Route{Spec: c.document, Path: "/api/v1" + path, PathItem: item, Method: method, Operation: item.GetOperation(method)},
		},
		Status: res.StatusCode, Header: res.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if item.GetOperation(method).Responses.Value(strconv.Itoa(res.StatusCode)) == nil {
		c.t.Errorf("%s %s%s answers %d, which the document does not name", method, target, query, res.StatusCode)
	}
	input.SetBodyBytes(text)
	if err := openapi3filter.ValidateResponse(c.t.Context(), input); err != nil {
		c.t.Errorf("%s %s%s answers %d otherwise than the document: %v\n%s", method, target, query, res.StatusCode, err, text)
	}
	return res.StatusCode, text
}

// get reads an operation's good answer into out.
func (c *caller) get(path string, names map[string]string, query string, out any) {
	c.t.Helper()
	status, text := c.call(http.MethodGet, path, names, query, nil)
	if status != http.StatusOK {
		c.t.Fatalf("GET %s%s answers %d: %s", path, query, status, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		c.t.Fatal(err)
	}
}

// TestAPI asks everything of the API that a village can be asked after some
// days, as the operator, as a farmer and as one from elsewhere.
func TestAPI(t *testing.T) {
	tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
	tr.demo("--days", "45")
	tr.waitReady()
	tr.reaches(45)
	c := newCaller(t, tr.ready.HTTP, tr.ready.Token)

	var plots httpapi.PlotPage
	c.get("/plots", nil, "?place=500119&limit=4", &plots)
	if len(plots.Items) != 4 || plots.Next == "" {
		t.Fatalf("%d plots of six are on the first page", len(plots.Items))
	}
	var rest httpapi.PlotPage
	c.get("/plots", nil, "?place=500119&limit=4&after="+plots.Next, &rest)
	if len(rest.Items) != 2 || rest.Next != "" || rest.Items[0].State == nil {
		t.Errorf("the second page holds %+v", rest)
	}
	one := map[string]string{"id": "p-001"}
	var detail httpapi.PlotDetail
	c.get("/plots/{id}", one, "", &detail)
	if len(detail.Devices) < 2 || !slices.ContainsFunc(detail.Devices, func(d httpapi.DeviceNow) bool { return len(d.Values) > 3 }) {
		t.Errorf("on p-001 stand %+v", detail.Devices)
	}
	var outlook httpapi.Outlook
	c.get("/plots/{id}/outlook", one, "", &outlook)
	if outlook.AsOf == nil || outlook.Advice.Kind == "" {
		t.Errorf("the outlook is %+v", outlook)
	}
	c.history(t)
	var ledger httpapi.LedgerPage
	c.get("/water/ledger", nil, "?limit=3", &ledger)
	if len(ledger.Items) == 0 {
		t.Error("nobody watered")
	}
	for _, entry := range ledger.Items {
		var explained httpapi.Explained
		c.get("/decisions/{id}", map[string]string{"id": entry.Decision[:12]}, "", &explained)
		if explained.Decision.ID != entry.Decision || explained.Sentence["zh-CN"] == "" || explained.Sentence["en"] == "" {
			t.Errorf("%s is explained as %+v", entry.Decision, explained)
		}
	}
	for path, item := range c.document.Paths.Map() { // every list
		read := item.Get
		if read == nil || strings.Contains(path, "{") || read.Responses.Value("200").Value.Content.Get("text/event-stream") != nil {
			continue
		}
		if status, text := c.call(http.MethodGet, strings.TrimPrefix(path, "/api/v1"), nil, "", nil); status != http.StatusOK {
			t.Errorf("%s answers %d %s", path, status, text)
		}
	}
	c.valves(t)
	c.reach(t)
}

// history asks for every kind of history.
func (c *caller) history(t *testing.T) {
	t.Helper()
	plot := map[string]string{"id": "p-001"}
	span := "&from=2026-06-01T16:00:00Z&to=2026-06-11T16:00:00Z"
	for quantity, series := range map[string]int{
		"soil_moisture": 3, "soil_moisture@20": 1, "air_temperature": 1, "depletion_mm": 1, "grade": 1, "battery_voltage": 1, "soil_moisture@77": 0,
	} {
		var h httpapi.History
		c.get("/plots/{id}/series", plot, "?quantity="+url.QueryEscape(quantity)+span+"&every=1d", &h)
		if len(h.Series) != series {
			t.Errorf("%s has %d series, want %d", quantity, len(h.Series), series)
		}
		for _, s := range h.Series {
			if len(s.Points) != 10 {
				t.Errorf("%s of %s%s has %d days, want 10", quantity, s.Device, s.DepthCM, len(s.Points))
			}
			for _, p := range s.Points {
				if p.At.Format("15:04") != "16:00" || p.Min > p.Mean || p.Mean > p.Max || p.Count < 1 {
					t.Errorf("%s: a day is %+v", quantity, p)
				}
			}
		}
	}
	watered := 0
	for i := range 6 {
		var h httpapi.History
		c.get("/plots/{id}/series", map[string]string{"id": fmt.Sprintf("p-%03d", i+1)}, "?quantity=watering&from=2026-05-01T00:00:00Z", &h)
		watered += len(h.Series)
	}
	if watered == 0 {
		t.Error("no watering is in the history")
	}
	for _, query := range []string{"?quantity=weather", "?quantity=rain&every=1m&from=2026-05-01T00:00:00Z", "?quantity=rain&from=2027-05-01T00:00:00Z", "?quantity=rain&every=0h"} {
		if status, text := c.call(http.MethodGet, "/plots/{id}/series", plot, query, nil); status != http.StatusBadRequest || !strings.Contains(string(text), "pointer") {
			t.Errorf("%s answers %d %s", query, status, text)
		}
	}
}

// valves acts on valves as a person does.
func (c *caller) valves(t *testing.T) {
	t.Helper()
	var valve devices.DeviceID
	var plots httpapi.PlotPage
	c.get("/plots", nil, "", &plots)
	for _, p := range plots.Items {
		if len(p.Valves) > 0 {
			valve = p.Valves[0]
		}
	}
	id := map[string]string{"id": string(valve)}
	accepted := 0
	for range 20 { // people who open it one after the other, also before any page knows of the first
		var command httpapi.Command
		status, text := c.call(http.MethodPost, "/valves/{id}/open", id, "", httpapi.Opening{DurationS: 900, Reason: "dry"})
		switch {
		case status == http.StatusAccepted && json.Unmarshal(text, &command) == nil && command.MaxDurationS == 900:
			accepted++
		case status != http.StatusConflict:
			t.Errorf("an opening answers %d %s", status, text)
		}
	}
	if accepted != 1 {
		t.Errorf("%d leases of one valve were given", accepted)
	}
	status, text := c.call(http.MethodPost, "/stop", nil, "", nil)
	var stopped httpapi.Stopped
	if err := json.Unmarshal(text, &stopped); err != nil || status != http.StatusOK || stopped.Valves[string(valve)] != "closed" {
		t.Errorf("the stop answers %d %s", status, text)
	}
	if status, text := c.call(http.MethodPost, "/valves/{id}/open", id, "", httpapi.Opening{DurationS: 900}); status != http.StatusConflict {
		t.Errorf("under a stop an opening answers %d %s", status, text)
	}
	if status, text := c.call(http.MethodPost, "/valves/{id}/close", id, "", nil); status != http.StatusAccepted {
		t.Errorf("under a stop a close answers %d %s", status, text)
	}
	if status, text := c.call(http.MethodPost, "/resume", nil, "", nil); status != http.StatusNoContent {
		t.Errorf("the resume answers %d %s", status, text)
	}
}

// reach asks as a farmer and as an agronomist of another place for what is not theirs.
func (c *caller) reach(t *testing.T) {
	t.Helper()
	var made httpapi.MadeToken
	account := func(a httpapi.NewAccount) *caller {
		status, text := c.call(http.MethodPost, "/accounts", nil, "", a)
		if err := json.Unmarshal(text, &made); err != nil || status != http.StatusOK {
			t.Fatalf("an account: %d %s", status, text)
		}
		return c.as(made.Token)
	}
	farmer := account(httpapi.NewAccount{ID: "farmer-of-one", Role: "farmer", Household: "h-001"})
	stranger := account(httpapi.NewAccount{ID: "agronomist-elsewhere", Role: "agronomist", Places: []devices.PlaceCode{"510000"}})
	var own, all, none httpapi.PlotPage
	farmer.get("/plots", nil, "", &own)
	c.get("/plots", nil, "", &all)
	stranger.get("/plots", nil, "", &none)
	if len(own.Items) == 0 || len(own.Items) >= len(all.Items) || len(none.Items) != 0 {
		t.Fatalf("the farmer sees %d plots of %d, and who is from elsewhere %d", len(own.Items), len(all.Items), len(none.Items))
	}
	foreign := ""
	for _, p := range all.Items {
		if !slices.ContainsFunc(own.Items, func(o httpapi.Plot) bool { return o.ID == p.ID }) {
			foreign = string(p.ID)
		}
	}
	var ledger, mine httpapi.LedgerPage
	c.get("/water/ledger", nil, "", &ledger)
	farmer.get("/water/ledger", nil, "", &mine)
	for _, entry := range mine.Items {
		if !slices.ContainsFunc(own.Items, func(o httpapi.Plot) bool { return o.ID == entry.Plot }) {
			t.Errorf("the farmer's ledger holds %s", entry.Plot)
		}
	}
	for _, entry := range ledger.Items {
		if status, _ := stranger.call(http.MethodGet, "/decisions/{id}", map[string]string{"id": entry.Decision}, "", nil); status != http.StatusNotFound {
			t.Errorf("a foreign decision answers %d", status)
		}
	}
	for _, path := range []string{"/plots/{id}", "/plots/{id}/outlook", "/plots/{id}/series"} {
		query := map[bool]string{true: "?quantity=rain"}[strings.HasSuffix(path, "series")]
		_, theirs := farmer.call(http.MethodGet, path, map[string]string{"id": foreign}, query, nil)
		_, nobodys := farmer.call(http.MethodGet, path, map[string]string{"id": "p-999"}, query, nil)
		if string(bytes.ReplaceAll(theirs, []byte(foreign), []byte("p-999"))) != string(nobodys) || !bytes.Contains(theirs, []byte(`"status":404`)) {
			t.Errorf("%s of a neighbour answers %s, of nobody %s", path, theirs, nobodys)
		}
	}
	for _, query := range []string{"?plot=" + foreign, "?plot=p-999"} {
		if status, _ := farmer.call(http.MethodGet, "/alerts", nil, query, nil); status != http.StatusNotFound {
			t.Errorf("alerts%s answers %d", query, status)
		}
	}
	if status, _ := farmer.call(http.MethodPost, "/stop", nil, "", nil); status != http.StatusForbidden {
		t.Errorf("the emergency stop by a farmer answers %d", status)
	}
}

// TestPeopleAndAlerts acknowledges and answers alerts of a program as its people, over a restart.
func TestPeopleAndAlerts(t *testing.T) {
	folder := t.TempDir()
	s := openStill(t, folder, nil)
	s.serve(t)
	at := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	if err := s.records.CommitEffects(t.Context(), records.Effects{Progress: records.Progress{Reader: readerRules}, Decisions: []devices.Decision{
		{ID: "d-1", At: at, Site: "sanquan", Subject: "p-001", Plot: "p-001", Rule: "drought", Kind: devices.AlertDecision, Outcome: "firing", Texts: map[string]string{"alert": "a-1"}},
	}, Alerts: []records.AlertRow{
		{ID: "a-1", Rule: "drought", Severity: "warning", Subject: "p-001", Plot: "p-001", Site: "sanquan", State: "regained", RaisedAt: at},
		{ID: "a-2", Rule: "drought", Severity: "warning", Subject: "p-002", Plot: "p-002", Site: "sanquan", State: "unknown", RaisedAt: at},
		{ID: "a-3", Rule: "silent", Severity: "warning", Subject: "w-01", Site: "sanquan", State: "resolved", RaisedAt: at.Add(time.Hour), ResolvedAt: at.Add(2 * time.Hour)},
	}}); err != nil {
		t.Fatal(err)
	}
	operator := newCaller(t, s.url(), s.token)
	farmer := operator.as(s.add(t, httpapi.NewAccount{ID: "f", Role: "farmer", Household: "h-001"}))
	agronomist := operator.as(s.add(t, httpapi.NewAccount{ID: "a", Role: "agronomist", Sites: []devices.SiteID{"sanquan"}}))

	listed := func(c *caller, query string) (ids []string) {
		after := ""
		for {
			var page httpapi.AlertPage
			c.get("/alerts", nil, "?limit=1"+query+after, &page)
			for _, a := range page.Items {
				ids = append(ids, a.ID+" "+string(a.State))
			}
			if after = "&after=" + page.Next; page.Next == "" {
				return ids
			}
		}
	}
	for _, l := range []struct {
		name string
		got  []string
		want string
	}{
		{"the farmer", listed(farmer, ""), "[a-3 resolved a-1 firing]"}, // the station is that of the plot
		{"the agronomist", listed(agronomist, ""), "[a-3 resolved a-1 firing a-2 unknown]"},
		{"the operator, of what is open", listed(operator, "&open=true"), "[a-1 firing a-2 unknown]"},
		{"the operator, of a plot", listed(operator, "&plot=p-002"), "[a-2 unknown]"},
	} {
		if fmt.Sprint(l.got) != l.want {
			t.Errorf("%s sees %v, want %s", l.name, l.got, l.want)
		}
	}
	act := func(c *caller, id, what string, body any) int {
		status, _ := c.call(http.MethodPost, "/alerts/{id}/"+what, map[string]string{"id": id}, "", body)
		return status
	}
	answer := httpapi.NewAnswer{Answer: httpapi.NewAnswerAnswerWatered}
	for _, c := range []struct {
		name   string
		status int
		want   int
	}{
		{"the farmer acknowledges", act(farmer, "a-1", "acknowledge", nil), 200},
		{"the farmer acknowledges again", act(farmer, "a-1", "acknowledge", nil), 200},
		{"the farmer answers", act(farmer, "a-1", "answer", answer), 200},
		{"the agronomist acknowledges", act(agronomist, "a-1", "acknowledge", nil), 200},
		{"a neighbour's alert", act(farmer, "a-2", "answer", answer), 404},
		{"an alert that is not there", act(farmer, "a-9", "answer", answer), 404},
		{"an unknown answer", act(farmer, "a-1", "answer", map[string]string{"answer": "perhaps"}), 400},
	} {
		if c.status != c.want {
			t.Errorf("%s: %d, want %d", c.name, c.status, c.want)
		}
	}
	var why httpapi.Explained
	farmer.get("/decisions/{id}", map[string]string{"id": "a-1"}, "", &why)
	if why.Decision.ID != "d-1" {
		t.Errorf("the alert was raised by %+v", why.Decision)
	}
	var alert httpapi.Alert
	farmer.get("/alerts/{id}", map[string]string{"id": "a-1"}, "", &alert)
	var said []string
	for _, a := range alert.Acts {
		said = append(said, strings.TrimSpace(a.By+" "+string(a.Act)+" "+a.Answer))
	}
	if want := []string{"f acknowledged", "f answered watered", "a acknowledged"}; !slices.Equal(said, want) {
		t.Errorf("said was %q, want %q", said, want)
	}
}
