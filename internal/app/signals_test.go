package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/village"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/internal/signals"
)

// What a person writes into the notes of an act: it may be found nowhere, for in the records store it is sealed.
const canary = "kanarienvogel-13800138000"

// A takenClue is a clue as the receiver of docs/receiver keeps it.
type takenClue struct{ Household, Place, Level, Rules, People, Link string }

// A taken state is what that receiver knows.
type taken struct {
	Seen  map[string]bool
	Clues map[string]takenClue
}

// TestSignalsOfASeason lives a season with a real receiver, the one that the
// documents show. Program and receiver are killed while there are
// signals that the receiver does not have yet, and people act on clues. In the end the receiver knows how every clue stands, as the feed from
// zero and the records tell it, and what is personal is nowhere outside the records.
func TestSignalsOfASeason(t *testing.T) {
	t.Parallel()
	e := newEstate(t, village.Options{
		Season: field.Drought, Days: counts(80, 120), Plots: 12, Seed: 5, Faults: firmware.Faults{Noise: 1}, Start: time.Date(2026, 5, 31, 16, 0, 0, 0, time.UTC),
	})
	r := newReceiver(t, e)
	worker := e.token(httpapi.NewAccount{ID: "worker", Role: "grid_worker", Places: []devices.PlaceCode{"50"}})
	r.start()
	var acted, onPages []string
	logs, waited := "", 0
	kills := counts(2, 12)
	e.season(func(ctx context.Context) {
		for n := range kills {
			hours := e.days() * 24 * (2*kills + n) / (3 * kills) // in the last third, when there are clues
			waitFor(t, 5*time.Minute, "its share of the season", func() (bool, string) {
				s, err := e.status()
				return err == nil && !s.Tick.Before(e.village.Start.Add(time.Duration(hours)*time.Hour)), fmt.Sprint(s.Tick, err, e.out.tail())
			})
			r.kill() // from here on signals wait
			onPages = append(onPages, e.actOnPages(worker)...)
			for range 3 {
				acted = append(acted, e.act(worker)...)
			}
			waited += r.waiting()
			<-time.After(time.Duration(rand.IntN(20)) * time.Millisecond) // what is killed is random, nothing is waited for
			e.kill()
			logs += e.out.String()
			e.serve()
			r.start()
		}
	})
	got := r.settled()
	fresh := r.fromZero()
	if diff := cmp.Diff(fresh.Clues, got.Clues); diff != "" || len(got.Seen) != len(fresh.Seen) {
		t.Errorf("by webhooks %d signals, from zero %d (-zero +webhooks):\n%s", len(got.Seen), len(fresh.Seen), diff)
	}
	first := r.first()
	metrics := e.get("/metrics")
	if !strings.Contains(metrics, "ganlin_signals_pending 0\n") || !strings.Contains(metrics, `ganlin_webhooks{state="well"} 1`+"\n") {
		t.Error("the metrics show something else")
	}
	e.stop()
	if len(onPages) == 0 {
		t.Error("nothing was done through the pages")
	}
	acted = append(acted, onPages...)
	e.holds(got, first, acted)
	t.Logf("%d signals of %d clues, %d acts, %d kills while %d signals waited", len(got.Seen), len(got.Clues), len(acted), kills, waited)
	if waited == 0 {
		t.Error("nothing waited at any kill: the test sees nothing")
	}
	nowhere(t, e.folder, canary, e.ready.Token)
	nowhere(t, r.folder, canary, r.token)
	if strings.Contains(logs+e.out.String()+metrics, canary) {
		t.Error("a note is in the log or the metrics")
	}
}

func (e *estate) days() int { return int(e.village.End.Sub(e.village.Start).Hours() / 24) }

// ask asks the running program and reads the answer.
func (e *estate) ask(method, path, token string, in, out any) {
	e.t.Helper()
	if err := (&remote{base: e.ready.HTTP, token: token}).call(e.t.Context(), method, path, in, out); err != nil {
		e.t.Fatalf("%s %s: %v", method, path, err)
	}
}

func (e *estate) get(path string) string {
	e.t.Helper()
	res, err := http.Get(e.ready.HTTP + path)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(text)
}

// token makes an account and returns its token.
func (e *estate) token(n httpapi.NewAccount) string {
	e.t.Helper()
	var made httpapi.MadeToken
	e.ask("POST", "/api/v1/accounts", e.ready.Token, n, &made)
	return made.Token
}

// act lets a grid worker go one step on with every clue, with some to verify and with others to dismiss. It returns what was done.
func (e *estate) act(token string) (acted []string) {
	e.t.Helper()
	var page httpapi.CluePage
	e.ask("GET", "/api/v1/risk/clues?limit=1000", token, nil, &page)
	for i, c := range page.Items {
		step := c.Next[i%len(c.Next)]
		n := httpapi.NewClueAct{ID: fmt.Sprintf("act-%s-%d", c.ID, c.Version), Version: c.Version, Note: canary}
		if len(step.Reasons) > 0 {
			n.Reason = step.Reasons[0]
		}
		e.ask("POST", "/api/v1/risk/clues/"+c.ID+"/"+step.Act, token, n, nil)
		acted = append(acted, n.ID)
	}
	return acted
}

// holds compares what a receiver, which sees everything, knows with the records
// of the stopped program. First is the receiver's number of the first signal.
func (e *estate) holds(got taken, first int64, acted []string) {
	e.t.Helper()
	store, err := records.Open(e.t.Context(), filepath.Join(e.folder, "data", recordsFile))
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	clues, err := store.Clues(e.t.Context(), records.Selection{})
	if err != nil {
		e.t.Fatal(err)
	}
	want, said, kept, sealed := map[string]takenClue{}, map[string]takenClue{}, 0, 0
	people := 0
	for _, c := range clues {
		one := takenClue{Place: string(signals.Township(c.Place)), Level: c.Level, Rules: c.State}
		if c.Level == "none" {
			one.Level = ""
		}
		if c.Stage == records.ClueVerified || c.Stage == records.ClueDismissed {
			one.People = c.Stage
			people++
		}
		want[c.ID] = one
		_, acts, err := store.ReadClue(e.t.Context(), records.Reading{}, c.ID, func(records.ClueRow) bool { return true })
		if err != nil {
			e.t.Fatal(err)
		}
		kept += len(acts)
		for _, a := range acts {
			if len(a.Sealed) > 0 {
				sealed++
			}
		}
	}
	homes := map[string]string{}
	for _, c := range got.Clues {
		sequence := c.Link[strings.LastIndex(c.Link, "/")+1:]
		at, err := signals.ParseCursor(sequence)
		if err != nil {
			e.t.Fatal(err)
		}
		rows, err := store.Signals(e.t.Context(), at-first, 1)
		if err != nil || len(rows) != 1 {
			e.t.Fatal(rows, err)
		}
		said[rows[0].Clue] = takenClue{Place: c.Place, Level: c.Level, Rules: c.Rules, People: c.People}
		if before, ok := homes[string(rows[0].Household)]; ok && before != c.Household {
			e.t.Errorf("a household is told as %s and as %s", before, c.Household)
		}
		homes[string(rows[0].Household)] = c.Household
	}
	if diff := cmp.Diff(want, said); diff != "" {
		e.t.Errorf("the records and what the receiver knows (-records +receiver):\n%s", diff)
	}
	if len(clues) < 2 || people == 0 || kept != len(acted) || sealed == 0 {
		e.t.Errorf("%d clues, %d ended by people, %d acts kept of %d, %d of them with a note", len(clues), people, kept, len(acted), sealed)
	}
}

// nowhere looks for a text in every file of a folder. Another one that is there is seen: the control.
func nowhere(t *testing.T, folder, text, known string) {
	t.Helper()
	looked, found := 0, false
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		looked++
		if bytes.Contains(content, []byte(text)) {
			t.Errorf("what is personal is in %s", name)
		}
		found = found || bytes.Contains(content, []byte(known))
		return nil
	})
	if err != nil || looked == 0 || !found {
		t.Errorf("%d files of %s were looked at, %v; the control was seen: %v", looked, folder, err, found)
	}
}

// A signalReceiver is the program of docs/receiver, for one monitor.
type signalReceiver struct {
	e                *estate
	folder, program  string
	token            string
	address, webhook string
	cmd              *exec.Cmd
	out              *logged
}

// newReceiver builds the receiver and makes its account and its webhook.
func newReceiver(t *testing.T, e *estate) *signalReceiver {
	t.Helper()
	r := &signalReceiver{e: e, folder: t.TempDir(), program: filepath.Join(t.TempDir(), "receiver"), address: freeAddress(t)}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", r.program, "../../docs/receiver").CombinedOutput(); err != nil {
		t.Fatalf("building the receiver: %v: %s", err, out)
	}
	r.token = e.token(httpapi.NewAccount{ID: "town", Role: "monitor", Places: []devices.PlaceCode{"50"}})
	var made httpapi.WebhookWithSecret
	e.ask("POST", "/api/v1/webhooks", r.token, httpapi.NewWebhook{URL: "http://" + r.address + "/ganlin", After: "0"}, &made)
	r.webhook = made.Webhook.ID
	write(t, filepath.Join(r.folder, "secret"), made.Secret+"\n")
	write(t, filepath.Join(r.folder, "token"), r.token+"\n")
	return r
}

func (r *signalReceiver) command(state string, more ...string) *exec.Cmd {
	cmd := exec.CommandContext(r.e.t.Context(), r.program, append([]string{"--api", r.e.ready.HTTP, "--token-file", "token", "--state", state}, more...)...)
	cmd.Dir = r.folder
	return cmd
}

// start lets it take webhooks, and the program send to it at once.
func (r *signalReceiver) start() {
	r.e.t.Helper()
	r.cmd, r.out = r.command("state.json", "--listen", r.address, "--secret-file", "secret"), &logged{}
	r.cmd.Stderr = r.out
	if err := r.cmd.Start(); err != nil {
		r.e.t.Fatal(err)
	}
	waitFor(r.e.t, time.Minute, "the receiver", func() (bool, string) {
		return strings.Contains(r.out.tail(), "taking webhooks"), r.out.tail()
	})
	r.e.ask("POST", "/api/v1/webhooks/"+r.webhook+"/enable", r.token, nil, nil)
}

// first is the number of the first signal.
func (r *signalReceiver) first() int64 {
	r.e.t.Helper()
	var page httpapi.SignalPage
	r.e.ask("GET", "/api/v1/risk/signals?limit=1", r.token, nil, &page)
	number, err := signals.ParseCursor(page.Signals[0].Sequence)
	if err != nil {
		r.e.t.Fatal(err)
	}
	return number
}

func (r *signalReceiver) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// waiting counts the signals that were not taken yet.
func (r *signalReceiver) waiting() int {
	r.e.t.Helper()
	var hooks []httpapi.Webhook
	r.e.ask("GET", "/api/v1/webhooks", r.token, nil, &hooks)
	var page httpapi.SignalPage
	r.e.ask("GET", "/api/v1/risk/signals?limit=500&after="+hooks[0].Delivered, r.token, nil, &page)
	return len(page.Signals)
}

// settled waits until everything was sent, and returns what the receiver knows.
func (r *signalReceiver) settled() taken {
	r.e.t.Helper()
	waitFor(r.e.t, time.Minute, "all signals to be sent", func() (bool, string) { return r.waiting() == 0, r.out.tail() })
	r.kill()
	return r.knows("state.json")
}

// fromZero lets another receiver read the feed alone.
func (r *signalReceiver) fromZero() taken {
	r.e.t.Helper()
	if out, err := r.command("zero.json").CombinedOutput(); err != nil {
		r.e.t.Fatalf("reading the feed from zero: %v: %s", err, out)
	}
	return r.knows("zero.json")
}

func (r *signalReceiver) knows(file string) (k taken) {
	r.e.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.folder, file))
	if err == nil {
		err = json.Unmarshal(text, &k)
	}
	if err != nil {
		r.e.t.Fatal(err)
	}
	return k
}
