package dashboards_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
)

// A plant is a program as the operator's page sees it. It takes down what the
// page's forms send and stops and goes on as the program does.
type plant struct {
	mu      sync.Mutex
	machine dashboards.Machine
	letters []dashboards.Letter // the newest first
	broken  error               // why letters cannot be read
	sent    []url.Values
}

func (p *plant) Machine(context.Context) dashboards.Machine {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.machine
}

func (p *plant) Letters(_ context.Context, after string, limit int) ([]dashboards.Letter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := 1 + slices.IndexFunc(p.letters, func(l dashboards.Letter) bool { return l.ID == after })
	return p.letters[from:min(from+limit, len(p.letters))], p.broken
}

func (p *plant) Letter(_ context.Context, id string) (dashboards.Letter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.letters, func(l dashboards.Letter) bool { return l.ID == id })
	if i < 0 {
		return dashboards.Letter{}, errors.Join(p.broken, dashboards.ErrNothing)
	}
	return p.letters[i], nil
}

// change changes the machine.
func (p *plant) change(f func(m *dashboards.Machine)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.machine)
}

func (p *plant) act(said string, stopped bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		p.change(func(m *dashboards.Machine) {
			p.sent = append(p.sent, r.Form)
			halt(m, stopped)
		})
		dashboards.Flash(w, r, "/operations", said)
		http.Redirect(w, r, "/operations?"+r.URL.RawQuery, http.StatusSeeOther)
	}
}

// halt begins or ends an emergency stop: of three valves one is out of reach.
func halt(m *dashboards.Machine, on bool) {
	m.Valves.Taps = slices.Clone(m.Valves.Taps)
	m.Valves.Stopped, m.Valves.StoppedAt, m.Valves.StoppedBy = on, morning, "operator-1"
	for i := range m.Valves.Taps {
		tap := &m.Valves.Taps[i]
		switch {
		case !on:
			tap.Stop = ""
		case tap.Reachable == dashboards.IsOffline:
			tap.Stop = dashboards.StopOutOfReach
		default:
			tap.Stop, tap.State = dashboards.StopClosed, dashboards.ValveClosed
		}
	}
}

func (p *plant) serve(t *testing.T) http.Handler {
	t.Helper()
	books, err := os.ReadFile("../docs/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := dashboards.New(dashboards.Options{
		Source: newVillage(dashboards.View{}), Operations: p, Runbooks: string(books), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: func() time.Time { return morning },
		Viewer: func(context.Context) dashboards.Viewer {
			return dashboards.Viewer{Account: "operator-1", Role: "operator", CSRF: "c"}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	pages.Register(mux)
	mux.HandleFunc("POST "+dashboards.StopAddress, p.act("stopped", true))
	mux.HandleFunc("POST "+dashboards.ResumeAddress, p.act("resumed", false))
	return mux
}

// running is a program of a village that is well.
func running() *plant {
	part := func(name dashboards.PartName, kind dashboards.ConditionKind) dashboards.Part {
		return dashboards.Part{Name: name, Conditions: []dashboards.Condition{{Kind: kind, Detail: "0.0.0.0:1883"}}}
	}
	m := dashboards.Machine{
		Zone: shanghai(),
		Parts: []dashboards.Part{
			part(dashboards.Broker, dashboards.BrokerReady), part(dashboards.Journal, dashboards.JournalReady),
			part(dashboards.Database, dashboards.DatabaseReady), part(dashboards.Records, dashboards.RecordsReady),
		},
		Ledger: dashboards.Ledger{
			Quiet:    true,
			Messages: dashboards.MessageLedger{Received: 17_612, Decoded: 17_600, DeadLettered: 12},
			Values:   dashboards.ValueLedger{Decoded: 208_813, Stored: 208_500, Duplicate: 280, Rejected: 33},
		},
		Rejected: []dashboards.Tally{{Code: "out_of_bounds", Count: 30}, {Code: "type_conflict", Count: 3}},
		Broker: dashboards.BrokerFigures{
			Embedded: true, Connected: 41, QoS0: 7, Refused: []dashboards.Tally{{Code: "wrong_secret", Count: 4}, {Code: "foreign_topic", Count: 1}},
		},
		Journal: dashboards.JournalFigures{
			Generation: 1, Sequence: 2878, Bytes: 15_300_000, Max: 10_000_000_000, Free: 77_600_000_000,
			Took: dashboards.Spread{Count: 2878, P50: 1700 * time.Microsecond, P99: 112 * time.Millisecond},
		},
		Readers: []dashboards.ReaderFigures{{Name: "store", Records: 3, By: 2 * time.Second}, {Name: "now"}, {Name: "rules", Records: 1}, {Name: "dead_letters"}},
		Database: dashboards.DatabaseFigures{
			Stored: 208_500, Since: new(1500 * time.Millisecond), Took: dashboards.Spread{Count: 300, P50: 21 * time.Millisecond, P99: 453 * time.Millisecond},
		},
		Rules: dashboards.RuleFigures{
			Tick: morning, Watermark: morning.Add(-10 * time.Minute), Delay: 10 * time.Minute, TickAge: 12 * time.Second, Late: 4,
			Registry: "596079717488a3f1", RuleSet: "c1649dc16179ffee", Rules: 15, Sites: 1, Alerts: 2,
		},
		Valves: dashboards.ValveFigures{
			States:   []dashboards.Tally{{Code: "closed", Count: 2}, {Code: "requested"}, {Code: "open", Count: 1}, {Code: "unknown"}},
			Commands: []dashboards.Tally{{Code: "confirmed", Count: 64}, {Code: "expired", Count: 2}, {Code: "failed"}},
		},
		Letters: dashboards.LetterFigures{Known: true, ByReason: []dashboards.Tally{{Code: "bad_json", Count: 9}, {Code: "bad_time", Count: 3}}},
		Notices: []dashboards.ChannelFigures{{Name: "webhook", Waiting: 2}, {Name: "sms", Failed: 1}}, Webhooks: dashboards.WebhookFigures{Known: true, Waiting: 3, Well: 1},
		Process: dashboards.ProcessFigures{Up: 74*time.Hour + 5*time.Minute, Version: "1.2.3", Runtime: "go1.26 linux/amd64", Memory: 92_000_000, Goroutines: 61},
	}
	for i := range 40 {
		d := probe(fmt.Sprintf("s-%03d", i+1), morning.Add(-5*time.Minute), 0.231)
		d.Online, d.OnlineAt = dashboards.IsOnline, morning.Add(-50*time.Hour)
		m.Devices = append(m.Devices, dashboards.Sensor{Device: d, Plot: devices.PlotID(fmt.Sprintf("p-%03d", i+1)), Name: fmt.Sprintf("后坡%d号", i+1)})
	}
	for i, state := range []dashboards.ValveState{dashboards.ValveClosed, dashboards.ValveOpen, dashboards.ValveClosed} {
		id := devices.DeviceID(fmt.Sprintf("v-%03d", i+1))
		m.Valves.Taps = append(m.Valves.Taps, dashboards.StopTap{Valve: dashboards.Valve{ID: id, State: state}, Plot: "后坡三号", Reachable: dashboards.IsOnline})
	}
	m.Valves.Taps[2].Reachable = dashboards.IsOffline
	p := &plant{machine: m, letters: lettersOf(12)}
	p.machine.Letters.Newest = p.letters[:8]
	return p
}

// lettersOf are dead letters, among them what wants to do harm.
func lettersOf(n int) (all []dashboards.Letter) {
	for i := range n {
		all = append(all, dashboards.Letter{
			ID: fmt.Sprintf("%d-0", 900-i), Received: morning.Add(-time.Duration(i) * 3 * time.Hour), Device: "s-007", Topic: "ganlin/v1/s-007/telemetry", Codec: "native/1",
			Reason: "bad_json", Detail: `invalid character '}' after object key, at byte 12`, Payload: []byte(`{"values":{}`), Length: 12,
		})
	}
	hostile := "<script>document.title='had'</script>\x00\x1b[31m\r\n\u202e\u2066evil\ufeff&amp;中文"
	all[0].Payload, all[0].Length = []byte(hostile), len(hostile)
	all[0].Device, all[0].Topic, all[0].Detail = "", "x/<b>\x07\u202e", "topic \"x/<b>\u202e\" is not one of ours"
	all[0].Reason = "bad_topic"
	large := bytes.Repeat([]byte("一二三四五六七八九十\n"), 3000)[:64<<10]
	all[1].Payload, all[1].Length, all[1].SHA256, all[1].Reason = large, 300_000, strings.Repeat("ab", 32), "too_large"
	noise := make([]byte, 64<<10)
	for i := range noise {
		noise[i] = byte(i*i>>3 ^ i)
	}
	all[2].Payload, all[2].Length = noise, len(noise)
	all[3].Payload, all[3].Length = nil, 0
	all[4].Part, all[4].Payload, all[4].Length = true, []byte(`"soil_moisture@20":9`), 400
	return all
}
