package influx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"
)

// What one request may hold at most.
const (
	maxLines = 5000
	maxBytes = 4 << 20
)

// errNoEndpoint is what a write meets while the database is still being built or started.
var errNoEndpoint = errors.New("InfluxDB is not ready yet")

// A Line is one line of line protocol with its timestamp in ms, encoded from
// checked values.
type Line struct {
	Text   []byte // without a newline, neither at the end nor inside
	Values int    // how many values it holds, for the accounting
}

// A DeadLine is a line that the database refuses alone, while it accepts others.
type DeadLine struct {
	Index  int // in the lines handed to Write
	Reason Reason
	Detail string // what the database said
}

// A Result says what became of the lines of a Write.
type Result struct {
	Stored int // values in the lines that are stored
	Dead   []DeadLine
}

// WriterOptions are what a Writer needs.
type WriterOptions struct {
	Endpoint  func() Endpoint                      // asked before every request: a restarted database may have moved
	Logger    *slog.Logger                         // required
	Transport http.RoundTripper                    // nil: the usual one
	Wrote     func(took time.Duration, values int) // may be nil; called after every accepted request
}

// A Writer puts lines into InfluxDB. It answers every kind of trouble by
// waiting, never by dropping: an absent database is tried again for ever, and
// what only a person can mend puts it into the state Stopped, from which it
// tries once every 30 s. The same lines may be written again: equal series and
// time are one point.
type Writer struct {
	o     WriterOptions
	query *Client
	kick  chan struct{}

	turn   chan struct{} // held by who talks to the database: a Write or Run; guards all below
	wire   recorder
	at     Endpoint // what api was made for
	api    api.WriteAPIBlocking
	proved Endpoint  // whose precision has been proved
	stored time.Time // when the database last took something
	dead   deadShare

	mu    sync.Mutex
	state State
}

// NewWriter returns a writer that has not touched the database yet. It does so
// when it runs, or with the first Write.
func NewWriter(o WriterOptions) *Writer {
	return &Writer{
		o:     o,
		query: NewClient(o.Endpoint, o.Transport),
		kick:  make(chan struct{}, 1),
		turn:  make(chan struct{}, 1),
		wire:  recorder{client: newHTTPClient(o.Transport)},
		state: State{Condition: Starting, Since: time.Now().UTC(), Why: "no point has been written and read back yet"},
	}
}

// Close closes idle connections. No Write may be running.
func (w *Writer) Close() {
	w.wire.client.CloseIdleConnections()
	w.query.Close()
}

// Write returns when the database has stored every line or refused it for
// good. Only the end of ctx ends it earlier; the result then is what was
// settled so far, and the lines are to be written again.
func (w *Writer) Write(ctx context.Context, lines []Line) (Result, error) {
	var r Result
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return r, fmt.Errorf("writing %d lines: %w", len(lines), ctx.Err())
	}
	if err := w.prove(ctx); err != nil {
		return r, fmt.Errorf("proving the precision: %w", err)
	}
	for begin := 0; begin < len(lines); {
		end := begin + fitting(lines[begin:])
		w.dead.seen(time.Now(), end-begin)
		if err := w.settle(ctx, lines[begin:end], begin, false, &r); err != nil {
			return r, fmt.Errorf("writing %d lines: %w", len(lines), err)
		}
		begin = end
	}
	return r, nil
}

// fitting returns how many of the lines make one request, at least one.
func fitting(lines []Line) int {
	size := 0
	for i, line := range lines {
		size += len(line.Text) + 1
		if i > 0 && (i == maxLines || size > maxBytes) {
			return i
		}
	}
	return len(lines)
}

// post sends one request through the client library and returns the answer as
// it came over the wire. The library neither batches nor retries: WriteRecord
// without EnableBatching is one POST.
func (w *Writer) post(ctx context.Context, body string, patience time.Duration) answer {
	e := w.o.Endpoint()
	if e.URL == "" {
		return answer{err: errNoEndpoint}
	}
	if _, err := url.Parse(e.URL); err != nil { // the library would panic
		return answer{err: err}
	}
	if e != w.at {
		options := influxdb2.DefaultOptions().
			SetPrecision(time.Millisecond). // the default is ns: ms stamps would land in 1970
			SetMaxRetries(0).
			SetApplicationName("ganlin")
		options.HTTPOptions().SetHTTPDoer(&w.wire)
		w.api = influxdb2.NewClientWithOptions(e.URL, e.Token, options).WriteAPIBlocking(e.Org, e.Bucket)
		w.at = e
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w.wire.last = answer{}
	err := w.api.WriteRecord(ctx, body)
	if a := w.wire.last; a.err != nil || a.status != 0 {
		return a
	}
	return answer{err: fmt.Errorf("sending a request: %w", err)} // it never reached the wire
}
