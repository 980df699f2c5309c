package firmware

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ganlin/devices"
)

// TestRing compares the ring with a plain slice.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 20).Draw(t, "size")
		r := ring{size: size}
		var model, out []int64 // seqs in the ring and taken from it
		var lost, next int64
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) {
				next++
				if len(model) == size {
					model = model[1:]
					lost++
				}
				model = append(model, next)
				r.push(item{seq: next})
			},
			"pop": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("empty")
				}
				out = append(out, model[0])
				model = model[1:]
				r.pop()
			},
			"giveBack": func(t *rapid.T) {
				back := out[rapid.IntRange(0, len(out)).Draw(t, "from"):]
				items := make([]item, len(back))
				for i, seq := range back {
					items[i].seq = seq
				}
				r.giveBack(items)
				keep := min(len(back), size-len(model))
				lost += int64(len(back) - keep)
				model = slices.Concat(back[len(back)-keep:], model)
				out = nil
			},
			"": func(t *rapid.T) {
				var got []int64
				for i := range r.n {
					got = append(got, r.items[(r.first+i)%len(r.items)].seq)
				}
				if !slices.Equal(got, model) || r.overwritten != lost {
					t.Fatalf("ring holds %v and lost %d, want %v and %d", got, r.overwritten, model, lost)
				}
			},
		})
	})
}

func TestNextMessage(t *testing.T) {
	r := ring{size: 5000}
	const readings = 2300
	for i := range readings {
		r.push(item{leaf: devices.Telemetry, payload: fmt.Appendf(nil, `{"seq":%d}`, i), seq: int64(i), alone: i == 1500})
	}
	var sizes []int
	next := 0
	for r.n > 0 {
		m := nextMessage(&r, readings)
		sizes = append(sizes, len(m.items))
		got := m.payload
		if len(m.items) == 1 {
			got = slices.Concat([]byte("["), got, []byte("]"))
		}
		var all []struct{ Seq int }
		if err := json.Unmarshal(got, &all); err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			if one.Seq != next {
				t.Fatalf("reading %d where %d was due", one.Seq, next)
			}
			next++
		}
	}
	if want := []int{1000, 500, 1, 799}; !slices.Equal(sizes, want) {
		t.Errorf("messages of %v readings, want %v", sizes, want)
	}

	r.push(item{leaf: devices.Telemetry, payload: bytes.Repeat([]byte("x"), 150<<10)})
	r.push(item{leaf: devices.Telemetry, payload: bytes.Repeat([]byte("y"), 150<<10)})
	if m := nextMessage(&r, 2); len(m.items) != 1 {
		t.Errorf("a message of %d bytes", len(m.payload))
	}
}
