package firmware_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/firmware-sim/firmware"
	"ganlin/firmware-sim/simtest"
)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(context.WithoutCancel(t.Context()))
}

// TestProbeSaysWhatTheContractSays reads what a probe publishes with nothing but encoding/json.
func TestProbeSaysWhatTheContractSays(t *testing.T) {
	b := simtest.StartBroker(t)
	o := simtest.Observe(t, b)
	d := newProbe(nil)
	stop := run(t, d, firmware.Link{Broker: b.URL()})
	simtest.Until(t, "the device is online", func() bool { return len(o.On("ganlin/v1/s-001/status")) == 1 })
	take(d, noon, 2)
	d.Wake()
	if err := d.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	simtest.Until(t, "the device has gone", func() bool { return len(o.On("ganlin/v1/s-001/status")) == 2 })

	var decoded []map[string]any
	for _, m := range slices.Concat(o.On("ganlin/v1/s-001/status")[:1], o.On(telemetry), o.On("ganlin/v1/s-001/status")[1:]) {
		var one map[string]any
		if err := json.Unmarshal([]byte(m.Payload), &one); err != nil {
			t.Fatalf("%s: %v", m.Payload, err)
		}
		if m.QoS != 1 {
			t.Errorf("%s came with QoS %d", m.Topic, m.QoS)
		}
		decoded = append(decoded, one)
	}
	values := func(i int) map[string]any { return decoded[i]["values"].(map[string]any) }
	want := []map[string]any{
		{"online": true, "firmware": "sim-1.0.0", "at": "2026-07-01T12:00:00Z", "seq": float64(noon.UnixMilli() + 1)},
		{"at": float64(noon.Add(half).UnixMilli()), "seq": float64(noon.Add(half).UnixMilli()), "values": values(1)},
		{"at": float64(noon.Add(2 * half).UnixMilli()), "seq": float64(noon.Add(2 * half).UnixMilli()), "values": values(2)},
		{"online": false, "firmware": "sim-1.0.0", "at": "2026-07-01T13:00:00Z", "seq": float64(noon.Add(2*half).UnixMilli() + 1)},
	}
	if diff := cmp.Diff(want, decoded); diff != "" {
		t.Error(diff)
	}
	keys := []string{"battery_voltage", "soil_moisture@20", "soil_moisture@40", "soil_moisture@60", "soil_temperature@20", "soil_temperature@40", "soil_temperature@60"}
	for i := 1; i <= 2; i++ {
		var got []string
		for k, v := range values(i) {
			got = append(got, k)
			key, err := devices.ParseKey(k)
			if err != nil {
				t.Error(err)
			}
			spec, _ := key.Quantity.Spec()
			if err := spec.Check(v.(float64)); err != nil {
				t.Error(err)
			}
		}
		if slices.Sort(got); !slices.Equal(got, keys) {
			t.Errorf("keys %v, want %v", got, keys)
		}
	}

	late := simtest.Observe(t, b)
	simtest.Until(t, "the status is retained", func() bool { return len(late.On("ganlin/v1/s-001/status")) > 0 })
	if got := late.Topics(); len(got) != 1 {
		t.Errorf("retained topics: %v", got)
	}
	c := d.Counts()
	if c.Published != 4 || c.Acknowledged != 4 || c.Readings != 2 || c.Values != 14 || c.Waiting != 0 {
		t.Errorf("counts %+v", c)
	}
	if want := noon.Add(2*half).UnixMilli() + 1; d.LastSeq() != want {
		t.Errorf("last seq %d, want %d", d.LastSeq(), want)
	}
}

// TestWillIsDelivered drops a device without DISCONNECT.
func TestWillIsDelivered(t *testing.T) {
	b := simtest.StartBroker(t)
	o := simtest.Observe(t, b)
	d := newProbe(nil)
	run(t, d, firmware.Link{Broker: b.URL()})
	online := func() (all []bool) {
		for _, m := range o.On("ganlin/v1/s-001/status") {
			var p devices.Presence
			if err := json.Unmarshal([]byte(m.Payload), &p); err != nil {
				t.Fatal(err)
			}
			all = append(all, p.Online)
		}
		return all
	}
	simtest.Until(t, "the device is online", func() bool { return len(online()) == 1 })
	d.Cut()
	simtest.Until(t, "the device is back", func() bool { return len(online()) == 3 })
	d.SetRadio(false)
	simtest.Until(t, "its will is told again", func() bool { return len(online()) == 4 })
	if diff := cmp.Diff([]bool{true, false, true, false}, online()); diff != "" {
		t.Error(diff)
	}
	if err := d.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestStoreAndForward stops the broker, lets readings pile up, and starts it again.
func TestStoreAndForward(t *testing.T) {
	for _, c := range []struct {
		name    string
		memory  int
		missing int
	}{
		{"everything fits", 0, 0},
		{"control: memory for 1,100 readings", 1100, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const before, during, after = 20, 1500, 10
			b := simtest.StartBroker(t)
			o := simtest.Observe(t, b)
			d := newProbe(func(o *firmware.Options) { o.RingSize = c.memory })
			run(t, d, firmware.Link{Broker: b.URL()})
			now := noon
			more := func(n int) {
				now = take(d, now, n)
				d.Wake()
				if err := d.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			simtest.Until(t, "the device is online", func() bool { return d.Counts().Connects == 1 })
			more(before)
			b.Stop()
			now = take(d, now, during)
			d.Wake()
			b.Start(t)
			if err := d.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			more(after)

			all := before + during + after
			// The broker may hand a message to the observer twice: the first time counts.
			seqs := func() (all []int64) {
				seen := map[int64]bool{}
				for _, r := range readings(t, o.On(telemetry)) {
					if !seen[r.Seq] {
						all = append(all, r.Seq)
					}
					seen[r.Seq] = true
				}
				return all
			}
			simtest.Until(t, "the observer has the last reading", func() bool {
				got := seqs()
				return len(got) > 0 && got[len(got)-1] >= now.UnixMilli()
			})
			if got := seqs(); !slices.IsSorted(got) || len(got) != all-c.missing {
				t.Errorf("%d of %d readings came, want %d, oldest first: %v", len(got), all, all-c.missing, slices.IsSorted(got))
			}
			if n := d.Counts().Overwritten; n != int64(c.missing) {
				t.Errorf("%d overwritten, want %d", n, c.missing)
			}
			most := 0
			for _, m := range o.On(telemetry) {
				most = max(most, len(readings(t, []simtest.Seen{m})))
			}
			if most != 1000 {
				t.Errorf("the longest array has %d readings, want 1000", most)
			}
		})
	}
}

// TestPubackIsEvidence loses messages in a network that stays up. The device
// counts what really was acknowledged; the control is a plain client that
// connects again by itself: its token completes without an error for a message
// that nobody ever got.
func TestPubackIsEvidence(t *testing.T) {
	b := simtest.StartBroker(t)
	o := simtest.Observe(t, b)
	p := simtest.StartProxy(t, b.Address)
	broker := &url.URL{Scheme: "tcp", Host: p.Address}

	t.Run("PUBACKs are lost", func(t *testing.T) {
		d := newProbe(nil)
		run(t, d, firmware.Link{Broker: broker, AckTimeout: time.Second})
		simtest.Until(t, "the device is online", func() bool { return d.Counts().Acknowledged == 1 })
		p.Lose(func(fromDevice bool, packet byte) bool { return !fromDevice && packet == simtest.Puback })
		take(d, noon, 5)
		d.Wake()
		simtest.Until(t, "five messages were stored and not acknowledged", func() bool { return len(o.On(telemetry)) == 5 })
		if c := d.Counts(); c.Readings != 0 || c.Acknowledged != 1 || c.Published != 6 || c.Waiting != 5 {
			t.Errorf("without a PUBACK: %+v", c)
		}
		simtest.Until(t, "the device gave up its connection", func() bool { return d.Counts().Connects >= 2 })
		p.Lose(nil)
		if err := d.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		simtest.Until(t, "they were sent again", func() bool { return len(readings(t, o.On(telemetry))) >= 10 })
		if c := d.Counts(); c.Readings != 5 || c.Values != 35 || c.Waiting != 0 || c.Acknowledged >= c.Published {
			t.Errorf("after all: %+v", c)
		}
	})

	t.Run("messages are lost", func(t *testing.T) {
		p.Lose(func(fromDevice bool, packet byte) bool { return fromDevice && packet == simtest.Publish })
		defer p.Lose(nil)
		d := newProbe(func(o *firmware.Options) { o.ID = "s-002" })
		stop := run(t, d, firmware.Link{Broker: broker, AckTimeout: 50 * time.Millisecond})
		lost := p.Lost()
		take(d, noon, 5)
		simtest.Until(t, "it tried twice", func() bool { return p.Lost() >= lost+2 })
		stop()
		if c := d.Counts(); c.Acknowledged != 0 || c.Readings != 0 || c.Waiting != 5 {
			t.Errorf("nothing got through: %+v", c)
		}
		if seen := o.On("ganlin/v1/s-002/telemetry"); len(seen) > 0 {
			t.Errorf("the observer got %v", seen)
		}
	})

	t.Run("control: a client that connects again", func(t *testing.T) {
		options := mqtt.NewClientOptions().AddBroker("tcp://" + p.Address).SetClientID("control")
		c := mqtt.NewClient(options)
		if token := c.Connect(); token.Wait() && token.Error() != nil {
			t.Fatal(token.Error())
		}
		defer c.Disconnect(250)
		p.Lose(func(fromDevice bool, packet byte) bool { return fromDevice && packet == simtest.Publish })
		defer p.Lose(nil)
		lost := p.Lost()
		token := c.Publish("ganlin/v1/control/telemetry", 1, false, `{}`)
		simtest.Until(t, "the message is lost", func() bool { return p.Lost() > lost })
		p.Cut()
		if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
			t.Fatalf("the token of the control: %v", token.Error())
		}
		if seen := o.On("ganlin/v1/control/telemetry"); len(seen) > 0 {
			t.Errorf("the observer got %v, so nothing was lost", seen)
		}
	})
}

// TestBackOff fails every connection and looks at the pauses.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := contextOf(t)
		defer cancel()
		var at []time.Time
		l := firmware.Link{
			Broker: &url.URL{Scheme: "tcp", Host: "nowhere:1883"}, Logger: quiet(),
			Dial: func(context.Context, string, string) (net.Conn, error) {
				if at = append(at, time.Now()); len(at) == 40 {
					cancel()
				}
				return nil, errors.New("nobody there")
			},
		}
		newProbe(nil).Run(ctx, l)
		var pauses []time.Duration
		for i := range at[1:] {
			pauses = append(pauses, at[i+1].Sub(at[i]))
		}
		if least := slices.Min(pauses); least <= time.Second {
			t.Errorf("a pause of %s", least)
		}
		if most := slices.Max(pauses); most > 30*time.Second || most < 15*time.Second {
			t.Errorf("the longest pause is %s", most)
		}
		slices.Sort(pauses)
		if len(slices.Compact(pauses)) < 20 {
			t.Errorf("pauses have no jitter: %v", pauses)
		}
	})
}

// TestValveOverMQTT speaks with a valve as the server does.
func TestValveOverMQTT(t *testing.T) {
	b := simtest.StartBroker(t)
	o := simtest.Observe(t, b)
	d := firmware.New(firmware.Options{
		ID: "v-001", Every: half, Boot: noon,
		Valve: &firmware.ValveOptions{MaxDuration: 2 * time.Hour, FlowLPM: 60, Latency: 2 * time.Second},
	})
	run(t, d, firmware.Link{Broker: b.URL()})
	reports := func() []devices.CommandReport { return reportsOf(t, o.On("ganlin/v1/v-001/report")) }
	simtest.Until(t, "the valve tells its state", func() bool { return len(reports()) == 1 })

	o.Send(t, "ganlin/v1/v-001/command", `{"id":"a","seq":1,"action":"open","max_duration_s":1200,"expires_at":"2026-07-01T12:01:00Z"}`)
	simtest.Until(t, "the open is accepted", func() bool { return len(reports()) == 2 })
	d.Advance(noon.Add(time.Minute))
	o.Send(t, "ganlin/v1/v-001/command", `{"id":"a","seq":1,"action":"open","max_duration_s":1200,"expires_at":"2026-07-01T12:01:00Z"}`)
	o.Send(t, "ganlin/v1/v-001/command", `not JSON`)
	simtest.Until(t, "the valve ignored two", func() bool { return d.Counts().Ignored == 2 })
	if at := noon.Add(10 * time.Minute); !d.Due(at) {
		t.Error("an open valve does not read its meter every ten minutes")
	}
	d.Advance(noon.Add(10 * time.Minute))
	d.Take()
	d.Advance(noon.Add(half))
	d.Take()
	d.Wake()
	if err := d.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.Cut()
	simtest.Until(t, "the valve told its state again", func() bool { return len(reports()) == 5 })
	o.Send(t, "ganlin/v1/v-001/command", `{"id":"b","seq":0,"action":"close"}`)
	simtest.Until(t, "the close is accepted", func() bool { return len(reports()) == 6 })
	d.Advance(noon.Add(time.Hour))
	d.Wake()
	simtest.Until(t, "the close is answered", func() bool { return len(reports()) == 7 })

	litres := func(v float64) *float64 { return &v }
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	want := []devices.CommandReport{
		{State: devices.Closed, At: at(0).Add(time.Millisecond)},
		{Command: "a", State: devices.Accepted, At: at(2)},
		{Command: "a", State: devices.Opened, At: at(2), VolumeL: litres(0)},
		{State: devices.Closed, At: at(1202), VolumeL: litres(1200)},
		{State: devices.Closed, At: at(1800).Add(time.Millisecond), VolumeL: litres(1200)},
		{Command: "b", State: devices.Accepted, At: at(1802)},
		{Command: "b", State: devices.Closed, At: at(1802), VolumeL: litres(1200)},
	}
	got := reports()
	last := int64(0)
	for i := range got {
		if got[i].Seq <= last {
			t.Errorf("report %d has seq %d after %d", i, got[i].Seq, last)
		}
		last, got[i].Seq = got[i].Seq, 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var values []map[string]float64
	for _, r := range readings(t, o.On("ganlin/v1/v-001/telemetry")) {
		values = append(values, r.Values)
	}
	if diff := cmp.Diff([]map[string]float64{
		{"valve_open": 1, "flow": 60, "volume_total": 598},
		{"valve_open": 0, "flow": 0, "volume_total": 1200},
	}, values); diff != "" {
		t.Error(diff)
	}
	if got := d.Drain(); got != 1200 {
		t.Errorf("%g L ran through, want 1200", got)
	}
}
