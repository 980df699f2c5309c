package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSystemd holds the unit against systemd's own checks: every line is
// understood, and what the program may do is little.
func TestSystemd(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("SKIPPED, THE UNIT IS NOT CHECKED HERE: there is no systemd-analyze")
	}
	text, err := os.ReadFile("systemd/ganlin.service")
	if err != nil {
		t.Fatal(err)
	}
	analyze := func(unit string, args ...string) (string, error) {
		name := filepath.Join(t.TempDir(), "ganlin.service")
		if err := os.WriteFile(name, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", append(args, name)...).CombinedOutput()
		return string(out), err
	}
	installed := strings.ReplaceAll(string(text), "/usr/local/bin/ganlin", "/bin/true") // it is not, here
	if out, err := analyze(installed, "verify", "--man=no"); err != nil || out != "" {
		t.Errorf("verify: %v\n%s", err, out)
	}
	if out, err := analyze(installed+"\n[Service]\nProtectSistem=strict\n", "verify", "--man=no"); !strings.Contains(out, "ProtectSistem") {
		t.Errorf("the control, a word that systemd does not know, passes: %v\n%s", err, out)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	folder, page, _ := strings.Cut(between(string(text), "Documentation=file://", "\n"), "/ganlin/")
	if _, err := os.Stat("../docs/" + page); err != nil || !strings.Contains(string(readme), "-t "+folder+"/ganlin ../docs/*.md") {
		t.Errorf("nothing installs the documentation that the unit names, %s in %s: %v", page, folder, err)
	}
	if !strings.Contains(string(text), "\nStartLimitIntervalSec=0\n") {
		t.Error("a program that ends several times is given up")
	}
	security := []string{"security", "--offline=true", "--threshold=15"} // of 100, lower is better
	if out, err := analyze(installed, security...); err != nil {
		t.Errorf("security: %v\n%s", err, out)
	}
	if out, err := analyze("[Service]\nExecStart=/bin/true\n", security...); err == nil {
		t.Errorf("the control, a unit without any confinement, passes:\n%s", out)
	}
}

// between returns what stands in a text between two others.
func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}
