package valves

import (
	"time"

	"ganlin/devices"
)

// After so long by the wall a valve is not believed any more to stand as it
// said: when it was away, and when it has said nothing at all.
const (
	longAbsence = time.Minute
	longSilence = time.Hour
)

// A word is what a valve said last of whether it is open.
type word struct {
	state devices.CommandState // opened, closed, failed, or accepted: it is about to open; empty: nothing yet
	at    time.Time            // event time
}

func (w word) closed() bool { return w.state == devices.Closed }

// Reported takes a valve's word and when that was, in event time. Reports of any
// age and in any number may come.
func (c *Courier) Reported(device devices.DeviceID, r devices.CommandReport, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, known := c.lines[device]
	if !known {
		return
	}
	l.heard = time.Now()
	c.says(l, &r, at)
	c.shut(l, &r)
	if q := l.query; q != nil && q.command.ID == r.Command {
		l.query, l.answered = nil, true
		if l.command != nil {
			l.command.due = time.Time{}
		}
	}
	if d := l.command; d != nil {
		switch result, ended := d.resultOf(r.State); {
		case d.command.ID == r.Command && ended:
			c.end(d, result)
		case d.isOpen() && d.sent == 0 && l.answered && !l.word.closed():
			c.end(d, superseded) // somebody else has opened it meanwhile
		}
	}
	c.comesBack(l)
	c.rouse()
}

// says takes down whether the valve is open. What is older than its newest word
// counts only as the answer that was waited for: its clock may have gone back.
func (c *Courier) says(l *line, r *devices.CommandReport, at time.Time) {
	switch r.State {
	case devices.Accepted:
		if d := c.byID[r.Command]; d == nil || !d.isOpen() {
			return
		}
	case devices.Opened, devices.Closed, devices.Failed:
	case devices.Rejected, devices.Expired:
		return
	}
	answer := !l.answered && l.query.is(r.Command) || l.command.is(r.Command)
	if answer || !at.Before(l.word.at) {
		l.word = word{r.State, at}
		l.closing = l.closing && !l.word.closed()
	}
}

func (d *delivery) is(command string) bool { return d != nil && d.command.ID == command }

// Word returns what a valve said last of whether it is open, and when that was
// in event time; empty: nothing since the start.
func (c *Courier) Word(device devices.DeviceID) (state devices.CommandState, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lines[device]
	if l == nil {
		return "", time.Time{}
	}
	return l.word.state, l.word.at
}

// Doing returns what a valve was told and has not said that it did; empty: nothing.
// That it has taken a close is not that it is closed.
func (c *Courier) Doing(device devices.DeviceID) devices.Action {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch l := c.lines[device]; {
	case l == nil:
	case l.closing:
		return devices.Close
	case l.command != nil && l.command.isOpen():
		return devices.Open
	}
	return ""
}

// Presence takes word of whether a valve is connected: the broker's, or that of
// its own status and last will. One that was away for long has to say anew how it stands.
func (c *Courier) Presence(device devices.DeviceID, online bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.line(device)
	switch now := time.Now(); {
	case !online && l.gone.IsZero():
		l.gone = now
	case online:
		if !l.gone.IsZero() && now.Sub(l.gone) >= longAbsence {
			c.doubt(device)
		}
		c.comesBack(l)
		c.rouse()
	}
}

// comesBack sends at once what could not be sent before.
func (c *Courier) comesBack(l *line) {
	if l.offline.IsZero() && l.gone.IsZero() {
		return
	}
	l.offline, l.gone = time.Time{}, time.Time{}
	for _, d := range []*delivery{l.query, l.command} {
		if d != nil {
			d.due, d.pause = time.Time{}, c.o.FirstRetry
		}
	}
}

// Doubt lets nothing open until each of the valves has said anew how it stands.
func (c *Courier) Doubt(valves ...devices.DeviceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, device := range valves {
		c.doubt(device)
	}
	c.rouse()
}

func (c *Courier) doubt(device devices.DeviceID) {
	l := c.line(device)
	l.answered, l.query = false, nil // what was asked before may have been answered before
	c.ask(device)
}
