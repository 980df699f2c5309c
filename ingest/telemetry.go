package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"ganlin/devices"
)

// MaxReadings is the largest number of readings in one message.
const MaxReadings = 1000

// A telemetry is a telemetry message while it is read. It keeps the good half:
// what is wrong with one value or reading costs no other.
type telemetry struct {
	window
	isArray  bool
	readable bool   // some reading had a plausible time and a key
	index    int    // of the reading in hand, from 1
	raw      []byte // the reading in hand
	decoded  Decoded
	problems []problem // one a reason
}

// A problem is all that was refused for one reason. It makes one dead letter
// however often it occurs, so that a message cannot multiply.
type problem struct {
	reason Reason
	detail string // of the first
	count  int
	index  int      // the last reading with it
	parts  [][]byte // the readings with it
}

// decodeTelemetry reads one reading or an array of them from valid JSON.
func decodeTelemetry(m Message, w window) Decoded {
	t := telemetry{window: w, index: 1}
	switch payload := skipSpace(m.Payload); payload[0] {
	case '{':
		t.raw = payload
		t.read()
	case '[':
		t.isArray, t.index = true, 0
		for element := range elements(payload) {
			if t.index++; t.index > MaxReadings {
				return whole(m, TooMany, "the array has more than %d readings; send it in parts", MaxReadings)
			}
			t.raw = element
			t.read()
		}
		if t.index == 0 {
			return whole(m, NoValues, "the array is empty; send at least one reading")
		}
	default:
		return whole(m, WrongType, `the message is %s; send a reading such as {"seq":1,"values":{"battery_voltage":3.6}}, or an array of readings`, kind(payload))
	}
	return t.result(m)
}

// read takes in the reading in hand.
func (t *telemetry) read() {
	if t.raw[0] != '{' {
		t.note(WrongType, fmt.Errorf("it is %s; a reading is an object", kind(t.raw)))
		return
	}
	var at, seq []byte
	var objects [][]byte // under "values"; more than one only where a member is repeated
	spoiled := false     // something else than an object is there
	for name, value := range members(t.raw) {
		switch string(unquote(name)) {
		case "at":
			at = value
		case "seq":
			seq = value
		case "values":
			if value[0] != '{' {
				spoiled = true
				t.note(WrongType, fmt.Errorf(`"values" is %s; it is an object of keys and numbers`, kind(value)))
				continue
			}
			objects = append(objects, value)
		}
	}

	r, err := t.reading(at, seq)
	keys := 0
	for _, object := range objects {
		if r.Values == nil && err == nil {
			r.Values = make([]Value, 0, min(bytes.Count(object, []byte{','})+1, 32))
		}
		for name, value := range members(object) {
			keys++
			if err != nil {
				t.reject(BadTime)
				continue
			}
			t.value(&r, name, value)
		}
	}
	t.decoded.Values += keys
	switch {
	case err != nil:
		t.note(BadTime, err)
	case keys > 0:
		t.readable = true
	case !spoiled:
		t.note(NoValues, errors.New(`it has no values; send at least one, such as "values":{"battery_voltage":3.6}`))
	}
	if len(r.Values) > 0 || err == nil && r.HasSeq { // the journal knows by it that the message has come
		t.decoded.Readings = append(t.decoded.Readings, r)
	}
}

// reading returns the reading without its values, or why its time cannot be
// used. Only a single reading may go without a time of its own: those of an
// array would all fall on one instant. A seq that is not a whole number is
// taken as none: it costs no value.
func (t *telemetry) reading(rawAt, rawSeq []byte) (Reading, error) {
	at, err := parseInstant(rawAt)
	r := Reading{At: at}
	switch {
	case errors.Is(err, errNoTime) && !t.isArray:
		r.At, r.Timing = t.receipt(), ReceiveTime
	case err != nil:
		return r, err
	case at.Year() < unsetBefore && !t.isArray:
		r.At, r.Timing = t.receipt(), UnsetClock
	case at.Year() < unsetBefore:
		return r, fmt.Errorf(`"at" is %s: the clock was not set, or Unix time was sent in seconds in place of milliseconds`, at.Format(time.RFC3339))
	default:
		if err := t.check(at); err != nil {
			return r, err
		}
	}
	r.Seq, err = strconv.ParseInt(string(rawSeq), 10, 64)
	r.HasSeq = err == nil
	return r, nil
}

// value takes one key of the reading in hand.
func (t *telemetry) value(r *Reading, rawName, raw []byte) {
	name := string(unquote(rawName))
	key, err := devices.ParseKey(name)
	if err != nil {
		t.refuse(BadKey, err)
		return
	}
	spec, known := key.Quantity.Spec()
	if !known {
		t.refuse(UnknownQuantity, fmt.Errorf("key %q names a quantity that is not in the contract", shorten(name)))
		return
	}
	if key.DepthCM != "" && !spec.HasDepth {
		t.refuse(BadKey, fmt.Errorf("key %q has a depth, which %s has not; use %q", name, spec.Quantity, devices.Key{Quantity: spec.Quantity, Channel: key.Channel}))
		return
	}
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		t.refuse(WrongType, fmt.Errorf("%q is %s; send a number in %s", name, kind(raw), spec.Unit))
		return
	}
	number, err := strconv.ParseFloat(string(raw), 64)
	if err != nil { // only its size can be wrong
		t.refuse(WrongType, fmt.Errorf("%q is %s, beyond any number", name, shorten(string(raw))))
		return
	}
	if err := spec.Check(number); err != nil {
		t.refuse(OutOfBounds, fmt.Errorf("%q: %w", name, err))
		return
	}
	v := Value{Key: key, Number: number}
	if r.Timing == UnsetClock {
		v.Flags |= devices.ClockNotSet
	}
	if spec.Quantity == devices.SoilMoisture && number < 0 {
		v.Flags |= devices.ProbeInAir
	}
	r.Values = append(r.Values, v)
}

// refuse counts one value as rejected and notes why.
func (t *telemetry) refuse(reason Reason, err error) {
	t.reject(reason)
	t.note(reason, err)
}

// reject counts one value as rejected.
func (t *telemetry) reject(reason Reason) {
	if t.decoded.Rejected == nil {
		t.decoded.Rejected = make(map[Reason]int)
	}
	t.decoded.Rejected[reason]++
}

// note remembers what is wrong with the reading in hand.
func (t *telemetry) note(reason Reason, err error) {
	i := slices.IndexFunc(t.problems, func(p problem) bool { return p.reason == reason })
	if i < 0 {
		detail := err.Error()
		if t.isArray {
			detail = fmt.Sprintf("reading %d: %s", t.index, detail)
		}
		i = len(t.problems)
		t.problems = append(t.problems, problem{reason: reason, detail: detail})
	}
	p := &t.problems[i]
	p.count++
	if p.index != t.index {
		p.index = t.index
		p.parts = append(p.parts, t.raw)
	}
}

// result returns what was read, or the whole message as a dead letter if that is nothing.
func (t *telemetry) result(m Message) Decoded {
	for i := range t.problems {
		if p := &t.problems[i]; p.count > 1 {
			p.detail = fmt.Sprintf("%s (and %d more of the kind)", p.detail, p.count-1)
		}
	}
	if !t.readable {
		return whole(m, t.problems[0].reason, "%s", t.problems[0].detail)
	}
	for _, p := range t.problems {
		part := m.Payload
		if t.isArray { // only the readings concerned, so that they can be replayed
			part = slices.Concat([]byte{'['}, bytes.Join(p.parts, []byte{','}), []byte{']'})
		}
		t.decoded.Dead = append(t.decoded.Dead, DeadLetter{
			Reason: p.reason, Detail: p.detail, Topic: m.Topic, Payload: part, Length: len(m.Payload), Part: true,
		})
	}
	return t.decoded
}

// kind names the type of a raw JSON value.
func kind(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}
