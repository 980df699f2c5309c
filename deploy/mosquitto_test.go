package deploy_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// TestMosquitto runs the real broker with its configuration: devices speak for
// themselves alone, by name and password, and Ganlin alone tells them what to do.
func TestMosquitto(t *testing.T) {
	folder := setUp(t)
	acl := filepath.Join(folder, "mosquitto", "acl")
	b := startMosquitto(t, folder)
	if heard := b.foreignTelemetry(t); heard {
		t.Error("a device spoke for another one")
	}
	b.stop()

	// The control: with everything allowed the same attempt is heard.
	if err := os.WriteFile(acl, []byte("user ganlin\ntopic readwrite #\npattern readwrite ganlin/v1/#\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if heard := startMosquitto(t, folder).foreignTelemetry(t); !heard {
		t.Error("the control, a device that may say anything, is not heard")
	}
}

// TestMosquittoTellsCommandsToTheirDevice subscribes as a device to all commands and hears its own alone.
func TestMosquittoTellsCommandsToTheirDevice(t *testing.T) {
	b := startMosquitto(t, setUp(t))
	heard := make(chan string, 9)
	device := b.connect(t, "s-001", b.devicePassword, "s-001")
	for _, filter := range []string{"ganlin/v1/+/command", "ganlin/v1/s-002/command", "#"} {
		device.Subscribe(filter, 0, func(_ mqtt.Client, m mqtt.Message) { heard <- m.Topic() + " " + string(m.Payload()) }).Wait()
	}
	// Another device cannot tell it anything either: what comes first is Ganlin's word.
	other := b.connect(t, "s-002", b.devicePassword, "s-002")
	other.Publish("ganlin/v1/s-001/command", 1, false, "from another device").WaitTimeout(20 * time.Second)
	ganlin := b.connect(t, "ganlin", b.ganlinPassword, "ganlin")
	for _, topic := range []string{"ganlin/v1/s-002/command", "ganlin/v1/s-001/command"} {
		publish(t, ganlin, topic)
	}
	select {
	case m := <-heard:
		if m != "ganlin/v1/s-001/command {}" {
			t.Errorf("a device hears %s", m)
		}
	case <-time.After(20 * time.Second):
		t.Error("a device does not hear its own command")
	}
}

// TestMosquittoKnowsDevicesByTheirNames connects a second device with the
// client id of the first: both stay, for the broker takes the user name.
func TestMosquittoKnowsDevicesByTheirNames(t *testing.T) {
	b := startMosquitto(t, setUp(t))
	first := b.connect(t, "s-001", b.devicePassword, "s-001")
	second := b.connect(t, "s-002", b.devicePassword, "s-001")
	publish(t, second, "ganlin/v1/s-002/telemetry")
	publish(t, first, "ganlin/v1/s-001/telemetry")
}

func TestMosquittoLetsNobodyElseIn(t *testing.T) {
	b := startMosquitto(t, setUp(t))
	for _, c := range []struct{ user, password string }{{"", ""}, {"s-001", "guessed"}, {"nobody", b.devicePassword}, {"ganlin", b.devicePassword}} {
		if client, err := b.dial(c.user, c.password, "x"); err == nil {
			client.Disconnect(0)
			t.Errorf("%q is let in with a wrong password", c.user)
		}
	}
}

// A mosquitto is the broker as it is deployed, on ports of its own.
type mosquitto struct {
	plain, encrypted               string
	roots                          *x509.CertPool
	ganlinPassword, devicePassword string
	stop                           func()
}

func startMosquitto(t *testing.T, folder string) *mosquitto {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	b := &mosquitto{
		plain: freeAddress(t), encrypted: freeAddress(t), roots: x509.NewCertPool(),
		ganlinPassword: strings.TrimSpace(read("secrets/mqtt_password")), devicePassword: "d0e1f2",
	}
	if !b.roots.AppendCertsFromPEM([]byte(read("secrets/tls_cert"))) {
		t.Fatal("the certificate cannot be read")
	}
	// A device is added as README.md says.
	added := filepath.Join(t.TempDir(), "devices")
	if err := os.WriteFile(added, []byte("s-001:"+b.devicePassword+"\ns-002:"+b.devicePassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), filepath.Join(folder, "hash-passwords.sh"), added).CombinedOutput(); err != nil {
		t.Fatalf("hashing: %v\n%s", err, out)
	}
	hashed, err := os.ReadFile(added)
	if err != nil {
		t.Fatal(err)
	}
	passwords := filepath.Join(folder, "secrets", "mosquitto_passwords")
	if err := os.WriteFile(passwords, append([]byte(read("secrets/mosquitto_passwords")), hashed...), 0o644); err != nil {
		t.Fatal(err)
	}

	data := t.TempDir()
	config := filepath.Join(data, "mosquitto.conf")
	text := strings.NewReplacer(
		"/run/secrets/", filepath.Join(folder, "secrets")+"/", "/mosquitto/config/", filepath.Join(folder, "mosquitto")+"/",
		"/mosquitto/data/", data+"/", "listener 8883", "listener "+port(b.encrypted)+" 127.0.0.1", "listener 1883", "listener "+port(b.plain)+" 127.0.0.1",
	).Replace(read("mosquitto/mosquitto.conf"))
	if os.Geteuid() == 0 {
		text += "user root\n" // in the container it begins as a user of its own
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto" // where Debian puts it, outside of many a PATH
	}
	cmd := exec.Command(program, "-c", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting mosquitto: %v; install it, on Debian: apt-get install mosquitto", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	b.stop = func() {
		_ = cmd.Process.Kill()
		<-ended
	}
	t.Cleanup(b.stop)
	for range 200 {
		if conn, err := net.DialTimeout("tcp", b.plain, time.Second); err == nil {
			_ = conn.Close()
			return b
		}
		select {
		case <-ended:
			t.Fatalf("mosquitto ended:\n%s", said.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal("mosquitto does not listen")
	return nil
}

// dial connects a device by TLS, and Ganlin by the network inside.
func (b *mosquitto) dial(user, password, id string) (mqtt.Client, error) {
	o := mqtt.NewClientOptions().SetClientID(id).SetUsername(user).SetPassword(password).SetAutoReconnect(false).SetConnectTimeout(10 * time.Second)
	if user == "ganlin" {
		o.AddBroker("tcp://" + b.plain)
	} else {
		o.AddBroker("ssl://" + b.encrypted).SetTLSConfig(&tls.Config{RootCAs: b.roots, MinVersion: tls.VersionTLS12})
	}
	c := mqtt.NewClient(o)
	token := c.Connect()
	token.Wait()
	return c, token.Error()
}

func (b *mosquitto) connect(t *testing.T, user, password, id string) mqtt.Client {
	t.Helper()
	c, err := b.dial(user, password, id)
	if err != nil {
		t.Fatalf("connecting %s: %v", user, err)
	}
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

// foreignTelemetry lets a device speak on all topics that are not its own, then
// on its own ones; it reports whether Ganlin heard any of the former.
func (b *mosquitto) foreignTelemetry(t *testing.T) (heard bool) {
	t.Helper()
	topics := make(chan string, 99)
	ganlin := b.connect(t, "ganlin", b.ganlinPassword, "ganlin")
	for _, filter := range []string{"ganlin/v1/+/telemetry", "ganlin/v1/+/status", "ganlin/v1/+/report"} {
		ganlin.Subscribe(filter, 1, func(_ mqtt.Client, m mqtt.Message) { topics <- m.Topic() }).Wait()
	}
	for _, topic := range []string{"ganlin/v1/s-002/telemetry", "ganlin/v1/s-002/status", "ganlin/v1/s-002/report"} {
		device := b.connect(t, "s-001", b.devicePassword, "anything")
		device.Publish(topic, 1, false, "{}").WaitTimeout(20 * time.Second) // some versions acknowledge what they refuse, some hang up
		device.Disconnect(0)
	}
	device := b.connect(t, "s-001", b.devicePassword, "anything")
	own := []string{"ganlin/v1/s-001/telemetry", "ganlin/v1/s-001/status", "ganlin/v1/s-001/report"}
	for _, topic := range own {
		publish(t, device, topic)
	}
	for got := 0; got < len(own); {
		select {
		case topic := <-topics:
			if strings.Contains(topic, "/s-001/") {
				got++
			} else {
				heard = true
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of a device's own messages came", got)
		}
	}
	return heard
}

func publish(t *testing.T, c mqtt.Client, topic string) {
	t.Helper()
	if token := c.Publish(topic, 1, false, "{}"); !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		t.Fatalf("publishing to %s: %v", topic, token.Error())
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func port(address string) string {
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Sprint(err)
	}
	return p
}
