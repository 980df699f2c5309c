package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"ganlin/dashboards/grafana"
)

// TestGrafana lives the dry months of a village, then asks all that the
// dashboards ask, of the real InfluxDB and a real Prometheus as Grafana would:
// every query of every panel and variable has an answer with numbers in it.
func TestGrafana(t *testing.T) {
	tr := &trial{t: t, kind: asItIs, folder: t.TempDir()}
	season := filepath.Join(tr.folder, "season")
	tr.launch("demo", "--data", season, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--plots", "6", "--days", "90", "--speed", "0")
	tr.waitReady()
	p := prometheusBeside(tr)
	// A dead letter and a refused login, which a village without faults has not.
	added := strings.Fields(string(tr.command("devices", "add", "foreign", "--model", "ganlin-soil-3", "--plot", "p-001", "--data", season)))
	tr.mqtt = strings.TrimPrefix(tr.ready.MQTT, "tcp://")
	if err := tr.publish("foreign", "foreign", added[len(added)-1], "ganlin/v1/foreign/telemetry", `{"values":`); err != nil {
		t.Fatal(err)
	}
	if err := tr.publish("foreign", "foreign", "guessed", "ganlin/v1/foreign/telemetry", `{}`); err == nil {
		t.Fatal("a wrong password lets in")
	}
	tr.reaches(90)
	stored := tr.settled(time.Minute).Values.Stored
	p.sees(fmt.Sprintf(`ganlin_store_points_total == %d and ganlin_ingest_values_waiting == 0`, stored)) // after the season
	status, err := tr.status()
	if err != nil {
		t.Fatal(err)
	}
	g := newGrafanaStandIn(t, tr, p, status.Tick)

	queries := 0
	for _, d := range grafana.All() {
		chosen := g.fill(d)
		for _, panel := range d.Panels {
			for _, target := range panel.Targets {
				for _, values := range chosen {
					queries++
					if err := g.answers(panel, target, values); err != nil {
						t.Errorf("%s, %s, query %s with %v: %v", d.UID, panel.Title, target.RefID, values, err)
					}
				}
			}
		}
	}
	t.Logf("%d queries", queries)
	if queries < 100 {
		t.Errorf("only %d queries were asked", queries)
	}

	// The control: what is broken does not pass.
	influx, prom := &grafana.Datasource{UID: "influx"}, &grafana.Datasource{UID: "prometheus"}
	for name, broken := range map[string]grafana.Target{
		"no such field":       {Datasource: influx, Query: `SELECT "depletion" FROM "balance" WHERE $timeFilter`},
		"no such measurement": {Datasource: influx, Query: `SELECT "depletion_mm" FROM "balances" WHERE $timeFilter`},
		"no InfluxQL":         {Datasource: influx, Query: `SELECT FROM "balance"`},
		"no such variable":    {Datasource: influx, Query: `SELECT "ks" FROM "balance" WHERE $timeFilter AND "site" =~ /^${village:regex}$/`},
		"no such metric":      {Datasource: prom, Expr: `ganlin_part_healthy`, Range: true},
		"no PromQL":           {Datasource: prom, Expr: `sum(ganlin_part_ready`, Instant: true},
	} {
		if err := g.answers(grafana.Panel{}, broken, map[string]string{"site": ".*"}); err == nil {
			t.Errorf("the control, %s, has an answer", name)
		}
	}

	_, said := tr.get("/metrics")
	_, runbooks := tr.get("/operations/runbooks")
	p.alarmsAreAlive(said, runbooks)
	metricsAreClean(tr)
}

// A grafanaStandIn asks as Grafana does, through the sources that are provisioned.
type grafanaStandIn struct {
	t          *testing.T
	prometheus *observer
	influx     string // the address of /query with the database's name
	user       string
	password   string
	tick       time.Time
}

func newGrafanaStandIn(t *testing.T, tr *trial, p *observer, tick time.Time) *grafanaStandIn {
	t.Helper()
	text, err := os.ReadFile("../../deploy/grafana/provisioning/datasources/ganlin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var provisioned struct {
		Datasources []struct {
			UID, Type string
			JSONData  struct {
				DBName string `yaml:"dbName"`
			} `yaml:"jsonData"`
		}
	}
	if err := yaml.Unmarshal(text, &provisioned); err != nil {
		t.Fatal(err)
	}
	g := &grafanaStandIn{t: t, prometheus: p, tick: tick}
	for _, s := range provisioned.Datasources {
		if s.UID == "influx" && s.Type == "influxdb" {
			g.influx = tr.ready.Influx.URL + "/query?" + url.Values{"db": {s.JSONData.DBName}, "epoch": {"ms"}}.Encode()
		}
	}
	g.user, g.password, _ = strings.Cut(tr.ready.Influx.Token, ":")
	if g.influx == "" || g.password == "" {
		t.Fatalf("no source influx is provisioned, or its login is not known")
	}
	return g
}

// fill asks for the values of a dashboard's variables and returns what a person
// may choose: all where that can be chosen, and plots of which there is something to tell.
func (g *grafanaStandIn) fill(d grafana.Dashboard) []map[string]string {
	g.t.Helper()
	all, some := map[string]string{}, map[string]string{}
	for _, v := range d.Templating.List {
		var values []string
		var err error
		if q, ok := v.Query.(grafana.InfluxVariableQuery); ok {
			values, err = g.tagValues(q.Query, some)
		} else {
			values, err = g.labelValues(v.Query.(string))
		}
		if err != nil || len(values) == 0 {
			g.t.Fatalf("%s: variable %s has the values %v: %v", d.UID, v.Name, values, err)
		}
		if v.Name == "plot" { // a good plot has no alerts, and one without a valve no ledger
			eventful := "alert"
			if v.Multi {
				eventful = "ledger"
			}
			if values, err = g.tagValues(`SHOW TAG VALUES FROM "`+eventful+`" WITH KEY = "plot"`, nil); err != nil || len(values) == 0 {
				g.t.Fatalf("plots with an entry in %s: %v, %v", eventful, values, err)
			}
		}
		if some[v.Name], all[v.Name] = values[0], values[0]; v.IncludeAll {
			some[v.Name], all[v.Name] = "("+strings.Join(values, "|")+")", v.AllValue
		}
	}
	return []map[string]string{all, some}
}

var labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)

func (g *grafanaStandIn) labelValues(query string) ([]string, error) {
	m := labelValues.FindStringSubmatch(query)
	if m == nil {
		return nil, fmt.Errorf("%q is no query for values", query)
	}
	var answer struct{ Data []string }
	return answer.Data, g.prometheus.get("/api/v1/label/"+m[2]+"/values", url.Values{"match[]": {m[1]}}, &answer)
}

func (g *grafanaStandIn) tagValues(query string, values map[string]string) (found []string, err error) {
	series, err := g.ask(grafana.Panel{}, query, values)
	for _, s := range series {
		for _, row := range s.Values {
			found = append(found, row[1].(string))
		}
	}
	return found, err
}

// answers asks one query of a panel; no number at all is an error.
func (g *grafanaStandIn) answers(panel grafana.Panel, target grafana.Target, values map[string]string) error {
	numbers := 0
	if target.Datasource.UID == "prometheus" {
		ask := g.prometheus.since
		if target.Instant {
			ask = g.prometheus.now
		}
		expr, err := g.interpolate(panel, target.Expr, values)
		if err != nil {
			return err
		}
		if numbers, err = ask(expr); err != nil {
			return err
		}
	} else {
		series, err := g.ask(panel, target.Query, values)
		if err != nil {
			return err
		}
		for _, s := range series {
			for _, row := range s.Values {
				for _, cell := range row[1:] { // the first is the time
					if _, ok := cell.(float64); ok {
						numbers++
					}
				}
			}
		}
	}
	if numbers == 0 {
		return errors.New("there is no number in the answer")
	}
	return nil
}

type influxSeries struct{ Values [][]any }

func (g *grafanaStandIn) ask(panel grafana.Panel, query string, values map[string]string) ([]influxSeries, error) {
	query, err := g.interpolate(panel, query, values)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, g.influx+"&"+url.Values{"q": {query}}.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(g.user, g.password)
	var answer struct {
		Results []struct {
			Series []influxSeries
			Error  string
		}
	}
	if err := getJSON(req, &answer); err != nil {
		return nil, err
	}
	var all []influxSeries
	for _, r := range answer.Results {
		if r.Error != "" {
			return nil, errors.New(r.Error)
		}
		all = append(all, r.Series...)
	}
	return all, nil
}

var variable = regexp.MustCompile(`\$\{?(\w+)(:regex)?\}?`)

// interpolate puts in what Grafana puts in: the time that is looked at, the stretch of a point and what was chosen.
func (g *grafanaStandIn) interpolate(panel grafana.Panel, query string, values map[string]string) (string, error) {
	begin := g.tick.Add(-90 * 24 * time.Hour)
	if panel.TimeFrom == "3d" {
		begin = g.tick.Add(-3 * 24 * time.Hour)
	}
	interval := panel.Interval
	if interval == "" {
		interval = "1h"
	}
	known := map[string]string{
		"timeFilter": fmt.Sprintf("time >= %dms and time <= %dms", begin.UnixMilli(), g.tick.UnixMilli()),
		"__interval": interval, "__rate_interval": "15s",
	}
	var missing error
	text := variable.ReplaceAllStringFunc(query, func(m string) string {
		name := variable.FindStringSubmatch(m)[1]
		if v, ok := known[name]; ok {
			return v
		}
		if v, ok := values[name]; ok {
			return v
		}
		missing = fmt.Errorf("%s has no value", m)
		return m
	})
	return text, missing
}
