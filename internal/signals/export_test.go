package signals

import "time"

// Secrets are those that sign at a time.
func (w *Webhook) Secrets(now time.Time) []string { return w.secrets(now) }

// Backoff is backoff, for its test.
var Backoff = backoff

// GiveUp is how long a webhook may fail.
const GiveUp = giveUp

// SetStreamDeadline shortens how long a stream waits for a client that takes nothing.
func (f *Feed) SetStreamDeadline(d time.Duration) { f.deadline = d }

// SetAttemptTimeout shortens how long an attempt lasts.
func (s *Sender) SetAttemptTimeout(d time.Duration) { s.client.timeout = d }

// Streams is how many streams are open.
func (f *Feed) Streams() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open
}
