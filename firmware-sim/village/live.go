package village

import (
	"context"
	"time"
)

// liveTick is how often valves look at their clocks on the wall clock.
const liveTick = 250 * time.Millisecond

// lastWait is how long a fleet that ends waits for its PUBACKs.
const lastWait = 5 * time.Second

// Live runs the devices on the wall clock until ctx ends: each takes a reading
// every interval, and they take turns evenly. Build the village with the
// present as its start, the season's weather is that of its date.
func (v *Village) Live(ctx context.Context, l Link, every time.Duration) Report {
	stop := v.radios(context.WithoutCancel(ctx), l, false)
	begin := time.Now()
	gap := every / time.Duration(len(v.devices))
	ticked := begin
	for next := 0; ; {
		now := time.Now().UTC()
		if now.Sub(ticked) >= liveTick {
			ticked = now
			v.pass(now)
			for _, d := range v.devices {
				d.Wake()
			}
		}
		for due := begin.Add(gap * time.Duration(next)); !due.After(now); due = due.Add(gap) {
			d := v.devices[next%len(v.devices)]
			d.Advance(now)
			d.Take()
			d.Wake()
			next++
		}
		wake := begin.Add(gap * time.Duration(next))
		if tick := ticked.Add(liveTick); tick.Before(wake) {
			wake = tick
		}
		if !sleepUntil(ctx, wake) {
			break
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWait)
	defer cancel()
	_ = v.wait(last) // what is still waiting then is counted as such
	stop()
	return v.report()
}
