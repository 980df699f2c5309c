package valves

import "ganlin/devices"

// Stats counts commands since the start, questions apart. At every moment
// Taken = Confirmed + Rejected + Expired + Failed + Superseded + Unanswered + Pending.
type Stats struct {
	Taken      int64 // handed over
	Sent       int64 // sent at least once
	Repeated   int64 // sendings after the first
	Asked      int64 // questions, each sending
	Confirmed  int64 // the valve said that it takes it, or at once how it stands
	Rejected   int64
	Expired    int64 // by the valve's word, or before it was heard
	Failed     int64
	Superseded int64 // a newer command or an emergency stop took its place
	Unanswered int64 // an open that Wait has given up
	Pending    int64 // under way now
}

// Stats returns the counts.
func (c *Courier) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	for _, l := range c.lines {
		if l.command != nil {
			s.Pending++
		}
	}
	return s
}

// A result is what became of a command.
type result int

const (
	confirmed result = iota
	rejected
	expired
	failed
	superseded
	unanswered
)

// resultOf returns what a report in answer to a command makes of it. That it is
// open is no answer to a close.
func (d *delivery) resultOf(s devices.CommandState) (r result, ended bool) {
	switch s {
	case devices.Rejected:
		return rejected, true
	case devices.Expired:
		return expired, true
	case devices.Failed:
		return failed, true
	case devices.Opened:
		return confirmed, d.isOpen()
	case devices.Accepted, devices.Closed:
	}
	return confirmed, true
}

func (s *Stats) count(r result) {
	switch r {
	case confirmed:
		s.Confirmed++
	case rejected:
		s.Rejected++
	case expired:
		s.Expired++
	case failed:
		s.Failed++
	case superseded:
		s.Superseded++
	case unanswered:
		s.Unanswered++
	}
}
