package influx

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxQueryAnswer bounds the memory of one answer.
const maxQueryAnswer = 256 << 20

// A Client asks an InfluxDB in InfluxQL. It is safe for concurrent use.
type Client struct {
	endpoint func() Endpoint
	http     *http.Client
}

// NewClient returns a client of the database that endpoint names at each call.
// A nil transport is the usual one.
func NewClient(endpoint func() Endpoint, transport http.RoundTripper) *Client {
	return &Client{endpoint: endpoint, http: newHTTPClient(transport)}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// A Series is one series of an answer. Numbers are json.Number, exact; the
// time column is Unix milliseconds.
type Series struct {
	Name    string            `json:"name"`
	Tags    map[string]string `json:"tags"`
	Columns []string          `json:"columns"`
	Values  [][]any           `json:"values"`
	Partial bool              `json:"partial"`
}

// A StatusError is a refusal of a whole question.
type StatusError struct {
	Status int
	Text   string
}

// Error says what the database said.
func (e *StatusError) Error() string {
	return fmt.Sprintf("InfluxDB answers %d: %s", e.Status, brief(e.Text))
}

// Query asks statements that only read and returns the series of all of them.
func (c *Client) Query(ctx context.Context, q string) ([]Series, error) {
	return c.ask(ctx, http.MethodGet, q)
}

// Exec sends statements that change something.
func (c *Client) Exec(ctx context.Context, q string) error {
	_, err := c.ask(ctx, http.MethodPost, q)
	return err
}

// Ping reports whether the database answers, and its version such as 1.8.10;
// it needs no token.
func (c *Client) Ping(ctx context.Context) (version string, err error) {
	e := c.endpoint()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(e.URL, "/")+"/ping", nil)
	if err != nil {
		return "", fmt.Errorf("pinging InfluxDB: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("pinging InfluxDB: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return "", fmt.Errorf("pinging InfluxDB: %w", &StatusError{Status: resp.StatusCode, Text: resp.Status})
	}
	return resp.Header.Get("X-Influxdb-Version"), nil
}

// ask sends the statements; those that change something in the body, which no log keeps.
func (c *Client) ask(ctx context.Context, method, q string) ([]Series, error) {
	e := c.endpoint()
	if e.URL == "" {
		return nil, errNoEndpoint
	}
	params := url.Values{"db": {e.Bucket}, "epoch": {"ms"}}
	statement := url.Values{"q": {q}}
	var body io.Reader
	if method == http.MethodGet {
		params.Set("q", q)
	} else {
		body = strings.NewReader(statement.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(e.URL, "/")+"/query?"+params.Encode(), body)
	if err != nil {
		return nil, fmt.Errorf("asking InfluxDB: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if e.Token != "" {
		req.Header.Set("Authorization", "Token "+e.Token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking InfluxDB: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswerText)) // what is there of the sentence will do
		return nil, &StatusError{Status: resp.StatusCode, Text: refusal(raw)}
	}
	return decode(resp.Body)
}

// decode reads the answer of /query. An error may hide in an answer 200.
func decode(body io.Reader) ([]Series, error) {
	limited := &io.LimitedReader{R: body, N: maxQueryAnswer}
	decoder := json.NewDecoder(limited)
	decoder.UseNumber()
	var answer struct {
		Results []struct {
			Series []Series `json:"series"`
			Error  string   `json:"error"`
		} `json:"results"`
		Error string `json:"error"`
	}
	if err := decoder.Decode(&answer); err != nil {
		if limited.N <= 0 {
			return nil, fmt.Errorf("reading the answer of InfluxDB: it is larger than %d bytes", maxQueryAnswer)
		}
		return nil, fmt.Errorf("reading the answer of InfluxDB: %w", err)
	}
	if answer.Error != "" {
		return nil, &StatusError{Status: http.StatusOK, Text: answer.Error}
	}
	var all []Series
	for _, result := range answer.Results {
		if result.Error != "" {
			return nil, &StatusError{Status: http.StatusOK, Text: result.Error}
		}
		for _, s := range result.Series {
			if s.Partial {
				return nil, fmt.Errorf("reading the answer of InfluxDB: it cut the series %s short", s.Name)
			}
			for _, row := range s.Values {
				if len(row) != len(s.Columns) {
					return nil, fmt.Errorf("reading the answer of InfluxDB: a row of %s has %d values for %d columns", s.Name, len(row), len(s.Columns))
				}
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// Ident quotes an identifier of InfluxQL: a measurement, a field or a tag key.
func Ident(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(name) + `"`
}

// String quotes a string literal of InfluxQL.
func String(text string) string {
	return `'` + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(text) + `'`
}
