package firmware

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"ganlin/devices"
)

// maxArray and maxArrayBytes bound a message of store and forward: the contract takes 1,000 readings and 256 KiB.
const (
	maxArray      = 1000
	maxArrayBytes = 250 << 10
)

// appendReading appends the reading object of the native format. at is written
// as Unix milliseconds or in RFC 3339, both of which the format allows.
func appendReading(b []byte, at time.Time, millis bool, seq int64, all []instrument, rng *rand.Rand) []byte {
	b = append(b, `{"at":`...)
	if millis {
		b = strconv.AppendInt(b, at.UnixMilli(), 10)
	} else {
		b = append(b, '"')
		b = at.AppendFormat(b, time.RFC3339Nano)
		b = append(b, '"')
	}
	b = append(b, `,"seq":`...)
	b = strconv.AppendInt(b, seq, 10)
	b = append(b, `,"values":{`...)
	for i, c := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, c.label...)
		b = strconv.AppendFloat(b, c.measure(at, rng), 'f', c.decimals, 64)
	}
	return append(b, "}}"...)
}

// mustMarshal encodes the vocabulary's own structs, which cannot fail.
func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// A message is one PUBLISH: one item, or readings joined in an array.
type message struct {
	leaf    devices.Leaf
	payload []byte
	items   []item
}

// nextMessage takes the oldest items that go into one message; the ring must
// not be empty. join allows an array of at most that many readings.
func nextMessage(r *ring, join int) message {
	first := r.pop()
	m := message{leaf: first.leaf, payload: first.payload, items: []item{first}}
	if first.alone {
		return m
	}
	size := len(first.payload)
	for len(m.items) < min(join, maxArray) {
		it := r.peek()
		if it == nil || it.alone || size+len(it.payload) > maxArrayBytes {
			break
		}
		size += len(it.payload)
		m.items = append(m.items, r.pop())
	}
	if len(m.items) == 1 {
		return m
	}
	var b bytes.Buffer
	b.Grow(size + len(m.items) + 1)
	for i, it := range m.items {
		b.WriteByte("[,"[min(i, 1)])
		b.Write(it.payload)
	}
	b.WriteByte(']')
	m.payload = b.Bytes()
	return m
}
