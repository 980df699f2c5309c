package ingest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
)

// A Codec reads messages of one format. It keeps nothing between messages and
// may be used by several goroutines.
type Codec interface {
	// Version is the name and version that dead letters carry, such as native/1.
	Version() string

	// Decode reads one message. latest is the clock's latest time. It never
	// fails: what it cannot read it returns as dead letters. What it returns
	// may share memory with the payload.
	Decode(m Message, latest time.Time) Decoded
}

// Codecs returns the codecs by the names that a configuration uses.
func Codecs() map[string]Codec {
	return map[string]Codec{"native": Native{}}
}

// The sizes of a message.
const (
	MaxPayload = 256 << 10 // bytes; a larger one is a dead letter
	cutPayload = 64 << 10  // bytes that a dead letter keeps of a larger one
	maxDetail  = 500       // bytes of what a dead letter says
	maxText    = 64        // bytes of a device's text that are quoted or kept
)

// Decode reads a message with its codec, within what every codec is held to: a
// payload has at most MaxPayload bytes, and a codec that panics costs one message.
func Decode(m Message, latest time.Time) (d Decoded) {
	codec := m.Codec
	if codec == nil {
		codec = Native{}
	}
	defer func() {
		if cause := recover(); cause != nil {
			d = whole(m, Unparsable, "the codec gave up on this message, which is a fault of the program: %v", cause)
		}
		d.Received, d.Topic, d.Payload, d.Codec = received(m.Received, latest, &d), m.Topic, m.Payload, codec.Version()
		for i := range d.Dead {
			d.Dead[i].Codec = d.Codec
		}
	}()
	if len(m.Payload) > MaxPayload {
		d = whole(m, TooLarge, "the message has %d bytes; send at most %d", len(m.Payload), MaxPayload)
		if id, _, err := devices.ParseTopic(m.Topic); err == nil {
			d.Device = id
		}
		return d
	}
	return codec.Decode(m, latest)
}

// received returns when a message came. Nothing comes before it has happened: in
// step mode, where the clock stands at the last tick and devices live on to the
// next one, that is the time of the newest thing that it tells, up to the clock's
// latest time. By the wall's clock the two are the same moment.
func received(at, latest time.Time, d *Decoded) time.Time {
	newest := time.Time{}
	note := func(told time.Time) {
		if told.After(newest) {
			newest = told
		}
	}
	for i := range d.Readings {
		note(d.Readings[i].At)
	}
	if d.Report != nil {
		note(d.Report.At)
	}
	if d.Presence != nil {
		note(d.Presence.At)
	}
	if newest.After(latest) {
		newest = latest
	}
	if newest.After(at) {
		return newest
	}
	return at
}

// whole returns the message as one dead letter: nothing in it could be read.
func whole(m Message, reason Reason, format string, args ...any) Decoded {
	letter := DeadLetter{
		Reason:  reason,
		Detail:  cutText(fmt.Sprintf(format, args...), maxDetail),
		Topic:   m.Topic,
		Payload: m.Payload,
		Length:  len(m.Payload),
	}
	if len(m.Payload) > MaxPayload {
		letter.SHA256 = sha256Of(m.Payload)
		letter.Payload = slices.Clone(m.Payload[:cutPayload])
	}
	return Decoded{Dead: []DeadLetter{letter}, Whole: true}
}

// shorten cuts a text of a device to what fits in a sentence.
func shorten(text string) string { return cutText(text, maxText) }

func cutText(text string, longest int) string {
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "…"
}
