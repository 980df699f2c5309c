package mqtt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"

	"ganlin/ingest"
	"ganlin/internal/mqtt"
)

// collect returns a deliver function that settles everything, and the payloads so far.
func collect() (deliver func(ingest.Message) error, payloads func() []string) {
	var mu sync.Mutex
	var got []string
	return func(m ingest.Message) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, string(m.Payload))
			if m.Settle != nil {
				m.Settle(nil)
			}
			return nil
		}, func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(got)
		}
}

func publish(t *testing.T, c paho.Client, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if token := c.Publish("ganlin/v1/s-001/telemetry", 1, false, p); !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatal(token.Error())
		}
	}
}

func TestBrokerRestart(t *testing.T) {
	for _, c := range []struct {
		name      string
		signal    syscall.Signal
		forgetful bool // a killed broker has not written its sessions
	}{
		{"clean", syscall.SIGTERM, false},
		{"killed", syscall.SIGKILL, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			broker := startMosquitto(t, "")
			deliver, payloads := collect()
			source := run(t, options(broker.address), deliver)
			publish(t, publisher(t, broker.address), "before")
			eventually(t, "first message", func() bool { return slices.Contains(payloads(), "before") })

			broker.stop(t, c.signal)
			eventually(t, "event lost", func() bool { return source.count(mqtt.Lost) > 0 })
			if err := source.Publish(t.Context(), "ganlin/v1/s-001/command", []byte("{}")); !errors.Is(err, mqtt.ErrNotConnected) {
				t.Errorf("publishing without a connection: %v, want ErrNotConnected", err)
			}
			broker.start(t)
			eventually(t, "second connection", func() bool { return source.count(mqtt.Connected) == 2 })
			if forgotten := source.count(mqtt.StateLost) > 0; forgotten != c.forgetful {
				t.Errorf("event state_lost: %t, want %t", forgotten, c.forgetful)
			}
			publish(t, publisher(t, broker.address), "after")
			eventually(t, "message after the restart", func() bool { return slices.Contains(payloads(), "after") })
		})
	}
}

// The connection breaks again and again, at any moment, acknowledgements on
// their way included. goleak sees what a broken connection leaves behind.
func TestFlappingLink(t *testing.T) {
	const cuts, between = 200, 50 // messages
	broker := startMosquitto(t, "")
	p := startProxy(t, broker.address)
	deliver, payloads := collect()
	source := run(t, options(p.address), deliver)
	device := publisher(t, broker.address)
	var slowest time.Duration
	for n := range cuts * between {
		device.Publish("ganlin/v1/s-001/telemetry", 1, false, fmt.Sprint(n))
		if n%between == between-1 {
			connected := source.count(mqtt.Connected)
			p.cut()
			begin := time.Now()
			eventually(t, "connection", func() bool { return source.count(mqtt.Connected) > connected })
			slowest = max(slowest, time.Since(begin))
		}
	}
	distinct := func() int {
		got := payloads()
		slices.Sort(got)
		return len(slices.Compact(got))
	}
	eventually(t, "delivery of all", func() bool { return distinct() == cuts*between })
	t.Logf("%d cuts: %d messages, %d deliveries, the slowest connection after %s", cuts, distinct(), len(payloads()), slowest)
}

func TestFullIntakeIsWaitedFor(t *testing.T) {
	broker := startMosquitto(t, "")
	deliver, payloads := collect()
	var attempts atomic.Int32
	source := run(t, options(broker.address), func(m ingest.Message) error {
		if attempts.Add(1) < 5 {
			return ingest.ErrFull
		}
		return deliver(m)
	})
	publish(t, publisher(t, broker.address), "one", "two")
	eventually(t, "both messages", func() bool { return len(payloads()) == 2 })
	if got := payloads(); got[0] != "one" || source.count(mqtt.Connected) != 1 {
		t.Errorf("got %q over %d connections, want them in order over one", got, source.count(mqtt.Connected))
	}
}

func TestStopWaitsForWhatIsUnderWay(t *testing.T) {
	broker := startMosquitto(t, "")
	p := startProxy(t, broker.address)
	messages := make(chan ingest.Message, 10)
	source := run(t, options(p.address), func(m ingest.Message) error {
		messages <- m
		return nil
	})
	publish(t, publisher(t, broker.address), "one")
	m := <-messages
	stopped := make(chan struct{})
	go func() {
		source.stop()
		close(stopped)
	}()
	m.Settle(nil)
	<-stopped
	eventually(t, "acknowledgement", func() bool { return p.acks.Count() == 1 })
	if got, want := source.Stats(), (mqtt.Stats{Received: 1, Acknowledged: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestClosedIntakeRefuses(t *testing.T) {
	broker := startMosquitto(t, "")
	deliver, payloads := collect()
	var attempts atomic.Int32
	source := run(t, options(broker.address), func(m ingest.Message) error {
		if attempts.Add(1) == 1 {
			return ingest.ErrRefused
		}
		return deliver(m)
	})
	publish(t, publisher(t, broker.address), "one")
	eventually(t, "message again", func() bool { return len(payloads()) == 1 })
	eventually(t, "second connection", func() bool { return source.count(mqtt.Connected) == 2 })
}

func TestSubscriptionsHaveTheirCodecs(t *testing.T) {
	broker := startMosquitto(t, "")
	codecs := make(chan string, 2)
	o := options(broker.address)
	o.Subscriptions = append(o.Subscriptions, mqtt.Subscription{Topics: []string{"application/+/device/+/event/+"}, Codec: other{}})
	run(t, o, func(m ingest.Message) error {
		codecs <- fmt.Sprintf("%s %T", m.Topic, m.Codec)
		m.Settle(nil)
		return nil
	})
	device := publisher(t, broker.address)
	publish(t, device, "x")
	device.Publish("application/1/device/2/event/up", 1, false, "x").WaitTimeout(patience)
	got := []string{<-codecs, <-codecs}
	if want := []string{"ganlin/v1/s-001/telemetry <nil>", "application/1/device/2/event/up mqtt_test.other"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// other is a codec that is not the native one.
type other struct{ ingest.Native }

func TestSharedSubscription(t *testing.T) {
	broker := startMosquitto(t, "")
	deliver, payloads := collect()
	var each [2]atomic.Int32
	for i := range each {
		o := options(broker.address)
		o.ClientID = fmt.Sprint("ganlin-", i)
		o.Share = "ganlin"
		run(t, o, func(m ingest.Message) error {
			each[i].Add(1)
			return deliver(m)
		})
	}
	const messages = 100
	device := publisher(t, broker.address)
	for n := range messages {
		publish(t, device, fmt.Sprint(n))
	}
	eventually(t, "all messages", func() bool { return len(payloads()) >= messages })
	got := payloads()
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != messages || each[0].Load() == 0 || each[1].Load() == 0 {
		t.Errorf("%d different messages, %d and %d deliveries, want each of %d once and some at both",
			n, each[0].Load(), each[1].Load(), messages)
	}
}

func TestPublish(t *testing.T) {
	broker := startMosquitto(t, "")
	deliver, _ := collect()
	source := run(t, options(broker.address), deliver)
	got := make(chan string, 1)
	device := publisher(t, broker.address)
	if token := device.Subscribe("ganlin/v1/s-001/command", 0, func(_ paho.Client, m paho.Message) { got <- string(m.Payload()) }); !token.WaitTimeout(patience) {
		t.Fatal("no SUBACK")
	}
	if err := source.Publish(t.Context(), "ganlin/v1/s-001/command", []byte(`{"action":"report"}`)); err != nil {
		t.Fatal(err)
	}
	if command := <-got; command != `{"action":"report"}` {
		t.Errorf("got %s", command)
	}
}

func TestPasswordAndTLS(t *testing.T) {
	dir := t.TempDir()
	authority := certificate(t, dir)
	passwords := filepath.Join(dir, "passwords")
	if out, err := exec.CommandContext(t.Context(), "mosquitto_passwd", "-c", "-b", passwords, "ganlin", "right").CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v: %s; install it, on Debian: apt-get install mosquitto", err, out)
	}
	broker := startMosquitto(t, fmt.Sprintf("password_file %s\ncafile %[2]s/cert.pem\ncertfile %[2]s/cert.pem\nkeyfile %[2]s/key.pem\n", passwords, dir))
	o := options(broker.address)
	o.URL = "ssl://" + broker.address
	o.TLS = &tls.Config{RootCAs: authority}
	o.Username, o.Password = "ganlin", "wrong"

	errs := make(chan error, 100)
	wrong := o
	wrong.OnEvent = func(e mqtt.Event) { errs <- e.Err }
	source, err := mqtt.New(wrong)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	ctx := t.Context()
	running.Go(func() { _ = source.Run(ctx, nil) })
	t.Cleanup(running.Wait)
	if err := <-errs; err == nil || !strings.Contains(err.Error(), "not Authorized") {
		t.Errorf("with the wrong password: %v, want not authorized", err)
	}

	o.ClientID, o.Password = "ganlin-2", "right"
	deliver, payloads := collect()
	run(t, o, deliver)
	device := paho.NewClient(paho.NewClientOptions().AddBroker(o.URL).SetTLSConfig(o.TLS).SetUsername("ganlin").SetPassword("right").SetClientID("s-001"))
	if token := device.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	defer device.Disconnect(100)
	publish(t, device, "over TLS")
	eventually(t, "message", func() bool { return len(payloads()) == 1 })
}

// certificate writes a self-signed certificate for 127.0.0.1.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return pool
}

// A broker that accepts a connection and then says nothing, or refuses the
// subscription, is played here: no configuration makes Mosquitto do it.
func TestOddBrokers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(net.Conn)
		want   string // of the error of the event; empty: the source is stopped while it waits
	}{
		{"silent", func(net.Conn) {}, ""},
		{"refuses the subscription", func(c net.Conn) {
			if _, err := packets.ReadPacket(c); err != nil {
				return
			}
			_ = packets.NewControlPacket(packets.Connack).Write(c)
			p, err := packets.ReadPacket(c)
			if err != nil {
				return
			}
			suback := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			suback.MessageID = p.Details().MessageID
			suback.ReturnCodes = []byte{0x80}
			_ = suback.Write(c)
		}, "the broker refuses ganlin/v1/+/telemetry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			accepted := make(chan net.Conn, 10)
			var serving sync.WaitGroup
			serving.Go(func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					c.answer(conn)
					accepted <- conn
				}
			})
			t.Cleanup(serving.Wait)
			t.Cleanup(func() { _ = l.Close() })
			o := options(l.Addr().String())
			o.Subscriptions = []mqtt.Subscription{{Topics: []string{"ganlin/v1/+/telemetry"}}}
			events := make(chan mqtt.Event, 100)
			o.OnEvent = func(e mqtt.Event) { events <- e }
			source, err := mqtt.New(o)
			if err != nil {
				t.Fatal(err)
			}
			var running sync.WaitGroup
			running.Go(func() { _ = source.Run(t.Context(), nil) })
			t.Cleanup(running.Wait) // the test's context has ended by then
			conn := <-accepted
			defer func() { _ = conn.Close() }()
			if c.want == "" {
				return
			}
			if e := <-events; e.Kind != mqtt.Lost || !strings.Contains(e.Err.Error(), c.want) {
				t.Errorf("event %s, %v, want lost, %s", e.Kind, e.Err, c.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	good := options("127.0.0.1:1883")
	for name, spoil := range map[string]func(*mqtt.Options){
		"scheme":          func(o *mqtt.Options) { o.URL = "http://127.0.0.1" },
		"no scheme":       func(o *mqtt.Options) { o.URL = "127.0.0.1:1883" },
		"no host":         func(o *mqtt.Options) { o.URL = "tcp://" },
		"user in the URL": func(o *mqtt.Options) { o.URL = "tcp://a:secret@127.0.0.1:1883" },
		"bad port":        func(o *mqtt.Options) { o.URL = "tcp://a:secret@127.0.0.1:x" },
		"no client id":    func(o *mqtt.Options) { o.ClientID = "" },
		"no subscription": func(o *mqtt.Options) { o.Subscriptions = nil },
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			spoil(&o)
			_, err := mqtt.New(o)
			if err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want an error without the password", err)
			}
		})
	}
}
