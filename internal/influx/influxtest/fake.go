package influxtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Dialect is whose answers a Fake gives.
type Dialect string

// The dialects, each as the real one was seen to answer.
const (
	V18 Dialect = "1.8.10"
	V27 Dialect = "2.7.12"
)

// A Step is what a Fake does with one write request. The zero value answers as
// the real one would.
type Step struct {
	Status     int    // answer this and store nothing; 0: answer by the model
	Text       string // the sentence of that answer
	RetryAfter string // its header
	Hang       bool   // store nothing and never answer
	Reset      bool   // store as usual, then cut the connection without an answer
}

// A Request is one write request that reached a Fake.
type Request struct {
	At       time.Time
	Lines    int
	Encoding string // Content-Encoding
}

// A Fake is an InfluxDB in memory: points with the union of their fields, the
// types of fields, retention, and whatever faults a test asks for. It serves
// /api/v2/write, /ping and of /query what the adapter asks.
type Fake struct {
	Dialect        Dialect
	Script         func(n int) Step // asked for the n-th write request, from 1; nil: never a fault
	Token          string           // expected; empty: any
	MaxBody        int              // bytes, above them 413; 0: no limit
	MaxSeries      int              // 0: no limit
	Retention      time.Duration    // 0: infinite
	WrongPrecision bool             // takes every time for nanoseconds

	mu       sync.Mutex
	points   map[string]string // "series time field" to the value as written
	types    map[string]string // "measurement field" to its type
	series   map[string]bool
	requests []Request
	open     int // write requests without an answer yet
	mostOpen int
}

// Points returns a copy of what is stored: "series time_ns field" to value.
func (f *Fake) Points() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.points)
}

// Requests returns the write requests so far, and how many of them were
// without an answer at one time.
func (f *Fake) Requests() (all []Request, mostOpen int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests), f.mostOpen
}

// Forget drops a field of a measurement with its type, as an operator would.
func (f *Fake) Forget(measurement, field string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.types, measurement+" "+field)
	maps.DeleteFunc(f.points, func(key, _ string) bool {
		return measurementOf(key) == measurement && strings.HasSuffix(key, " "+field)
	})
}

// ServeHTTP answers one request.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	switch {
	case r.URL.Path == "/ping":
		w.Header().Set("X-Influxdb-Version", string(f.Dialect))
		w.WriteHeader(http.StatusNoContent)
	case f.Token != "" && r.Header.Get("Authorization") != "Token "+f.Token:
		f.refuse(w, http.StatusUnauthorized, "unauthorized access")
	case r.URL.Path == "/query":
		f.query(w, r.FormValue("q"))
	case r.URL.Path == "/api/v2/write" && r.Method == http.MethodPost:
		f.write(w, r, string(body))
	default:
		f.refuse(w, http.StatusNotFound, "not found")
	}
}

func (f *Fake) write(w http.ResponseWriter, r *http.Request, body string) {
	f.mu.Lock()
	f.requests = append(f.requests, Request{
		At: time.Now(), Lines: strings.Count(body, "\n") + 1, Encoding: r.Header.Get("Content-Encoding"),
	})
	n := len(f.requests)
	f.open++
	f.mostOpen = max(f.mostOpen, f.open)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.open--
		f.mu.Unlock()
	}()

	var step Step
	if f.Script != nil {
		step = f.Script(n)
	}
	switch {
	case step.Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case step.Status != 0:
		if step.RetryAfter != "" {
			w.Header().Set("Retry-After", step.RetryAfter)
		}
		f.refuse(w, step.Status, step.Text)
		return
	case f.MaxBody > 0 && len(body) > f.MaxBody:
		f.refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	status, text := f.store(body, r.URL.Query().Get("precision"))
	if step.Reset {
		panic(http.ErrAbortHandler)
	}
	f.refuse(w, status, text)
}

// refuse answers in the dialect: {"error":…} or {"code":…,"message":…}.
func (f *Fake) refuse(w http.ResponseWriter, status int, text string) {
	answer := map[string]string{"error": text}
	if f.Dialect == V27 {
		answer = map[string]string{"code": http.StatusText(status), "message": text}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if status >= 300 {
		_ = json.NewEncoder(w).Encode(answer) // the client may be gone
	}
}

var (
	askProbe = regexp.MustCompile(`^SELECT "value" FROM "ganlin_probe" WHERE time = (\d+)ms$`)
	askCount = regexp.MustCompile(`^SELECT count\(\*\) FROM (.+)$`)
)

func (f *Fake) query(w http.ResponseWriter, q string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var series []map[string]any
	if m := askProbe.FindStringSubmatch(q); m != nil {
		if value, ok := f.points["ganlin_probe "+m[1]+"000000 value"]; ok {
			number := json.Number(strings.TrimSuffix(value, "i"))
			series = append(series, map[string]any{
				"name": "ganlin_probe", "columns": []string{"time", "value"}, "values": [][]any{{json.Number(m[1]), number}},
			})
		}
	} else if m := askCount.FindStringSubmatch(q); m != nil {
		for name := range strings.SplitSeq(m[1], ", ") {
			series = append(series, f.count(strings.Trim(name, `"`))...)
		}
	} else {
		f.refuse(w, http.StatusBadRequest, "the fake does not know this question: "+q)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"results": []any{map[string]any{"statement_id": 0, "series": series}}})
}

// count returns the number of values of each field of a measurement.
func (f *Fake) count(measurement string) []map[string]any {
	counts := map[string]int{}
	for key := range f.points {
		if measurementOf(key) == measurement {
			counts[key[strings.LastIndexByte(key, ' ')+1:]]++
		}
	}
	if len(counts) == 0 {
		return nil
	}
	columns, row := []string{"time"}, []any{0}
	for field, n := range counts {
		columns, row = append(columns, "count_"+field), append(row, n)
	}
	return []map[string]any{{"name": measurement, "columns": columns, "values": [][]any{row}}}
}

func measurementOf(key string) string {
	return key[:strings.IndexAny(key, ", ")]
}

var units = map[string]int64{"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}

// store takes a body and returns the answer to it, as the dialect does.
func (f *Fake) store(body, precision string) (status int, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.points == nil {
		f.points, f.types, f.series = map[string]string{}, map[string]string{}, map[string]bool{}
	}
	unit, ok := units[precision]
	if !ok {
		return http.StatusBadRequest, fmt.Sprintf("invalid precision %q (use ns, us, ms or s)", precision)
	}
	if f.WrongPrecision {
		unit = 1
	}
	var points []point
	var malformed string
	for line := range strings.SplitSeq(body, "\n") {
		p, err := parse(line, unit)
		if err == nil {
			points = append(points, p)
		} else if malformed == "" {
			malformed = fmt.Sprintf("unable to parse '%s': %v", line, err)
		}
	}
	if f.Dialect == V27 {
		return f.store27(points, malformed)
	}
	return f.store18(points, malformed)
}

// store27: a malformed line refuses the whole body; other bad points are left out.
func (f *Fake) store27(points []point, malformed string) (int, string) {
	if malformed != "" {
		return http.StatusBadRequest, malformed
	}
	var conflict string
	dropped, old := 0, 0
	for _, p := range points {
		switch c := f.conflict(p); {
		case f.tooOld(p):
			old++
		case c != "":
			dropped++
			conflict = c
		default:
			f.keep(p)
		}
	}
	switch {
	case conflict != "":
		return http.StatusUnprocessableEntity, fmt.Sprintf("failure writing points to database: partial write: %s dropped=%d", conflict, dropped)
	case old > 0:
		return http.StatusUnprocessableEntity, fmt.Sprintf("failure writing points to database: partial write: "+
			"dropped %d points outside retention policy of duration %s dropped=%d", old, f.Retention, old)
	}
	return http.StatusNoContent, ""
}

// store18: good lines beside malformed ones are stored, with dropped=0; two
// types of one new field in a body refuse it whole; the text of one fault hides
// the others.
func (f *Fake) store18(points []point, malformed string) (int, string) {
	if malformed != "" && len(points) == 0 {
		return http.StatusBadRequest, malformed
	}
	fresh := map[string]string{}
	for _, p := range points {
		for field, value := range p.fields {
			key := p.measurement + " " + field
			if _, known := f.types[key]; known || f.conflict(p) != "" {
				continue
			}
			if kind, ok := fresh[key]; ok && kind != typeOf(value) {
				maps.Copy(f.types, fresh)
				return http.StatusBadRequest, "field type conflict"
			}
			fresh[key] = typeOf(value)
		}
	}
	var conflict string
	dropped, old := 0, 0
	for _, p := range points {
		switch c := f.conflict(p); {
		case f.tooOld(p):
			old++
		case f.MaxSeries > 0 && !f.series[p.series] && len(f.series) >= f.MaxSeries:
			dropped++
			conflict = fmt.Sprintf("max-series-per-database limit exceeded: (%d)", f.MaxSeries)
		case c != "":
			dropped++
			conflict = c
		default:
			f.keep(p)
		}
	}
	switch {
	case conflict != "":
		return http.StatusBadRequest, fmt.Sprintf("partial write: %s dropped=%d", conflict, dropped)
	case old > 0:
		return http.StatusBadRequest, fmt.Sprintf("partial write: points beyond retention policy dropped=%d", old)
	case malformed != "":
		return http.StatusBadRequest, fmt.Sprintf("partial write: %s dropped=0", malformed)
	}
	return http.StatusNoContent, ""
}

// conflict describes the field of the point that has another type already.
func (f *Fake) conflict(p point) string {
	for field, value := range p.fields {
		if kind, ok := f.types[p.measurement+" "+field]; ok && kind != typeOf(value) {
			return fmt.Sprintf("field type conflict: input field %q on measurement %q is type %s, already exists as type %s",
				field, p.measurement, typeOf(value), kind)
		}
	}
	return ""
}

func (f *Fake) tooOld(p point) bool {
	return f.Retention > 0 && time.Since(time.Unix(0, p.ns)) > f.Retention
}

func (f *Fake) keep(p point) {
	f.series[p.series] = true
	for field, value := range p.fields {
		f.types[p.measurement+" "+field] = typeOf(value)
		f.points[fmt.Sprintf("%s %d %s", p.series, p.ns, field)] = value
	}
}
