package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/notify"
	"ganlin/internal/records"
	"ganlin/internal/registry"
	"ganlin/rules"
	"ganlin/rules/condition"
)

// A letterbox is a real receiver of webhooks.
type letterbox struct {
	*httptest.Server
	mu      sync.Mutex
	letters []received
	answer  func(r *http.Request) int // nil: 204
}

// A received message, as it came.
type received struct {
	ID        string
	At        time.Time // on the wall
	Path      string
	Timestamp time.Time // event time
	Data      struct {
		Household string
		Title     string
		Text      string
		Link      string
		Urgent    bool
		Episodes  []notify.Line
	}
}

func newLetterbox(tb testing.TB) *letterbox {
	tb.Helper()
	b := &letterbox{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		got := received{ID: r.Header.Get("Webhook-Id"), At: time.Now(), Path: r.URL.Path}
		if err == nil {
			err = json.Unmarshal(body, &got)
		}
		if err != nil {
			tb.Errorf("a message that cannot be read: %v", err)
		}
		status := http.StatusNoContent
		if b.answer != nil {
			status = b.answer(r)
		}
		if status < 300 {
			b.mu.Lock()
			b.letters = append(b.letters, got)
			b.mu.Unlock()
		}
		w.WriteHeader(status)
	}))
	tb.Cleanup(b.Close)
	return b
}

func (b *letterbox) all() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.letters)
}

// titles waits for n messages and returns what they are titled, sorted.
func (b *letterbox) titles(tb testing.TB, n int) (titles []string) {
	tb.Helper()
	waitFor(tb, 20*time.Second, fmt.Sprintf("%d messages", n), func() (bool, string) { return len(b.all()) >= n, fmt.Sprint(b.all()) })
	for _, l := range b.all() {
		titles = append(titles, l.Data.Title)
	}
	slices.Sort(titles)
	return titles
}

// mannerly checks that the messages of a season are as few as is promised, and
// that none but urgent ones came by night.
func (b *letterbox) mannerly(tb testing.TB) {
	tb.Helper()
	zone := time.FixedZone("Asia/Shanghai", 8*3600)
	quiet := notify.Quiet{From: 21 * 60, Until: 6 * 60}
	days, ids := map[string]int{}, map[string]bool{}
	for _, l := range b.all() {
		at := l.Timestamp.In(zone)
		if ids[l.ID] {
			tb.Errorf("message %s came twice", l.ID)
		}
		ids[l.ID] = true
		if quiet.Holds(at) && !l.Data.Urgent {
			tb.Errorf("%q came at %s", l.Data.Title, at)
		}
		day, most := fmt.Sprint(l.Data.Household, at.Format(time.DateOnly), l.Data.Urgent), config.Default().Notify.Daily
		if slices.ContainsFunc(l.Data.Episodes, func(e notify.Line) bool { return e.Severity == condition.Critical && !e.Over }) && !l.Data.Urgent {
			most *= 2
		}
		if days[day]++; days[day] > most {
			tb.Errorf("%s: %d messages", day, days[day])
		}
	}
	if len(ids) < 20 {
		tb.Errorf("only %d messages in a season", len(ids))
	}
	tb.Logf("%d messages on %d days of a household", len(ids), len(days))
}

// A desk is the messages of a data folder without the rest of the program.
type desk struct {
	t      *testing.T
	store  *records.Store
	folder *folder
	reg    *registry.Registry
	config config.Notify

	mu  sync.Mutex
	now time.Time

	n    *notices
	stop func()
}

const deskRegistry = `
places: [{code: "500119101001", name: 三泉村}]
sites: [{id: sanquan, place: "500119101001"}]
stations: [{id: w-01, latitude: 29.16, longitude: 107.10, elevation_m: 640}]
plots:
  - {id: p-001, name: 后坡三号, place: "500119101001", station: w-01, household: h-001, area_mu: 3.2, crop: maize_grain, planted: 2026-04-02, soil: silt_loam, valves: [v-001]}
  - {id: p-002, name: 大湾五号, place: "500119101001", station: w-01, household: h-002, area_mu: 3.2, crop: maize_grain, planted: 2026-04-02, soil: silt_loam}
devices: [{id: v-001, model: ganlin-valve-1, plot: p-001, max_duration_s: 7200}]
`

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, config: config.Default().Notify, now: time.Date(2026, 7, 1, 2, 0, 0, 0, time.UTC)} // 10:00 there
	d.config.Webhook, d.config.Group, d.config.AllowPrivate = &config.WebhookChannel{}, 0, thisMachine()
	var err error
	if d.folder, err = openFolder(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if d.store, err = records.Open(t.Context(), d.folder.file(recordsFile)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = d.store.Close(), d.folder.close() })
	d.reg = d.read(deskRegistry)
	return d
}

func (d *desk) read(text string) *registry.Registry {
	d.t.Helper()
	reg, problems := registry.Load(nil, registry.Options{Imported: []*registry.File{registry.Read("r.yaml", []byte(text))}})
	if reg == nil {
		d.t.Fatal(problems)
	}
	return reg
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) pass(by time.Duration) {
	d.mu.Lock()
	d.now = d.now.Add(by)
	d.mu.Unlock()
	d.n.outbox.Kick()
}

// open opens the outbox as a new process does, and runs it.
func (d *desk) open() {
	d.t.Helper()
	seal, err := d.folder.contactsSeal(d.t.Context(), d.store)
	if err != nil {
		d.t.Fatal(err)
	}
	d.n, err = newNotices(d.t.Context(), noticesOptions{
		config: d.config, store: noticeStore{d.store, seal, slog.New(slog.DiscardHandler)}, registry: func() *registry.Registry { return d.reg }, now: d.clock,
		link: func(devices.HouseholdID) string { return "" }, advice: func(devices.PlotID) rules.Advice { return rules.Advice{} },
	})
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = d.n.outbox.Run(ctx) })
	d.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	d.t.Cleanup(d.stop)
}

// contact imports contacts, one a line.
func (d *desk) contact(lines ...string) []string {
	d.t.Helper()
	done, err := d.n.ImportContacts(d.t.Context(), httpapi.ContactFile{Name: "c.csv", Content: "household,channel,address\n" + strings.Join(lines, "\n")})
	if err != nil {
		d.t.Fatal(err)
	}
	return done.Contacts
}

// alert decides that an alert fires or is resolved.
func (d *desk) alert(id, rule, subject string, plot devices.PlotID, severity, outcome string) {
	d.t.Helper()
	at := d.clock()
	decision := devices.Decision{
		ID: id + outcome, At: at, Site: "sanquan", Subject: subject, Plot: plot, Rule: rule, Kind: devices.AlertDecision, Outcome: outcome, Severity: severity,
		Texts: map[string]string{"alert": id, "raised_at": at.Format(time.RFC3339)},
	}
	if err := d.store.CommitEffects(d.t.Context(), records.Effects{Progress: records.Progress{Reader: readerRules}, Decisions: []devices.Decision{decision}}); err != nil {
		d.t.Fatal(err)
	}
	d.n.outbox.Kick()
}

func (d *desk) states() map[string]int {
	d.t.Helper()
	list, err := d.n.List(d.t.Context(), 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	states := map[string]int{}
	for _, n := range list {
		states[n.State]++
	}
	return states
}

func (d *desk) waitStates(want map[string]int) {
	d.t.Helper()
	waitFor(d.t, 20*time.Second, fmt.Sprint(want), func() (bool, string) { return maps.Equal(d.states(), want), fmt.Sprint(d.states()) })
}

// TestMessagesReachTheirHousehold also over restarts: each once.
func TestMessagesReachTheirHousehold(t *testing.T) {
	box := newLetterbox(t)
	d := newDesk(t)
	d.open()
	d.alert("a0", "drought", "p-001", "p-001", "warning", "firing") // before anybody was there to be told
	d.contact("h-001,webhook,"+box.URL+"/one", "h-002,webhook,"+box.URL+"/two", "h-404,webhook,"+box.URL+"/nobody")
	d.alert("a1", "drought", "p-001", "p-001", "warning", "firing")
	d.alert("a2", "low_battery", "v-001", "p-001", "info", "firing")
	d.alert("a3", "probe_silent", "s-001", "p-002", "warning", "firing")
	d.alert("a4", "station_silent", "w-01", "", "warning", "firing")
	want := []string{"后坡三号：地干了", "大湾五号：探头没有消息"}
	if got := box.titles(t, 2); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	d.waitStates(map[string]int{"sent": 2})
	for range 2 {
		d.stop()
		d.open()
		d.pass(time.Minute)
	}
	d.alert("a1", "drought", "p-001", "p-001", "warning", "resolved")
	want = []string{"后坡三号：地干了", "大湾五号：探头没有消息", "没事了：后坡三号"}
	slices.Sort(want)
	if got := box.titles(t, 3); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	d.waitStates(map[string]int{"sent": 3})
	for _, l := range box.all() {
		if path := map[string]string{"h-001": "/one", "h-002": "/two"}[l.Data.Household]; l.Path != path || len(l.ID) != 24 {
			t.Errorf("%+v", l)
		}
	}
}

// TestWhatEndsForAPlotThatHasLeft: whoever was told that something began is told
// that it is over, also of a plot that is another household's or nobody's by then.
func TestWhatEndsForAPlotThatHasLeft(t *testing.T) {
	for name, registryNow := range map[string]string{
		"the plot stays":                deskRegistry,
		"the plot leaves":               strings.NewReplacer("  - {id: p-001,", "#", "devices: [{id: v-001", "#").Replace(deskRegistry),
		"it is another household's now": strings.Replace(deskRegistry, "household: h-001", "household: h-002", 1),
	} {
		t.Run(name, func(t *testing.T) {
			box := newLetterbox(t)
			d := newDesk(t)
			d.open()
			d.contact("h-001,webhook,"+box.URL+"/one", "h-002,webhook,"+box.URL+"/two")
			d.alert("a1", "drought", "p-001", "p-001", "warning", "firing")
			box.titles(t, 1)
			d.waitStates(map[string]int{"sent": 1})
			d.stop()
			d.reg = d.read(registryNow)
			d.open()
			d.alert("a1", "drought", "p-001", "p-001", "warning", "resolved")
			box.titles(t, 2)
			d.waitStates(map[string]int{"sent": 2})
			for _, l := range box.all() {
				if l.Data.Household != "h-001" {
					t.Errorf("%s is told %+v", l.Data.Household, l)
				}
			}
			books, err := d.n.store.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range books.Books {
				if len(b.Entries) > 0 {
					t.Errorf("the book of %s still has %+v", b.Contact, b.Entries)
				}
			}
		})
	}
}

// TestOneStuckChannelDelaysNoOther has a receiver that never answers beside one that does.
func TestOneStuckChannelDelaysNoOther(t *testing.T) {
	over := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // the server sees a client that leaves only once the body is read
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	defer stuck.Close()
	defer close(over)
	box := newLetterbox(t)
	d := newDesk(t)
	d.config.Ntfy = &config.NtfyChannel{URL: stuck.URL}
	d.open()
	var lines []string
	for n := range 20 { // more than a channel tries at once
		lines = append(lines, fmt.Sprintf("h-001,ntfy,topic-%d", n))
	}
	d.contact(append(lines, "h-001,webhook,"+box.URL+"/one")...)
	for n := range 3 {
		d.alert(fmt.Sprint("a", n), "drought", "p-001", "p-001", "warning", "firing")
		box.titles(t, n+1)
	}
	waitFor(t, 10*time.Second, "three messages to be noted as sent", func() (bool, string) { s := d.states(); return s["sent"] == 3, fmt.Sprint(s) })
	if s := d.states(); s["sending"] == 0 || s["failed"] != 0 {
		t.Errorf("%v", s)
	}
}

// TestAMessageThatNobodyTakes ends in the list, and the next one goes its way.
func TestAMessageThatNobodyTakes(t *testing.T) {
	box := newLetterbox(t)
	box.answer = func(r *http.Request) int {
		if r.URL.Path == "/gone" {
			return http.StatusGone
		}
		return http.StatusNoContent
	}
	d := newDesk(t)
	d.open()
	ids := d.contact("h-001,webhook,"+box.URL+"/gone", "h-001,webhook,"+box.URL+"/here")
	d.alert("a1", "valve_leak", "v-001", "p-001", "critical", "firing")
	d.waitStates(map[string]int{"sent": 1, "failed": 1})
	list, err := d.n.List(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list {
		if failed := n.State == "failed"; failed != (n.Contact == ids[0]) || failed != (n.Error != "") || !n.Urgent || n.Tries != 1 || strings.Contains(n.Error, "gone/") {
			t.Errorf("%+v", n)
		}
	}
	if got := d.n.outbox.Counts(); got[notify.Counted{Channel: notify.Webhook, Result: "failed"}] != 1 || got[notify.Counted{Channel: notify.Webhook, Result: "sent"}] != 1 {
		t.Errorf("%v", got)
	}
}

// TestAContactThatIsRemoved gets nothing more, and its waiting messages end.
func TestAContactThatIsRemoved(t *testing.T) {
	box := newLetterbox(t)
	box.answer = func(*http.Request) int { return http.StatusServiceUnavailable }
	d := newDesk(t)
	d.open()
	id := d.contact("h-001,webhook," + box.URL)[0]
	d.alert("a1", "drought", "p-001", "p-001", "warning", "firing")
	d.waitStates(map[string]int{"pending": 1})
	if err := d.n.RemoveContact(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	d.waitStates(map[string]int{"obsolete": 1})
	if n := d.n.outbox.Pending()[notify.Webhook]; n != 0 {
		t.Errorf("%d are pending", n)
	}
	if err := d.n.RemoveContact(t.Context(), id); err == nil {
		t.Error("it is removed twice")
	}
}

// TestAKeyThatIsLost: nothing is sent, nothing is made anew, and with the key all is as before.
func TestAKeyThatIsLost(t *testing.T) {
	box := newLetterbox(t)
	d := newDesk(t)
	d.open()
	d.contact("h-001,webhook," + box.URL)
	d.stop()
	name := d.folder.file(contactsKeyFile)
	key := readFile(t, name)
	if err := os.Rename(name, name+".away"); err != nil {
		t.Fatal(err)
	}
	d.open()
	d.alert("a1", "drought", "p-001", "p-001", "warning", "firing")
	list, err := d.n.Contacts(t.Context())
	if err != nil || len(list) != 1 || !list[0].Unreadable {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := d.n.ImportContacts(t.Context(), httpapi.ContactFile{Name: "c", Content: "household,channel,address\nh-001,webhook," + box.URL}); err == nil || !strings.Contains(err.Error(), "put the contacts' key back") {
		t.Errorf("an import without a key: %v", err)
	}
	d.stop()
	if matches, _ := filepath.Glob(name); len(matches) > 0 {
		t.Error("a new key was made")
	}
	write(t, name, key)
	d.open()
	d.pass(0)
	box.titles(t, 1)
}

func TestTestMessages(t *testing.T) {
	box := newLetterbox(t)
	box.answer = func(r *http.Request) int {
		if r.URL.Path == "/no" {
			return http.StatusTeapot
		}
		return http.StatusOK
	}
	d := newDesk(t)
	d.open()
	ids := d.contact("h-001,webhook,"+box.URL+"/yes", "h-001,webhook,"+box.URL+"/no", "h-001,sms,13800138000")
	for _, c := range []struct {
		test httpapi.NoticeTest
		sent bool
		says string
	}{
		{httpapi.NoticeTest{Contact: ids[0]}, true, ""},
		{httpapi.NoticeTest{Contact: ids[1]}, false, "it answers 418"},
		{httpapi.NoticeTest{Contact: ids[2]}, false, "channel sms is not configured"},
		{httpapi.NoticeTest{Channel: "webhook", Address: box.URL + "/other"}, true, ""},
		{httpapi.NoticeTest{Channel: "webhook", Address: "ftp://canary"}, false, "must be a URL"},
	} {
		r, err := d.n.Test(t.Context(), c.test)
		if err != nil || r.Sent != c.sent || !strings.Contains(r.Error, c.says) || strings.Contains(r.Error+r.Said, "canary") {
			t.Errorf("%+v: %+v, %v", c.test, r, err)
		}
	}
	for _, bad := range []httpapi.NoticeTest{{}, {Contact: "c-404"}, {Channel: "pigeon", Address: "x"}, {Contact: ids[0], Channel: "sms"}} {
		if _, err := d.n.Test(t.Context(), bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if got := box.titles(t, 2); !slices.Equal(got, []string{"甘霖测试消息", "甘霖测试消息"}) || len(d.states()) != 0 {
		t.Errorf("%q %v", got, d.states())
	}
}

// TestMessagesGoWhereTheyMay: a private address is refused in advance, a message
// to one that was taken before waits, and goes out once its network is named.
func TestMessagesGoWhereTheyMay(t *testing.T) {
	box := newLetterbox(t)
	d := newDesk(t)
	d.open()
	d.contact("h-001,webhook," + box.URL)
	d.stop()
	d.config.AllowPrivate = nil
	d.open()
	if _, err := d.n.ImportContacts(t.Context(), httpapi.ContactFile{Name: "c.csv", Content: "household,channel,address\nh-002,webhook," + box.URL}); err == nil || !strings.Contains(err.Error(), "notify.allow_private") {
		t.Errorf("an import: %v", err)
	}
	r, err := d.n.Test(t.Context(), httpapi.NoticeTest{Channel: "webhook", Address: "https://169.254.169.254/latest/meta-data"})
	if err != nil || r.Sent || r.Said != "" || !r.Again || !strings.Contains(r.Error, "its host is no public address; name its network in notify.allow_private") {
		t.Errorf("a test: %+v, %v", r, err)
	}
	d.alert("a1", "drought", "p-001", "p-001", "warning", "firing")
	waitFor(t, 20*time.Second, "a try", func() (bool, string) {
		list, err := d.n.List(t.Context(), 1)
		return err == nil && len(list) == 1 && list[0].State == "pending" && strings.Contains(list[0].Error, "notify.allow_private"), fmt.Sprint(list, err)
	})
	if n := len(box.all()); n > 0 {
		t.Errorf("%d messages arrived", n)
	}
	d.stop()
	d.config.AllowPrivate = thisMachine()
	d.open()
	box.titles(t, 1)
}

// TestTheDemosReceiver: the flag names an address, and what it names is meant, that and no other.
func TestTheDemosReceiver(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:9000/": "[127.0.0.1/32]", "http://localhost:9000/": "[127.0.0.0/8 ::1/128]", "http://[::1]:9000/": "[::1/128]",
		"http://192.168.1.7/hook": "[192.168.1.7/32]", "https://town.example/hook": "[]",
	} {
		c, err := demoCommand{Notify: address, MQTT: usualMQTT}.config()
		if err != nil || fmt.Sprint(c.Notify.AllowPrivate) != want {
			t.Errorf("%s: %v, %v", address, c, err)
		}
	}
	for _, address := range []string{"http://town.example/hook", "town.example", "http://1"} {
		if _, err := (demoCommand{Notify: address, MQTT: usualMQTT}).config(); err == nil || !strings.Contains(err.Error(), "--notify-webhook") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func readFile(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// TestTheDemosContacts are those of the address that was asked for, and no others.
func TestTheDemosContacts(t *testing.T) {
	first, second := newLetterbox(t), newLetterbox(t)
	d := newDesk(t)
	d.open()
	for _, c := range []struct {
		address string
		want    []devices.HouseholdID
	}{{first.URL, []devices.HouseholdID{"h-001", "h-002"}}, {second.URL, []devices.HouseholdID{"h-001", "h-002"}}, {second.URL, []devices.HouseholdID{"h-001", "h-002"}}, {"", nil}} {
		if err := d.n.onlyWebhook(t.Context(), c.address); err != nil {
			t.Fatal(err)
		}
		var got []devices.HouseholdID
		for _, contact := range d.n.outbox.Contacts() {
			got = append(got, contact.Household)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %v", c.address, got)
		}
		if c.address != second.URL {
			continue
		}
		d.alert(fmt.Sprint("a", len(second.all())), "drought", "p-001", "p-001", "warning", "firing")
		second.titles(t, len(second.all())+1)
	}
	if n := len(first.all()); n > 0 {
		t.Errorf("%d messages went to an address that is given up", n)
	}
}

// TestMessagesByTheCommandLine uses ganlin notify without and with a running program.
func TestMessagesByTheCommandLine(t *testing.T) {
	box := newLetterbox(t)
	tr := newTrial(t, asItIs, 1, "mqtt: {listen: {address: 127.0.0.1:0}}\nnotify: {allow_private: [127.0.0.0/8], webhook: {}}\n")
	file := filepath.Join(tr.folder, "contacts.csv")
	all := func() {
		t.Helper()
		write(t, file, "household,channel,address\nh-001,webhook,"+box.URL+"/zanarywert\n")
		var done httpapi.ContactImport
		if err := json.Unmarshal(tr.command("notify", "contacts", "import", file, "--config", tr.config, "--json"), &done); err != nil || len(done.Contacts) != 1 || len(done.Warnings) != 1 {
			t.Fatalf("%+v, %v", done, err)
		}
		list := string(tr.command("notify", "contacts", "list", "--config", tr.config))
		if !strings.Contains(list, done.Contacts[0]) || strings.Contains(list, "zanarywert") {
			t.Errorf("%s", list)
		}
		before := len(box.all())
		if out := string(tr.command("notify", "test", done.Contacts[0], "--config", tr.config)); !strings.Contains(out, "taken by webhook") || len(box.all()) != before+1 {
			t.Errorf("%s; %d messages", out, len(box.all()))
		}
		out, err := tr.try("notify", "test", "--channel", "webhook", "--to", "http://127.0.0.1:1/zanarywert", "--config", tr.config)
		if want := "not sent by webhook: nothing listens there: the connection is refused; check address and port"; err == nil || !strings.Contains(string(out), want) || strings.Contains(string(out)+err.Error(), "zanarywert") {
			t.Errorf("%s, %v", out, err)
		}
		write(t, file, "household,channel,address\nh-001,sms,zanarywert\n")
		if _, err := tr.try("notify", "contacts", "import", file, "--config", tr.config); err == nil || !strings.Contains(err.Error(), "contacts.csv:2:11: error: the address must be a phone number") || strings.Contains(err.Error(), "zanarywert") {
			t.Errorf("%v", err)
		}
		tr.command("notify", "contacts", "remove", done.Contacts[0], "--config", tr.config)
		if out := tr.command("notify", "list", "--json", "--config", tr.config); string(out) != "[]\n" {
			t.Errorf("%s", out)
		}
	}
	all()
	tr.start()
	all()
	tr.stop()
}

// TestCheckTellsOfChannels that only they themselves can judge, with the place.
func TestCheckTellsOfChannels(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "ganlin.yaml")
	write(t, name, `mqtt: {listen: {address: 127.0.0.1:0}}
notify:
  quiet: at night
  webhook: {secret: short}
  email: {server: smtp, from: nobody}
  sms: {url: 'https://h', headers: ['Content-Type: application/json'], body: '{"t": "{{.Text}}"}'}
`)
	out, err := (&trial{t: t, kind: asItIs}).try("check", "--config", name)
	if err == nil {
		t.Error("it is well")
	}
	for _, want := range []string{
		`ganlin.yaml:3:10: error: notify.quiet: "at night" are no quiet hours`, "ganlin.yaml:4:12: error: notify.webhook: the secret of a webhook is at least 24 bytes",
		"ganlin.yaml:5:10: error: notify.email: from must be a mailbox", "ganlin.yaml:6:8: error: notify.sms: body: with a quotation mark",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%s\nwant %s", out, want)
		}
	}
}
