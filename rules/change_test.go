package rules_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/rules"
	"ganlin/rules/condition"
	"ganlin/rules/valve"
	"ganlin/rules/water"
)

// hourly ticks a site through hours without facts.
func hourly(s *rules.Site, from time.Time, hours int) (all []devices.Decision) {
	for h := range hours {
		all = append(all, s.Tick(from.Add(time.Duration(h)*time.Hour))...)
	}
	return all
}

// TestEveryLocalDayIsOne goes through the days on which clocks are put forward
// and back. In Cairo, Santiago and the Azores such a day has no midnight.
func TestEveryLocalDayIsOne(t *testing.T) {
	for _, c := range []struct{ zone, change string }{
		{"Asia/Shanghai", "2026-07-01"},
		{"Europe/Berlin", "2026-03-29"},
		{"Europe/Berlin", "2026-10-25"},
		{"Africa/Cairo", "2026-04-24"},
		{"Africa/Cairo", "2026-10-30"},
		{"America/Santiago", "2026-09-06"},
		{"America/Santiago", "2026-04-05"},
		{"Atlantic/Azores", "2026-03-29"},
		{"Asia/Beirut", "2026-03-29"},
		{"Australia/Lord_Howe", "2026-10-04"},
	} {
		t.Run(c.zone+" "+c.change, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			change, err := time.ParseInLocation("2006-01-02T15", c.change+"T12", zone)
			if err != nil {
				t.Fatal(err)
			}
			one := config(t)
			one.Zone = zone
			s := rules.New(one)
			var days []string
			var ends []time.Time
			for _, d := range hourly(s, change.AddDate(0, 0, -3).UTC(), 6*24) {
				if d.Kind == devices.BalanceDecision && d.Subject == "p-1" {
					days = append(days, d.At.Add(-time.Minute).In(zone).Format(time.DateOnly))
					ends = append(ends, d.At.In(zone))
				}
			}
			var want []string
			for i := range 6 {
				want = append(want, change.AddDate(0, 0, i-3).Format(time.DateOnly))
			}
			if len(days) < 5 || !slices.Equal(days, want[:len(days)]) {
				t.Errorf("days %v, want %v", days, want)
			}
			for _, end := range ends {
				if end.Add(-time.Second).Day() == end.Day() || end.Hour() > 1 {
					t.Errorf("a day ends at %s", end)
				}
			}
		})
	}
}

// TestAStopIsObeyed stops all valves in mid-season. The control has no stop.
func TestAStopIsObeyed(t *testing.T) {
	stop, resume := begin.Add(10*24*time.Hour), begin.Add(20*24*time.Hour)
	live := func(acts bool) (during, after int) {
		s := rules.New(config(t))
		if acts {
			s.Add(devices.Fact{Kind: devices.ActFact, At: stop, Act: &devices.Act{ID: "a-1", At: stop, Action: devices.StopAct}})
			s.Add(devices.Fact{Kind: devices.ActFact, At: stop, Act: &devices.Act{ID: "a-2", At: stop, Action: "of another kind"}})
			s.Add(devices.Fact{Kind: devices.ActFact, At: resume, Act: &devices.Act{ID: "a-3", At: resume, Action: devices.ResumeAct}})
		}
		for _, d := range season(t, s, &world{}, someHours, nil, nil) {
			switch {
			case d.Kind != devices.CommandDecision || d.Outcome != "open":
			case !d.At.Before(stop) && d.At.Before(resume):
				during++
			case !d.At.Before(resume):
				after++
			}
		}
		return during, after
	}
	if during, after := live(true); during > 0 || after == 0 {
		t.Errorf("%d openings while stopped, %d afterwards", during, after)
	}
	if during, _ := live(false); during == 0 {
		t.Error("nothing would have been opened anyway")
	}
}

// TestWhatIsNewInAVersion adds a plot with valve and probe in mid-season, while all is stopped.
func TestWhatIsNewInAVersion(t *testing.T) {
	c := config(t)
	s := rules.New(c)
	season(t, s, &world{}, 10*24, nil, nil)
	at := s.Watermark()
	s.Add(devices.Fact{Kind: devices.ActFact, At: at.Add(time.Minute), Act: &devices.Act{ID: "a-1", At: at.Add(time.Minute), Action: devices.StopAct}})
	hourly(s, at.Add(time.Hour), 1)
	plot := c.Plots[0]
	plot.ID, plot.Valves = "p-9", []devices.DeviceID{"v-9"}
	c.Plots = append(c.Plots, plot)
	c.Devices = append(c.Devices, devices.Device{ID: "s-9", Plot: "p-9"}, devices.Device{ID: "v-9", Plot: "p-9", MaxDurationS: 600})
	s.Configure(c)
	for _, d := range hourly(s, at.Add(2*time.Hour), 3) {
		if d.Rule == "probe_silent" && d.Subject == "s-9" {
			t.Error("a probe that is new counts as silent since the season began")
		}
	}
	i := slices.IndexFunc(s.View().Valves, func(v valve.Valve) bool { return v.Device == "v-9" })
	if i < 0 || !s.View().Valves[i].Stopped {
		t.Error("a valve that came during a stop may open")
	}
	var silent bool
	for _, d := range hourly(s, at.Add(5*time.Hour), 5) {
		silent = silent || d.Rule == "probe_silent" && d.Subject == "s-9"
	}
	if !silent {
		t.Error("a probe that never speaks is not missed")
	}
}

// TestTwoGaugesAreOneRain has a second counter at the station, which stands elsewhere.
func TestTwoGaugesAreOneRain(t *testing.T) {
	c := config(t)
	c.Devices = append(c.Devices, devices.Device{ID: "w-02", Station: "w-01"})
	w := &world{}
	s := rules.New(c)
	at := begin
	s.Tick(at)
	var all []devices.Decision
	w.theta = 0.2
	for range 72 {
		at = at.Add(time.Hour)
		for _, f := range append(w.live(at), w.fact("w-02", at.Add(-time.Minute), "rain_total", 5)) {
			s.Add(f)
		}
		all = append(all, s.Tick(at)...)
	}
	for _, d := range all {
		if d.Kind == devices.BalanceDecision && d.Numbers["rain_mm"] != 0 {
			t.Errorf("%v mm of rain at %s", d.Numbers["rain_mm"], d.At)
		}
	}
	if why := s.View().Plots[1].WhyUnknown; !slices.Equal(why, []string{water.MoistureDoubt}) {
		t.Errorf("of the plot without a probe more than its beginning is unknown: %v", why)
	}
}

// TestABrokenRuleIsAnAlert has a rule that divides by nothing, until it is mended.
func TestABrokenRuleIsAnAlert(t *testing.T) {
	c := config(t)
	rule := func(when string) condition.Rule {
		compiled, err := condition.Compile(when, condition.Plot, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := condition.Rule{ID: "odd", Subject: condition.Plot, When: compiled, Severity: condition.Info, Do: condition.RaiseAlert}
		r.Seal()
		return r
	}
	c.Rules = []condition.Rule{rule("1 / (crop_day - crop_day) > 0")}
	s := rules.New(c)
	count := map[string]int{}
	tell := func(all []devices.Decision) {
		for _, d := range all {
			if d.Rule == "rule_broken" {
				count[d.Outcome]++
			}
		}
	}
	tell(hourly(s, begin, 50))
	if count["firing"] != 1 || count["resolved"] != 0 {
		t.Errorf("broken: %v", count)
	}
	c.Rules = []condition.Rule{rule("crop_day < 0")}
	s.Configure(c)
	tell(hourly(s, begin.Add(50*time.Hour), 50))
	if count["firing"] != 1 || count["resolved"] != 1 {
		t.Errorf("mended: %v", count)
	}
}

// TestAnAlertIsShownOnce: a station and its device may have one name.
func TestAnAlertIsShownOnce(t *testing.T) {
	s := rules.New(config(t))
	hourly(s, begin, 48)
	seen := map[string]int{}
	for _, a := range s.View().Alerts {
		if seen[a.Rule+" "+a.Subject]++; seen[a.Rule+" "+a.Subject] > 1 {
			t.Errorf("%s of %s is shown twice", a.Rule, a.Subject)
		}
	}
	if seen["station_silent w-01"] == 0 {
		t.Errorf("a silent station is not shown: %v", seen)
	}
}

// TestWaterOfNobodyKnowsHowMuch opens a valve by hand that has no meter: a plot
// without a probe is unknown then. Controls tell the litres, or know the flow.
func TestWaterOfNobodyKnowsHowMuch(t *testing.T) {
	for _, told := range []struct {
		metered bool
		flowLPM float64
		netMM   float64
	}{{false, 0, 0}, {true, 0, 500 * 0.75 / 2000}, {false, 100, 2000 * 0.75 / 2000}} {
		of := config(t)
		of.Plots[1].Mode = devices.Advise
		for i := range of.Devices {
			if of.Devices[i].ID == "v-2" {
				of.Devices[i].FlowLPM = told.flowLPM
			}
		}
		s := rules.New(of)
		w := &world{soaked: true, theta: 0.25}
		at := begin.Add(6*24*time.Hour + 90*time.Minute)
		say := func(at time.Time, state devices.CommandState, litres *float64) {
			s.Add(devices.Fact{
				Kind: devices.ReportFact, At: at, Device: "v-2", Report: &devices.CommandReport{State: state, At: at, Seq: 1 << 40, VolumeL: litres},
			})
		}
		say(at, devices.Opened, nil)
		var litres *float64
		if told.metered {
			litres = new(500.0)
		}
		say(at.Add(20*time.Minute), devices.Closed, litres)
		all := season(t, s, w, 8*24, nil, nil)
		got := seen{s, all}.balance("p-2", begin.Add(7*24*time.Hour))
		if unknown := slices.Contains(got.Unknown, "irrigation"); unknown != (told.netMM == 0) || math.Abs(got.Numbers["irrigation_mm"]-told.netMM) > 1e-9 {
			t.Errorf("%+v: the balance is %s, unknown %v, %v", told, got.Outcome, got.Unknown, got.Numbers)
		}
	}
}

// TestAlertsOfWhatIsGone takes a plot, a probe, a rule and a whole village out
// of a version while alerts about them are under way: each is resolved by name.
// The control keeps all.
func TestAlertsOfWhatIsGone(t *testing.T) {
	live := func(change func(*rules.Config)) (fired, resolved map[string]devices.Decision) {
		c := config(t)
		s := rules.New(c)
		var all []devices.Decision
		all = append(all, season(t, s, &world{}, 5*24, nil, nil)...) // then all is silent
		all = append(all, hourly(s, s.Watermark().Add(time.Hour), 30)...)
		change(&c)
		before := len(all)
		s.Configure(c)
		all = append(all, hourly(s, s.Watermark().Add(time.Hour), 2)...)
		fired, resolved = map[string]devices.Decision{}, map[string]devices.Decision{}
		for i, d := range all {
			switch {
			case d.Kind != devices.AlertDecision:
			case d.Outcome == "firing":
				fired[d.Rule+" "+d.Subject] = d
			case d.Outcome == "resolved" && i >= before:
				resolved[d.Rule+" "+d.Subject] = d
			}
		}
		for _, a := range s.View().Alerts {
			if d, over := resolved[a.Rule+" "+a.Subject]; over {
				t.Errorf("the alert %s is still shown", d.Texts["alert"])
			}
		}
		return fired, resolved
	}
	if _, resolved := live(func(*rules.Config) {}); len(resolved) > 0 {
		t.Errorf("nothing is gone, and this is over: %v", resolved)
	}
	for name, c := range map[string]struct {
		change func(*rules.Config)
		want   []string
	}{
		"a plot": {func(c *rules.Config) {
			c.Plots = slices.DeleteFunc(c.Plots, func(p devices.Plot) bool { return p.ID == "p-3" })
		}, []string{"soil_unknown p-3"}},
		"a device": {func(c *rules.Config) {
			c.Devices = slices.DeleteFunc(c.Devices, func(d devices.Device) bool { return d.ID == "s-1" })
		}, []string{"probe_silent s-1"}},
		"a rule": {func(c *rules.Config) {
			c.Rules = slices.DeleteFunc(slices.Clone(c.Rules), func(r condition.Rule) bool { return r.ID == "station_silent" })
		}, []string{"station_silent w-01"}},
		"another subject": {func(c *rules.Config) {
			c.Rules = slices.Clone(c.Rules)
			for i := range c.Rules {
				if r := &c.Rules[i]; r.ID == "soil_unknown" {
					r.Subject = condition.Device
				}
			}
		}, []string{"soil_unknown p-1", "soil_unknown p-2", "soil_unknown p-3"}},
	} {
		fired, resolved := live(c.change)
		for _, key := range c.want {
			f, r := fired[key], resolved[key]
			if f.Texts["alert"] == "" || r.Texts["alert"] != f.Texts["alert"] || r.Texts["raised_at"] != f.Texts["raised_at"] || r.Texts["reason"] != rules.Removed ||
				r.Severity != f.Severity || r.Plot != f.Plot {
				t.Errorf("without %s: %s fired %+v, resolved %+v", name, key, f, r)
				continue
			}
			if own, row := r.Points[0], f.Points[0]; own.Location != row.Location || own.Rule != row.Rule || own.Severity != row.Severity || own.Integers["state"] != 0 {
				t.Errorf("without %s: %+v is no row of %+v", name, own, row)
			}
			delete(resolved, key)
		}
		if len(resolved) > 0 {
			t.Errorf("without %s also resolved: %v", name, resolved)
		}
	}
}

// TestAVillageIsGone closes all of a site that a new version has no more: its
// alerts, and its valves, of which nobody has heard that they are closed. It stays
// until they are, over a restart, and nothing takes the closes back.
func TestAVillageIsGone(t *testing.T) {
	c := config(t)
	sites, _ := rules.Sites(nil).Configure([]rules.Config{c})
	tick := func(h int) []devices.Decision {
		return sites.Tick(devices.Fact{Kind: devices.TickFact, At: begin.Add(time.Duration(h) * time.Hour), Location: devices.Location{Site: "sanquan"}})
	}
	fired := 0
	for h := range 30 {
		fired += len(of(tick(h), devices.AlertDecision, "firing"))
	}
	again, decided := sites.Configure([]rules.Config{c})
	if len(decided) > 0 || again[0] != sites[0] {
		t.Errorf("the same version decided %v", decided)
	}
	sites, decided = again.Configure(nil)
	count := map[string]int{}
	for _, d := range decided {
		count[string(d.Kind)+" "+d.Outcome+" "+d.Texts["reason"]]++
	}
	if fired == 0 || count["alert resolved removed"] != fired || count["command close removed"] != 2 || len(count) != 2 {
		t.Errorf("%d alerts fired, %v is decided", fired, count)
	}
	text, err := sites[0].Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if sites, err = rules.Restore(nil, map[devices.SiteID]json.RawMessage{"sanquan": text}); err != nil || len(sites) != 1 {
		t.Fatalf("%d sites are restored: %v", len(sites), err)
	}
	if view := sites[0].View(); len(view.Plots) > 0 || len(view.Gates) != 2 || view.Gates[0].Location.Plot != "p-1" {
		t.Errorf("it is shown as %+v", view)
	}
	at := begin.Add(29*time.Hour + time.Minute)
	for n, id := range []devices.DeviceID{"v-1", "v-2"} {
		if got := sites[0].Leaving(); len(got) != 2-n {
			t.Errorf("%d valves have closed, leaving are %v", n, got)
		}
		sites.Add(devices.Fact{
			Kind: devices.ReportFact, At: at, Device: id, Location: devices.Location{Site: "sanquan"},
			Report: &devices.CommandReport{Command: commandTo(decided, id), State: devices.Closed, At: at, Seq: 1},
		})
		if confirmed := of(tick(30+n), devices.CommandDecision, "confirmed"); len(confirmed) != 1 || confirmed[0].Subject != string(id) {
			t.Errorf("of %s is decided %+v", id, confirmed)
		}
	}
	if left := sites.Unfinished(); len(left) > 0 {
		t.Errorf("%d sites are left", len(left))
	}
}

// commandTo returns the id of the command that a valve was told.
func commandTo(decided []devices.Decision, id devices.DeviceID) string {
	for _, d := range decided {
		if d.Command != nil && d.Subject == string(id) {
			return d.Command.ID
		}
	}
	return ""
}

// TestAVillageThatIsNewInAStop is stopped as the others are, whether or not the
// rules have come to the stop, and goes on with them.
func TestAVillageThatIsNewInAStop(t *testing.T) {
	c, other := config(t), config(t)
	other.Site.ID = "another"
	for name, late := range map[string]time.Duration{"the rules know of the stop": 0, "the rules are behind it": 20 * time.Minute} {
		c.Lateness, other.Lateness = late, late
		sites, _ := rules.Sites(nil).Configure([]rules.Config{c})
		tick := func(minutes int) {
			for _, s := range sites {
				sites.Tick(devices.Fact{Kind: devices.TickFact, At: begin.Add(time.Duration(minutes) * time.Minute), Location: devices.Location{Site: s.ID()}})
			}
		}
		act := func(minutes int, action devices.ActAction) {
			at := begin.Add(time.Duration(minutes) * time.Minute)
			sites.Add(devices.Fact{Kind: devices.ActFact, At: at, Act: &devices.Act{ID: string(action), At: at, Action: action, By: "operator"}})
		}
		stopped := func(want bool) {
			t.Helper()
			for _, s := range sites {
				if v := s.View(); v.Stopped != want || v.Valves[0].Stopped != want {
					t.Errorf("%s: %s is stopped: %t, its valve: %t", name, v.Site, v.Stopped, v.Valves[0].Stopped)
				}
			}
		}
		tick(0)
		act(1, devices.StopAct)
		tick(10)
		sites, _ = sites.Configure([]rules.Config{c, other})
		tick(60)
		stopped(true)
		act(61, devices.ResumeAct)
		tick(120)
		stopped(false)
	}
}

// TestAModeChangesWhileItIsWatered: the watering is over by name, and begins no
// more. The control changes nothing.
func TestAModeChangesWhileItIsWatered(t *testing.T) {
	for _, mode := range []devices.Mode{devices.Auto, devices.Advise, devices.Off} {
		c := config(t)
		s, _, open := opened(t, c)
		c.Plots = slices.Clone(c.Plots)
		c.Plots[0].Mode = mode
		s.Configure(c)
		var stopped []devices.Decision
		for _, d := range of(hourly(s, open.At.Add(time.Hour), 2), devices.IrrigationDecision, "stop") {
			if d.Subject == "p-1" && d.Texts["reason"] == rules.Reworked {
				stopped = append(stopped, d)
			}
		}
		p := s.View().Plots[0]
		if changed := mode != devices.Auto; changed != (len(stopped) == 1) || changed && (p.Irrigating || p.Held != "") {
			t.Errorf("%s: stopped %+v, it is watered: %t, held %q", mode, stopped, p.Irrigating, p.Held)
		}
	}
}

// TestMoreTimeForFacts puts a version into force by which facts may be longer on
// their way: what is over stays over.
func TestMoreTimeForFacts(t *testing.T) {
	c := config(t)
	s := rules.New(c)
	hourly(s, begin, 24)
	over := s.Watermark()
	c.Lateness = 2 * time.Hour
	s.Configure(c)
	for h := range 4 {
		s.Tick(over.Add(time.Duration(h) * time.Hour))
		if s.Watermark().Before(over) {
			t.Errorf("the watermark went back from %s to %s", over, s.Watermark())
		}
	}
	if want := over.Add(time.Hour); !s.Watermark().Equal(want) {
		t.Errorf("the watermark stands at %s, want %s", s.Watermark(), want)
	}
}

// TestHeatIsOfTheWeather raises one alert for a station, whatever stands there,
// and none where nothing grows.
func TestHeatIsOfTheWeather(t *testing.T) {
	count := func(planted time.Time) (n int) {
		c := config(t)
		for i := range c.Plots {
			c.Plots[i].Planted = planted
		}
		hot := func(f *devices.Fact) bool {
			if f.Key.Quantity == devices.AirTemperature {
				f.Value += 4
			}
			return true
		}
		for _, d := range season(t, rules.New(c), &world{bend: hot}, 5*24, nil, nil) {
			if d.Rule == "heat" && d.Outcome == "firing" {
				n++
				if d.Subject != "w-01" || d.Plot != "" || d.Numbers["t_max_24h_c"] < 37 || d.Numbers["plots_growing"] != 3 {
					t.Errorf("heat is told as %+v", d)
				}
			}
		}
		return n
	}
	if n := count(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)); n != 1 {
		t.Errorf("%d alerts of heat for one station", n)
	}
	if n := count(time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)); n != 0 {
		t.Errorf("%d alerts of heat for bare fields", n)
	}
}
