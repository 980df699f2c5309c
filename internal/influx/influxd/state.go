package influxd

import "time"

// A Phase is how far a child has come.
type Phase string

// The phases.
const (
	Building Phase = "building" // downloading and compiling, once on a machine
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Down     Phase = "down" // ended, silent or impossible; it comes back as soon as it can
)

// A State is the phase of a child, for pages and /readyz.
type State struct {
	Phase Phase
	Since time.Time // UTC; when it entered the phase
	Why   string    // a sentence for people; empty when Ready
}

// State returns the present state.
func (c *Child) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *Child) enter(phase Phase, why string) {
	c.mu.Lock()
	if phase == c.state.Phase && why == c.state.Why {
		c.mu.Unlock()
		return
	}
	if phase != c.state.Phase {
		c.state.Since = time.Now().UTC()
	}
	c.state.Phase, c.state.Why = phase, why
	now := c.state
	c.mu.Unlock()
	if c.o.Changed != nil {
		c.o.Changed(now)
	}
}
