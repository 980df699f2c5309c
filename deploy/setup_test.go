package deploy_test

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// setUp copies this folder and makes its secrets; it returns the copy.
func setUp(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(folder, "secrets")); err != nil {
		t.Fatal(err)
	}
	runSetup(t, folder)
	return folder
}

func runSetup(t *testing.T, folder string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(folder, "setup.sh"), "ganlin.example", "10.0.0.5")
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("setup.sh: %v\n%s", err, out)
	}
}

// TestSetup makes every secret that compose.yaml wants, of its own and closed to others, and changes none when it runs again.
func TestSetup(t *testing.T) {
	folder := setUp(t)
	read := func() map[string]string {
		all := map[string]string{}
		for name := range readCompose(t).Secrets {
			text, err := os.ReadFile(filepath.Join(folder, "secrets", name))
			if err != nil {
				t.Fatal(err)
			}
			all[name] = string(text)
		}
		return all
	}
	made := read()
	seen := map[string]string{}
	for name, text := range made {
		if name == "metrics_token" {
			continue // made by Ganlin itself, later
		}
		if other, ok := seen[text]; ok || len(strings.TrimSpace(text)) < 64 {
			t.Errorf("secret %s is short, or that of %s", name, other)
		}
		seen[text] = name
	}
	info, err := os.Stat(filepath.Join(folder, "secrets"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the secrets is %v %v", info.Mode(), err)
	}
	runSetup(t, folder)
	if again := read(); !maps.Equal(again, made) {
		t.Error("a second run changes secrets")
	}
	pair, err := tls.X509KeyPair([]byte(made["tls_cert"]), []byte(made["tls_key"]))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ganlin", "mosquitto", "localhost", "127.0.0.1", "ganlin.example", "10.0.0.5"} {
		if err := cert.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if strings.Contains(made["mosquitto_passwords"], strings.TrimSpace(made["mqtt_password"])) {
		t.Error("Mosquitto's file holds the password itself")
	}
}
