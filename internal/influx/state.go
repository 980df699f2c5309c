package influx

import "time"

// A Condition is how the writer fares.
type Condition string

// The conditions.
const (
	Starting Condition = "starting" // no point has been written and read back yet
	OK       Condition = "ok"       // the latest write was stored
	Retrying Condition = "retrying" // the database is away or busy; it comes back by itself
	Stopped  Condition = "stopped"  // a person is needed; nothing is dropped meanwhile
)

// A State is the condition of the writer, for pages, /readyz and alarms.
type State struct {
	Condition Condition
	Since     time.Time // UTC; when it entered the condition
	Why       string    // a sentence; empty when OK
}

// State returns the present state. It never waits for a write.
func (w *Writer) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// Kick cuts the present pause short: the database is said to be back or mended.
func (w *Writer) Kick() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// enter changes the state and says so once in the log.
func (w *Writer) enter(c Condition, why string) {
	w.mu.Lock()
	before := w.state
	now := time.Now().UTC()
	if c != before.Condition {
		w.state.Since = now
	}
	w.state.Condition, w.state.Why = c, why
	w.mu.Unlock()
	if c == before.Condition && (c != Stopped || why == before.Why) {
		return
	}
	switch {
	case c == OK && before.Condition == Starting:
		w.o.Logger.Info("InfluxDB takes points and gives them back, to the millisecond")
	case c == OK:
		w.o.Logger.Info("writing to InfluxDB again", "after_s", int(now.Sub(before.Since).Seconds()))
	case c == Retrying:
		w.o.Logger.Warn("InfluxDB is away, trying again until it is back", "why", why)
	case c == Stopped:
		w.o.Logger.Error("writing to InfluxDB stopped, nothing is dropped, a person is needed", "why", why)
	}
}
