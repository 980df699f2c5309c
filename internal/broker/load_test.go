package broker_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"ganlin/devices"
	"ganlin/ingest"
	"ganlin/internal/broker"
)

func TestThousandDevices(t *testing.T) {
	h := newHouse(t, setup{})
	const n = 1000
	clients := make([]*client, n)
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 16 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < n; i = next.Add(1) - 1 {
				id := fmt.Sprintf("d%d", i)
				c := dial(t, h.address())
				if code := c.connect(t, connect{id: id, user: id, secret: secretOf(id), keep: true}); code != 0 {
					t.Errorf("%s: CONNACK %d", id, code)
				}
				if code := c.subscribe(t, "ganlin/v1/"+id+"/command", 0); code != 0 {
					t.Errorf("%s: SUBACK %d", id, code)
				}
				c.publishQoS1(t, "ganlin/v1/"+id+"/telemetry", "x", 1)
				clients[i] = c
			}
		})
	}
	wg.Wait()
	if got := h.gate.Connected(); got != n {
		t.Errorf("%d connected, want %d", got, n)
	}
	for i, c := range clients {
		id := devices.DeviceID(fmt.Sprintf("d%d", i))
		if err := h.door.Publish(t.Context(), id, []byte("now")); err != nil {
			t.Fatal(err)
		}
		if kind, _, err := c.read(); err != nil || kind != 0x30 {
			t.Fatalf("%s got %#x, %v for a command", id, kind, err)
		}
	}
	if n := h.stream(t, "$MQTT_msgs").CachedInfo().State.Consumers; n != 0 {
		t.Errorf("%d consumers", n)
	}
	if err := h.shut(t); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		c.wantClosed(t)
	}
	if got := len(h.desk.messages()); got != n {
		t.Errorf("%d messages, want %d", got, n)
	}
}

// Messages of one device over all its topics come in the order in which it sent them.
func TestOrder(t *testing.T) {
	h := newHouse(t, setup{})
	const senders, each = 8, 1500
	leaves := devices.UpLeaves()
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			id := fmt.Sprintf("d%d", i)
			c := login(t, h.address(), id)
			var burst []byte
			for n := range each {
				topic := devices.Topic(devices.DeviceID(id), leaves[n%len(leaves)])
				burst = append(burst, message{topic: topic, payload: fmt.Append(nil, n), qos: 1, id: uint16(n + 1)}.packet()...)
			}
			wg.Go(func() { c.write(t, burst) })
			for n := range each {
				c.wantPubAck(t, uint16(n+1))
			}
		})
	}
	wg.Wait()
	next := map[string]int{}
	for _, m := range h.desk.messages() {
		device := strings.Split(m.Topic, "/")[2]
		if got := string(m.Payload); got != fmt.Sprint(next[device]) {
			t.Fatalf("%s: message %s came where %d was due", device, got, next[device])
		}
		next[device]++
	}
	if len(next) != senders {
		t.Errorf("%d senders came through, want %d", len(next), senders)
	}
}

// Devices that send faster than anybody can take lose connections, not messages:
// each is either acknowledged and taken, or neither, and the door itself stays.
func TestFlood(t *testing.T) {
	const fleet, burst = 12, 8
	rounds := 1
	if os.Getenv("GANLIN_LONG") != "" {
		rounds = 30
	}
	for name, full := range map[string]bool{"taken": false, "mostly refused": true} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, setup{})
			var seen, taken atomic.Int64
			h.desk.forget()
			h.desk.setRule(func(m ingest.Message) error {
				if seen.Add(1)%10 != 0 && full {
					return ingest.ErrFull
				}
				taken.Add(1)
				m.Settle(nil)
				return nil
			})
			big := make([]byte, 1<<20)
			var acknowledged atomic.Int64
			var wg sync.WaitGroup
			for i := range fleet {
				wg.Go(func() {
					for round := range rounds {
						id := fmt.Sprintf("d%d-%d", i, round)
						c := login(t, h.address(), id)
						var writing sync.WaitGroup
						writing.Go(func() {
							for n := range burst {
								m := message{topic: "ganlin/v1/" + id + "/telemetry", payload: big, qos: 1, id: uint16(n + 1)}
								if _, err := c.Write(m.packet()); err != nil {
									return
								}
							}
						})
						for range burst {
							kind, _, err := c.read()
							if closed(err) {
								break
							}
							if err != nil || kind != 0x40 {
								t.Errorf("got %#x, %v", kind, err)
								break
							}
							acknowledged.Add(1)
						}
						c.Close()
						writing.Wait()
					}
				})
			}
			wg.Wait()
			if !full && acknowledged.Load() != int64(fleet*burst*rounds) {
				t.Errorf("%d acknowledged, want all %d", acknowledged.Load(), fleet*burst*rounds)
			}
			if a, n := acknowledged.Load(), taken.Load(); a > n {
				t.Errorf("%d acknowledged, %d taken", a, n)
			}
			if n := h.gate.Refused()[broker.DoorLost]; n != 0 || !h.door.Open() {
				t.Errorf("the door fell behind %d times; open: %v", n, h.door.Open())
			}
			var mem runtime.MemStats
			runtime.ReadMemStats(&mem)
			t.Logf("%d seen, %d taken, %d acknowledged, %d MB from the system", seen.Load(), taken.Load(), acknowledged.Load(), mem.Sys>>20)
		})
	}
}

// Nothing slows down who sends at QoS 0. Others do not notice.
func TestFloodAtQoS0(t *testing.T) {
	h := newHouse(t, setup{})
	h.desk.forget()
	var flood sync.WaitGroup
	for i := range 4 {
		c := login(t, h.address(), fmt.Sprintf("flood%d", i))
		m := message{topic: fmt.Sprintf("ganlin/v1/flood%d/telemetry", i), payload: make([]byte, 64<<10)}.packet()
		flood.Go(func() {
			for range 500 {
				c.write(t, m)
			}
			c.ping(t)
		})
	}
	c := login(t, h.address(), "d1")
	for id := range uint16(100) {
		c.publishQoS1(t, "ganlin/v1/d1/telemetry", "x", id+1)
	}
	flood.Wait()
	if !h.door.Open() || h.gate.Refused()[broker.DoorLost] != 0 {
		t.Errorf("the door was lost: %v", h.gate.Refused())
	}
}
