package valves

import "time"

// longestLeap is how far the clock may move against the time that has passed
// before nothing is believed of the valves any more.
const longestLeap = 5 * time.Second

// origin is what the clock shows less the time that has passed: it stays the
// same while nobody sets the clock and the machine does not sleep.
func (c *Courier) origin() time.Time { return c.o.Now().Round(0).Add(-c.o.Elapsed()) }

// leapt looks whether the clock has leapt, and if so asks every valve anew: what
// one did meanwhile nobody saw, and an open may be older than it looks. Closes
// go out as before. c.mu is held.
func (c *Courier) leapt() {
	if c.o.Elapsed == nil {
		return
	}
	origin := c.origin()
	leap := origin.Sub(c.offset)
	c.offset = origin
	if leap.Abs() <= longestLeap {
		return
	}
	c.o.Log.Warn("the clock has leapt: no valve is opened until it has said how it stands", "leap_s", int(leap.Seconds()))
	for device := range c.lines {
		c.doubt(device)
	}
}
