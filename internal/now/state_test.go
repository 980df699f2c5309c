package now_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ganlin/devices"
	"ganlin/internal/now"
)

var start = time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

func reading(id string, key string, at, received int, value float64) devices.Fact {
	k, err := devices.ParseKey(key)
	if err != nil {
		panic(err)
	}
	return devices.Fact{
		Kind: devices.ReadingFact, Device: devices.DeviceID(id), Key: k, Value: value, At: minute(at), Received: minute(received),
		Location: devices.Location{Plot: "p-1", Site: "sanquan", Place: "500119101001"},
	}
}

func device(t *testing.T, s *now.State, id devices.DeviceID) *now.Device {
	t.Helper()
	d, ok := s.Snapshot().Device(id)
	if !ok {
		t.Fatalf("nothing is known of %s", id)
	}
	return d
}

func TestTheNewestValueByEventTimeStays(t *testing.T) {
	s := now.New(now.Options{})
	s.Apply("1", []devices.Fact{reading("s-1", "soil_moisture@20", 10, 10, 0.231)})
	s.Apply("2", []devices.Fact{
		reading("s-1", "soil_moisture@20", 5, 11, 0.300),  // sent late
		reading("s-1", "soil_moisture@20", 10, 12, 0.999), // of the same time the first counts
	})
	want := now.Value{
		Key: devices.Key{Quantity: devices.SoilMoisture, DepthCM: "20"}, Number: 0.231, At: minute(10), Received: minute(10),
	}
	d := device(t, s, "s-1")
	if diff := cmp.Diff([]now.Value{want}, d.Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if !d.At.Equal(minute(10)) || !d.Heard.Equal(minute(12)) {
		t.Errorf("newest reading of %v, heard at %v; want %v and %v", d.At, d.Heard, minute(10), minute(12))
	}
	s.Apply("3", []devices.Fact{reading("s-1", "soil_moisture@20", 11, 13, 0.229)})
	if got := device(t, s, "s-1").Values[0].Number; got != 0.229 {
		t.Errorf("a newer reading gave %v, want 0.229", got)
	}
}

func TestValuesStandInTheOrderOfTheContract(t *testing.T) {
	s := now.New(now.Options{})
	for _, key := range []string{"rssi", "soil_temperature@20", "soil_moisture@100", "soil_moisture@20#2", "soil_moisture@20", "soil_moisture@5"} {
		s.Apply("", []devices.Fact{reading("s-1", key, 1, 1, 1)})
	}
	var got []string
	for _, v := range device(t, s, "s-1").Values {
		got = append(got, v.Key.String())
	}
	want := []string{"soil_moisture@5", "soil_moisture@20", "soil_moisture@20#2", "soil_moisture@100", "soil_temperature@20", "rssi"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// TestArrivalOrderDoesNotMatter: whatever the order in which distinct readings
// come, and however often, the newest of each series by event time is shown.
func TestArrivalOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) devices.Fact {
			return reading(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "device"),
				rapid.SampledFrom([]string{"soil_moisture@20", "soil_moisture@40", "rssi"}).Draw(t, "key"),
				rapid.IntRange(0, 50).Draw(t, "at"), 60, rapid.Float64Range(0, 1).Draw(t, "value"))
		}), 1, 60, func(f devices.Fact) string { return fmt.Sprint(f.Device, f.Key, f.At) }).Draw(t, "facts")

		inOrder, shuffled := now.New(now.Options{}), now.New(now.Options{})
		inOrder.Apply("end", facts)
		mixed := slices.Concat(facts, facts)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		shuffled.Apply("end", mixed)
		if diff := cmp.Diff(inOrder.Snapshot(), shuffled.Snapshot()); diff != "" {
			t.Fatalf("(-in order +shuffled and repeated):\n%s", diff)
		}
	})
}

func TestPresenceIsTheLatestWord(t *testing.T) {
	status := func(online bool, received int, firmware string) devices.Fact {
		return devices.Fact{
			Kind: devices.PresenceFact, Device: "v-1", Received: minute(received),
			Presence: &devices.Presence{Online: online, Firmware: firmware},
		}
	}
	s := now.New(now.Options{})
	if s.Apply("", []devices.Fact{reading("v-1", "flow", 0, 0, 0)}); device(t, s, "v-1").Online != now.OnlineUnknown {
		t.Error("a reading alone told that its device is connected or not")
	}
	s.Apply("", []devices.Fact{status(true, 1, "1.4.2")})
	if d := device(t, s, "v-1"); d.Online != now.IsOnline || d.Firmware != "1.4.2" {
		t.Errorf("after its status: online %v, firmware %q", d.Online, d.Firmware)
	}
	s.SetOnline("v-1", false, minute(3))
	s.Apply("", []devices.Fact{status(true, 2, "")}) // on its way while the connection broke
	if d := device(t, s, "v-1"); d.Online != now.IsOffline || !d.OnlineAt.Equal(minute(3)) || d.Firmware != "1.4.2" {
		t.Errorf("after the broker's word: online %v since %v, firmware %q", d.Online, d.OnlineAt, d.Firmware)
	}
	s.SetOnline("v-1", true, minute(-60)) // the clock was set back meanwhile
	if d := device(t, s, "v-1"); d.Online != now.IsOnline || !d.OnlineAt.Equal(minute(-60)) {
		t.Errorf("after the broker's word by a clock that was set back: online %v since %v", d.Online, d.OnlineAt)
	}
}

func TestTheNewestReportAndTickStay(t *testing.T) {
	report := func(state devices.CommandState, at int) devices.Fact {
		return devices.Fact{Kind: devices.ReportFact, Device: "v-1", At: minute(at), Received: minute(9), Report: &devices.CommandReport{Command: "c-1", State: state}}
	}
	tick := func(at int) devices.Fact {
		return devices.Fact{Kind: devices.TickFact, At: minute(at), Location: devices.Location{Site: "sanquan"}}
	}
	s := now.New(now.Options{})
	s.Apply("", []devices.Fact{report(devices.Accepted, 3), report(devices.Opened, 3), report(devices.Closed, 1), tick(5), tick(4)})
	if d := device(t, s, "v-1"); d.Report.State != devices.Opened || !d.ReportAt.Equal(minute(3)) {
		t.Errorf("newest report: %v at %v, want open at %v", d.Report.State, d.ReportAt, minute(3))
	}
	if got := s.Snapshot().Ticks["sanquan"]; !got.Equal(minute(5)) {
		t.Errorf("tick %v, want %v", got, minute(5))
	}
	if n := len(s.Snapshot().Devices); n != 1 {
		t.Errorf("%d devices after facts of one: a tick is of none", n)
	}
}

func TestASnapshotNeverChanges(t *testing.T) {
	s := now.New(now.Options{})
	s.Apply("1", []devices.Fact{reading("s-1", "soil_moisture@20", 1, 1, 0.2)})
	before := s.Snapshot()
	if s.Snapshot() != before {
		t.Error("an unchanged state gave another snapshot")
	}
	s.Apply("2", []devices.Fact{
		reading("s-1", "soil_moisture@20", 2, 2, 0.3), reading("s-1", "rssi", 2, 2, -90), reading("s-0", "rssi", 2, 2, -90),
		{Kind: devices.TickFact, At: minute(1), Location: devices.Location{Site: "sanquan"}},
	})
	d, _ := before.Device("s-1")
	if len(before.Devices) != 1 || len(d.Values) != 1 || d.Values[0].Number != 0.2 || before.Position != "1" || len(before.Ticks) != 0 {
		t.Errorf("an older snapshot changed: %+v %+v", before, d)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := now.New(now.Options{MaxDevices: 100, MaxValues: 8})
	for i := range 1000 {
		s.Apply("", []devices.Fact{reading(fmt.Sprintf("d-%04d", i), "rssi", i, i, -90)})
		s.Apply("", []devices.Fact{reading("d-0000", fmt.Sprintf("soil_moisture@%d", i), i, i, 0.2)})
	}
	snapshot := s.Snapshot()
	if len(snapshot.Devices) != 100 {
		t.Errorf("%d devices are kept, want 100", len(snapshot.Devices))
	}
	if _, ok := snapshot.Device("d-0999"); !ok {
		t.Error("the newest device found no room")
	}
	d, ok := snapshot.Device("d-0000")
	if !ok || len(d.Values) != 8 || d.Values[7].Key.DepthCM != "999" {
		t.Errorf("the busy device keeps %d values, want the newest 8: %+v", len(d.Values), d.Values)
	}
	s.Apply("", []devices.Fact{reading("d-0000", "soil_moisture@1", 3, 1001, 0.2)})
	if got := device(t, s, "d-0000").Values[0].Key.DepthCM; got != "992" {
		t.Errorf("a value older than all others took the place of one: first depth is now %s cm", got)
	}
}

func TestManyGoroutinesUseOneState(t *testing.T) {
	s := now.New(now.Options{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 500 {
				s.Apply("", []devices.Fact{reading(fmt.Sprintf("d-%d", w), "rssi", i, i, float64(-i%100))})
				s.SetOnline("d-0", i%2 == 0, minute(i))
			}
		})
		wg.Go(func() {
			for range 500 {
				for _, d := range s.Snapshot().Devices {
					_ = slices.Clone(d.Values)
				}
			}
		})
	}
	wg.Wait()
	for w := range 4 {
		if got := device(t, s, devices.DeviceID(fmt.Sprintf("d-%d", w))).At; !got.Equal(minute(499)) {
			t.Errorf("device %d stands at %v", w, got)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	const fleet = 10_000
	keys := []string{"soil_moisture@20", "soil_moisture@40", "soil_moisture@60", "soil_temperature@20", "battery_voltage"}
	batches := make([][]devices.Fact, 2)
	for half := range batches {
		for d := range fleet {
			for _, key := range keys {
				batches[half] = append(batches[half], reading(fmt.Sprintf("d-%05d", d), key, half, half, 0.2))
			}
		}
	}
	s := now.New(now.Options{})
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		batch := batches[n%2]
		for i := range batch {
			batch[i].At = minute(n)
		}
		s.Apply("", batch)
		s.Snapshot()
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*fleet*len(keys)), "ns/value")
}
