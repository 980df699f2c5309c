package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// deployed copies deploy/ and makes its secrets, as README.md there says.
func deployed(t *testing.T) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "deploy")
	if err := os.CopyFS(folder, os.DirFS("../../deploy")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), filepath.Join(folder, "setup.sh")).CombinedOutput(); err != nil {
		t.Fatalf("setup.sh: %v\n%s", err, out)
	}
	registry, err := os.ReadFile(filepath.Join(folder, "ganlin", "registry.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "systemd", "registry.yaml"), string(registry))
	return folder
}

// TestDeployedConfigurations checks the configurations of deploy/ with the
// secrets that its setup makes; the control is a configuration without them.
func TestDeployedConfigurations(t *testing.T) {
	folder := deployed(t)
	tr := &trial{t: t, kind: asItIs, folder: folder}
	for _, config := range []string{"ganlin/ganlin.yaml", "systemd/ganlin.yaml"} {
		t.Setenv("CREDENTIALS_DIRECTORY", filepath.Join(folder, "secrets"))
		out, err := tr.try("check", "--json", "--config", filepath.Join(folder, config))
		if err != nil || strings.TrimSpace(string(out)) != "[]" {
			t.Errorf("%s: %v\n%s", config, err, out)
		}
		t.Setenv("CREDENTIALS_DIRECTORY", filepath.Join(folder, "nowhere"))
		if _, err := tr.try("check", "--config", filepath.Join(folder, config)); err == nil {
			t.Errorf("%s passes without its secrets", config)
		}
	}
}

// TestDeployedProgramIsWatched runs the program and Prometheus as they are
// deployed, on ports of their own: the metrics come by TLS with the token of a
// monitor; the control is a wrong token.
func TestDeployedProgramIsWatched(t *testing.T) {
	folder := deployed(t)
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Join(folder, "secrets"))
	put := func(name string, instead ...string) string {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.NewReplacer(instead...).Replace(string(text))
		write(t, filepath.Join(folder, name), changed)
		return filepath.Join(folder, name)
	}
	pages := freeAddress(t)
	tr := &trial{t: t, kind: asItIs, folder: folder}
	tr.config = put("systemd/ganlin.yaml", "/var/lib/ganlin", filepath.Join(folder, "data"), "0.0.0.0:8443", pages, "0.0.0.0:8883", freeAddress(t))
	tr.start()
	token := tr.command("accounts", "add", "prometheus", "--role", "monitor", "--config", tr.config)
	write(t, filepath.Join(folder, "token"), string(token))
	elsewhere := strings.Replace(pages, "127.0.0.1", "LOCALHOST", 1) // written like this it is no name of this machine to the program
	config := put("prometheus/prometheus.yml", "15s", "1s", "/run/secrets/tls_cert", filepath.Join(folder, "secrets", "tls_cert"),
		"/run/secrets/metrics_token", filepath.Join(folder, "token"), "ganlin:8443", elsewhere)
	p := startPrometheus(t, config)
	p.sees(`up{job="ganlin"} == 1`)
	p.sees(`ganlin_part_ready{part="records"} == 1`)
	p.sees(`ganlin_certificate_expires_timestamp_seconds > time() + 700 * 86400`)
	p.sees(`ganlin_token_expires_timestamp_seconds{role="monitor"} > time() + 300 * 86400`)
	write(t, filepath.Join(folder, "token"), "gl_wrong")
	p.sees(`up{job="ganlin"} == 0`)
}
