package broker

import (
	"log/slog"
	"maps"
	"sync"
	"time"

	"ganlin/devices"
)

// A Reason says why a login or a message was refused. It is a metric label: the set is small and fixed.
type Reason string

// The reasons. The first five are of logins.
const (
	Anonymous      Reason = "anonymous"       // no user name
	BadID          Reason = "bad_id"          // the user name is not one that a device may have
	WrongClientID  Reason = "wrong_client_id" // the client id differs from the user name
	WrongSecret    Reason = "wrong_secret"
	NotOpen        Reason = "not_open"        // the door was closed for longer than a login can wait
	ForeignTopic   Reason = "foreign_topic"   // a topic that the device may not publish to
	TooLarge       Reason = "too_large"       // beyond what the server takes at all
	QueueFull      Reason = "queue_full"      // the queue to the journal holds as many bytes as it may
	JournalRefused Reason = "journal_refused" // the journal failed or is full
	Closing        Reason = "closing"         // the door was being closed
	DoorLost       Reason = "door_lost"       // not one message: the server ended, or gave up on a door that was too slow
)

// Refusals are counted each and logged once a minute by reason: they come from
// outside, as fast as somebody likes.
type refusals struct {
	log *slog.Logger

	mu     sync.Mutex
	counts map[Reason]uint64
	logged map[Reason]time.Time
}

func newRefusals(log *slog.Logger) *refusals {
	return &refusals{log: log, counts: map[Reason]uint64{}, logged: map[Reason]time.Time{}}
}

func (r *refusals) count(reason Reason, device devices.DeviceID) {
	now := time.Now() // the log's clock is the wall's, whatever the messages' is
	r.mu.Lock()
	r.counts[reason]++
	total := r.counts[reason]
	last, before := r.logged[reason]
	due := !before || now.Sub(last) >= time.Minute
	if due {
		r.logged[reason] = now
	}
	r.mu.Unlock()
	if due {
		r.log.Warn("refused at the door", "reason", string(reason), "device", string(device), "total", total)
	}
}

func (r *refusals) snapshot() map[Reason]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.counts)
}
