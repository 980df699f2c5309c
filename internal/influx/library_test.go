package influx_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ganlin/internal/influx"
	"ganlin/internal/influx/influxtest"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api/write"
	"github.com/influxdata/influxdb-client-go/v2/log"
)

// These are the controls: ways to use the client library that lose data with
// no error. The Writer uses none of them. Should one of these tests fail after
// an update, the library has changed and the Writer is to be looked at again.

func TestControlBatchingLosesEverything(t *testing.T) {
	fake := &influxtest.Fake{Dialect: influxtest.V27, Script: func(n int) influxtest.Step {
		if n == 1 {
			return influxtest.Step{Status: http.StatusServiceUnavailable}
		}
		return influxtest.Step{}
	}}
	e := fakeEndpoint(t, fake)
	client := influxdb2.NewClientWithOptions(e.URL, "t", influxdb2.DefaultOptions().SetBatchSize(10).SetPrecision(time.Millisecond))
	defer client.Close()
	api := client.WriteAPIBlocking(e.Org, e.Bucket)
	api.EnableBatching()
	nils := 0
	for _, line := range goodLines(10) {
		if api.WriteRecord(t.Context(), string(line.Text)) == nil {
			nils++
		}
	}
	if err := api.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if nils != 9 || len(fake.Points()) != 0 {
		t.Errorf("%d calls answered nil and %d points are stored, once were 9 and 0", nils, len(fake.Points()))
	}
}

func TestControlAsyncHidesPartialWrites(t *testing.T) {
	fake := &influxtest.Fake{Dialect: influxtest.V27, Script: func(int) influxtest.Step {
		return influxtest.Step{Status: http.StatusUnprocessableEntity, Text: "partial write: field type conflict dropped=1"}
	}}
	e := fakeEndpoint(t, fake)
	client := influxdb2.NewClient(e.URL, "t")
	api := client.WriteAPI(e.Org, e.Bucket)
	heard := make(chan int)
	errs := api.Errors()
	go func() {
		n := 0
		for range errs {
			n++
		}
		heard <- n
	}()
	for _, line := range goodLines(5) {
		api.WriteRecord(string(line.Text))
		api.Flush()
	}
	client.Close()
	if n := <-heard; n != 0 {
		t.Errorf("the library told %d of 5 refusals, once it told none", n)
	}
}

func TestControlAsyncBufferOverflows(t *testing.T) {
	var outage atomic.Bool
	outage.Store(true)
	fake := &influxtest.Fake{Dialect: influxtest.V27, Script: func(int) influxtest.Step {
		if outage.Load() {
			return influxtest.Step{Status: http.StatusServiceUnavailable}
		}
		return influxtest.Step{}
	}}
	e := fakeEndpoint(t, fake)
	said := log.Log
	log.Log = nil // it would say much
	defer func() { log.Log = said }()
	client := influxdb2.NewClientWithOptions(e.URL, "t", influxdb2.DefaultOptions().
		SetBatchSize(100).SetRetryBufferLimit(1000).SetRetryInterval(1).SetMaxRetryInterval(1))
	api := client.WriteAPI(e.Org, e.Bucket)
	go func() {
		for range api.Errors() {
		}
	}()
	for _, line := range goodLines(5000) {
		api.WriteRecord(string(line.Text))
	}
	api.Flush()
	outage.Store(false)
	client.Close()
	if n := len(fake.Points()); n >= 5000 {
		t.Errorf("all %d points are stored, once only those of the buffer were", n)
	}
}

// The library's default precision is ns: a time in ms lands in 1970, with no error.
func TestControlDefaultPrecision(t *testing.T) {
	e := influxtest.Start(t)
	client := influxdb2.NewClient(e.URL, e.Token)
	defer client.Close()
	if err := client.WriteAPIBlocking(e.Org, e.Bucket).WriteRecord(t.Context(), string(goodLines(1)[0].Text)); err != nil {
		t.Fatal(err)
	}
	query := influx.NewClient(e.Fixed(), nil)
	defer query.Close()
	series, err := query.Query(t.Context(), `SELECT "soil_moisture" FROM "soil" WHERE time < '1970-01-02'`)
	if err != nil || len(series) != 1 {
		t.Errorf("got %v, %v; want one point of 1970", series, err)
	}
}

// A tag value that ends in a backslash makes a malformed line.
func TestControlTrailingBackslash(t *testing.T) {
	point := write.NewPoint("soil", map[string]string{"device": `d\`}, map[string]any{"soil_moisture": 0.2}, time.UnixMilli(base))
	if line := write.PointToLineProtocol(point, time.Millisecond); !strings.Contains(line, `device=d\ soil_moisture`) {
		t.Errorf("the library writes %q, once it left the backslash alone", line)
	}
}

// rawWrite posts a body without the Writer.
func rawWrite(t *testing.T, e influx.Endpoint, precision, body string) (status int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	url := fmt.Sprintf("%s/api/v2/write?org=%s&bucket=%s&precision=%s", e.URL, e.Org, e.Bucket, precision)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if e.Token != "" {
		req.Header.Set("Authorization", "Token "+e.Token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
