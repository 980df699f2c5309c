package app

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"ganlin/internal/httpapi"
)

// TestSteps moves time from outside as the contract says.
func TestSteps(t *testing.T) {
	tr := newTrial(t, asItIs, 1, "")
	tr.launch("serve", "--config", tr.config, "--step")
	tr.waitReady()
	r := remote{base: tr.ready.HTTP, token: tr.ready.Token}
	step := func(at time.Time, last map[string]int64) (time.Time, error) {
		var answer struct{ Watermark time.Time }
		err := r.call(t.Context(), http.MethodPost, "/api/v1/step", map[string]any{"at": at, "last": last}, &answer)
		return answer.Watermark, err
	}
	begin := time.Date(2022, 7, 1, 0, 0, 0, 0, time.UTC)
	if _, err := step(begin, nil); err != nil {
		t.Fatal(err)
	}

	// The messages of an hour come before the tick that ends it.
	d := tr.devices[0]
	at := begin.Add(30 * time.Minute)
	reading := fmt.Sprintf(`{"at":%q,"seq":5,"values":{"soil_moisture@20":0.2}}`, at.Format(time.RFC3339))
	if err := tr.publish(d.id, d.id, d.password, "ganlin/v1/"+d.id+"/telemetry", reading); err != nil {
		t.Fatal(err)
	}
	next := begin.Add(time.Hour)
	for range 2 { // the same time again gives the same answer
		watermark, err := step(next, map[string]int64{d.id: 5})
		if err != nil || !watermark.Equal(next) {
			t.Errorf("the step to %s answers %s, %v", next, watermark, err)
		}
	}
	var problem httpapi.ProblemError
	if _, err := step(begin, nil); !errors.As(err, &problem) || problem.Status != http.StatusConflict {
		t.Errorf("a step back answers %v, want 409", err)
	}
	if a := tr.settled(time.Minute); a.Values.Stored != 1 || a.Messages.DeadLettered != 0 {
		t.Errorf("the reading of the hour is not stored: %+v", a)
	}
	tr.kill()
	tr.launch("serve", "--config", tr.config, "--step")
	tr.waitReady()
	if s, err := tr.status(); err != nil || !s.Tick.Equal(next) {
		t.Errorf("after a kill time stands at %s, %v; want %s", s.Tick, err, next)
	}

	// A reading without a time takes the step clock's.
	r = remote{base: tr.ready.HTTP, token: tr.ready.Token}
	if err := tr.publish(d.id, d.id, d.password, "ganlin/v1/"+d.id+"/telemetry", `{"seq":6,"values":{"soil_moisture@20":0.3}}`); err != nil {
		t.Fatal(err)
	}
	if _, err := step(next.Add(time.Hour), map[string]int64{d.id: 6}); err != nil {
		t.Fatal(err)
	}
	if a := tr.settled(time.Minute); a.Values.Stored != 2 {
		t.Errorf("%d values are stored, want 2", a.Values.Stored)
	}
}

// TestWhoMayAsk asks the API without the operator's token, and for what is not there.
func TestWhoMayAsk(t *testing.T) {
	tr := newTrial(t, asItIs, 1, "")
	tr.start()
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 401, "/api/v1/openapi.json": 200,
		"/api/v1/status": 401, "/api/v1/devices": 401, "/api/v1/deadletters": 401, "/api/v1/live": 401,
		"/api/v1/elsewhere": 404, "/elsewhere": 404,
	} {
		res, err := http.Get(tr.ready.HTTP + path)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != want {
			t.Errorf("%s without a token answers %d, want %d", path, res.StatusCode, want)
		}
	}
	r := remote{base: tr.ready.HTTP, token: tr.ready.Token}
	for path, want := range map[string]int{
		"/api/v1/deadletters?limit=0": 400, "/api/v1/deadletters/none": 404, "/api/v1/devices": 0,
	} {
		err := r.call(t.Context(), http.MethodGet, path, nil, nil)
		var problem httpapi.ProblemError
		if errors.As(err, &problem); problem.Status != want {
			t.Errorf("%s answers %v, want %d", path, err, want)
		}
	}
	var problem httpapi.ProblemError
	err := r.call(t.Context(), http.MethodPost, "/api/v1/step", map[string]any{"at": time.Now()}, nil)
	if !errors.As(err, &problem) || problem.Status != http.StatusConflict {
		t.Errorf("a step on the wall clock answers %v, want 409", err)
	}
	if err := r.call(t.Context(), http.MethodPost, "/api/v1/devices", map[string]any{"id": "a.b", "model": "m", "plot": "p-001"}, nil); !errors.As(err, &problem) || problem.Status != http.StatusBadRequest {
		t.Errorf("adding a device with a dot in its id answers %v, want 400", err)
	}

	// A revoked device loses its connection and gets no other.
	d := tr.devices[0]
	conn, err := dialMQTT(t.Context(), tr.mqtt, d.id, d.id, d.password)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	tr.command("devices", "revoke", d.id, "--data", filepath.Join(tr.folder, "data"))
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a revoked device keeps its connection")
	}
	if _, err := dialMQTT(t.Context(), tr.mqtt, d.id, d.id, d.password); !errors.Is(err, errRefused) {
		t.Errorf("a revoked device is let in: %v", err)
	}
}

// TestStepWithRejectedValues ends an hour whose last message holds nothing that can be kept.
func TestStepWithRejectedValues(t *testing.T) {
	tr := newTrial(t, asItIs, 1, "")
	tr.start()
	d := tr.devices[0]
	if err := tr.publish(d.id, d.id, d.password, "ganlin/v1/"+d.id+"/telemetry", `{"seq":7,"values":{"soil_moisture@20":7}}`); err != nil {
		t.Fatal(err)
	}
	if a := tr.settled(time.Minute); a.Values.Rejected != 1 || !a.Conserved() {
		t.Errorf("the account is %+v", a)
	}
	tr.stop()
	tr.launch("serve", "--config", tr.config, "--step")
	tr.waitReady()
	r := remote{base: tr.ready.HTTP, token: tr.ready.Token}
	if err := r.call(t.Context(), http.MethodPost, "/api/v1/step", map[string]any{"at": time.Now(), "last": map[string]int64{d.id: 7}}, nil); err != nil {
		t.Error(err)
	}
}
