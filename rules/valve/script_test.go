package valve_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"ganlin/devices"
	"ganlin/rules/valve"

	gocmp "github.com/google/go-cmp/cmp"
)

// A script plays a valve line by line and notes what happens. A line is a
// time in seconds and one of:
//
//	OPEN ID SECONDS LITRES | CLOSE ID | stop | resume | clear | tick
//	flow LITRES_A_MINUTE | STATE [COMMAND [LITRES]]
func play(t *testing.T, v *valve.Valve, script string) []string {
	t.Helper()
	var got []string
	for line := range strings.SplitSeq(strings.TrimSpace(script), "\n") {
		refused, events := playLine(t, v, line)
		got = append(got, refused...)
		for _, e := range events {
			got = append(got, tell(e))
		}
	}
	return got
}

// playLine plays one line of a script, and returns a refused open and what happens.
func playLine(t *testing.T, v *valve.Valve, line string) (refused []string, events []valve.Event) {
	t.Helper()
	words := strings.Fields(line)
	seconds, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	now := at(seconds)
	arg := func(i int) string { return append(words, "", "", "", "")[i+1] }
	number := func(i int) float64 { f, _ := strconv.ParseFloat(arg(i), 64); return f }
	switch arg(0) {
	case "OPEN":
		cmd, refusal := v.Open(now, arg(1), valve.Ask{DurationS: int(number(2)), VolumeL: number(3)})
		if refusal != "" {
			refused = []string{fmt.Sprintf("%s %s: refused, %s", words[0], arg(1), refusal)}
		} else if err := cmd.Validate(); err != nil {
			t.Error(err)
		}
	case "CLOSE":
		v.Close(now, arg(1))
	case "stop":
		events = v.Stop(now)
	case "resume":
		v.Resume()
	case "clear":
		events = v.Clear(now)
	case "tick":
		events = v.Tick(now, now)
	case "flow":
		events = v.Flow(number(1), now)
	default:
		r := devices.CommandReport{State: devices.CommandState(arg(0)), Command: strings.TrimSuffix(arg(1), "-")}
		if arg(2) != "" {
			litres := number(2)
			r.VolumeL = &litres
		}
		events = v.Report(r, now)
	}
	return refused, events
}

func tell(e valve.Event) string {
	s := fmt.Sprintf("%g %s %s: %s", e.At.Sub(noon).Seconds(), cmp.Or(e.Command, "-"), e.Kind, e.State)
	if e.Send != nil {
		s += fmt.Sprintf(", send %s", e.Send.Action)
	}
	if e.Kind.Alarm() {
		s += "!"
	}
	if o := e.Ended; o != nil {
		s += fmt.Sprintf(", %s by %s for %g s of %d, ", cmp.Or(o.Command, "-"), o.By, o.DurationS, o.CommandedS)
		if o.DeliveredL == nil {
			s += fmt.Sprintf("? of %g L", o.CommandedL)
		} else {
			s += fmt.Sprintf("%g of %g L", *o.DeliveredL, o.CommandedL)
		}
		if o.Assumed {
			s += ", assumed"
		}
		if o.Still {
			s += ", still"
		}
	}
	return s
}

// auto is the id of the n-th command after a command at a time, as the valve makes them up.
func auto(seconds float64) string { return fmt.Sprintf("v-1-%d", at(seconds).UnixMilli()) }

// A played script is one with what has to happen, and how the valve stands in the end.
type played struct {
	name, script string
	want         []string
	state        valve.State
}

func playAll(t *testing.T, all []played) {
	t.Helper()
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			v := closedValve()
			if diff := gocmp.Diff(c.want, play(t, v, c.script)); diff != "" {
				t.Error(diff)
			}
			if v.State != c.state {
				t.Errorf("it is %s, want %s", v.State, c.state)
			}
			if diff := gocmp.Diff(v, restart(t, v)); diff != "" {
				t.Errorf("its JSON form lost something: %s", diff)
			}
		})
	}
}

// restart writes a valve down and reads it again.
func restart(t interface {
	Helper()
	Fatal(...any)
}, v *valve.Valve,
) *valve.Valve {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var read valve.Valve
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return &read
}
