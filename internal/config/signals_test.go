package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ganlin/internal/config"
)

func TestSignals(t *testing.T) {
	for text, want := range map[string]string{
		"[10.20.0.0/16, 'fd00::/8']": "",
		"[10.20.0.1/16]":             "write the network, 10.20.0.0/16",
		"[town.example]":             "is no network",
		"[10.20.0.1]":                "is no network",
		"10.20.0.0/16":               "signals.allow_private",
	} {
		file := filepath.Join(t.TempDir(), "ganlin.yaml")
		if err := os.WriteFile(file, []byte("mqtt: {listen: {address: 127.0.0.1:0}}\nsignals: {allow_private: "+text+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, problems := config.Load(file)
		if want == "" {
			if c == nil || !slices.Equal(c.Signals.AllowPrivate, []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("fd00::/8")}) {
				t.Errorf("%s: %+v, %v", text, c, problems)
			}
			continue
		}
		if c != nil || len(problems) != 1 || !strings.Contains(problems[0].String(), want) {
			t.Errorf("%s: %v, want %s", text, problems, want)
		}
	}
}
