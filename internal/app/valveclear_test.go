package app

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

// creeps lets the meter of a valve turn although it is closed, as a second
// connection under its name says, until the rules have locked it.
func (y *yard) creeps(id devices.DeviceID) {
	y.t.Helper()
	conn, err := dialMQTT(y.t.Context(), y.server.MQTTAddress(), string(id), string(id), y.passwords[id])
	if err != nil {
		y.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	acks := make(chan error, 2)
	go readAcks(conn, acks)
	for i := range 2 {
		at := time.Now().UTC().Add(time.Duration(2+2*i) * time.Minute).Format(time.RFC3339)
		if _, err := conn.Write(publishPacket("ganlin/v1/"+string(id)+"/telemetry", uint16(i+1), fmt.Appendf(nil, `{"at":%q,"values":{"flow":3}}`, at))); err != nil {
			y.t.Fatal(err)
		}
		if err := <-acks; err != nil {
			y.t.Fatal(err)
		}
	}
}

// TestAValveIsCleared locks two valves of a whole program whose meters creep, and
// has people who looked at them say that they are shut: by the command line and by
// the page of the plot. From then on they open, and who said it is on record.
func TestAValveIsCleared(t *testing.T) {
	t.Parallel()
	y := newYard(t, t.TempDir(), 2, nil)
	if err := writeReadiness(y.folder.file(runFile), y.readiness()); err != nil {
		t.Fatal(err)
	}
	agronomist := y.add(t, httpapi.NewAccount{ID: "agro-1", Role: "agronomist", Sites: []devices.SiteID{"sanquan"}})
	stranger := y.add(t, httpapi.NewAccount{ID: "agro-2", Role: "agronomist", Places: []devices.PlaceCode{"510000"}})
	farmer := y.add(t, httpapi.NewAccount{ID: "f-1", Role: "farmer", Household: "h-1"})
	open := map[string]int{"duration_s": 600}
	y.creeps("v-1")
	y.creeps("v-2")
	y.tick(lateness + 4*time.Minute)
	for _, id := range []string{"v-1", "v-2"} {
		waitFor(t, 20*time.Second, id+" to be locked", func() (bool, string) {
			status, text := y.post("/valves/"+id+"/open", open)
			return status == http.StatusConflict && strings.Contains(text, "water runs"), text
		})
	}
	for token, want := range map[string]int{farmer: http.StatusForbidden, stranger: http.StatusNotFound} {
		if res := y.ask("POST", "/api/v1/valves/v-1/clear", bearer(token)); res.StatusCode != want {
			t.Errorf("a clear that is nobody's to give answers %d, want %d", res.StatusCode, want)
		}
	}

	var out, errOut bytes.Buffer
	if code := run(t.Context(), []string{"valves", "clear", "v-1", "--data", y.folder.path}, &out, &errOut, hooks{}); code != exitDone {
		t.Fatalf("ganlin valves clear: %d %s", code, &errOut)
	}
	_, session := y.signIn(agronomist)
	as := func(r *http.Request) { r.AddCookie(session) }
	page := text(t, y.ask("GET", "/plots/p-2?lang=en", as, html))
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)
	if token == nil || !strings.Contains(page, `name="valve" value="v-2"`) {
		t.Fatalf("the page has no form to clear v-2: %s", page)
	}
	form := url.Values{"csrf": {token[1]}, "lang": {"en"}, "valve": {"v-2"}}
	if res := y.ask("POST", "/plots/p-2", as, html, filled(form)); flashed(res) != "done" {
		t.Errorf("the form leads to %q", flashed(res))
	}
	form.Set("valve", "v-1")
	if res := y.ask("POST", "/plots/p-2", as, html, filled(form)); flashed(res) != "trouble" {
		t.Errorf("the form of another plot's valve leads to %q", flashed(res))
	}
	for _, d := range y.valves { // people see at once what they did, and the valve says itself that it is closed
		waitFor(t, 20*time.Second, string(d.ID())+" to open", func() (bool, string) {
			status, text := y.post("/valves/"+string(d.ID())+"/open", open)
			return status == http.StatusAccepted, text
		})
		waitFor(t, 20*time.Second, "water from "+string(d.ID()), func() (bool, string) { return len(d.Openings()) == 1, y.log.tail() })
	}
	if status, text := y.post("/valves/v-1/close", nil); status != http.StatusAccepted {
		t.Errorf("a close answers %d %s", status, text)
	}
	waitFor(t, 20*time.Second, "v-1 to close", func() (bool, string) { return y.state("v-1") == devices.Closed, y.log.tail() })
	y.creeps("v-1") // as before: it is no leak
	y.tick(lateness + 5*time.Minute)
	if v := y.decidedNow().valves["v-1"]; v.Leaking || v.Locked {
		t.Errorf("what a person had seen is a leak again: %+v", v)
	}
	if status, text := y.post("/valves/v-1/clear", nil); status != http.StatusConflict || !strings.Contains(text, "nothing to clear") {
		t.Errorf("a clear of nothing answers %d %s", status, text)
	}
	page = text(t, y.ask("GET", "/plots/p-2?lang=en", as, html))
	if !strings.Contains(page, "agro-1 looked at valve v-2") || !strings.Contains(page, "water runs") {
		t.Errorf("the page does not say who cleared it, and what of: %s", page)
	}
	acts, err := y.records.Decisions(t.Context(), records.DecisionFilter{Kind: devices.ActDecision})
	if err != nil || len(acts) != 2 {
		t.Fatalf("%d acts are decisions, %v", len(acts), err)
	}
	for _, d := range acts {
		if explained := text(t, y.ask("GET", "/decisions/"+d.ID+"?lang=zh", as, html)); !strings.Contains(explained, "到现场看过阀门") {
			t.Errorf("%s is explained as %s", d.ID, explained)
		}
	}
}
