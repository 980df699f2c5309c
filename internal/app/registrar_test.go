package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

// A clerk types commands about a configuration.
type clerk struct {
	*testing.T
	folder, config, registry string
}

func newClerk(t *testing.T, registry string) clerk {
	t.Helper()
	d := clerk{T: t, folder: t.TempDir()}
	d.config, d.registry = filepath.Join(d.folder, "ganlin.yaml"), filepath.Join(d.folder, "registry.yaml")
	write(t, d.config, "data: data\nhttp: {listen: '127.0.0.1:0'}\nmqtt: {listen: {address: '127.0.0.1:0'}}\nregistry: [registry.yaml]\n")
	write(t, d.registry, registry)
	return d
}

// ganlin runs a command; its end is to be as wanted.
func (d clerk) ganlin(want int, args ...string) (out, said string) {
	d.Helper()
	var o, e bytes.Buffer
	if code := run(d.Context(), args, &o, &e, hooks{}); code != want {
		d.Fatalf("ganlin %v: %d, want %d\n%s%s", args, code, want, &o, &e)
	}
	return o.String(), e.String()
}

// devices runs a command about devices on the configuration.
func (d clerk) devices(want int, args ...string) (out, said string) {
	d.Helper()
	return d.ganlin(want, append(append([]string{"devices"}, args...), "--config", d.config)...)
}

// made returns the passwords that a command makes, by device.
func (d clerk) made(args ...string) map[devices.DeviceID]string {
	d.Helper()
	out, _ := d.devices(exitDone, append(args, "--json")...)
	var list []httpapi.Credential
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		d.Fatalf("%q: %v", out, err)
	}
	made := map[devices.DeviceID]string{}
	for _, c := range list {
		made[c.Device] = c.Password
	}
	return made
}

// listed returns how the credentials of each device are, and where it is declared.
func (d clerk) listed() map[devices.DeviceID]string {
	d.Helper()
	out, _ := d.devices(exitDone, "list", "--json")
	var list []httpapi.Device
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		d.Fatalf("%q: %v", out, err)
	}
	listed := map[devices.DeviceID]string{}
	for _, v := range list {
		listed[v.Device] = strings.TrimSpace(v.Credentials + " " + strings.ReplaceAll(v.Declared, d.folder+"/", ""))
	}
	return listed
}

func (d clerk) lists(want map[devices.DeviceID]string) {
	d.Helper()
	if got := d.listed(); fmt.Sprint(got) != fmt.Sprint(want) {
		d.Errorf("listed are %v, want %v", got, want)
	}
}

// open opens the program on the configuration.
func (d clerk) open() still {
	d.Helper()
	cfg, problems := config.Load(d.config)
	if cfg == nil {
		d.Fatal(problems)
	}
	return openStill(d, cfg.Data, func(o *programOptions) {
		cfg.Influx = o.config.Influx
		o.config, o.files = cfg, nil
	})
}

// serve opens it where commands find it.
func (d clerk) serve() still {
	d.Helper()
	s := d.open()
	s.serve(d.T)
	return s
}

func (d clerk) keeps(want ...string) {
	d.Helper()
	s, err := records.Look(filepath.Join(d.folder, "data", recordsFile))
	if err != nil {
		d.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	kept, err := s.Imported(d.Context())
	if err != nil {
		d.Fatal(err)
	}
	var names []string
	for _, k := range kept {
		names = append(names, strings.TrimPrefix(k.Name, d.folder+"/"))
	}
	if !slices.Equal(names, want) {
		d.Errorf("kept are %v, want %v", names, want)
	}
}

// TestTheFileOfTheConfigurationCounts imports it and changes it: what it does
// not declare any more is out, and its password lets nobody in, whether the
// program runs meanwhile or not.
func TestTheFileOfTheConfigurationCounts(t *testing.T) {
	d := newClerk(t, probes(2))
	made := d.made("import", d.registry)
	if len(made) != 2 || len(d.made("import", d.registry)) != 0 {
		t.Fatalf("made: %v", made)
	}
	d.keeps()
	d.lists(map[devices.DeviceID]string{"s-001": "active registry.yaml", "s-002": "active registry.yaml"})

	write(t, d.registry, probes(1))
	d.lists(map[devices.DeviceID]string{"s-001": "active registry.yaml", "s-002": "undeclared"})
	if table, said := d.devices(exitDone, "list"); !strings.Contains(table, "undeclared") || !strings.Contains(said, "their passwords let nobody in") {
		t.Errorf("%s%s", table, said)
	}
	s := d.serve()
	if !s.letsIn("s-001", made["s-001"]) || s.letsIn("s-001", made["s-002"]) || s.letsIn("s-002", made["s-002"]) {
		t.Error("who is declared with a right password is in, and nobody else")
	}

	write(t, d.registry, probes(3)) // and the running program reads it when it is imported
	if again := d.made("import", d.registry); len(again) != 1 || again["s-003"] == "" {
		t.Errorf("made: %v", again)
	}
	d.keeps()
	if !s.letsIn("s-002", made["s-002"]) {
		t.Error("a device that is declared again is out")
	}
	write(t, d.registry, probes(2))
	if again := d.made("import", d.registry); len(again) != 0 {
		t.Errorf("made: %v", again)
	}
	d.lists(map[devices.DeviceID]string{"s-001": "active registry.yaml", "s-002": "active registry.yaml", "s-003": "undeclared"})
	d.devices(exitDone, "revoke", "s-003")
	d.lists(map[devices.DeviceID]string{"s-001": "active registry.yaml", "s-002": "active registry.yaml"})
}

// TestARenamedPlot: what check says of a file is what serve does with it.
func TestARenamedPlot(t *testing.T) {
	valve := func(plot string) string {
		return strings.ReplaceAll(strings.Replace(probes(1), "soil: silt_loam}", "soil: silt_loam, valves: [v-001]}", 1), "p-001", plot) +
			"  - {id: v-001, model: ganlin-valve-1, plot: " + plot + ", max_duration_s: 600}\n"
	}
	d := newClerk(t, valve("p-001"))
	d.made("import", d.registry)
	write(t, d.registry, valve("p-010"))
	d.ganlin(exitDone, "check", "--config", d.config)
	d.open().shut()

	elsewhere := filepath.Join(d.folder, "elsewhere.yaml") // another file waters it twice after all
	write(t, elsewhere, "plots: [{id: p-020, place: '500119101001', station: w-01, area_mu: 1, crop: maize_grain, planted: 2026-04-02, soil: silt_loam, valves: [v-002]}]\n"+
		"devices: [{id: v-002, model: ganlin-valve-1, plot: p-020}]\n")
	d.made("import", elsewhere)
	write(t, d.registry, strings.ReplaceAll(valve("p-010"), "v-001", "v-002"))
	out, _ := d.ganlin(exitCheckFailed, "check", "--config", d.config)
	said := "import of " + elsewhere + ":1:"
	if !strings.Contains(out, said) || !strings.Contains(out, "valve v-002 waters plot p-010 already") || !strings.Contains(out, "ganlin devices forget "+elsewhere+" takes it away") {
		t.Errorf("check says:\n%s", out)
	}
	if _, refusal := d.ganlin(exitCheckFailed, "serve", "--config", d.config); !strings.Contains(refusal, said) || !strings.Contains(refusal, "ganlin devices forget") || strings.Contains(refusal, "bad request") {
		t.Errorf("serve says:\n%s", refusal)
	}
	if _, said := d.devices(exitDone, "forget", elsewhere); !strings.HasSuffix(said, "forgotten\n") { // the configuration declares v-002 itself
		t.Errorf("forget says %q", said)
	}
	d.ganlin(exitDone, "check", "--config", d.config)
	d.open()
}

// hamlet is a registry of its own with one device.
func hamlet(number int, device string) string {
	return strings.NewReplacer("500119101001", fmt.Sprintf("50011910%04d", number), "sanquan", fmt.Sprintf("village-%d", number),
		"w-01", fmt.Sprintf("w-%d", number), "p-001", fmt.Sprintf("p-%d", number)).Replace(probes(0)) +
		fmt.Sprintf("  - {id: %s, model: ganlin-soil-3, plot: p-%d}\n", device, number)
}

// TestImports keeps two files of one name apart, says what an import would take
// away, and takes imports and additions away again, with and without a program.
func TestImports(t *testing.T) {
	for name, runs := range map[string]bool{"alone": false, "running": true} {
		t.Run(name, func(t *testing.T) {
			d := newClerk(t, probes(1))
			first, second := filepath.Join(d.folder, "v1", "registry.yaml"), filepath.Join(d.folder, "v2", "registry.yaml")
			for _, f := range []string{first, second} {
				if err := os.Mkdir(filepath.Dir(f), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			write(t, first, hamlet(1, "s-101")+"  - {id: s-102, model: ganlin-soil-3, plot: p-1}\n")
			write(t, second, hamlet(2, "s-201"))
			d.made("import", d.registry)
			var s still
			if runs {
				s = d.serve()
			}
			passwords := d.made("import", first)
			if len(passwords) != 2 || len(d.made("import", second)) != 1 || len(d.made("add", "s-900", "--model", "ganlin-soil-3", "--plot", "p-1")) != 1 {
				t.Error("not every device got a password")
			}
			d.lists(map[devices.DeviceID]string{
				"s-001": "active registry.yaml", "s-101": "active import of v1/registry.yaml", "s-102": "active import of v1/registry.yaml",
				"s-201": "active import of v2/registry.yaml", "s-900": "active devices add s-900",
			})
			refused := func(want string, args ...string) {
				t.Helper()
				_, said := d.devices(exitCheckFailed, args...)
				said = strings.ReplaceAll(said[strings.Index(said, "ganlin: "):], d.folder+"/", "") // behind the warnings of the registry
				if said != "ganlin: "+want+"\n" {
					t.Errorf("devices %v says\n%swant\n%s", args, said, want)
				}
			}
			write(t, first, hamlet(1, "s-101"))
			refused("v1/registry.yaml was imported before, and this one lacks device s-102; to take that away, import it with --forget", "import", first)
			refused("device s-102 came with others: take it out of v1/registry.yaml and import that with --forget, or forget the whole file", "forget", "s-102")
			refused("device s-001 is declared by the configuration: take it out of registry.yaml and import that file, or start the program anew", "forget", "s-001")
			refused("nothing was imported or added as nobody; ganlin devices list says where each device comes from", "forget", "nobody")
			refused("nothing was imported or added as registry.yaml; ganlin devices list says where each device comes from", "forget", "registry.yaml") // there are two
			refused("nothing was imported or added as registry.yaml; ganlin devices list says where each device comes from", "forget", d.registry)
			refused("without v1/registry.yaml the rest is wrong: devices add s-900: error: device s-900: plot p-1 is declared nowhere; add it to the plots or mend its name; ganlin devices forget s-900 takes it away", "forget", first)
			write(t, second, hamlet(2, "s-101"))
			refused("v2/registry.yaml declares otherwise what is declared already: device s-101 (import of v1/registry.yaml); make the two alike, or leave it out of one", "import", second)
			if len(d.made("import", first, "--forget")) != 0 {
				t.Error("a device got a second password")
			}
			if runs && (!s.letsIn("s-101", passwords["s-101"]) || s.letsIn("s-102", passwords["s-102"])) {
				t.Error("only what is still declared is in")
			}
			d.devices(exitDone, "forget", "s-900")
			if _, said := d.devices(exitDone, "forget", first); !strings.HasSuffix(said, "forgotten; nothing declares any more: s-101\n") {
				t.Errorf("forget says %q", said)
			}
			d.lists(map[devices.DeviceID]string{"s-001": "active registry.yaml", "s-201": "active import of v2/registry.yaml", "s-102": "undeclared"})
			if runs && s.letsIn("s-101", passwords["s-101"]) {
				t.Error("a forgotten device is in")
			}
			if err := os.Remove(second); err != nil {
				t.Fatal(err)
			}
			d.devices(exitDone, "forget", "registry.yaml") // now there is one
			d.keeps()
			if again := d.made("import", first); len(again) != 1 || again["s-101"] == passwords["s-101"] {
				t.Error("a device that comes back gets no new password")
			}
		})
	}
}

// TestAnAddedDeviceGetsANewPassword also after a revoke.
func TestAnAddedDeviceGetsANewPassword(t *testing.T) {
	d := newClerk(t, probes(1))
	add := []string{"add", "my-probe", "--model", "ganlin-soil-3", "--plot", "p-001"}
	first := d.made(add...)["my-probe"]
	if _, said := d.devices(exitCheckFailed, add...); !strings.HasSuffix(said, "ganlin: device my-probe is declared already (devices add my-probe) and has a password; ganlin devices revoke my-probe ends it, and add then makes a new one\n") {
		t.Errorf("says %q", said)
	}
	d.devices(exitDone, "revoke", "my-probe")
	if _, said := d.devices(exitCheckFailed, "add", "my-probe", "--model", "ganlin-soil-1", "--plot", "p-001"); !strings.Contains(said, "declared already with other values (devices add my-probe)") {
		t.Errorf("says %q", said)
	}
	s := d.serve()
	second := d.made(add...)["my-probe"]
	if second == "" || second == first || !s.letsIn("my-probe", second) || s.letsIn("my-probe", first) {
		t.Error("the new password does not take the place of the old one")
	}
	write(t, d.registry, probes(2)) // and the running program sees what has been written since
	if made := d.made("add", "s-002", "--model", "ganlin-soil-3", "--plot", "p-001"); !s.letsIn("s-002", made["s-002"]) {
		t.Error("a device that was added to a file gets no password by add")
	}
	if made := d.made("add", "s-001", "--model", "ganlin-soil-3", "--plot", "p-001"); !s.letsIn("s-001", made["s-001"]) {
		t.Error("a device of a file gets no password by add")
	}
	valve := []string{"add", "my-valve", "--model", "ganlin-valve-1", "--plot", "p-001", "--max-duration-s", "600", "--flow-lpm", "55"}
	if made := d.made(valve...); made["my-valve"] == "" {
		t.Error("a valve is not added")
	}
	if got, _ := s.registry.Load().Device("my-valve"); got.FlowLPM != 55 {
		t.Errorf("the valve is %+v", got)
	}
	d.devices(exitDone, "revoke", "my-valve")
	if _, said := d.devices(exitCheckFailed, append(slices.Clip(valve), "--flow-lpm", "56")...); !strings.Contains(said, "other values") {
		t.Errorf("another flow: says %q", said)
	}
	if made := d.made(valve[:len(valve)-2]...); made["my-valve"] == "" { // what is left out is as it was
		t.Error("a valve with a flow gets no new password")
	}
	for args, want := range map[string]string{
		"add a/b --model m --plot p-001":                 `id "a/b" holds`,
		"add x --model m --plot nowhere":                 "device x: plot nowhere is declared nowhere; add it to the plots or mend its name",
		"add x --model m":                                "device x",
		"add x --model m --plot p-001 --max-volume-l=-1": "max_volume_l",
	} {
		_, said := d.devices(exitCheckFailed, strings.Fields(args)...)
		if !strings.Contains(said, want) || strings.Contains(said, "bad request") || strings.Contains(said, addedPrefix) {
			t.Errorf("%s says %q, want %q", args, said, want)
		}
	}
}

// TestCopiesOfEarlierVersions: earlier versions kept a copy of each imported file under the last part of its name.
func TestCopiesOfEarlierVersions(t *testing.T) {
	for name, c := range map[string]struct {
		copy  string
		kept  []string
		lists map[devices.DeviceID]string
	}{
		"of the file":           {probes(1), nil, map[devices.DeviceID]string{"s-001": "none registry.yaml"}},
		"of the file as it was": {strings.ReplaceAll(probes(1), "p-001", "p-000"), nil, map[devices.DeviceID]string{"s-001": "none registry.yaml"}},
		"of another file":       {hamlet(1, "s-101"), []string{"registry.yaml"}, map[devices.DeviceID]string{"s-001": "none registry.yaml", "s-101": "none import of registry.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newClerk(t, probes(1))
			d.devices(exitDone, "import", d.registry)
			d.devices(exitDone, "revoke", "s-001")
			s, err := records.Open(t.Context(), filepath.Join(d.folder, "data", recordsFile))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Import(t.Context(), records.Imported{Name: "registry.yaml", Content: c.copy}, time.Now()); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			for id := range c.lists {
				if id == "s-001" {
					c.lists[id] = "revoked registry.yaml"
				}
			}
			d.lists(c.lists)
			program := d.open()
			d.keeps(c.kept...)
			if warned := strings.Contains(program.log.tail(), "declares devices that this does not"); warned != (c.kept != nil) {
				t.Errorf("a warning was logged: %v", warned)
			}
			program.shut()
			if c.kept != nil {
				d.devices(exitDone, "forget", "registry.yaml")
				d.keeps()
			}
		})
	}
}
