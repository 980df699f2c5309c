package valve

import "time"

// StrikesOut is after how many opens in a row that came to nothing a valve counts
// as one that does not respond.
const StrikesOut = 3

// afterWord is how soon after a strike a valve may be tried that has spoken by itself since.
const afterWord = time.Hour

// strike takes down that an open came to nothing: it expired or was refused, or
// the valve took it and did not open. The next one waits, longer each time.
func (v *Valve) strike(at time.Time) {
	v.Strikes++
	pause := 24 * time.Hour
	switch v.Strikes {
	case 1:
		pause = 10 * time.Minute
	case 2:
		pause = time.Hour
	}
	v.Struck, v.NotUntil = at, at.Add(pause)
}

// obeyed ends the count: the valve has opened.
func (v *Valve) obeyed() { v.Strikes, v.NotUntil, v.Struck = 0, time.Time{}, time.Time{} }

// speaks takes down that a valve says something of itself after a strike, as it
// does when it connects: it may be tried again soon.
func (v *Valve) speaks(at time.Time) {
	if soon := v.Struck.Add(afterWord); v.Strikes > 0 && at.After(v.Struck) && soon.Before(v.NotUntil) {
		v.NotUntil = soon
	}
}

// Unresponsive reports whether so many opens in a row came to nothing that
// somebody has to look at the valve.
func (v *Valve) Unresponsive() bool { return v.Strikes >= StrikesOut }
