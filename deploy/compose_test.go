// Package deploy_test holds what is deployed against the real parts.
package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A composeFile is what of the Compose specification is in use; any other key is an error.
type composeFile struct {
	Name     string
	Usual    composeService `yaml:"x-usual"`
	Services map[string]*composeService
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]struct{}
	Secrets  map[string]struct{ File string }
}

type composeService struct {
	Build    struct{ Context, Dockerfile string }
	Image    string
	Restart  string
	User     string
	ReadOnly bool     `yaml:"read_only"`
	Tmpfs    []string // a file system in memory
	MemLimit string   `yaml:"mem_limit"`
	Logging  struct {
		Driver  string
		Options map[string]string
	}
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
	Command         []string
	Environment     map[string]string
	Secrets         []string
	Volumes         []string
	Networks        []string
	Ports           []string
	DependsOn       map[string]struct{ Condition string } `yaml:"depends_on"`
	StopGracePeriod string                                `yaml:"stop_grace_period"`
	Healthcheck     struct {
		Test              []string
		Interval, Timeout string
		Retries           int
		StartPeriod       string `yaml:"start_period"`
	}
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	f, err := os.Open("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var c composeFile
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCompose checks that everything that the file names is there, that images
// are pinned, services are watched and confined in rights, memory and logs, and no secret stands in it.
// Docker itself does not run here.
func TestCompose(t *testing.T) {
	c := readCompose(t)
	pinned := regexp.MustCompile(`^([a-z/-]+:v?\d+\.\d+\.\d+|postgres:\d+\.\d+)$`)
	secret := regexp.MustCompile(`(?i)password|token|secret`)
	usedSecrets, usedVolumes := map[string]bool{}, map[string]bool{}
	for name, s := range c.Services {
		if s.Build.Context == "" && !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q is not pinned to a version", name, s.Image)
		}
		if s.Build.Context != "" {
			exists(t, filepath.Join(s.Build.Context, s.Build.Dockerfile))
		}
		if len(s.Healthcheck.Test) < 2 || s.Healthcheck.Retries == 0 {
			t.Errorf("%s: nobody looks whether it is well", name)
		}
		if s.Restart != "unless-stopped" || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: restart %q, security_opt %v", name, s.Restart, s.SecurityOpt)
		}
		if s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "" || s.MemLimit == "" {
			t.Errorf("%s may fill the disk with its log or take all memory: %v, %q", name, s.Logging, s.MemLimit)
		}
		if s.ReadOnly && !slices.ContainsFunc(s.Tmpfs, func(mount string) bool { return strings.HasPrefix(mount, "/tmp:size=") }) {
			t.Errorf("%s has nowhere to put a temporary file: %v", name, s.Tmpfs)
		}
		for key, value := range s.Environment {
			if secret.MatchString(key) && !strings.HasPrefix(value, "/run/secrets/") {
				t.Errorf("%s: %s is written into the file", name, key)
			}
		}
		for _, used := range s.Secrets {
			usedSecrets[used] = true
			if _, ok := c.Secrets[used]; !ok {
				t.Errorf("%s: secret %s is nowhere", name, used)
			}
		}
		for _, mount := range s.Volumes {
			from, _, _ := strings.Cut(mount, ":")
			if strings.HasPrefix(from, ".") {
				exists(t, from)
				if !strings.HasSuffix(mount, ":ro") {
					t.Errorf("%s: %s can be written", name, mount)
				}
				continue
			}
			usedVolumes[from] = true
			if _, ok := c.Volumes[from]; !ok {
				t.Errorf("%s: volume %s is nowhere", name, from)
			}
		}
		for _, n := range s.Networks {
			if _, ok := c.Networks[n]; !ok {
				t.Errorf("%s: network %s is nowhere", name, n)
			}
		}
		for other, how := range s.DependsOn {
			if c.Services[other] == nil || how.Condition != "service_healthy" {
				t.Errorf("%s waits for %s to be %s", name, other, how.Condition)
			}
		}
		for _, value := range s.Environment {
			if path, ok := strings.CutPrefix(value, "/run/secrets/"); ok && !slices.Contains(s.Secrets, path) {
				t.Errorf("%s reads %s and is not given it", name, value)
			}
		}
	}
	for name := range c.Secrets {
		if !usedSecrets[name] {
			t.Errorf("nobody uses the secret %s", name)
		}
	}
	for name := range c.Volumes {
		if !usedVolumes[name] {
			t.Errorf("nobody uses the volume %s", name)
		}
	}
	// What can be reached from elsewhere is encrypted.
	var ports []string
	for _, s := range c.Services {
		ports = append(ports, s.Ports...)
	}
	slices.Sort(ports)
	if want := []string{"127.0.0.1:3000:3000", "8443:8443", "8883:8883"}; !slices.Equal(ports, want) {
		t.Errorf("the ports %v are open, want %v", ports, want)
	}
	if !c.Networks["back"].Internal {
		t.Error("the network of the databases can call out")
	}
}

// TestSecretsOfFiles checks that every secret that a mounted file reads is given to its service.
func TestSecretsOfFiles(t *testing.T) {
	c := readCompose(t)
	for file, service := range map[string]string{
		"ganlin/ganlin.yaml": "ganlin", "mosquitto/mosquitto.conf": "mosquitto", "prometheus/prometheus.yml": "prometheus",
		"influxdb/grafana-reads.sh": "influxdb", "grafana/provisioning/datasources/ganlin.yaml": "grafana",
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`(?:/run/secrets|\$\{CREDENTIALS_DIRECTORY\})/(\w+)`).FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s reads no secret", file)
		}
		for _, m := range found {
			if !slices.Contains(c.Services[service].Secrets, m[1]) {
				t.Errorf("%s reads %s, which %s is not given", file, m[1], service)
			}
		}
	}
}

func exists(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(name); err != nil {
		t.Error(err)
	}
}
