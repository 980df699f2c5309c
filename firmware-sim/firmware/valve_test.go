package firmware

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ganlin/devices"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// at returns the time so many seconds after noon.
func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

func testValve() *valve {
	return &valve{now: noon, ValveOptions: ValveOptions{
		MaxDuration: 2 * time.Hour, MaxVolumeL: 10_000, FlowLPM: 60, Latency: 2 * time.Second,
	}}
}

// openFor is a command that is sent at noon and expires a minute later.
func openFor(id string, seq int64, seconds int) devices.Command {
	return devices.Command{ID: id, Seq: seq, Action: devices.Open, MaxDurationS: seconds, ExpiresAt: at(60)}
}

func TestValve(t *testing.T) {
	closeBy := func(id string, seq int64) devices.Command {
		return devices.Command{ID: id, Seq: seq, Action: devices.Close}
	}
	volume := func(c devices.Command, litres float64) devices.Command { c.MaxVolumeL = litres; return c }
	lasting := func(c devices.Command, until float64) devices.Command { c.ExpiresAt = at(until); return c }
	type sent struct {
		at  float64
		cmd devices.Command
	}
	for _, c := range []struct {
		name  string
		sent  []sent
		until float64
		unset bool // the clock
		want  []string
	}{
		{
			name: "an open ends by itself", sent: []sent{{0, openFor("a", 1, 600)}}, until: 1000,
			want: []string{"2 a accepted", "2 a open 0 L", "602 - closed 600 L"},
		},
		{
			name: "a close ends it earlier", sent: []sent{{0, openFor("a", 1, 600)}, {100, closeBy("b", 2)}}, until: 1000,
			want: []string{"2 a accepted", "2 a open 0 L", "102 b accepted", "102 b closed 100 L"},
		},
		{
			name: "a close is answered when closed, when old and when repeated",
			sent: []sent{{0, closeBy("a", 9)}, {10, closeBy("b", 3)}, {20, closeBy("b", 3)}, {30, closeBy("", 0)}}, until: 100,
			want: []string{"2 a accepted", "2 a closed", "12 b accepted", "12 b closed", "22 b accepted", "22 b closed", "32 - accepted", "32 - closed"},
		},
		{
			name: "an open without an answer is repeated and old",
			sent: []sent{{0, openFor("a", 5, 60)}, {10, openFor("a", 5, 60)}, {11, openFor("a", 6, 60)}, {12, openFor("b", 4, 60)}}, until: 30,
			want: []string{"2 a accepted", "2 a open 0 L"},
		},
		{
			name: "a close leaves older opens behind",
			sent: []sent{{0, closeBy("a", 5)}, {10, openFor("b", 4, 60)}}, until: 30,
			want: []string{"2 a accepted", "2 a closed"},
		},
		{
			name: "an open while open replaces the lease",
			sent: []sent{{0, openFor("a", 1, 600)}, {30, openFor("b", 2, 60)}}, until: 1000,
			want: []string{"2 a accepted", "2 a open 0 L", "32 b accepted", "32 b open 30 L", "92 - closed 90 L"},
		},
		{
			name: "no lease goes beyond the longest opening",
			sent: []sent{{0, openFor("a", 1, 9000)}, {50, openFor("b", 2, 9000)}, {7000, lasting(openFor("c", 3, 9000), 8000)}}, until: 20_000,
			want: []string{"2 a accepted", "2 a open 0 L", "52 b accepted", "52 b open 50 L", "7002 c accepted", "7002 c open 7000 L", "7202 - closed 7200 L"},
		},
		{
			name: "the water of a lease is bounded, and that of the opening",
			sent: []sent{{0, volume(openFor("a", 1, 7000), 100)}, {50, volume(openFor("b", 2, 7000), 30)}}, until: 1000,
			want: []string{"2 a accepted", "2 a open 0 L", "52 b accepted", "52 b open 50 L", "82 - closed 80 L"},
		},
		{
			name: "an expired open is told so and not obeyed",
			sent: []sent{{58.001, openFor("a", 1, 600)}, {59, openFor("a", 1, 600)}}, until: 100,
			want: []string{"60.001 a expired"},
		},
		{
			name: "without a clock an open is rejected, a close obeyed", unset: true,
			sent: []sent{{0, openFor("a", 1, 600)}, {1, openFor("a", 1, 600)}, {10, closeBy("b", 2)}}, until: 100,
			want: []string{"2 a rejected clock", "12 b accepted", "12 b closed"},
		},
		{
			name: "an open without an end is rejected",
			sent: []sent{{0, devices.Command{ID: "a", Seq: 1, Action: devices.Open, ExpiresAt: at(60)}}, {1, devices.Command{ID: "b", Seq: 2, Action: "flush"}}}, until: 100,
			want: []string{"2 a rejected invalid", "3 b rejected invalid"},
		},
		{
			name: "a report tells the state at once, as it was when it was asked for",
			sent: []sent{{0, openFor("a", 1, 600)}, {50, devices.Command{ID: "r", Action: devices.Report}}}, until: 60,
			want: []string{"2 a accepted", "2 a open 0 L", "50.001 r open 48 L"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := testValve()
			var got []string
			tell := func(r devices.CommandReport) {
				s := fmt.Sprintf("%g %s %s", r.At.Sub(noon).Seconds(), cmp.Or(r.Command, "-"), r.State)
				if r.VolumeL != nil {
					s += fmt.Sprintf(" %g L", *r.VolumeL)
				}
				if r.Reason != "" {
					s += " " + r.Reason
				}
				got = append(got, s)
			}
			for _, s := range c.sent {
				for _, r := range v.advance(at(s.at)) {
					tell(r)
				}
				if r, ok := v.receive(s.cmd, at(s.at), !c.unset); ok {
					tell(r)
				}
			}
			for _, r := range v.advance(at(c.until)) {
				tell(r)
			}
			if diff := gocmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestValveNeverStaysOpen draws whole days of commands, good and bad, and looks
// at the valve once a second as somebody would who stands beside it.
func TestValveNeverStaysOpen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if broken := watchValve(t, testValve()); broken != "" {
			t.Fatal(broken)
		}
	})
}

// TestValveWithoutTimerIsSeen is the control: the same watch sees a valve that never closes by itself.
func TestValveWithoutTimerIsSeen(t *testing.T) {
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		v := testValve()
		v.NoTimer = true
		if watchValve(t, v) != "" {
			seen++
		}
	})
	if seen == 0 {
		t.Error("a valve without a timer was never seen open for too long")
	}
}

// watchValve plays commands to a valve and returns what promise it broke.
func watchValve(t *rapid.T, v *valve) (broken string) {
	type lease struct{ ends time.Time }
	var (
		leases  = map[string]lease{} // of the opens that were accepted, by id
		current time.Time            // until when the valve may be open
		opened  time.Time
		told    string
		second  = noon
		spell   = rapid.SampledFrom([]time.Duration{time.Second, 7 * time.Second, time.Minute, 40 * time.Minute})
	)
	for n := range rapid.IntRange(1, 40).Draw(t, "commands") {
		cmd := drawCommand(t, n, second)
		if answer, ok := v.receive(cmd, second, rapid.IntRange(0, 9).Draw(t, "clock") > 0); ok && answer.State == devices.Accepted && cmd.Action == devices.Open {
			if answer.At.After(cmd.ExpiresAt) {
				return fmt.Sprintf("%s was accepted after it had expired", cmd.ID)
			}
			leases[cmd.ID] = lease{ends: answer.At.Add(time.Duration(cmd.MaxDurationS) * time.Second)}
		}
		for end := second.Add(spell.Draw(t, "spell")); second.Before(end); {
			second = second.Add(time.Second)
			was := v.open
			for _, r := range v.advance(second) {
				told = string(r.State)
				if r.State != devices.Opened {
					was = false
					continue
				}
				if !was {
					opened = r.At
				}
				was = true
				current = leases[r.Command].ends
				if most := opened.Add(v.MaxDuration); current.After(most) {
					current = most
				}
			}
			switch {
			case v.open && second.After(current.Add(time.Second)):
				return fmt.Sprintf("open at %s, allowed until %s", second, current)
			case v.open && v.opening().Litres > v.MaxVolumeL+v.FlowLPM/60:
				return fmt.Sprintf("%g L in one opening", v.opening().Litres)
			case told != "" && v.open != (told == string(devices.Opened)):
				return fmt.Sprintf("open is %v after the report %q", v.open, told)
			}
		}
	}
	sum := 0.0
	for _, o := range v.openings {
		sum += o.Litres
		if o.Over(second) {
			return fmt.Sprintf("opening %+v is over its lease", o)
		}
	}
	if math.Abs(sum-v.totalL) > 1e-6 || math.Abs(v.drain()-v.totalL) > 1e-6 {
		return fmt.Sprintf("the meter says %g L, the openings %g L", v.totalL, sum)
	}
	return ""
}

func drawCommand(t *rapid.T, n int, now time.Time) devices.Command {
	cmd := devices.Command{
		ID:     rapid.SampledFrom([]string{fmt.Sprint(n), "same", ""}).Draw(t, "id"),
		Seq:    int64(n + rapid.IntRange(-3, 1).Draw(t, "seq")),
		Action: rapid.SampledFrom([]devices.Action{devices.Open, devices.Open, devices.Open, devices.Close, devices.Report, "flush"}).Draw(t, "action"),
	}
	if cmd.Action == devices.Open {
		cmd.MaxDurationS = rapid.SampledFrom([]int{-5, 0, 1, 30, 3600, 100_000}).Draw(t, "duration")
		cmd.MaxVolumeL = rapid.SampledFrom([]float64{0, 0, 0.5, 300, 1e6}).Draw(t, "volume")
		cmd.ExpiresAt = now.Add(rapid.SampledFrom([]time.Duration{-time.Minute, time.Second, time.Minute}).Draw(t, "expires"))
	}
	return cmd
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte(`{"id":"a","seq":1783010400123,"action":"open","max_duration_s":5400,"max_volume_l":12000,"expires_at":"2026-07-01T12:01:00Z"}`))
	f.Add([]byte(`{"id":"b","seq":2,"action":"close"}`))
	f.Add([]byte(`{"id":"c","seq":3,"action":"report"}`))
	f.Add([]byte(`{"id":7,"action":"close","expires_at":"soon"}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		d := New(Options{ID: "v-1", Every: time.Hour, Boot: noon, Valve: &ValveOptions{MaxDuration: time.Hour, FlowLPM: 50, Latency: time.Second}})
		d.command(payload)
		d.Advance(noon.Add(2 * time.Hour))
		for _, o := range d.Openings() {
			if o.Over(d.now) || o.Duration(d.now) > time.Hour {
				t.Errorf("opening %+v", o)
			}
		}
		for ; d.ring.n > 0; d.ring.pop() {
			var r devices.CommandReport
			if err := json.Unmarshal(d.ring.peek().payload, &r); err != nil || r.Validate() != nil {
				t.Errorf("report %s: %v, %v", d.ring.peek().payload, err, r.Validate())
			}
		}
	})
}
