package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ganlin/ingest"
	"ganlin/internal/config"
	"ganlin/internal/mqtt"
)

// doctor asks the doctor and returns what it says of each part, "ok" or "BAD" before it.
func (d clerk) doctor(want int, args ...string) map[string]string {
	d.Helper()
	out, _ := d.ganlin(want, append([]string{"doctor", "--json"}, args...)...)
	var findings []finding
	if err := json.Unmarshal([]byte(out), &findings); err != nil {
		d.Fatalf("%q: %v", out, err)
	}
	said := map[string]string{}
	for _, f := range findings {
		mark := map[bool]string{true: "ok ", false: "BAD "}[f.OK]
		said[f.Part] = strings.ReplaceAll(mark+f.Says+" | "+f.Keeps+" | "+f.Mend, d.folder+"/", "")
	}
	return said
}

func (d clerk) says(said map[string]string, want map[string]string) {
	d.Helper()
	for part, pattern := range want {
		if !regexp.MustCompile("^" + pattern).MatchString(said[part]) {
			d.Errorf("of the %s it says\n%q, want\n%q", part, said[part], pattern)
		}
	}
}

// TestTheDoctorOfAStoppedProgram looks at what it has left, and at what is to be there when it starts.
func TestTheDoctorOfAStoppedProgram(t *testing.T) {
	d := newClerk(t, probes(2))
	d.says(d.doctor(exitCheckFailed, "--config", d.config), map[string]string{
		"disk": "BAD there is no folder data ", "program": "BAD no program runs on data ", "records": "ok there are none yet", "broker": "ok 127.0.0.1:0 is free",
	})
	d.says(d.doctor(exitCheckFailed, "--data", filepath.Join(d.folder, "typo")), map[string]string{"folder": "BAD typo is no data folder"})
	if made, err := filepath.Glob(filepath.Join(d.folder, "*")); len(made) != 2 || err != nil {
		t.Errorf("the doctor makes %v (error %v)", made, err)
	}

	d.made("import", d.registry)
	d.open().shut()
	write(t, d.registry, probes(1))
	d.says(d.doctor(exitOutOfReach, "--config", d.config), map[string]string{
		"disk": `ok \d+ fsyncs a second`, "records": "ok the store opens", "journal": "ok 1 records, the newest of [^;]+Z ", "influx": "ok there is none yet",
		"devices": "ok 1 of 1 have a password that lets in; nothing declares s-002 any more",
	})
	if _, known := d.doctor(exitOutOfReach, "--data", filepath.Join(d.folder, "data"))["devices"]; known {
		t.Error("the doctor speaks of devices although it knows no configuration")
	}

	blocks, err := filepath.Glob(filepath.Join(d.folder, "data/journal/store/jetstream/*/streams/JOURNAL/msgs/*.blk"))
	if len(blocks) != 1 || err != nil {
		t.Fatalf("%v %v", blocks, err)
	}
	block, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	block[len(block)-20] ^= 1
	write(t, blocks[0], string(block))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	write(t, d.config, "data: data\nhttp: {listen: '"+taken.Addr().String()+"'}\nmqtt: {brokers: [{url: 'tcp://127.0.0.1:9'}]}\ninflux: {url: 'http://127.0.0.1:9', token: t}\nregistry: [registry.yaml]\n")
	d.says(d.doctor(exitCheckFailed, "--config", d.config), map[string]string{
		"journal": `BAD there is none yet; records 1 to 1 are lost \(end_lost\); 1 pieces are damaged`, "pages": "BAD .*address already in use",
		"broker": "BAD tcp://127.0.0.1:9: .*refused", "database": "BAD .*refused",
	})
	f, err := openFolder(filepath.Join(d.folder, "data"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.close() }()
	write(t, d.config, "data: data\nmqtt: {listen: {address: '127.0.0.1:0'}}\nhttp: {listen: '127.0.0.1:0'}\n")
	d.says(d.doctor(exitOutOfReach, "--config", d.config), map[string]string{"folder": "BAD another ganlin process is using"})
}

// TestTheDoctorOfBrokers asks a real one with a certificate of its own, while
// that is not known, with a wrong password and as it is right.
func TestTheDoctorOfBrokers(t *testing.T) {
	d := newClerk(t, probes(0))
	files := newCertificate(t, d.folder, 1)
	passwords := filepath.Join(d.folder, "passwords")
	write(t, passwords, "")
	if out, err := exec.CommandContext(t.Context(), "mosquitto_passwd", "-b", passwords, "ganlin", "right").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	more := fmt.Sprintf("certfile %s\nkeyfile %s\npassword_file %s\n", files.CertFile, files.KeyFile, passwords)
	if os.Getuid() == 0 {
		more += "user root\n"
	}
	address, _ := mosquittoWith(t, more)
	for _, c := range []struct {
		keys string
		code int
		want string
	}{
		{"password: right", exitOutOfReach, "BAD ssl://.* certificate signed by unknown authority .* ca_file"},
		{"password: wrong, ca_file: cert.pem", exitCheckFailed, "BAD ssl://.* turns us away; look at username and password"},
		{"password: right, ca_file: cert.pem", exitOutOfReach, "ok ssl://.* lets us in; 100 messages at once .* 1100 of 1100 messages for a client that is away, and retained messages; "},
	} {
		write(t, d.config, fmt.Sprintf("data: data\nhttp: {listen: '127.0.0.1:0'}\nmqtt: {brokers: [{url: 'ssl://%s', username: ganlin, %s}]}\nregistry: [registry.yaml]\n", address, c.keys))
		d.devices(exitDone, "import", d.registry)
		d.says(d.doctor(c.code, "--config", d.config), map[string]string{"broker": c.want})
	}
	s := d.open()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.brokers[0].source.Run(ctx, func(ingest.Message) error { return nil }) }()
	waitFor(t, 20*time.Second, "the source to connect", func() (bool, string) {
		since, lost := s.brokers[0].lost()
		return !lost, fmt.Sprint(since)
	})
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestBrokersThatKeepLittle says so, and calls wrong only what keeps nothing.
func TestBrokersThatKeepLittle(t *testing.T) {
	b := config.Broker{URL: "tcp://broker:1883", ClientID: "ganlin"}
	for want, v := range map[string]mqtt.Verdict{
		"ok not tried: the user may not write and read ganlin/doctor/ganlin": {Refused: true},
		"ok 100 of 1100 messages for a client that is away, and no retained": {Session: true, Sent: 1100, Kept: 100, Window: 20},
		"BAD 0 of 1100 messages": {Session: true, Sent: 1100, Retained: true},
		"BAD 1100 of 1100":       {Sent: 1100, Kept: 1100},
	} {
		f := judgeBroker(b, v)
		if said := map[bool]string{true: "ok ", false: "BAD "}[f.OK] + f.Keeps; !strings.HasPrefix(said, want) || (v.Kept < v.Sent || !f.OK) != (f.Mend != "") {
			t.Errorf("of %+v it says %q (%s), want %q", v, said, f.Mend, want)
		}
	}
}
