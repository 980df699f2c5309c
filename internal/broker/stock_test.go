package broker_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// stock starts the server as it is, without the door, for the traps that the
// door is there for: when one of these tests fails after an update, the
// server has changed and so may the door.
func stock(t *testing.T) (address string, js jetstream.JetStream) {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: "stock", DontListen: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
		MQTT: server.MQTTOpts{Host: "127.0.0.1", Port: -1},
		Users: []*server.User{{Username: "d1", Password: secretOf("d1"), Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: []string{"ganlin.v1.d1.telemetry"}},
		}}, {Username: "program", Password: "program"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server does not start")
	}
	varz, err := s.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.UserInfo("program", "program"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(varz.MQTT.Port)), js
}

func TestStockServerAcknowledgesWhatNobodyStores(t *testing.T) {
	address, js := stock(t)
	c := login(t, address, "d1")
	for id := range uint16(100) {
		c.publishQoS1(t, "ganlin/v1/d1/telemetry", "x", id+1)
	}
	s, err := js.Stream(t.Context(), "$MQTT_msgs")
	if err != nil {
		t.Fatal(err)
	}
	if n := s.CachedInfo().State.Msgs; n != 0 {
		t.Errorf("%d of 100 acknowledged messages are stored: the trap is gone", n)
	}
}

func TestStockServerAcknowledgesWhatItRefuses(t *testing.T) {
	address, _ := stock(t)
	c := login(t, address, "d1")
	c.publishQoS1(t, "ganlin/v1/d2/telemetry", "forged", 1)
}
