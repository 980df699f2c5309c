package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ganlin/internal/config"
	"ganlin/internal/mqtt"
)

// TestCheckSaysAll has an error in the configuration, one in the registry, one
// in the rules and one file that is not there: it says each of them once.
func TestCheckSaysAll(t *testing.T) {
	d := newClerk(t, strings.Replace(probes(1), "area_mu: 3.2", "area_mu: -1", 1))
	write(t, filepath.Join(d.folder, "rules.yaml"), "rules: [{id: hot, when: nonsense}]\n")
	write(t, d.config, "data: data\nhtpp: {}\nmqtt: {brokers: [{url: 'ws://broker:80'}]}\nregistry: [registry.yaml, none.yaml]\nrules: [rules.yaml]\n")
	out, _ := d.ganlin(exitCheckFailed, "check", "--config", d.config)
	out = strings.ReplaceAll(out, d.folder+"/", "")
	for _, want := range []string{
		`ganlin.yaml:2:1: error: `, `ganlin.yaml:3:24: error: url of a broker: "ws://broker:80" is no address; write tcp://host:port with one of tcp, mqtt, ssl, tls, mqtts`,
		"ganlin.yaml:4:27: error: registry: there is no file none.yaml\n", "registry.yaml:4:", "rules.yaml:1:",
	} {
		if strings.Count(out, want) != 1 {
			t.Errorf("not once %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "reading the file") {
		t.Errorf("what is not there is named twice:\n%s", out)
	}
	if _, err := os.Stat(filepath.Join(d.folder, "data")); !os.IsNotExist(err) {
		t.Errorf("check makes the data folder (error %v)", err)
	}
}

// TestCheckBesideARunningProgram looks at what that has imported, and leaves
// nothing behind; what it may not read it says.
func TestCheckBesideARunningProgram(t *testing.T) {
	d := newClerk(t, probes(1))
	t.Run("running", func(t *testing.T) {
		d := d
		d.T = t
		d.serve()
		other := filepath.Join(d.folder, "other.yaml")
		write(t, other, hamlet(1, "s-101"))
		d.made("import", other)
		write(t, other, "") // what was imported counts, not what stands in the file now
		write(t, d.registry, probes(1)+"  - {id: s-002, model: ganlin-soil-3, plot: p-1}\n")
		d.ganlin(exitDone, "check", "--config", d.config)
	})
	d.ganlin(exitDone, "check", "--config", d.config)
	left, err := filepath.Glob(filepath.Join(d.folder, "data", recordsFile+"*"))
	if len(left) != 1 || err != nil {
		t.Errorf("%v lie there after a check of a stopped program (error %v)", left, err)
	}
	if err := os.WriteFile(filepath.Join(d.folder, "data", recordsFile), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := d.ganlin(exitCheckFailed, "check", "--config", d.config)
	if !strings.Contains(out, "ganlin.yaml:1:1: warning: what was imported is not looked at: ") || !strings.Contains(out, "plot p-1 is declared nowhere") {
		t.Errorf("check says\n%s", out)
	}
}

// TestBrokerSchemes: what the configuration takes as an address of a broker the source takes too.
func TestBrokerSchemes(t *testing.T) {
	for _, scheme := range config.BrokerSchemes() {
		_, err := mqtt.New(mqtt.Options{URL: scheme + "://broker:1883", ClientID: "ganlin", Subscriptions: []mqtt.Subscription{{Topics: []string{"a"}}}})
		if err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
