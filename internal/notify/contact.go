package notify

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
)

// A Contact is where messages for a household go.
type Contact struct {
	ID        string // says nothing of the person
	Household devices.HouseholdID
	Channel   ChannelName
	Language  words.Language
	Quiet     string // 21:00-06:00, or none; empty: as configured
	Daily     int    // messages a day; 0: as configured
	AddedAt   time.Time
	To        Address

	Unreadable bool // its address was sealed with a key that is lost
}

// An Address is where a message goes in the terms of its channel. It is
// personal data and shows itself nowhere: not in logs, not in printed structs,
// not in JSON.
type Address struct {
	place  string // a phone number, a mailbox, a topic, a robot's key, a URL
	secret string // with which messages to it are signed; empty: none
}

// NewAddress hides an address and, where the channel signs for each receiver, its secret.
func NewAddress(place, secret string) Address { return Address{place, secret} }

// String returns a stand-in.
func (Address) String() string { return "(address)" }

// GoString returns a stand-in for %#v.
func (Address) GoString() string { return "(address)" }

// MarshalText returns a stand-in for JSON and logs.
func (Address) MarshalText() ([]byte, error) { return []byte("(address)"), nil }

// scrub takes an address out of a text that somebody else wrote.
func (a Address) scrub(text string) string {
	parts := []string{a.place, a.secret, strings.TrimPrefix(a.place, "+")}
	if u, err := url.Parse(a.place); err == nil && u.Host != "" {
		parts = append(parts, u.Path, u.RawQuery)
	}
	for _, part := range parts {
		if len(part) > 1 {
			text = strings.ReplaceAll(text, part, "…")
		}
	}
	return text
}

// A Quiet is the part of a day in which nobody is woken, in minutes after
// midnight. It may pass midnight; when both are equal there is none.
type Quiet struct{ From, Until int }

// NoQuiet is how a contact says that it may be told at any time.
const NoQuiet = "none"

// ParseQuiet reads 21:00-06:00, or none.
func ParseQuiet(text string) (Quiet, error) {
	if text == NoQuiet {
		return Quiet{}, nil
	}
	var q Quiet
	from, until, ok := strings.Cut(text, "-")
	for _, side := range []struct {
		text string
		to   *int
	}{{from, &q.From}, {until, &q.Until}} {
		at, err := time.Parse("15:04", strings.TrimSpace(side.text))
		if err != nil || !ok {
			return Quiet{}, fmt.Errorf("%q are no quiet hours; write them such as 21:00-06:00, or none", text)
		}
		*side.to = at.Hour()*60 + at.Minute()
	}
	return q, nil
}

// Holds reports whether a local time lies in the quiet hours.
func (q Quiet) Holds(local time.Time) bool {
	at := local.Hour()*60 + local.Minute()
	if q.From <= q.Until {
		return q.From <= at && at < q.Until
	}
	return at >= q.From || at < q.Until
}
