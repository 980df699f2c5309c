package records_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/internal/records"
)

// A mailbag keeps dead letters and knows what it has sent.
type mailbag struct {
	t     *testing.T
	store *records.Store
	sent  []records.DeadLetter
}

func newMailbag(t *testing.T, in kind) *mailbag {
	t.Helper()
	return &mailbag{t: t, store: openStore(t, in.place(t))}
}

// put keeps n letters of a device with payloads of a size, all of them different.
func (m *mailbag) put(device devices.DeviceID, reason string, n, size int) {
	m.t.Helper()
	var letters []records.DeadLetter
	for range n {
		payload := bytes.Repeat([]byte{byte(len(m.sent)), byte(len(m.sent) >> 8)}, size/2)
		l := records.DeadLetter{ID: fmt.Sprintf("%d-0", len(m.sent)), Received: noon, Device: device, Reason: reason, Detail: "why", Length: len(payload), Payload: payload}
		m.sent, letters = append(m.sent, l), append(letters, l)
	}
	if err := m.store.Commit(m.t.Context(), records.Progress{Reader: "dead"}, letters); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mailbag) trim(room records.LetterRoom) (dropped, emptied int64) {
	m.t.Helper()
	dropped, emptied, err := m.store.TrimDeadLetters(m.t.Context(), room)
	if err != nil {
		m.t.Fatal(err)
	}
	if again, more, err := m.store.TrimDeadLetters(m.t.Context(), room); again != 0 || more != 0 || err != nil {
		m.t.Errorf("right afterwards %d more are dropped and %d emptied, %v", again, more, err)
	}
	return dropped, emptied
}

// left returns how many letters and bytes of payload of each device are there.
// It fails when the newest are not those that stay, when a payload is gone
// without a checksum, or when the counts say something else.
func (m *mailbag) left() (letters map[devices.DeviceID]int, held map[devices.DeviceID]int64) {
	m.t.Helper()
	letters, held = map[devices.DeviceID]int{}, map[devices.DeviceID]int64{}
	want := map[string]records.LetterCount{}
	gone, empty := map[string]bool{}, map[string]bool{}
	for _, was := range slices.Backward(m.sent) {
		count := want[was.Reason]
		count.Came++
		by := string(was.Device) + " " + was.Reason
		l, err := m.store.DeadLetter(m.t.Context(), was.ID)
		switch {
		case err != nil:
			gone[by] = true
			count.Dropped++
		case gone[by]:
			m.t.Errorf("letter %s of %s stays and a newer one does not", was.ID, by)
		case len(l.Payload) == 0 && len(was.Payload) > 0:
			empty[string(was.Device)] = true
			count.Emptied++
			sum := sha256.Sum256(was.Payload)
			if l.SHA256 != hex.EncodeToString(sum[:]) || l.Length != was.Length || l.Reason != was.Reason {
				m.t.Errorf("a letter without its payload is %+v", l)
			}
			letters[was.Device]++
		default:
			if empty[string(was.Device)] {
				m.t.Errorf("letter %s of %s keeps its payload and a newer one does not", was.ID, by)
			}
			letters[was.Device]++
			held[was.Device] += int64(len(l.Payload))
			count.Bytes += int64(len(l.Payload))
		}
		want[was.Reason] = count
	}
	counts, err := m.store.DeadLetterCounts(m.t.Context())
	if diff := cmp.Diff(want, counts); err != nil || diff != "" {
		m.t.Errorf("%v, counts (-want +got):\n%s", err, diff)
	}
	return letters, held
}

// A device that sends nothing but bad messages keeps its newest of each reason
// and takes nothing of another's.
func TestLettersOfOneDeviceAreBounded(t *testing.T) { onBoth(t, testLettersOfOneDeviceAreBounded) }

func testLettersOfOneDeviceAreBounded(r run) {
	t, in := r.T, r.in
	m := newMailbag(t, in)
	m.put("s-2", "bad_json", 3, 10)
	m.put("s-1", "bad_json", 2500, 10)
	m.put("s-1", "bad_time", 7, 10)
	dropped, emptied := m.trim(records.LetterRoom{Each: 100, Unknown: 1, Bytes: 1 << 30})
	letters, _ := m.left()
	if diff := cmp.Diff(map[devices.DeviceID]int{"s-1": 107, "s-2": 3}, letters); diff != "" || dropped != 2400 || emptied != 0 {
		t.Errorf("%d dropped, %d emptied (-want +got):\n%s", dropped, emptied, diff)
	}
	m.put("s-1", "bad_json", 1, 10) // numbers go on after some are gone
	if page, err := m.store.DeadLetters(t.Context(), "", 1); err != nil || page[0].ID != m.sent[len(m.sent)-1].ID {
		t.Errorf("the newest is %v, %v", page, err)
	}
}

// Devices that nobody declared share one room, and one of them that floods it
// makes room for the others.
func TestLettersOfUnknownDevicesAreBounded(t *testing.T) {
	onBoth(t, testLettersOfUnknownDevicesAreBounded)
}

func testLettersOfUnknownDevicesAreBounded(r run) {
	t, in := r.T, r.in
	m := newMailbag(t, in)
	for n := range 50 {
		m.put(devices.DeviceID(fmt.Sprintf("x-%d", n)), "unknown_device", 1, 10)
	}
	m.put("flood", "unknown_device", 90, 10)
	m.put("s-1", "bad_json", 90, 10)
	dropped, _ := m.trim(records.LetterRoom{Each: 1000, Unknown: 60, Bytes: 1 << 30})
	letters, _ := m.left()
	if len(letters) != 52 || letters["flood"] != 10 || letters["s-1"] != 90 || dropped != 80 {
		t.Errorf("%d dropped, left are %v", dropped, letters)
	}
	for n := range 100 { // more names than there is room for
		m.put(devices.DeviceID(fmt.Sprintf("y-%d", n)), "unknown_device", 1, 10)
	}
	m.trim(records.LetterRoom{Each: 1000, Unknown: 60, Bytes: 1 << 30})
	if letters, _ := m.left(); len(letters) != 61 || letters["y-99"] != 1 || letters["x-0"] != 0 || letters["s-1"] != 90 {
		t.Errorf("left are %v", letters)
	}
}

// When the payloads are too many bytes, who has the most gives its oldest; the
// letters stay, with checksums.
func TestPayloadsAreBounded(t *testing.T) { onBoth(t, testPayloadsAreBounded) }

func testPayloadsAreBounded(r run) {
	t, in := r.T, r.in
	m := newMailbag(t, in)
	m.put("s-2", "bad_json", 3, 10_000)
	m.put("s-1", "bad_json", 60, 10_000)
	m.put("s-1", "wrong_type", 60, 10_000)
	m.put("s-3", "bad_json", 40, 500)
	const limit = 320_000
	_, before := m.left()
	if before["s-1"]+before["s-2"]+before["s-3"] < 3*limit {
		t.Fatalf("there are only %v bytes: nothing is tried", before)
	}
	dropped, emptied := m.trim(records.LetterRoom{Each: 1000, Unknown: 1000, Bytes: limit})
	letters, held := m.left()
	sum := held["s-1"] + held["s-2"] + held["s-3"]
	if dropped != 0 || emptied == 0 || held["s-2"] != 30_000 || held["s-3"] != 20_000 || sum > limit || sum < limit*9/10 || letters["s-1"] != 120 {
		t.Errorf("%d dropped, %d emptied; left are %v with %v bytes", dropped, emptied, letters, held)
	}
}
