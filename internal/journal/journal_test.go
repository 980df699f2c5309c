package journal_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/journal"
)

// What goes in comes out: as lines for InfluxDB, as facts, as dead letters, and as counts.
func TestRecordOfManyKinds(t *testing.T) {
	n := newNode(t, t.TempDir(), nil)
	volume := 812.5
	probe := message("s-001", 0)
	probe.Readings[0].Values = []ingest.Value{
		{Key: devices.Key{Quantity: devices.SoilTemperature, DepthCM: "20"}, Number: 21.5},
		{Key: devices.Key{Quantity: devices.BatteryVoltage}, Number: 3.61},
		{Key: devices.Key{Quantity: devices.SoilMoisture, DepthCM: "20"}, Number: -0.01, Flags: devices.ProbeInAir},
		{Key: devices.Key{Quantity: devices.SoilMoisture, DepthCM: "40", Channel: "2"}, Number: 1e-7},
		{Key: devices.Key{Quantity: devices.RSSI}, Number: -71},
	}
	probe.Values, probe.Rejected = 7, map[ingest.Reason]int{ingest.UnknownQuantity: 2}
	probe.Dead = []ingest.DeadLetter{{Reason: ingest.UnknownQuantity, Detail: "no such <quantity>\n", Topic: "ganlin/v1/s-001/telemetry", Payload: []byte("{\x00}"), Length: 3, Part: true, Codec: "native/1"}}
	station := ingest.Decoded{
		Device: "w-01", Received: start, Location: devices.Location{Site: "sanquan"}, Values: 1,
		Readings: []ingest.Reading{{At: start, Timing: ingest.UnsetClock, Values: []ingest.Value{{Key: devices.Key{Quantity: devices.Rain}, Number: 0, Flags: devices.ClockNotSet}}}},
	}
	online := ingest.Decoded{Device: "v-001", Received: start.Add(time.Second), Presence: &devices.Presence{Online: true, Firmware: "1.4.2", At: start, Seq: 411}}
	offline := ingest.Decoded{Device: "v-001", Received: start.Add(2 * time.Second), Presence: &devices.Presence{At: start, Seq: 410}}
	report := ingest.Decoded{Device: "v-001", Received: start.Add(3 * time.Second), Location: probe.Location, Report: &devices.CommandReport{Command: "c", State: devices.Closed, At: start.Add(2500 * time.Millisecond), Seq: 413, VolumeL: &volume}}
	stranger := ingest.Decoded{Received: start, Whole: true, Dead: []ingest.DeadLetter{{Reason: ingest.BadTopic, Topic: "x", Payload: []byte{0xff}, Length: 1}}}
	n.append(t, probe, station, online, offline, report, stranger)
	if err := n.journal.AppendTicks(t.Context(), start.Add(30*time.Second), []devices.SiteID{"sanquan", "tongle"}); err != nil {
		t.Fatal(err)
	}

	records := n.read(t, journal.Position{})
	if len(records) != 2 {
		t.Fatalf("got %d records, want 2", len(records))
	}
	var lines strings.Builder
	for line := range records[0].Lines() {
		lines.Write(line)
	}
	const wantLines = `device,device=s-001,place=500119101001,plot=p-001,site=sanquan battery_voltage=3.61,rssi=-71 1782993600000
soil,depth_cm=20,device=s-001,place=500119101001,plot=p-001,site=sanquan soil_moisture=-0.01,soil_moisture_q=2i,soil_temperature=21.5 1782993600000
soil,channel=2,depth_cm=40,device=s-001,place=500119101001,plot=p-001,site=sanquan soil_moisture=1e-07 1782993600000
weather,device=w-01,site=sanquan rain=0,rain_q=1i 1782993600000
`
	if diff := cmp.Diff(wantLines, lines.String()); diff != "" {
		t.Errorf("lines: (-want +got)\n%s", diff)
	}
	if got := records[0].Values(); got != 6 {
		t.Errorf("got %d values, want 6", got)
	}

	at, received := start, start.Add(70*time.Millisecond)
	reading := func(k devices.Key, value float64, flags devices.Flags) devices.Fact {
		return devices.Fact{Kind: devices.ReadingFact, At: at, Received: received, Device: "s-001", Location: probe.Location, Key: k, Value: value, Flags: flags}
	}
	wantFacts := []devices.Fact{
		reading(devices.Key{Quantity: devices.BatteryVoltage}, 3.61, 0),
		reading(devices.Key{Quantity: devices.RSSI}, -71, 0),
		reading(devices.Key{Quantity: devices.SoilMoisture, DepthCM: "20"}, -0.01, devices.ProbeInAir),
		reading(devices.Key{Quantity: devices.SoilTemperature, DepthCM: "20"}, 21.5, 0),
		reading(devices.Key{Quantity: devices.SoilMoisture, DepthCM: "40", Channel: "2"}, 1e-7, 0),
		{Kind: devices.ReadingFact, At: start, Received: start, Device: "w-01", Location: station.Location, Key: devices.Key{Quantity: devices.Rain}, Flags: devices.ClockNotSet},
		{Kind: devices.PresenceFact, At: start, Received: online.Received, Device: "v-001", Presence: online.Presence},
		{Kind: devices.PresenceFact, At: offline.Received, Received: offline.Received, Device: "v-001", Presence: offline.Presence},
		{Kind: devices.ReportFact, At: start.Add(2500 * time.Millisecond), Received: report.Received, Device: "v-001", Location: probe.Location, Report: report.Report},
	}
	var facts []devices.Fact
	for f := range records[0].Facts() {
		facts = append(facts, f)
	}
	if diff := cmp.Diff(wantFacts, facts); diff != "" {
		t.Errorf("facts: (-want +got)\n%s", diff)
	}
	facts = nil
	for f := range records[1].Facts() {
		f.Received = time.Time{}
		facts = append(facts, f)
	}
	tick := devices.Fact{Kind: devices.TickFact, At: start.Add(30 * time.Second)}
	sanquan, tongle := tick, tick
	sanquan.Location.Site, tongle.Location.Site = "sanquan", "tongle"
	if diff := cmp.Diff([]devices.Fact{sanquan, tongle}, facts); diff != "" {
		t.Errorf("ticks: (-want +got)\n%s", diff)
	}
	for _, r := range records {
		for kind := devices.PresenceFact; kind <= devices.ActFact; kind++ {
			var all []devices.Fact
			for f := range r.Facts() {
				if f.Kind == kind {
					all = append(all, f)
				}
			}
			if diff := cmp.Diff(all, slices.Collect(r.FactsOf(kind))); diff != "" {
				t.Errorf("facts of kind %d: (-want +got)\n%s", kind, diff)
			}
		}
	}

	var dead []journal.DeadLetter
	for d := range records[0].DeadLetters() {
		dead = append(dead, d)
	}
	wantDead := []journal.DeadLetter{{DeadLetter: probe.Dead[0], Device: "s-001", Received: received}, {DeadLetter: stranger.Dead[0], Received: start}}
	if diff := cmp.Diff(wantDead, dead); diff != "" {
		t.Errorf("dead letters: (-want +got)\n%s", diff)
	}

	want := journal.Counters{Received: 6, Decoded: 5, DeadLettered: 1, Values: 8, Rejected: map[ingest.Reason]int64{ingest.UnknownQuantity: 2}, Unidentified: 1}
	if diff := cmp.Diff(want, n.journal.Counters()); diff != "" {
		t.Errorf("counters: (-want +got)\n%s", diff)
	}
	n.close(t)
	n.start(t)
	if diff := cmp.Diff(want, n.journal.Counters()); diff != "" {
		t.Errorf("counters after reopening: (-want +got)\n%s", diff)
	}
	if s := n.journal.State(); len(s.Losses) != 0 || s.End != records[1].Position() {
		t.Errorf("after reopening: %+v, want the end at %s", s, records[1].Position())
	}
	if again := n.read(t, journal.Position{}); len(again) != 2 || again[1].Position() != records[1].Position() {
		t.Errorf("after reopening: got %d records", len(again))
	}
}
