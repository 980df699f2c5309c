package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/village"
	"ganlin/internal/influx"
	"ganlin/rules"
)

// A messaged estate is a village whose households are told, in a program that is killed.
type messaged struct {
	*estate
	box   *letterbox
	homes map[devices.PlotID]devices.HouseholdID
	days  int
	kills []time.Time // on the wall
	logs  strings.Builder
}

// addressCanary is in every address and secret.
const addressCanary = "zanarywert"

// newMessaged lays out a village with a contact for every household at a real
// receiver. Messages are neither grouped nor limited, so that whatever is missing is missing.
func newMessaged(t *testing.T, kind string, days int) *messaged {
	t.Helper()
	o := village.Options{
		Season: field.Drought, Days: days, Plots: 8, Seed: 10, Faults: firmware.Faults{Noise: 1}, Start: time.Date(2026, 7, 8, 16, 0, 0, 0, time.UTC),
	}
	m := &messaged{days: days, box: newLetterbox(t), homes: map[devices.PlotID]devices.HouseholdID{}}
	m.estate = layEstate(t, o, kind, "notify: {group: 0s, daily: 50, quiet: none, allow_private: [127.0.0.0/8], webhook: {}}\n")
	contacts := "household,channel,address,secret\n"
	for _, p := range m.village.Registry.Plots {
		if line := fmt.Sprintf("%s,webhook,%s/%s-%s,whsec_%s\n", p.Household, m.box.URL, p.Household, addressCanary, strings.Repeat(addressCanary, 4)); !strings.Contains(contacts, line) {
			contacts += line
		}
		m.homes[p.ID] = p.Household
	}
	write(t, filepath.Join(m.folder, "contacts.csv"), contacts)
	m.command("notify", "contacts", "import", filepath.Join(m.folder, "contacts.csv"), "--config", m.config)
	if err := os.Remove(filepath.Join(m.folder, "contacts.csv")); err != nil {
		t.Fatal(err)
	}
	m.link.Before = func(at time.Time) { // radios that come and go are alerts that begin and end
		for i, d := range m.village.Registry.Devices {
			if d.Plot != "" && d.MaxDurationS == 0 {
				hour := int(at.Sub(o.Start).Hours()) + 7*(i%2)
				m.village.Device(d.ID).SetRadio(hour%96 >= 40)
			}
		}
	}
	m.serve()
	return m
}

// live lives the season and kills the program at random points of it, right
// behind a message where one comes.
func (m *messaged) live(kills int) {
	m.t.Helper()
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	share := m.days * 24 / (kills + 1)
	m.season(func(context.Context) {
		for n := range kills {
			from := m.village.Start.Add(time.Duration((n+1)*share+rng.IntN(share/2)) * time.Hour)
			known := -1
			waitFor(m.t, 5*time.Minute, fmt.Sprintf("%s of the season", from), func() (bool, string) {
				s, err := m.status()
				if err != nil || s.Tick.Before(from) {
					return false, fmt.Sprint(s.Tick, err, m.out.tail())
				}
				if known < 0 {
					known = len(m.box.all())
				}
				return len(m.box.all()) > known || s.Tick.After(from.Add(time.Duration(share/3)*time.Hour)), ""
			})
			<-time.After(time.Duration(rng.IntN(2000)) * time.Microsecond) // what is killed is random, nothing is waited for
			m.kills = append(m.kills, time.Now())
			m.kill()
			m.logs.WriteString(m.out.String())
			m.serve()
		}
	})
}

// quiet waits until every message has left.
func (m *messaged) quiet() {
	m.t.Helper()
	waitFor(m.t, time.Minute, "all messages to be sent", func() (bool, string) {
		text := m.scrape()
		return strings.Contains(text, `ganlin_notices_pending{channel="webhook"} 0`), text
	})
}

func (m *messaged) scrape() string {
	m.t.Helper()
	req, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, m.ready.HTTP+"/metrics", nil)
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+m.ready.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

// A verdict is what the receiver's own record says against what was decided.
type verdict struct {
	told, repeats int      // episodes' beginnings and ends; messages that came again in a gap
	wrong         []string // what must not be
}

// judge holds what came against what was decided, which the program is stopped for.
func (m *messaged) judge() (v verdict) {
	m.t.Helper()
	letters := m.box.all()
	all, _ := m.decisions()
	wrong := func(format string, args ...any) { v.wrong = append(v.wrong, fmt.Sprintf(format, args...)) }

	first, told := map[string]time.Time{}, map[string]time.Time{} // when each message, and each thing that is told, came first
	again := map[int]int{}                                        // by kill
	for _, l := range letters {
		if at, seen := first[l.ID]; seen {
			// It may come again when the program was killed between the answer and its own record of it.
			kill := slices.IndexFunc(m.kills, func(k time.Time) bool { return k.Sub(at).Abs() < time.Second })
			if kill < 0 {
				wrong("message %s came %s after the first time, and no kill lay behind that", l.ID, l.At.Sub(at))
			}
			again[kill]++
			v.repeats++
			continue
		}
		first[l.ID] = l.At
		for _, e := range l.Data.Episodes {
			name := fmt.Sprintf("%s %d %t", e.ID, e.Began.UnixMilli(), e.Over)
			if _, twice := told[name]; twice {
				wrong("%s of %s is told in two messages", e.Rule, e.Plot)
			}
			told[name] = l.At
			if home := string(m.homes[e.Plot]); l.Data.Household != home || !strings.Contains(l.Path, home) {
				wrong("%s of %s is told to %s", e.Rule, e.Plot, l.Data.Household)
			}
		}
	}
	v.told = len(told)
	const underWay = 8 // tries of a channel at once
	for kill, n := range again {
		if n > underWay {
			wrong("after kill %d %d messages came again, and at most %d can have been on their way", kill, n, underWay)
		}
	}

	// What lasted for some hours, or lasts, is told; and when it was told, so is its end.
	const long = 6 * time.Hour
	last := all[len(all)-1].At
	began := map[string]devices.Decision{}
	expected := map[devices.DecisionKind]int{}
	for _, d := range all {
		id, over := episodeOf(d)
		if id == "" || m.homes[d.Plot] == "" {
			continue
		}
		if !over {
			began[id] = d
			expected[d.Kind]++
		}
		if b, ok := began[id]; ok && over {
			delete(began, id)
			name := fmt.Sprintf("%s %d", id, b.At.UnixMilli())
			_, start := told[name+" false"]
			_, end := told[name+" true"]
			if d.At.Sub(b.At) < long {
				expected[d.Kind]--
			} else {
				if !start {
					wrong("%s of %s lasted %s and was not told", d.Rule, d.Subject, d.At.Sub(b.At))
				}
			}
			if start && !end && last.Sub(d.At) >= long {
				wrong("%s of %s is over and nobody was told", d.Rule, d.Subject)
			}
		}
	}
	for id, b := range began {
		if _, ok := told[fmt.Sprintf("%s %d false", id, b.At.UnixMilli())]; !ok && last.Sub(b.At) >= long {
			wrong("%s of %s holds and was not told", b.Rule, b.Subject)
		}
	}
	if expected[devices.AlertDecision] < 10 || expected[devices.IrrigationDecision] < 2 {
		wrong("only so many things lasted long enough to be sure of: %v", expected)
	}
	return v
}

// episodeOf names what a decision begins or ends that people have to be told of
// whatever else happens: an alert, or a plot that needs a person.
func episodeOf(d devices.Decision) (id string, over bool) {
	switch {
	case d.Kind == devices.AlertDecision && d.Severity != "info" && (d.Outcome == "firing" || d.Outcome == "resolved"):
		return d.Texts["alert"], d.Outcome == "resolved"
	case d.Outcome == rules.Advised || d.Outcome == rules.KeptShut:
		return d.ID, false
	}
	return d.Texts["episode"], d.Texts["episode"] != ""
}

// TestKilledMessages kills the program while messages are on their way: nobody
// misses one, and what comes twice has the same id and a kill behind it. What a
// contact holds is found nowhere.
func TestKilledMessages(t *testing.T) {
	m := newMessaged(t, asItIs, counts(16, 120))
	m.live(counts(4, 40))
	m.quiet()
	metrics, accounts := m.scrape(), m.asOthers()
	rows := m.influxTexts()
	v := m.judge()
	t.Logf("%d kills, %d messages, %d things told, %d came again with the same id", len(m.kills), len(m.box.all()), v.told, v.repeats)
	for _, w := range v.wrong {
		t.Error(w)
	}
	m.logs.WriteString(m.out.String())
	for where, text := range map[string]string{"the log": m.logs.String(), "the metrics": metrics, "the API": accounts, "InfluxDB": rows} {
		if strings.Contains(text, addressCanary) {
			t.Errorf("%s holds an address or a secret", where)
		}
		if text == "" {
			t.Errorf("%s is empty", where)
		}
	}
	m.searchFolder()
}

// TestForgottenMessages are the controls: programs that forget at a restart what
// was sent, or what people were told, are seen to.
func TestForgottenMessages(t *testing.T) {
	for kind, says := range map[string]string{forgetSent: "messages came again", forgetTold: "nobody was told"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			m := newMessaged(t, kind, 12)
			m.live(1)
			m.quiet()
			v := m.judge()
			if !strings.Contains(strings.Join(v.wrong, "\n"), says) {
				t.Errorf("nothing is noticed: %+v", v)
			}
		})
	}
}

// asOthers asks all that lists messages and contacts, as the operator and as
// every other role, and returns what they were answered.
func (m *messaged) asOthers() string {
	m.t.Helper()
	var all strings.Builder
	tokens := []string{m.ready.Token}
	for role, reach := range map[string][]string{
		"agronomist": {"--site", string(m.village.Registry.Sites[0].ID)}, "grid_worker": {"--site", string(m.village.Registry.Sites[0].ID)},
		"farmer": {"--household", string(m.village.Registry.Plots[0].Household)},
	} {
		out := m.command(append([]string{"accounts", "add", role + "-1", "--role", role, "--config", m.config, "--json"}, reach...)...)
		var made struct{ Token string }
		if err := json.Unmarshal(out, &made); err != nil {
			m.t.Fatal(err)
		}
		tokens = append(tokens, made.Token)
	}
	for i, token := range tokens {
		for _, path := range []string{"/api/v1/contacts", "/api/v1/notices?limit=1000", "/api/v1/status", "/api/v1/plots", "/api/v1/accounts"} {
			req, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, m.ready.HTTP+path, nil)
			if err != nil {
				m.t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				m.t.Fatal(err)
			}
			text, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			all.Write(text)
			if ours := strings.Contains(path, "contacts") || strings.Contains(path, "notices"); ours && (res.StatusCode == http.StatusOK) != (i == 0) {
				m.t.Errorf("%s with token %d: %s", path, i, res.Status)
			}
		}
	}
	return all.String()
}

// influxTexts returns all series and all texts of the database.
func (m *messaged) influxTexts() string {
	m.t.Helper()
	e := influx.Endpoint(m.ready.Influx)
	c := influx.NewClient(e.Fixed(), nil)
	defer c.Close()
	var all strings.Builder
	for _, q := range []string{"SHOW SERIES", "SHOW FIELD KEYS", "SELECT * FROM alert", "SELECT * FROM clue"} {
		series, err := c.Query(m.t.Context(), q)
		if err != nil {
			m.t.Fatal(err)
		}
		_, _ = fmt.Fprintln(&all, series)
	}
	return all.String()
}

// searchFolder looks through every file of the stopped program, its records store too: there the addresses are sealed.
func (m *messaged) searchFolder() {
	m.t.Helper()
	files := 0
	err := filepath.WalkDir(filepath.Join(m.folder, "data"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(name)
		if err == nil && strings.Contains(string(text), addressCanary) {
			m.t.Errorf("%s holds an address or a secret", name)
		}
		return err
	})
	if err != nil || files < 10 {
		m.t.Errorf("%d files, %v", files, err)
	}
	if info, err := os.Stat(filepath.Join(m.folder, "data", contactsKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		m.t.Errorf("the key's file: %v, %v", info, err)
	}
}
