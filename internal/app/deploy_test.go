package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDeployedConfigurations checks the configurations of deploy/ with the
// secrets that its setup makes; the control is a configuration without them.
func TestDeployedConfigurations(t *testing.T) {
	tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
	deployed := filepath.Join(tr.folder, "deploy")
	if err := os.CopyFS(deployed, os.DirFS("../../deploy")); err != nil {
		t.Fatal(err)
	}
	setup := exec.CommandContext(t.Context(), filepath.Join(deployed, "setup.sh"))
	if out, err := setup.CombinedOutput(); err != nil {
		t.Fatalf("setup.sh: %v\n%s", err, out)
	}
	registry, err := os.ReadFile(filepath.Join(deployed, "ganlin", "registry.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(deployed, "systemd", "registry.yaml"), string(registry))
	for _, config := range []string{"ganlin/ganlin.yaml", "systemd/ganlin.yaml"} {
		t.Setenv("CREDENTIALS_DIRECTORY", filepath.Join(deployed, "secrets"))
		out, err := tr.try("check", "--json", "--config", filepath.Join(deployed, config))
		if err != nil || strings.TrimSpace(string(out)) != "[]" {
			t.Errorf("%s: %v\n%s", config, err, out)
		}
		t.Setenv("CREDENTIALS_DIRECTORY", filepath.Join(deployed, "nowhere"))
		if _, err := tr.try("check", "--config", filepath.Join(deployed, config)); err == nil {
			t.Errorf("%s passes without its secrets", config)
		}
	}
}
