package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An observer is a real Prometheus beside a program, which it looks at every second.
type observer struct {
	t       testing.TB
	address string
	begun   time.Time
	out     *logged
}

// prometheusBeside looks at a program on this machine, with the alert rules of deploy/.
func prometheusBeside(tr *trial) *observer {
	tr.t.Helper()
	rules, err := filepath.Abs("../../deploy/prometheus/ganlin.rules.yml")
	if err != nil {
		tr.t.Fatal(err)
	}
	config := filepath.Join(tr.t.TempDir(), "prometheus.yml")
	write(tr.t, config, fmt.Sprintf(`global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs: [{job_name: ganlin, static_configs: [{targets: [%q]}]}]
`, rules, strings.TrimPrefix(tr.ready.HTTP, "http://")))
	p := startPrometheus(tr.t, config)
	p.sees(`up{job="ganlin"} == 1`)
	return p
}

func startPrometheus(tb testing.TB, config string) *observer {
	tb.Helper()
	p := &observer{t: tb, address: freeAddress(tb), begun: time.Now(), out: &logged{}}
	cmd := exec.Command("prometheus", "--config.file", config, "--storage.tsdb.path", filepath.Join(tb.TempDir(), "data"), "--web.listen-address", p.address)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	if err := cmd.Start(); err != nil {
		tb.Fatalf("starting prometheus: %v; install it, on Debian: apt-get install prometheus", err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return p
}

// sees waits until an expression has a value.
func (p *observer) sees(expr string) {
	p.t.Helper()
	waitFor(p.t, time.Minute, "Prometheus to see "+expr, func() (bool, string) {
		found, err := p.now(expr)
		return err == nil && found > 0, fmt.Sprint(err, p.out.tail())
	})
}

// now asks PromQL for this moment and returns how many numbers came.
func (p *observer) now(expr string) (numbers int, err error) {
	return p.ask("/api/v1/query", url.Values{"query": {expr}})
}

// since asks PromQL for the time since this Prometheus began.
func (p *observer) since(expr string) (numbers int, err error) {
	return p.ask("/api/v1/query_range", url.Values{
		"query": {expr}, "start": {strconv.FormatInt(p.begun.Unix(), 10)}, "end": {strconv.FormatInt(time.Now().Unix()+1, 10)}, "step": {"1s"},
	})
}

// ask counts the numbers of an answer; what is not a number is none.
func (p *observer) ask(path string, params url.Values) (numbers int, err error) {
	var answer struct {
		Data struct {
			Result []struct {
				Value  [2]any
				Values [][2]any
			}
		}
	}
	if err := p.get(path, params, &answer); err != nil {
		return 0, err
	}
	for _, r := range answer.Data.Result {
		for _, v := range append(r.Values, r.Value) {
			if text, ok := v[1].(string); ok && text != "NaN" {
				numbers++
			}
		}
	}
	return numbers, nil
}

func (p *observer) get(path string, params url.Values, into any) error {
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.address+path+"?"+params.Encode(), nil)
	if err != nil {
		return err
	}
	return getJSON(req, into)
}

func getJSON(req *http.Request, into any) error {
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", res.Status, strings.TrimSpace(body.String()))
	}
	return json.Unmarshal(body.Bytes(), into)
}

// metricsAreClean holds what the program says of itself against promtool.
func metricsAreClean(tr *trial) {
	_, said := tr.get("/metrics")
	check := func(text []byte) (string, error) {
		cmd := exec.CommandContext(tr.t.Context(), "promtool", "check", "metrics")
		cmd.Stdin = bytes.NewReader(text)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := check(said); err != nil || out != "" {
		tr.t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	spoiled := bytes.ReplaceAll(said, []byte("ganlin_store_points_total"), []byte("ganlin_store_points"))
	if out, err := check(spoiled); err == nil {
		tr.t.Errorf("the control, a counter without _total, is clean: %s", out)
	}
}

// saidElsewhere are metrics of messages and of TLS, which the villages that are looked at have none of.
var saidElsewhere = []string{"ganlin_notices_pending", "ganlin_notices_total", "ganlin_certificate_expires_timestamp_seconds"}

// alarmsAreAlive checks that Prometheus took all alert rules, that none of them
// goes off in a healthy village, that each looks at metrics that exist, and
// that the program shows its runbook where the alarm leads.
func (p *observer) alarmsAreAlive(said, runbooks []byte) {
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, State, LastError, Query string }
			}
		}
	}
	waitFor(p.t, time.Minute, "the rules to be evaluated", func() (bool, string) {
		if err := p.get("/api/v1/rules", nil, &answer); err != nil {
			return false, err.Error()
		}
		for _, g := range answer.Data.Groups {
			for _, r := range g.Rules {
				if r.Health == "unknown" {
					return false, r.Name
				}
			}
		}
		return len(answer.Data.Groups) > 0, "no groups"
	})
	name := regexp.MustCompile(`\bganlin_[a-z_]+`)
	text, err := os.ReadFile("../../deploy/prometheus/ganlin.rules.yml")
	if err != nil {
		p.t.Fatal(err)
	}
	n := 0
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			n++
			if r.Health != "ok" || r.State == "firing" {
				p.t.Errorf("alarm %s is %s and %s: %s", r.Name, r.Health, r.State, r.LastError)
			}
			for _, metric := range name.FindAllString(r.Query, -1) {
				if !bytes.Contains(said, []byte("\n# TYPE "+metric+" ")) && !slices.Contains(saidElsewhere, metric) {
					p.t.Errorf("alarm %s looks at %s, which the program does not say", r.Name, metric)
				}
			}
		}
	}
	links := regexp.MustCompile(`runbook_url: "\{\{ \$externalLabels\.ganlin \}\}/operations/runbooks#(\w+)"`).FindAllSubmatch(text, -1)
	for _, link := range links {
		if !bytes.Contains(runbooks, []byte(`id="`+string(link[1])+`"`)) {
			p.t.Errorf("an alarm leads to the runbook %s, which is not shown", link[1])
		}
	}
	if len(links) != n {
		p.t.Errorf("%d of %d alarms lead to a runbook", len(links), n)
	}
	if want := strings.Count(string(text), "- alert:"); n != want {
		p.t.Errorf("Prometheus has %d alarms of %d", n, want)
	}
}
