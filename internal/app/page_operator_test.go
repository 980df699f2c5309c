package app

import (
	"encoding/json"
	"fmt"
	stdhtml "html"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
)

// TestOperatorsPage holds the page of a running program against its API, its
// metrics and a real valve.
func TestOperatorsPage(t *testing.T) {
	w := newWaterworks(t)
	_, cookie := w.signIn(w.token, html)
	if cookie == nil {
		t.Fatal("the operator cannot sign in")
	}
	operator := func(r *http.Request) { r.AddCookie(cookie) }
	page := func(path string) string { return text(t, w.ask("GET", path, html, operator)) }
	if to := w.ask("POST", "/login", filled(url.Values{"token": {w.token}})).Header.Get("Location"); to != "/operations" {
		t.Errorf("the operator's own page is %s", to)
	}
	fleet := &trial{t: t, mqtt: w.server.MQTTAddress()}
	probe := func(message string) {
		t.Helper()
		if err := fleet.publish("s-001", "s-001", w.passwords["s-001"], "ganlin/v1/s-001/telemetry", message); err != nil {
			t.Fatal(err)
		}
	}
	probe(`{"seq":1,"values":{"soil_moisture@20":0.231,"battery_voltage":3.6}}`)
	probe(`{"seq":2,"values":{"soil_moisture@20":9,"battery_voltage":3.6}}`)
	probe(`<script>alert(1)</script>`)

	host, port, _ := strings.Cut(fleet.mqtt, ":")
	if out, err := exec.CommandContext(t.Context(), "mosquitto_pub", "-h", host, "-p", port, "-q", "0", "-u", "s-001", "-i", "s-001", "-P", w.passwords["s-001"],
		"-t", "ganlin/v1/s-001/telemetry", "-m", `{"seq":3,"values":{"battery_voltage":3.6}}`).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	w.samePageStatusAndMetrics(page)

	link := regexp.MustCompile(`<a href="(/operations/deadletters/[^"]+)">Not valid JSON</a>`)
	var found []string
	waitFor(t, 10*time.Second, "the bad message among the dead letters", func() (bool, string) {
		got := page("/operations?lang=en")
		found = link.FindStringSubmatch(got)
		return found != nil && strings.Contains(got, "ganlin/v1/s-001/telemetry") && strings.Contains(got, "Outside physical bounds"), got
	})
	letter := page(stdhtml.UnescapeString(found[1]))
	for _, want := range []string{"&lt;script&gt;alert(1)&lt;/script&gt;", "25 bytes", "native/1"} {
		if !strings.Contains(letter, want) {
			t.Errorf("the letter's page does not say %q: %s", want, letter)
		}
	}
	if strings.Contains(letter, "<script>alert") {
		t.Error("the letter's page runs what it shows")
	}

	// Foreign and forged stops change nothing, the operator's own closes a valve that is
	// open, with the records store and the database gone.
	w.opens(http.StatusAccepted)
	token := regexp.MustCompile(`action="/operations/stop".*?name="csrf" value="([^"]+)"`).FindStringSubmatch(page("/operations"))
	if token == nil {
		t.Fatal("the page has no form to stop")
	}
	form := func(csrf string) func(*http.Request) { return filled(url.Values{"csrf": {csrf}, "lang": {"en"}}) }
	farmer := bearer(w.add(t, httpapi.NewAccount{ID: "f", Role: "farmer", Household: "h-001"}))
	agronomist := bearer(w.add(t, httpapi.NewAccount{ID: "a", Role: "agronomist", Sites: []devices.SiteID{"sanquan"}}))
	for _, c := range []struct {
		name, path string
		who, form  func(*http.Request)
	}{
		{"without a token of the form", "/operations/stop", operator, form("")},
		{"with a wrong one", "/operations/stop", operator, form(token[1] + "x")},
		{"by a farmer", "/operations/stop", farmer, form(token[1])},
		{"by nobody", "/operations/stop", html, form(token[1])},
		{"the end of it, by an agronomist", "/operations/resume", agronomist, form(token[1])},
	} {
		if res := w.ask("POST", c.path, c.who, c.form); res.StatusCode != http.StatusForbidden && res.StatusCode != http.StatusUnauthorized {
			t.Errorf("the stop %s answers %d", c.name, res.StatusCode)
		}
	}
	if res := w.ask("GET", "/operations", agronomist); res.StatusCode != http.StatusForbidden {
		t.Errorf("the page for an agronomist: %d", res.StatusCode)
	}
	if w.valves.Stopped() {
		t.Fatal("a stop that was refused is in force")
	}
	w.breakStores()
	res := w.ask("POST", "/operations/stop?lang=en", operator, form(token[1]))
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/operations?lang=en" || flashed(res) != "stopped" {
		t.Errorf("the stop answers %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	if got := text(t, w.ask("GET", res.Header.Get("Location"), html, operator, header("Cookie", cookie.Name+"="+cookie.Value+"; ganlin_said="+flashed(res)))); !strings.Contains(got, "Below is what each answered") {
		t.Errorf("the page does not say how the stop went: %s", got)
	}
	waitFor(t, 10*time.Second, "the page to say that the valve is closed", func() (bool, string) {
		got := page("/operations?lang=en")
		all := w.valve.Openings()
		return strings.Contains(got, "<b>closed</b> <code>v-001</code>") && strings.Contains(got, "The records store cannot be written") &&
			strings.Contains(got, "dead letters cannot be shown") && !all[len(all)-1].ClosedAt.IsZero(), got
	})
	res = w.ask("POST", "/operations/resume?lang=en", operator, form(token[1]))
	if got := page("/operations?lang=en"); flashed(res) != "resumed" || !strings.Contains(got, "Stop all water") || w.valves.Stopped() {
		t.Errorf("the end of the stop leads to %s", res.Header.Get("Location"))
	}
}

// samePageStatusAndMetrics compares what page, API and metrics say at a quiet moment.
func (w *waterworks) samePageStatusAndMetrics(page func(path string) string) {
	w.t.Helper()
	var status httpapi.Status
	var shown map[string]string
	var measured map[string]string
	waitFor(w.t, 20*time.Second, "a quiet moment", func() (bool, string) {
		before, _ := w.Status(w.t.Context())
		shown = figuresOf(page("/operations?lang=en"))
		measured = metricsOf(text(w.t, w.ask("GET", "/metrics", bearer(w.token))))
		status, _ = w.Status(w.t.Context())
		quiet := before.Accounting == status.Accounting && status.Accounting.Values.Waiting == 0 && status.Accounting.Messages.DeadLettered > 0 && shown["Messages without a promise (QoS 0)"] == "1"
		return quiet && shown["store"] == "up to date" && shown["Not valid JSON"] != "" && measured["ganlin_accounting_quiet"] == "1", fmt.Sprint(status.Accounting, shown)
	})
	a := status.Accounting
	for label, same := range map[string][]string{
		"received":                           {fmt.Sprint(a.Messages.Received), measured["ganlin_ingest_messages_received_total"]},
		"dead letters":                       {fmt.Sprint(a.Messages.DeadLettered), measured[`ganlin_ingest_messages_total{result="dead_lettered"}`]},
		"stored":                             {fmt.Sprint(a.Values.Stored), measured[`ganlin_ingest_values_total{result="stored"}`], measured["ganlin_store_points_total"]},
		"duplicate":                          {fmt.Sprint(a.Values.Duplicate), measured[`ganlin_ingest_values_total{result="duplicate"}`]},
		"rejected":                           {fmt.Sprint(a.Values.Rejected), measured[`ganlin_ingest_values_total{result="rejected"}`]},
		"waiting":                            {fmt.Sprint(a.Values.Waiting), measured["ganlin_ingest_values_waiting"]},
		"Outside physical bounds":            {"1"},
		"Not valid JSON":                     {measured[`ganlin_deadletters_total{reason="bad_json"}`]},
		"Connected devices":                  {measured["ganlin_door_connected_devices"]},
		"Messages without a promise (QoS 0)": {measured["ganlin_ingest_qos0_messages_total"]},
		"Closed":                             {measured[`ganlin_valves{state="closed"}`]},
		"Nobody knows":                       {measured[`ganlin_valves{state="unknown"}`]},
		"Online":                             {measured[`ganlin_devices{state="online"}`]},
		"Offline":                            {measured[`ganlin_devices{state="offline"}`]},
		"Signals waiting":                    {measured["ganlin_signals_pending"]},
		"Time stands at":                     {status.Tick.In(time.FixedZone("", 8*3600)).Format("2 January 2006 15:04:05")},
	} {
		for _, want := range same {
			if shown[label] != want || want == "" {
				w.t.Errorf("the page shows %q as %q, and elsewhere it is %q", label, shown[label], want)
			}
		}
	}
	for _, label := range []string{"Time to disk", "Time of a write"} {
		if !regexp.MustCompile(`^usually [\d.]+ ms`).MatchString(shown[label]) {
			w.t.Errorf("%s is %q", label, shown[label])
		}
	}
	if parts, _ := json.Marshal(status.Parts); strings.Contains(string(parts), "unreachable") {
		w.t.Errorf("the parts are %s", parts)
	}
}

var (
	figureRow = regexp.MustCompile(`<div><dt>([^<]*)</dt><dd>(?:<g-t>)?([^<]*)(?:</g-t>)?</dd></div>`)
	ledgerRow = regexp.MustCompile(`<th scope="row">(?:<g-t>)?([^<]*)(?:</g-t>)?</th><td><g-t>([^<]*)</g-t></td>`)
)

// figuresOf reads the numbers of the operator's page by their labels; of equal labels the last counts.
func figuresOf(page string) map[string]string {
	all := map[string]string{}
	for _, m := range append(figureRow.FindAllStringSubmatch(page, -1), ledgerRow.FindAllStringSubmatch(page, -1)...) {
		all[stdhtml.UnescapeString(m[1])] = strings.ReplaceAll(stdhtml.UnescapeString(m[2]), ",", "")
	}
	return all
}

// metricsOf reads what /metrics shows, by series.
func metricsOf(page string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(page) {
		if series, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			all[series] = value
		}
	}
	return all
}
