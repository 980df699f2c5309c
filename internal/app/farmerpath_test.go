package app

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/village"
	"ganlin/internal/httpapi"
	"ganlin/internal/notify"
)

// TestAFarmersPath goes from a message to a valve that is shut, on a phone: a
// message that a plot is being watered arrives at a real receiver, its link is
// tapped, the page says what happens, one tap stops the water, and the page says
// that the valve is closing and then, not before the simulated valve's own record
// has it so, that it is shut.
func TestAFarmersPath(t *testing.T) {
	t.Parallel()
	p := newFarmersPath(t)
	phone := browser(t)
	p.season(func(ctx context.Context) {
		letter, tap := p.wateringIsTold(ctx)
		defer close(p.goOn)
		plot := p.plotOf[tap]
		card := fmt.Sprintf("document.querySelector('#plot-%s').innerText", plot.ID)
		look := func(expression string) string {
			got, err := chromedp.Run(phone, chromedp.Evaluate[string](expression))
			if err != nil {
				return err.Error()
			}
			return got
		}
		see := func(what, expression string, want ...string) {
			t.Helper()
			waitFor(t, 20*time.Second, what, func() (bool, string) {
				text := look(expression)
				return !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(text, w) }), text
			})
		}
		open := func() bool { return p.village.Device(tap).State().Valve.Open }
		// Once, when the phone was set up.
		if err := chromedp.Do(phone, chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile), chromedp.Navigate(p.login[plot.Household])); err != nil {
			t.Fatal(err)
		}
		see("the page after the login link", "location.pathname", "/my")

		began := time.Now()
		if !strings.Contains(letter.Data.Text, "浇水："+plot.Name) {
			t.Errorf("the message of %s says %q", plot.Name, letter.Data.Text)
		}
		if err := chromedp.Do(phone, chromedp.Navigate(letter.Data.Link)); err != nil {
			t.Fatalf("tapping %q: %v", letter.Data.Link, err)
		}
		see("the page to say that it is being watered", card, "正在浇水", "马上关")
		stop := fmt.Sprintf("#plot-%s form:has(input[name=valve][value=%q]) button.stop", plot.ID, tap)
		if err := chromedp.Do(phone, chromedp.Click(chromedp.CSS(stop))); err != nil {
			t.Fatalf("stopping: %v; the page says %q", err, look(card))
		}
		see("the page to say that the valve is closing", card, "正在关水", "还没说关好")
		if text := look(card); strings.Contains(text, "阀门关着") || !open() {
			t.Errorf("the page says %q, and the valve's own record that it is open: %v", text, open())
		}
		p.goOn <- struct{}{} // a step in which the device does what it was told to
		see("the page to say that the valve is shut", card, "阀门关着")
		if open() {
			t.Error("the page says that the valve is shut, and its own record that it is open")
		}
		t.Logf("from the message to a valve that is seen to be shut: %d ms", time.Since(began).Milliseconds())
	})
}

// A farmersPath is a dry village that holds still at the first message of a watering.
type farmersPath struct {
	*estate
	box    *letterbox
	login  map[devices.HouseholdID]string
	plotOf map[devices.DeviceID]devices.Plot // by valve
	told   chan told
	goOn   chan struct{}
}

// A told is a message of a watering, and the valve that is open.
type told struct {
	letter received
	tap    devices.DeviceID
}

func newFarmersPath(t *testing.T) *farmersPath {
	t.Helper()
	p := &farmersPath{
		box: newLetterbox(t), login: map[devices.HouseholdID]string{}, plotOf: map[devices.DeviceID]devices.Plot{}, told: make(chan told), goOn: make(chan struct{}),
	}
	o := village.Options{
		Season: field.Drought, Days: 12, Plots: 6, Seed: 9, Faults: firmware.Faults{Noise: 1}, Start: time.Date(2026, 7, 9, 16, 0, 0, 0, time.UTC),
	}
	p.estate = layEstate(t, o, asItIs, "notify: {group: 0s, quiet: none, webhook: {}, allow_private: [127.0.0.0/8]}\n")
	contacts := "household,channel,address\n"
	for _, plot := range p.village.Registry.Plots {
		for _, id := range plot.Valves {
			p.plotOf[id] = plot
		}
		if _, known := p.login[plot.Household]; !known {
			p.login[plot.Household] = ""
			contacts += fmt.Sprintf("%s,webhook,%s/\n", plot.Household, p.box.URL)
		}
	}
	file := filepath.Join(p.folder, "contacts.csv")
	write(t, file, contacts)
	p.command("notify", "contacts", "import", file, "--config", p.config)
	p.serve()
	for home := range p.login {
		var made httpapi.MadeToken
		out := p.command("accounts", "add", "farmer-"+string(home), "--role", "farmer", "--household", string(home), "--lang", "zh", "--config", p.config, "--json")
		if err := json.Unmarshal(out, &made); err != nil {
			t.Fatal(err)
		}
		p.login[home] = made.Login
	}
	found := false
	p.link.Before = func(time.Time) {
		for id := range p.plotOf {
			if !found && p.village.Device(id).State().Valve.Open {
				found = true
				p.told <- told{p.letterAbout(id), id}
			}
		}
		if found {
			<-p.goOn // the village holds still while somebody looks at it
		}
	}
	return p
}

// letterAbout waits for the message that a plot is being watered, which was decided at the last tick.
func (p *farmersPath) letterAbout(valve devices.DeviceID) (letter received) {
	waitFor(p.t, 20*time.Second, "the message of a watering", func() (ok bool, seen string) {
		for _, l := range p.box.all() {
			if slices.ContainsFunc(l.Data.Episodes, func(e notify.Line) bool {
				return e.Plot == p.plotOf[valve].ID && e.Watering == notify.WateringBegun && !e.Over
			}) {
				letter, ok = l, true
			}
		}
		return ok, fmt.Sprint(p.box.all())
	})
	return letter
}

// wateringIsTold waits until a message of a watering has come while the valve is open.
func (p *farmersPath) wateringIsTold(ctx context.Context) (received, devices.DeviceID) {
	p.t.Helper()
	select {
	case w := <-p.told:
		return w.letter, w.tap
	case <-ctx.Done():
	case <-time.After(time.Minute):
	}
	p.t.Fatalf("nobody is told of a watering: %s", p.out.tail())
	panic("unreachable")
}
