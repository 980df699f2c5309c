package valve_test

import (
	"fmt"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/rules/valve"

	"pgregory.net/rapid"
)

// latency is the time from a command's sending to its effect.
const latency = 2 * time.Second

// A world is a valve as it is and a valve as it is thought to be.
type world struct {
	t        *rapid.T
	v        *valve.Valve
	d        *device
	now      time.Time // the tick
	lateness time.Duration

	people  []act     // what persons commanded past the machine, which has not heard of it yet
	lastSeq int64     // of theirs
	busy    time.Time // until then a command is on its way, and nobody else may open
	metered bool      // the meter's readings arrive; in time, so only without lateness

	seen func(valve.Event) // nil: nobody looks

	opens    map[string]int // outcomes of each
	closes   map[string]int
	ended    []valve.Ended
	events   []string
	alarms   int
	broken   string // the first promise that was broken
	openings int    // of the device
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, now: noon, opens: map[string]int{}, closes: map[string]int{},
		v: valve.New("v-1", valve.Limits{MaxDurationS: 3600, MaxVolumeL: 5000}),
		d: &device{now: noon, limit: time.Hour, lpm: 20},
	}
	w.d.say(noon, "", devices.Closed)
	return w
}

func (w *world) broke(format string, args ...any) {
	if w.broken == "" {
		w.broken = fmt.Sprintf("%s: ", w.now.Sub(noon)) + fmt.Sprintf(format, args...)
	}
}

// take notes events, looks at what they promise, and sends what they ask for.
func (w *world) take(before valve.State, events []valve.Event, delivered bool) {
	sentClose := false
	for _, e := range events {
		w.events = append(w.events, tell(e))
		if w.seen != nil {
			w.seen(e)
		}
		if e.Kind.Alarm() {
			w.alarms++
		}
		if n, open := w.opens[e.Command]; open {
			switch e.Kind {
			case valve.WasOpened:
				if n == 0 || !strings.HasPrefix(e.Command, byPerson) { // a close of before was awaited as the machine heard of it
					w.opens[e.Command]++
				}
			case valve.Rejected, valve.Expired, valve.Failed, valve.Unanswered, valve.Cancelled:
				w.opens[e.Command]++
			}
		} else if e.Kind == valve.Obeyed || e.Kind == valve.Cancelled {
			w.closes[e.Command]++
		}
		if e.Ended != nil {
			w.ended = append(w.ended, *e.Ended)
		}
		if e.Send != nil {
			if e.Send.Action != devices.Close {
				w.broke("%s commands %s by itself", e.Kind, e.Send.Action)
			}
			sentClose = true
			w.closes[e.Send.ID] = 0
			w.send(*e.Send, delivered)
		}
	}
	if before != valve.Unknown && w.v.State == valve.Unknown && !sentClose {
		w.broke("it is unknown since %s and no close was sent", before)
	}
	if w.v.Locked && w.v.State != valve.Unknown {
		w.broke("it is locked and %s", w.v.State)
	}
}

// send is the way to the device. As the program does, it sends no open to a valve
// that is open, and none while another one is on its way.
func (w *world) send(cmd devices.Command, delivered bool) {
	if err := cmd.Validate(); err != nil {
		w.broke("%v", err)
	}
	if cmd.Action == devices.Open {
		if w.d.open || w.now.Before(w.busy) {
			return
		}
		w.busy = cmd.ExpiresAt
	}
	if delivered {
		w.d.hear(cmd, w.now.Add(latency))
		w.busy = w.now.Add(latency)
	}
}

const byPerson = "person-"

// person commands the valve past the machine, which hears of it at the watermark.
func (w *world) person(action devices.Action, delivered bool) {
	v := w.v
	if action == devices.Open && (w.now.Equal(noon) || v.Stopped || v.Locked || v.Leaking || v.Pending != nil || w.d.open || w.now.Before(w.busy)) {
		return // it is refused
	}
	w.lastSeq = max(w.lastSeq+1, v.LastSeq+1, w.now.UnixMilli())
	cmd := devices.Command{ID: fmt.Sprint(byPerson, w.lastSeq), Seq: w.lastSeq, Action: action}
	if action == devices.Open {
		cmd.MaxDurationS, cmd.ExpiresAt = 300, w.now.Add(time.Minute)
		w.opens[cmd.ID] = 0
	} else {
		w.closes[cmd.ID] = 0
	}
	w.people = append(w.people, act{w.now, cmd})
	w.send(cmd, delivered)
}

// step lets time pass: the device acts, what it says is heard, and Tick.
func (w *world) step(by time.Duration, delivered bool) {
	w.now = w.now.Add(by)
	wasOpen := w.d.open
	w.d.advance(w.now)
	if w.d.open && !wasOpen {
		w.openings++
	}
	watermark := w.now.Add(-w.lateness)
	adopt := func(until time.Time) {
		for len(w.people) > 0 && !w.people[0].at.After(until) {
			a := w.people[0]
			w.people = w.people[1:]
			w.take(w.v.State, w.v.Adopt(a.cmd, a.at), delivered)
		}
	}
	for _, s := range w.d.told(watermark) {
		adopt(s.at)
		before := w.v.State
		w.take(before, w.v.Report(s.r, s.at), delivered)
	}
	adopt(watermark)
	if w.metered && w.lateness == 0 {
		lpm := 0.0
		if w.d.open && !w.d.dry {
			lpm = w.d.lpm
		}
		w.take(w.v.State, w.v.Flow(lpm, w.now), delivered)
	}
	before := w.v.State
	w.take(before, w.v.Tick(watermark, w.now), delivered)
}

func (w *world) openIt(ask valve.Ask, delivered bool) {
	if len(w.people) > 0 {
		return // as the rules do while an act of a person lies ahead
	}
	before, stopped := w.v.State, w.v.Stopped
	cmd, refusal := w.v.Open(w.now, fmt.Sprintf("open-%d", len(w.opens)), ask)
	if refusal != "" {
		return
	}
	if before != valve.Closed || stopped {
		w.broke("opened while %s, stopped %v", before, stopped)
	}
	if cmd.MaxDurationS > 3600 || cmd.MaxVolumeL > 5000 || cmd.ExpiresAt.Sub(w.now) > time.Minute {
		w.broke("opened beyond the limits: %+v", cmd)
	}
	w.opens[cmd.ID] = 0
	w.send(cmd, delivered)
}

// live plays a day of commands, hands and losses. The caller chooses faults of the device.
func (w *world) live(loss bool, after func()) {
	t := w.t
	w.lateness = rapid.SampledFrom([]time.Duration{0, 10 * time.Minute}).Draw(t, "lateness")
	w.metered = rapid.Bool().Draw(t, "metered")
	pace := rapid.SampledFrom([]time.Duration{30 * time.Second, time.Minute, 20 * time.Minute, time.Hour})
	for range rapid.IntRange(5, 60).Draw(t, "steps") {
		through := !loss || rapid.IntRange(0, 3).Draw(t, "through") > 0
		switch rapid.IntRange(0, 13).Draw(t, "what") {
		case 0, 1, 2, 3:
			w.openIt(valve.Ask{
				DurationS: rapid.SampledFrom([]int{1, 60, 600, 1800, 9000}).Draw(t, "duration"),
				VolumeL:   rapid.SampledFrom([]float64{0, 100, 1e6}).Draw(t, "volume"),
			}, through)
		case 4:
			cmd := w.v.Close(w.now, "")
			w.closes[cmd.ID] = 0
			w.send(cmd, through)
		case 5:
			w.take(w.v.State, w.v.Stop(w.now), through)
		case 6, 7:
			w.v.Resume()
		case 8:
			w.d.byHand(rapid.Bool().Draw(t, "open"))
		case 9:
			w.v = restart(t, w.v)
		case 10:
			if loss && len(w.d.acts) > 0 { // a command comes twice, and once more much later
				again := w.d.acts[0]
				w.d.hear(again.cmd, again.at.Add(time.Second))
				w.d.hear(again.cmd, again.at.Add(2*time.Hour))
			}
		case 11, 12:
			w.person(devices.Open, through)
		case 13:
			w.person(devices.Close, through)
		}
		if after != nil {
			after()
		}
		w.step(pace.Draw(t, "pace"), through)
	}
}

// settle lets everything run out.
func (w *world) settle() {
	w.d.deaf, w.d.stuckOpen, w.d.stuckShut, w.d.lying = false, false, false, false
	for range 30 {
		w.step(time.Hour, true)
	}
}

func (w *world) check() {
	if w.v.State != valve.Closed {
		w.broke("after all it is still %s", w.v.State)
	}
	for id, n := range w.opens {
		if n == 0 {
			w.broke("nobody knows what became of open %s", id)
		}
	}
	for id, n := range w.closes {
		if n != 1 {
			w.broke("close %s has %d outcomes", id, n)
		}
	}
}
