package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"ganlin/devices"
)

// MaxSeries is how many series, keys that is, a device may have in all: each
// costs memory and an entry in the database's index for ever. A further one is
// rejected.
const MaxSeries = 512

// How many bytes of payload the dead letters of a device may hold before they
// are cut: so much at once, and so much more every hour. A device that sends
// nothing but what nobody can read then takes 24 MiB a day from the journal, in
// place of 22 GB, and leaves the room to others.
const (
	letterBytes   = 8 << 20
	letterPerHour = 1 << 20
	cutLetter     = 1 << 10 // that each keeps beyond it
)

// A share is what one device has used of what all devices live on. Those that
// the registry does not know have one together.
type share struct {
	series map[devices.Key]struct{}
	left   int // bytes of payload
	at     time.Time
}

// share returns that of the device, which it may have had before this start.
func (in *Intake) share(id devices.DeviceID) *share {
	s, ok := in.shares[id]
	if !ok {
		s = &share{series: map[devices.Key]struct{}{}, left: letterBytes}
		if in.options.Series != nil && id != "" {
			for _, key := range in.options.Series(id) {
				s.series[key] = struct{}{}
			}
		}
		in.shares[id] = s
	}
	return s
}

// admit takes out the values that would be one series too many, into a dead letter.
func (s *share) admit(d *Decoded) {
	refused, first := 0, devices.Key{}
	for i := range d.Readings {
		r := &d.Readings[i]
		r.Values = slices.DeleteFunc(r.Values, func(v Value) bool {
			if _, known := s.series[v.Key]; known {
				return false
			}
			if len(s.series) < MaxSeries {
				s.series[v.Key] = struct{}{}
				return false
			}
			if refused++; refused == 1 {
				first = v.Key
			}
			return true
		})
	}
	if refused == 0 {
		return
	}
	d.Readings = slices.DeleteFunc(d.Readings, func(r Reading) bool { return len(r.Values) == 0 && !r.HasSeq })
	if d.Rejected == nil {
		d.Rejected = make(map[Reason]int)
	}
	d.Rejected[TooManySeries] += refused
	d.Dead = append(d.Dead, d.Part(TooManySeries, fmt.Sprintf(
		"device %s has %d series, as many as a device may have; %q would be one more (values refused: %d)", d.Device, len(s.series), first, refused)))
}

// cut shortens the payloads of dead letters for which the share has no room
// left, and returns how many.
func (s *share) cut(letters []DeadLetter, now time.Time) (n int) {
	if passed := now.Sub(s.at); passed > 0 {
		s.left = int(min(letterBytes, float64(s.left)+passed.Hours()*letterPerHour))
		s.at = now
	}
	for i := range letters {
		l := &letters[i]
		if len(l.Payload) <= s.left {
			s.left -= len(l.Payload)
			continue
		}
		if len(l.Payload) <= cutLetter {
			continue
		}
		if l.SHA256 == "" {
			l.SHA256 = sha256Of(l.Payload)
		}
		l.Payload = slices.Clone(l.Payload[:cutLetter])
		l.Detail = fmt.Sprintf("%s; only its first %d bytes are kept, for the device has sent many", l.Detail, cutLetter)
		n++
	}
	return n
}

func sha256Of(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
