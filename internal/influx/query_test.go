package influx_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"ganlin/internal/influx"
	"ganlin/internal/influx/influxtest"

	"github.com/google/go-cmp/cmp"
)

func newClient(t *testing.T, e influx.Endpoint) *influx.Client {
	t.Helper()
	client := influx.NewClient(e.Fixed(), nil)
	t.Cleanup(client.Close)
	return client
}

func TestQueryReal(t *testing.T) {
	e := influxtest.Start(t)
	client := newClient(t, e)
	mustWrite(t, newWriter(t, e), []influx.Line{
		{Text: fmt.Appendf(nil, `soil,device=a,depth_cm=20 soil_moisture=0.1234567890123456,soil_moisture_q=9007199254740993i %d`, base), Values: 1},
		{Text: fmt.Appendf(nil, `soil,device=b,depth_cm=20 soil_moisture=0.25 %d`, base+1), Values: 1},
	})
	got, err := client.Query(t.Context(), `SELECT "soil_moisture", "soil_moisture_q" FROM "soil" GROUP BY "device"; SELECT * FROM "nothing"`)
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) json.Number { return json.Number(s) }
	columns := []string{"time", "soil_moisture", "soil_moisture_q"}
	want := []influx.Series{
		{
			Name: "soil", Tags: map[string]string{"device": "a"}, Columns: columns,
			Values: [][]any{{number(fmt.Sprint(base)), number("0.1234567890123456"), number("9007199254740993")}},
		},
		{
			Name: "soil", Tags: map[string]string{"device": "b"}, Columns: columns,
			Values: [][]any{{number(fmt.Sprint(base + 1)), number("0.25"), nil}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if version, err := client.Ping(t.Context()); err != nil || version != "1.8.10" {
		t.Errorf("Ping answers %q, %v", version, err)
	}
}

// Names and texts that try to leave their quotes come back as they were.
func TestQuotingReal(t *testing.T) {
	client := newClient(t, influxtest.Start(t))
	hostile := []string{`plain`, `a"b`, `it's`, `a\`, `a\"; DROP DATABASE "ganlin"; --`, `' OR '1'='1`, "a\nb", `甘霖`}
	for _, name := range hostile {
		if err := client.Exec(t.Context(), "CREATE USER "+influx.Ident(name)+" WITH PASSWORD "+influx.String(name)); err != nil {
			t.Errorf("creating the user %q: %v", name, err)
		}
		if _, err := client.Query(t.Context(), `SELECT * FROM "soil" WHERE "device" = `+influx.String(name)); err != nil {
			t.Errorf("asking for the device %q: %v", name, err)
		}
	}
	found := map[any]bool{}
	series, err := client.Query(t.Context(), "SHOW USERS; SHOW DATABASES")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range series {
		for _, row := range s.Values {
			found[row[0]] = true
		}
	}
	for _, name := range append(hostile, "ganlin") {
		if !found[name] {
			t.Errorf("%q is not there", name)
		}
	}
}

func TestCountValuesReal(t *testing.T) {
	e := influxtest.Start(t)
	client := newClient(t, e)
	if n, err := client.CountValues(t.Context()); err != nil || n != 0 {
		t.Errorf("an empty database has %d values, %v", n, err)
	}
	var lines []influx.Line
	for i := range 50 {
		lines = append(lines,
			influx.Line{Text: fmt.Appendf(nil, `soil,device=a,depth_cm=20 soil_moisture=0.2,soil_moisture_q=4i,soil_temperature=9 %d`, base+i), Values: 2},
			influx.Line{Text: fmt.Appendf(nil, `weather,device=w air_temperature=21,rain=0 %d`, base+i), Values: 2},
			influx.Line{Text: fmt.Appendf(nil, `valve,device=v valve_open=1 %d`, base+i), Values: 1},
			influx.Line{Text: fmt.Appendf(nil, `device,device=a battery_voltage=3.6,rssi=-90 %d`, base+i), Values: 2},
			influx.Line{Text: fmt.Appendf(nil, `balance,plot=p eto_mm=4.1 %d`, base+i)},
		)
	}
	r := mustWrite(t, newWriter(t, e), lines)
	if r.Stored != 350 {
		t.Errorf("%d values are stored, want 350", r.Stored)
	}
	if n, err := client.CountValues(t.Context()); err != nil || n != 350 {
		t.Errorf("the database counts %d values, %v; want 350", n, err)
	}
}

func TestQueryRefusals(t *testing.T) {
	e := influxtest.Start(t)
	wrong := e
	wrong.Token = "ganlin:wrong"
	nowhere := e
	nowhere.Bucket = "nowhere"
	for _, c := range []struct {
		name   string
		e      influx.Endpoint
		q      string
		status int
	}{
		{"wrong token", wrong, "SHOW DATABASES", http.StatusUnauthorized},
		{"not InfluxQL", e, "SELEKT", http.StatusBadRequest},
		{"no such database", nowhere, `SELECT * FROM "soil"`, http.StatusOK}, // an error inside an answer 200
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := newClient(t, c.e).Query(t.Context(), c.q)
			refusal, ok := errors.AsType[*influx.StatusError](err)
			if !ok || refusal.Status != c.status || refusal.Text == "" {
				t.Errorf("got %v, want a refusal with %d", err, c.status)
			}
		})
	}
	if _, err := newClient(t, influx.Endpoint{}).Query(t.Context(), "SHOW DATABASES"); err == nil {
		t.Error("an empty endpoint answers")
	}
}

// answering is a transport that answers every question with one body.
type answering string

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(a))), Request: r}, nil
}

func TestAnswersThatAreNotWhole(t *testing.T) {
	for name, body := range map[string]string{
		"cut":         `{"results":[{"series":[{"name":"soil"`,
		"empty":       ``,
		"not JSON":    `<html>`,
		"torn row":    `{"results":[{"series":[{"name":"soil","columns":["time","x"],"values":[[1,2],[3]]}]}]}`,
		"row limit":   `{"results":[{"series":[{"name":"soil","columns":["time"],"values":[[1]],"partial":true}]}]}`,
		"error":       `{"error":"timeout"}`,
		"inner error": `{"results":[{"series":[{"name":"soil"}]},{"error":"query interrupted"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			client := influx.NewClient(influx.Endpoint{URL: "http://influx.invalid"}.Fixed(), answering(body))
			if got, err := client.Query(t.Context(), "SHOW DATABASES"); err == nil {
				t.Errorf("got %v and no error", got)
			}
		})
	}
}

func FuzzQueryAnswer(f *testing.F) {
	f.Add(`{"results":[{"statement_id":0,"series":[{"name":"soil","columns":["time","count_soil_moisture"],"values":[[0,7]]}]}]}`)
	f.Add(`{"results":[{"series":[{"columns":["time","count_x"],"values":[[0],[null,null,null],[]]}]}]}`)
	f.Add(`{"results":[{"error":"x"}],"error":"y"}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, body string) {
		client := influx.NewClient(influx.Endpoint{URL: "http://influx.invalid"}.Fixed(), answering(body))
		if n, err := client.CountValues(t.Context()); err != nil && n != 0 {
			t.Errorf("counted %d with the error %v", n, err)
		}
	})
}
