package village

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"ganlin/devices"
)

// An API steps a receiver over HTTP: a `ganlin serve --step`.
type API struct {
	URL    string // such as http://127.0.0.1:8080
	Token  string // the operator's bearer token
	Client *http.Client
	Logger *slog.Logger
}

var _ Stepper = API{}

// ErrRefused is an answer of the receiver that trying again does not change.
var ErrRefused = errors.New("receiver refuses")

// attemptTimeout bounds one request: a step waits for the journal, for commits
// and for valves to answer.
const attemptTimeout = 2 * time.Minute

// Between two attempts the pause grows from minRetry to maxRetry.
const (
	minRetry = 200 * time.Millisecond
	maxRetry = 5 * time.Second
)

// Step posts a step. While the receiver is away, or not ready, it tries again
// until ctx ends: the same time may be sent again.
func (a API) Step(ctx context.Context, at time.Time, last map[devices.DeviceID]int64) (time.Time, error) {
	body, err := json.Marshal(struct {
		At   time.Time                  `json:"at"`
		Last map[devices.DeviceID]int64 `json:"last"`
	}{at, last})
	if err != nil {
		return time.Time{}, fmt.Errorf("encoding a step: %w", err)
	}
	var answer struct {
		Watermark time.Time `json:"watermark"`
	}
	err = a.insist(ctx, http.MethodPost, "/api/v1/step", body, &answer)
	return answer.Watermark, err
}

// Tick returns the receiver's last tick; zero when there was none yet.
func (a API) Tick(ctx context.Context) (time.Time, error) {
	var answer struct {
		Tick time.Time `json:"tick"`
	}
	err := a.insist(ctx, http.MethodGet, "/api/v1/status", nil, &answer)
	return answer.Tick, err
}

// insist sends a request until it is answered for good.
func (a API) insist(ctx context.Context, method, path string, body []byte, answer any) error {
	for pause := minRetry; ; pause = min(2*pause, maxRetry) {
		err := a.send(ctx, method, path, body, answer)
		if err == nil || errors.Is(err, ErrRefused) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		a.Logger.Warn("receiver does not answer; trying again", "path", path, "error", err)
		if !sleepUntil(ctx, time.Now().Add(pause/2+rand.N(pause))) { //nolint:gosec // jitter
			return ctx.Err()
		}
	}
}

func (a API) send(ctx context.Context, method, path string, body []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, a.URL+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	req.Header.Set("Authorization", "Bearer "+a.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= 500:
		return fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(text))
	default:
		return fmt.Errorf("%w: %s: %s", ErrRefused, resp.Status, bytes.TrimSpace(text))
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%w: reading the answer: %w", ErrRefused, err)
	}
	return nil
}
