package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ganlin/devices"
)

// Native is the codec of Ganlin's own JSON: readings, status and reports on
// the topics of package devices. Members that it does not know are ignored, so
// that a newer device can speak to an older Ganlin.
type Native struct{}

// Version returns native/1.
func (Native) Version() string { return "native/1" }

// Decode reads one message of the native format.
func (Native) Decode(m Message, latest time.Time) Decoded {
	id, leaf, err := devices.ParseTopic(m.Topic)
	if err != nil {
		return whole(m, BadTopic, "%v", err)
	}
	var d Decoded
	if !json.Valid(m.Payload) {
		d = whole(m, BadJSON, "%s", syntaxError(m.Payload))
	} else {
		switch w := (window{m.Received, latest}); leaf {
		case devices.Telemetry:
			d = decodeTelemetry(m, w)
		case devices.Status:
			d = decodeStatus(m, w)
		default: // ParseTopic lets nothing else through
			d = decodeReport(m, w)
		}
	}
	d.Device = id
	return d
}

// syntaxError says why and where a payload is not JSON.
func syntaxError(payload []byte) string {
	if len(payload) == 0 {
		return "the message is empty"
	}
	err := json.Unmarshal(payload, new(json.RawMessage))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("the message is not JSON: %v, at byte %d of %d", syntax, syntax.Offset, len(payload))
	}
	return "the message is not JSON"
}

// decodeStatus reads a device's word on whether it is connected. The time of
// an offline status is that of receipt: it is a will, written at connect.
func decodeStatus(m Message, w window) Decoded {
	var status struct {
		Online   *bool           `json:"online"`
		Firmware string          `json:"firmware"`
		At       json.RawMessage `json:"at"`
		Seq      int64           `json:"seq"`
	}
	if err := json.Unmarshal(m.Payload, &status); err != nil {
		return whole(m, WrongType, "reading the status: %v", err)
	}
	if status.Online == nil {
		return whole(m, WrongType, `the status has no "online"; send true or false`)
	}
	at, dead := eventTime(m, "status", status.At, w)
	if !*status.Online {
		at = w.receipt()
	}
	return Decoded{Presence: &devices.Presence{Online: *status.Online, Firmware: shorten(status.Firmware), At: at, Seq: status.Seq}, Dead: dead}
}

// decodeReport reads a valve's report.
func decodeReport(m Message, w window) Decoded {
	var report struct {
		devices.CommandReport
		At json.RawMessage `json:"at"` // in place of the report's own
	}
	if err := json.Unmarshal(m.Payload, &report); err != nil {
		return whole(m, WrongType, "reading the report: %v", err)
	}
	r := report.CommandReport
	if err := r.Validate(); err != nil {
		return whole(m, WrongType, "%v", err)
	}
	var dead []DeadLetter
	r.At, dead = eventTime(m, "report", report.At, w)
	r.Command, r.Reason = shorten(r.Command), shorten(r.Reason)
	return Decoded{Report: &r, Dead: dead}
}

// eventTime returns the time of a status or report: that of receipt when there
// is none or the device's clock is wrong, for where a valve stands must be
// known whatever its clock says. A time that cannot be read is a dead letter
// beside it.
func eventTime(m Message, what string, raw []byte, w window) (time.Time, []DeadLetter) {
	at, err := parseInstant(raw)
	switch {
	case err == nil && at.Year() >= unsetBefore && w.check(at) == nil:
		return at, nil
	case err == nil || errors.Is(err, errNoTime):
		return w.receipt(), nil
	}
	return w.receipt(), []DeadLetter{{
		Reason: BadTime, Detail: fmt.Sprintf("the %s: %v; it counts at its receipt", what, err),
		Topic: m.Topic, Payload: m.Payload, Length: len(m.Payload), Part: true,
	}}
}
