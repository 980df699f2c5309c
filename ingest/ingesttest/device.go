package ingesttest

import (
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang" //nolint:depguard // the suite publishes with a client that devices use

	"ganlin/devices"
)

// patience is how long the suite waits for what must happen; nothing depends
// on it but the time that a failure takes.
const patience = 60 * time.Second

// A device publishes with a kept session, and again after every break of its
// connection what was not acknowledged.
type device struct {
	id     devices.DeviceID
	client mqtt.Client
	acked  PubackCounter // tokens do not count: the library completes them when it sends a message again

	mu   sync.Mutex
	conn net.Conn // the last one
}

// connect makes a device of the harness known and connects it.
func connect(t *testing.T, h Harness, id devices.DeviceID) *device {
	t.Helper()
	d := &device{id: id}
	o := mqtt.NewClientOptions().AddBroker("tcp://"+h.Broker).
		SetClientID(string(id)).SetUsername(string(id)).SetPassword(h.Enroll(id)).
		SetProtocolVersion(4).SetCleanSession(false).SetStore(mqtt.NewOrderedMemoryStore()).
		SetConnectRetry(true).SetConnectRetryInterval(100*time.Millisecond).
		SetAutoReconnect(true).SetMaxReconnectInterval(2*time.Second).
		SetBinaryWill(devices.Topic(id, devices.Status), []byte(`{"online":false}`), 1, true).
		SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", u.Host)
			if err != nil {
				return nil, err
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.acked.Reset()
			d.conn = conn
			return tapped{conn, &d.acked}, nil
		})
	d.client = mqtt.NewClient(o)
	finish(t, d.client.Connect(), "connecting "+string(id))
	t.Cleanup(func() { d.client.Disconnect(100) })
	return d
}

// publish sends a telemetry message and does not wait for its acknowledgement.
func (d *device) publish(qos byte, payload []byte) {
	d.client.Publish(devices.Topic(d.id, devices.Telemetry), qos, false, payload)
}

// roundTrip returns when the broker has handled all that the device sent before.
func (d *device) roundTrip(t *testing.T) {
	t.Helper()
	finish(t, d.client.Subscribe(devices.Topic(d.id, devices.Commands), 0, nil), "subscribing "+string(d.id))
}

// cut closes the device's connection without a DISCONNECT.
func (d *device) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.conn.Close()
}

// finish waits for the client to have done what the token stands for.
func finish(t *testing.T, token mqtt.Token, what string) {
	t.Helper()
	if !token.WaitTimeout(patience) {
		t.Fatalf("%s took more than %s", what, patience)
	}
	if err := token.Error(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// A tapped connection shows what is read from it to a counter.
type tapped struct {
	net.Conn
	counter *PubackCounter
}

// Read reads from the connection and counts what came.
func (c tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	_, _ = c.counter.Write(p[:n])
	return n, err
}
