package influx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAnswerText bounds what is read of a refusal: a malformed batch may be echoed whole.
const maxAnswerText = 64 << 10

// newHTTPClient returns a client that follows no redirect: a POST redirected
// with 301 becomes a GET, and a page that answers it would count as a write.
func newHTTPClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConnsPerHost = 4
		transport = own
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// A recorder keeps the answer to the latest request as it came over the wire.
// The client library hides some of it: 1.8 answers {"error":…}, of which it
// reads nothing, and it takes any 2xx for success. For one goroutine at a time.
type recorder struct {
	client *http.Client
	last   answer
}

// Do sends the request; the client library calls it.
func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	resp, err := r.client.Do(req) //nolint:gosec // the address is the operator's configuration
	if err != nil {
		r.last = answer{err: err}
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerText))
	if err != nil {
		r.last = answer{err: fmt.Errorf("reading the answer: %w", err)}
		return nil, r.last.err
	}
	r.last = answer{
		status:     resp.StatusCode,
		text:       refusal(raw),
		retryAfter: retryAfter(resp.Header.Get("Retry-After")),
	}
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp, nil
}

// refusal takes the sentence out of an answer: {"error":…} of 1.8,
// {"message":…} of 2.x, or the plain text of something in between.
func refusal(raw []byte) string {
	var said struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &said) == nil && said.Error+said.Message != "" {
		return strings.TrimSpace(said.Error + said.Message)
	}
	return strings.TrimSpace(string(raw))
}

// retryAfter reads the header's seconds; a date or nonsense counts as absent.
func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// brief cuts a text for logs, states and dead letters.
func brief(text string) string {
	const most = 500
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
