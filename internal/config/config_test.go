package config_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"ganlin/internal/config"
	"ganlin/internal/position"
)

// write puts files into a new folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// lines returns problems one a line, with the folder taken out.
func lines(dir string, problems []position.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(strings.ReplaceAll(p.String(), dir+"/", "") + "\n")
	}
	return b.String()
}

var reveal = cmp.Transformer("reveal", config.Secret.Reveal)

// certificate writes cert.pem and key.pem.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)} // its age is no matter
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryKey(t *testing.T) {
	t.Setenv("GANLIN_TEST_TOKEN", "t0ken")
	t.Setenv("GANLIN_TEST_HOST", "broker")
	dir := write(t, map[string]string{
		"password": "p$ss\r\n", "registry.yaml": "", "tables/b.csv": "", "tables/a.csv": "",
		"ganlin.yaml": `
data: data
http: {listen: "0.0.0.0:0", tls: {cert_file: cert.pem, key_file: key.pem}, url: "https://ganlin.example/"}
mqtt:
  listen: {address: ":8883", tls: {cert_file: cert.pem, key_file: key.pem}}
  brokers:
    - {url: "tcp://${GANLIN_TEST_HOST}:1883", client_id: ganlin-1, username: ganlin, password_file: password, share: ganlin,
       sources: [{topics: [ganlin/v1/+/telemetry], codec: native}, {topics: ["a/#", +/b]}]}
    - {url: "ssl://other:8883", ca_file: cert.pem}
journal: {url: "", keep: 60d, max_bytes: 20GiB}
deadletters: {max_bytes: 1GB}
influx: {url: http://influxdb:8086, org: farm, bucket: field, token: "x${GANLIN_TEST_TOKEN}$y"}
records: {url: ""}
registry: [tables/*.csv, registry.yaml, ./registry.yaml, none/*.yaml]
rules: [rules/*.yaml]
timezone: Asia/Urumqi
`,
	})
	certificate(t, dir)
	in := func(name string) string { return filepath.Join(dir, name) }
	got, problems := config.Load(in("ganlin.yaml"))
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", lines(dir, problems))
	}
	pair := &config.TLS{CertFile: in("cert.pem"), KeyFile: in("key.pem")}
	want := &config.Config{
		Data: in("data"),
		HTTP: config.HTTP{Listen: "0.0.0.0:0", TLS: pair, URL: "https://ganlin.example"},
		MQTT: config.MQTT{
			Listen: &config.Listen{Address: ":8883", TLS: pair},
			Brokers: []config.Broker{
				{
					URL: "tcp://broker:1883", ClientID: "ganlin-1", Username: "ganlin", Password: config.NewSecret("p$ss"), Share: "ganlin",
					Sources: []config.Source{{[]string{"ganlin/v1/+/telemetry"}, config.Native}, {[]string{"a/#", "+/b"}, config.Native}},
				},
				{
					URL: "ssl://other:8883", CAFile: in("cert.pem"), ClientID: "ganlin",
					Sources: []config.Source{{[]string{"ganlin/v1/+/telemetry", "ganlin/v1/+/status", "ganlin/v1/+/report"}, config.Native}},
				},
			},
		},
		Journal:  config.Journal{Keep: 60 * 24 * time.Hour, MaxBytes: 20 << 30},
		Letters:  config.DeadLetters{MaxBytes: 1_000_000_000},
		Influx:   &config.Influx{URL: "http://influxdb:8086", Org: "farm", Bucket: "field", Token: config.NewSecret("xt0ken$y")},
		Registry: []string{in("tables/a.csv"), in("tables/b.csv"), in("registry.yaml")},
		TimeZone: "Asia/Urumqi",
		Notify:   config.Default().Notify,
	}
	if diff := cmp.Diff(want, got, reveal); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	dir := write(t, map[string]string{"ganlin.yaml": "mqtt: {listen: {address: 0.0.0.0:1883}}\ninflux: {url: http://i:1, token: t}\n"})
	got, problems := config.Load(filepath.Join(dir, "ganlin.yaml"))
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", lines(dir, problems))
	}
	want := config.Config{
		Data:     "/var/lib/ganlin",
		HTTP:     config.HTTP{Listen: "127.0.0.1:8080"},
		Journal:  config.Journal{Keep: 45 * 24 * time.Hour, MaxBytes: 10_000_000_000},
		Letters:  config.DeadLetters{MaxBytes: 256_000_000},
		TimeZone: "Asia/Shanghai",
		Notify:   config.Notify{Group: 10 * time.Minute, Daily: 3, Quiet: "21:00-06:00"},
	}
	if diff := cmp.Diff(want, config.Default(), reveal); diff != "" {
		t.Errorf("Default (-want +got):\n%s", diff)
	}
	want.MQTT.Listen = &config.Listen{Address: "0.0.0.0:1883"}
	want.Influx = &config.Influx{URL: "http://i:1", Org: "ganlin", Bucket: "ganlin", Token: config.NewSecret("t")}
	if diff := cmp.Diff(&want, got, reveal); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProblems(t *testing.T) {
	t.Setenv("GANLIN_TEST_EMPTY", "")
	const in = "mqtt: {listen: {address: 0.0.0.0:1883}}\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":       {"", "1:1: error: nothing can come in: give mqtt.listen an address, such as mqtt: {listen: {address: 0.0.0.0:1883}}, or name a broker among mqtt.brokers"},
		"no way in":   {"data: x\nmqtt: {brokers: []}\n", "2:7: error: nothing can come in: give mqtt.listen an address, such as mqtt: {listen: {address: 0.0.0.0:1883}}, or name a broker among mqtt.brokers"},
		"no mapping":  {"- a\n", `1:1: error: a configuration must be a mapping of data, http, mqtt, journal, deadletters, influx, records, registry, rules, signals, timezone, notify, not a list`},
		"unknown key": {in + "influxdb: {url: x}\n", `2:1: error: a configuration has no key "influxdb" (did you mean influx?); its keys are data, http, mqtt, journal, deadletters, influx, records, registry, rules, signals, timezone, notify`},
		"deep key":    {in + "http:\n  tls:\n    certfile: a\n    key_file: b\n", `4:5: error: http.tls has no key "certfile" (did you mean cert_file?); its keys are cert_file, key_file` + "\n" + "4:5: error: http.tls lacks cert_file"},
		"twice":       {in + "data: a\ndata: b\n", "3:1: error: key data stands twice: also in line 2; keep one"},
		"syntax":      {in + "data: [\n", "2:5: error: the YAML cannot be read from here on: did not find expected node content"},
		"variable":    {in + "data: /x/${GANLIN_TEST_NONE}/${}\n", "2:7: error: data: \"${}\" names no variable of the environment; write one such as ${NAME}\n2:7: error: data: the environment's variable GANLIN_TEST_NONE is not set or empty; set it"},
		"empty one":   {in + "data: ${GANLIN_TEST_EMPTY}\n", "2:7: error: data: the environment's variable GANLIN_TEST_EMPTY is not set or empty; set it"},

		"address":     {"mqtt: {listen: {address: '1883'}}\n", `1:26: error: mqtt.listen.address: "1883" is no address; write host:port, such as 127.0.0.1:8080`},
		"port":        {"mqtt: {listen: {address: ':65536'}}\n", `1:26: error: mqtt.listen.address: port "65536" of ":65536" is not 0 to 65535`},
		"no address":  {"mqtt: {listen: {}}\n", "1:16: error: mqtt.listen lacks address; write one such as 0.0.0.0:1883"},
		"public http": {in + "http: {listen: 0.0.0.0:8080}\n", `2:16: error: http.listen: "0.0.0.0:8080" can be reached from elsewhere, and without TLS tokens could be read on the way; give http.tls a cert_file and key_file, or listen on 127.0.0.1, or, where a proxy ends TLS, say http.plaintext: "behind a proxy that ends TLS"`},
		"any http":    {in + "http: {listen: ':8080'}\n", `2:16: error: http.listen: ":8080" can be reached from elsewhere, and without TLS tokens could be read on the way; give http.tls a cert_file and key_file, or listen on 127.0.0.1, or, where a proxy ends TLS, say http.plaintext: "behind a proxy that ends TLS"`},
		"plain":       {in + "http: {listen: ':8080', plaintext: yes}\n", "2:16: error: http.listen: \":8080\" " + "can be reached from elsewhere, and without TLS tokens could be read on the way; give http.tls a cert_file and key_file, or listen on 127.0.0.1, or, where a proxy ends TLS, say http.plaintext: \"behind a proxy that ends TLS\"\n2:36: error: http.plaintext is either left out or says \"behind a proxy that ends TLS\""},
		"plain tls":   {in + "http: {plaintext: behind a proxy that ends TLS, tls: {cert_file: a, key_file: b}}\n", "2:19: error: http.plaintext and http.tls exclude each other; leave one out\n2:54: error: http.tls: open a: no such file or directory"},
		"http url":    {in + "http: {url: ganlin.example}\n", `2:13: error: http.url: "ganlin.example" is no address; write https://host:port with one of https, http`},
		"tls":         {in + "http: {tls: {cert_file: a}}\n", "2:13: error: http.tls lacks key_file"},
		"tls files":   {in + "http: {tls: {cert_file: a, key_file: b}}\n", "2:13: error: http.tls: open a: no such file or directory"},

		"broker url":  {"mqtt: {brokers: [{url: 'broker:1883'}]}\n", `1:24: error: url of a broker: "broker:1883" is no address; write tcp://host:port with one of tcp, mqtt, ssl, tls, mqtts`},
		"broker port": {"mqtt: {brokers: [{url: tcp://mosquitto}]}\n", `1:24: error: url of a broker: "tcp://mosquitto" lacks the port, such as tcp://mosquitto:1883`},
		"port 0":      {"mqtt: {brokers: [{url: 'tcp://mosquitto:0'}]}\n", `1:24: error: url of a broker: port "0" is not 1 to 65535`},
		"in the url":  {"mqtt: {brokers: [{url: 'tcp://u:hidden@m:1883'}]}\n", `1:24: error: url of a broker: "tcp://u:xxxxx@m:1883" holds a name or password; give them in keys of their own`},
		"no url":      {"mqtt: {brokers: [{username: a}]}\n", "1:18: error: a broker lacks url; write one such as tcp://mosquitto:1883"},
		"ca plain":    {"mqtt: {brokers: [{url: 'tcp://m:1', ca_file: empty}]}\n", "1:46: error: ca_file: a connection to tcp://m:1 is not encrypted; write ssl:// there, or leave ca_file out"},
		"no ca":       {"mqtt: {brokers: [{url: 'ssl://m:1', ca_file: none}]}\n", "1:46: error: ca_file: open none: no such file or directory"},
		"empty ca":    {"mqtt: {brokers: [{url: 'ssl://m:1', ca_file: empty}]}\n", "1:46: error: ca_file: empty holds no certificate in PEM"},
		"one id":      {"mqtt: {brokers: [{url: 'tcp://m:1'}, {url: 'tcp://m:1'}]}\n", "1:38: error: broker tcp://m:1 stands twice with the client_id ganlin, and the two would throw each other out; give one another client_id"},
		"share":       {"mqtt: {brokers: [{url: 'tcp://m:1', share: a/b}]}\n", `1:44: error: share "a/b" holds one of / + #; use letters and digits`},
		"no sources":  {"mqtt: {brokers: [{url: 'tcp://m:1', sources: []}]}\n", "1:46: error: sources is empty; leave it out for the native topics"},
		"no topics":   {"mqtt: {brokers: [{url: 'tcp://m:1', sources: [{codec: native}]}]}\n", "1:47: error: a source lacks topics; write some such as [ganlin/v1/+/telemetry]"},
		"codec":       {"mqtt: {brokers: [{url: 'tcp://m:1', sources: [{topics: [a], codec: nativ}]}]}\n", `1:68: error: codec "nativ" is not known (did you mean native?); it is native`},
		"later codec": {"mqtt: {brokers: [{url: 'tcp://m:1', sources: [{topics: [a], codec: chirpstack-v4}]}]}\n", "1:68: error: codec chirpstack-v4 is not in this version yet; it knows native"},
		"filters": {"mqtt: {brokers: [{url: 'tcp://m:1', sources: [{topics: [a/#/b, a+, $share/x/a]}, {topics: [b, b]}]}]}\n", `1:57: error: topics: topic filter "a/#/b": # stands alone and last, as in a/#
1:64: error: topics: topic filter "a+": + stands alone between slashes, as in a/+/b
1:68: error: topics: topic filter "$share/x/a" is shared; name the share in the key share
1:95: error: topic filter "b" stands twice, and its messages would be read twice; keep one`},

		"journal":  {in + "journal: {url: nats://n, keep: 45, max_bytes: 10 gigs}\n", "2:16: error: journal.url: a NATS cluster is not in this version yet; leave it empty for the embedded journal\n2:32: error: journal.keep: \"45\" is no duration; write one such as 45d or 24h\n2:47: error: journal.max_bytes: \"10 gigs\" is no size; write one such as 10GB or 512MiB"},
		"little":   {in + "journal: {keep: 23h, max_bytes: 1MB}\n", "2:17: error: journal.keep 23h is less than a day, and a day is needed to recognise duplicates\n2:33: error: journal.max_bytes 1MB is less than 64MB"},
		"negative": {in + "journal: {keep: -45d, max_bytes: 99999999999TB}\n", "2:17: error: journal.keep: \"-45d\" is no duration; write one such as 45d or 24h\n2:34: error: journal.max_bytes: \"99999999999TB\" is too large a size"},

		"letters": {in + "deadletters: {max_bytes: 999kB, keep: 1d}\n", "2:26: error: deadletters.max_bytes 999kB is less than 1MB\n2:33: error: deadletters has no key \"keep\"; its keys are max_bytes"},

		"influx":     {in + "influx: {org: a}\n", "2:9: warning: influx has no token; give token_file unless the database asks for none\n2:9: error: influx lacks url; give it, or leave influx out for the local database"},
		"influx url": {in + "influx: {url: 'influxdb:8086', token: t}\n", `2:15: error: influx.url: "influxdb:8086" is no address; write http://host:port with one of http, https`},
		"both":       {in + "influx: {url: 'http://i', token: t, token_file: f}\n", "2:49: error: give either token or token_file, not both"},
		"no file":    {in + "influx: {url: 'http://i', token_file: f}\n", "2:39: error: token_file: reading the secret: open f: no such file or directory"},
		"empty file": {in + "influx: {url: 'http://i', token_file: empty}\n", "2:39: error: token_file: empty is empty"},
		"huge file":  {in + "influx: {url: 'http://i', token_file: huge}\n", "2:39: error: token_file: huge is larger than 65536 bytes; it cannot be a secret"},
		"records":    {in + "records: {url: 'postgres://g:p/w@db/ganlin'}\n", "2:16: error: records.url is no address of a database; write postgres://USER@HOST:PORT/DATABASE, or leave it out for SQLite in the data folder"},
		"no TLS":     {in + "records: {url: 'postgres://g@db/ganlin'}\n", "2:16: error: records.url names another machine and says nothing about TLS; add ?sslmode=verify-full, with sslrootcert=FILE for a private authority, or ?sslmode=disable on a network that nobody else reads"},
		"no user":    {in + "records: {url: 'postgres://localhost/ganlin', password: p}\n", "2:16: error: records.url lacks the user whose password is given; write postgres://USER@HOST:PORT/DATABASE"},
		"passwords":  {in + "records: {url: 'postgres://g:p@localhost/ganlin', password: p}\n", "2:16: error: records.url holds a password beside the one that is given; leave one out"},
		"no db":      {in + "records: {password: p}\n", "2:10: error: records has a password and no url; give the url of the database, or leave both out for SQLite in the data folder"},
		"registry":   {in + "registry: [none.yaml, '[a']\nrules: none.yaml\n", "2:12: error: registry: there is no file none.yaml\n2:23: error: registry: \"[a\" is no pattern for files; use *, ? and [a-z]\n3:8: error: rules must be a list such as [a, b], not \"none.yaml\""},
		"timezone":   {in + "timezone: Beijing\n", `2:11: error: timezone: "Beijing" is not in the IANA database; write one such as Asia/Shanghai`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{"c.yaml": c.text, "empty": "\n", "huge": strings.Repeat("x", 65537)})
			got, problems := config.Load(filepath.Join(dir, "c.yaml"))
			if got != nil {
				t.Error("there is a configuration in spite of errors")
			}
			want := "c.yaml:" + strings.ReplaceAll(c.want, "\n", "\nc.yaml:") + "\n"
			if diff := cmp.Diff(want, lines(dir, problems)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoConfiguration(t *testing.T) {
	dir := t.TempDir()
	got, problems := config.Load(filepath.Join(dir, "none.yaml"))
	if want := "none.yaml:1:1: error: reading the file: no such file or directory\n"; got != nil || lines(dir, problems) != want {
		t.Errorf("%q, want %q", lines(dir, problems), want)
	}
}

func TestSecretsHide(t *testing.T) {
	c := config.Default()
	c.Influx = &config.Influx{Token: config.NewSecret("hidden")}
	c.MQTT.Brokers = []config.Broker{{Password: config.NewSecret("hidden")}}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("configured", "config", c, "token", c.Influx.Token)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("configured", "config", c, "token", c.Influx.Token)
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		logged.String(), string(asJSON), fmt.Sprint(c.MQTT, *c.Influx), fmt.Sprintf("%+v %#v %s %q %x", c.MQTT, *c.Influx, c.Influx.Token, c.Influx.Token, c.Influx.Token),
	} {
		if strings.Contains(s, "hidden") || strings.Contains(s, fmt.Sprintf("%x", "hidden")) {
			t.Errorf("the secret shows: %s", s)
		}
	}
	if !strings.Contains(logged.String(), "(secret)") {
		t.Errorf("nothing stands for the secret: %s", logged.String())
	}
}

// FuzzLoad has no panic to find and no problem without a place.
func FuzzLoad(f *testing.F) {
	f.Add("mqtt: {listen: {address: 0.0.0.0:1883}}\njournal: {keep: 45d, max_bytes: 10GB}\n")
	f.Add("mqtt: {brokers: [{url: tcp://m:1883, password: ${HOME}, sources: [{topics: [a/+], codec: native}]}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, problems := config.Load(path)
		if (c == nil) != position.HasErrors(problems) {
			t.Errorf("%v with %v", c, problems)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 {
				t.Errorf("a problem without a place: %s", p)
			}
		}
	})
}

// The password is put into the URL, and the URL shows itself to nobody.
func TestRecords(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"none":     {"", ""},
		"empty":    {"records: {url: ''}\n", ""},
		"socket":   {"records: {url: 'postgres:///ganlin?host=/run/postgresql'}\n", "postgres:///ganlin?host=/run/postgresql"},
		"own":      {"records: {url: 'postgresql://g:p@127.0.0.1/ganlin'}\n", "postgresql://g:p@127.0.0.1/ganlin"},
		"file":     {"records: {url: 'postgres://g@db:5433/ganlin?sslmode=verify-full', password_file: password}\n", "postgres://g:p%2Fw%3F@db:5433/ganlin?sslmode=verify-full"},
		"no TLS":   {"records: {url: 'postgres://g@db/ganlin?sslmode=disable'}\n", "postgres://g@db/ganlin?sslmode=disable"},
		"password": {"records: {url: 'postgres://g@localhost/ganlin', password: p}\n", "postgres://g:p@localhost/ganlin"},
	} {
		dir := write(t, map[string]string{"c.yaml": "mqtt: {listen: {address: 0.0.0.0:1883}}\n" + c.text, "password": "p/w?\n"})
		got, problems := config.Load(filepath.Join(dir, "c.yaml"))
		if got == nil {
			t.Errorf("%s: %v", name, problems)
			continue
		}
		if got.Records.URL.Reveal() != c.want {
			t.Errorf("%s: %q, want %q", name, got.Records.URL.Reveal(), c.want)
		}
		if text := fmt.Sprintf("%v %+v", got.Records, got.Records); c.want != "" && strings.Contains(text, "ganlin") {
			t.Errorf("%s: it shows itself as %s", name, text)
		}
	}
}
