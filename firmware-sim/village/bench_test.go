package village_test

import (
	"syscall"
	"testing"
	"time"

	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/simtest"
	"ganlin/firmware-sim/village"
)

// BenchmarkSeason lives ten days of a village of forty plots against a real
// broker, and says what a message costs the simulator alone.
func BenchmarkSeason(b *testing.B) {
	broker := simtest.StartBroker(b)
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	var messages int64
	before := cpu()
	for b.Loop() {
		v, err := village.New(village.Options{Days: 10, Seed: 1, Faults: firmware.OrdinaryFaults()})
		if err != nil {
			b.Fatal(err)
		}
		r, err := v.Run(b.Context(), village.Link{Broker: broker.URL(), Step: &script{}})
		if err != nil {
			b.Fatal(err)
		}
		messages += r.Fleet.Acknowledged
	}
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(messages), "cpu-us/message")
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "messages/s")
}
