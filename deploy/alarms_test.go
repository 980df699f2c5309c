package deploy_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// promtool runs a check of Prometheus's own tool.
func promtool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Fatalf("%v; install it, on Debian: apt-get install prometheus", err)
	}
	out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput()
	return string(out), err
}

// TestPrometheusFiles holds the configuration, the alarms and their tests against promtool.
func TestPrometheusFiles(t *testing.T) {
	for _, args := range [][]string{
		{"check", "config", "--syntax-only", "prometheus/prometheus.yml"}, // its secrets lie in containers
		{"check", "rules", "--lint-fatal", "prometheus/ganlin.rules.yml"},
		{"test", "rules", "prometheus/ganlin.rules_test.yml"},
	} {
		if out, err := promtool(t, args...); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestAlarms checks that each alarm says how bad it is, what it means and what
// to do, in a part of the runbooks that exists, and is tested to fire and to be silent.
func TestAlarms(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert               string
				Labels, Annotations map[string]string
			}
		}
	}
	readYAML(t, "prometheus/ganlin.rules.yml", &rules)
	var tests struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	readYAML(t, "prometheus/ganlin.rules_test.yml", &tests)
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, one := range tests.Tests {
		for _, c := range one.AlertRuleTest {
			if len(c.ExpAlerts) > 0 {
				fires[c.Alertname] = true
			} else {
				silent[c.Alertname] = true
			}
		}
	}
	runbooks, err := os.ReadFile("../docs/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllStringSubmatch(string(runbooks), -1) {
		anchors[strings.ToLower(m[1])] = true
	}
	n := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			n++
			url := r.Annotations["runbook_url"]
			anchor, ok := strings.CutPrefix(url, "{{ $externalLabels.ganlin }}/operations/runbooks#")
			switch {
			case r.Labels["severity"] != "warning" && r.Labels["severity"] != "critical":
				t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
			case r.Annotations["summary"] == "" || r.Annotations["description"] == "":
				t.Errorf("%s says nothing", r.Alert)
			case !ok || anchor != strings.ToLower(r.Alert) || !anchors[anchor]:
				t.Errorf("%s: %s is no part of the runbooks", r.Alert, url)
			case !fires[r.Alert] || !silent[r.Alert]:
				t.Errorf("%s is not tested to fire (%v) and to be silent (%v)", r.Alert, fires[r.Alert], silent[r.Alert])
			}
			delete(anchors, anchor)
		}
	}
	if len(anchors) > 0 || n == 0 {
		t.Errorf("of %d alarms; runbooks of none: %v", n, anchors)
	}
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
