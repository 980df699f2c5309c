package influx_test

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"ganlin/internal/influx"
	"ganlin/internal/influx/influxtest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// base is the time of the first line of most tests, in Unix ms.
const base = 1_780_000_000_000

// A kind of bad line, as it must be reported.
type kind struct {
	name   string
	text   string // a line with %d for its time
	reason influx.Reason
}

var (
	malformed   = kind{"malformed", `soil,device=bad soil_moisture=nonsense %d`, influx.Unparsable}
	notANumber  = kind{"not a number", `soil,device=bad soil_moisture=NaN %d`, influx.Unparsable}
	backslash   = kind{"trailing backslash", `soil,device=bad\ soil_moisture=0.2 %d`, influx.Unparsable}
	conflicting = kind{"conflicting", `soil,device=bad soil_moisture="a text" %d`, influx.TypeConflict}
	kinds       = []kind{malformed, notANumber, backslash, conflicting}
)

// goodLines are n lines of one value each.
func goodLines(n int) []influx.Line {
	lines := make([]influx.Line, n)
	for i := range lines {
		lines[i] = influx.Line{Text: fmt.Appendf(nil, "soil,device=d%d soil_moisture=0.%d %d", i%7, i, base+i), Values: 1}
	}
	return lines
}

func (k kind) line(i int) influx.Line {
	return influx.Line{Text: fmt.Appendf(nil, k.text, base+i), Values: 1}
}

// fakeEndpoint serves a fake and returns where.
func fakeEndpoint(t *testing.T, fake *influxtest.Fake) influx.Endpoint {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return influx.Endpoint{URL: server.URL, Org: "ganlin", Bucket: "ganlin", Token: fake.Token}
}

func newWriter(t *testing.T, e influx.Endpoint) *influx.Writer {
	t.Helper()
	w := influx.NewWriter(influx.WriterOptions{Endpoint: e.Fixed(), Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(w.Close)
	return w
}

// mustWrite writes lines and returns what became of them.
func mustWrite(t *testing.T, w *influx.Writer, lines []influx.Line) influx.Result {
	t.Helper()
	r, err := w.Write(t.Context(), lines)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// values counts the stored values of readings.
func values(t *testing.T, e influx.Endpoint) int64 {
	t.Helper()
	client := influx.NewClient(e.Fixed(), nil)
	defer client.Close()
	n, err := client.CountValues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// seed makes soil_moisture a float.
func seed(t *testing.T, w *influx.Writer) {
	t.Helper()
	mustWrite(t, w, []influx.Line{{Text: fmt.Appendf(nil, "soil,device=seed soil_moisture=0.1 %d", base), Values: 1}})
}

var dialects = []influxtest.Dialect{influxtest.V18, influxtest.V27}

// One bad line at every position of 100: exactly it is dead, 99 are stored,
// within 2 log2(100) + 2 requests including the canary.
func TestOneBadLineAtEveryPosition(t *testing.T) {
	const n = 100
	most := int(2*math.Log2(n)) + 2
	for _, dialect := range dialects {
		for _, bad := range kinds {
			t.Run(fmt.Sprintf("%s %s", dialect, bad.name), func(t *testing.T) {
				for position := range n {
					fake := &influxtest.Fake{Dialect: dialect}
					e := fakeEndpoint(t, fake)
					w := newWriter(t, e)
					seed(t, w)
					before, _ := fake.Requests()
					lines := goodLines(n)
					lines[position] = bad.line(position)
					r := mustWrite(t, w, lines)
					want := influx.Result{Stored: n - 1, Dead: []influx.DeadLine{{Index: position, Reason: bad.reason}}}
					if diff := cmp.Diff(want, r, cmpopts.IgnoreFields(influx.DeadLine{}, "Detail")); diff != "" {
						t.Fatalf("position %d (-want +got):\n%s", position, diff)
					}
					if got := values(t, e); got != n { // 99 and the seed
						t.Fatalf("position %d: %d values are stored, want %d", position, got, n)
					}
					after, _ := fake.Requests()
					if used := len(after) - len(before); used > most {
						t.Errorf("position %d took %d requests, want at most %d", position, used, most)
					}
				}
			})
		}
	}
}

// The same against the real database, at some of the positions.
func TestOneBadLineReal(t *testing.T) {
	e := influxtest.Start(t)
	w := newWriter(t, e)
	seed(t, w)
	stored := int64(1)
	for i, position := range []int{0, 1, 37, 38, 50, 98, 99} {
		for j, bad := range kinds {
			lines := goodLines(100)
			for l := range lines { // every round has its own series
				lines[l].Text = fmt.Appendf(nil, "soil,device=r%d-%d soil_moisture=0.%d %d", i, j, l, base+l)
			}
			lines[position] = bad.line(position)
			r := mustWrite(t, w, lines)
			want := influx.Result{Stored: 99, Dead: []influx.DeadLine{{Index: position, Reason: bad.reason}}}
			if diff := cmp.Diff(want, r, cmpopts.IgnoreFields(influx.DeadLine{}, "Detail")); diff != "" {
				t.Fatalf("%s at %d (-want +got):\n%s", bad.name, position, diff)
			}
			stored += 99
		}
	}
	if got := values(t, e); got != stored {
		t.Errorf("%d values are stored, want %d", got, stored)
	}
}

// Several kinds in one batch, where the text of one fault hides the others.
func TestSeveralKindsInOneBatch(t *testing.T) {
	try := func(t *testing.T, e influx.Endpoint) {
		t.Helper()
		w := newWriter(t, e)
		seed(t, w)
		lines := goodLines(100)
		lines[3], lines[60], lines[61] = malformed.line(3), conflicting.line(60), malformed.line(61)
		// An integer and a float of a field that is new.
		lines[70].Text = fmt.Appendf(nil, "soil,device=new soil_temperature=1i %d", base+70)
		lines[71].Text = fmt.Appendf(nil, "soil,device=new soil_temperature=1.5 %d", base+71)
		r := mustWrite(t, w, lines)
		want := influx.Result{Stored: 96, Dead: []influx.DeadLine{
			{Index: 3, Reason: influx.Unparsable},
			{Index: 60, Reason: influx.TypeConflict},
			{Index: 61, Reason: influx.Unparsable},
			{Index: 71, Reason: influx.TypeConflict},
		}}
		if diff := cmp.Diff(want, r, cmpopts.IgnoreFields(influx.DeadLine{}, "Detail")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := values(t, e); got != 97 {
			t.Errorf("%d values are stored, want 97", got)
		}
	}
	for _, dialect := range dialects {
		t.Run(string(dialect), func(t *testing.T) { try(t, fakeEndpoint(t, &influxtest.Fake{Dialect: dialect})) })
	}
	t.Run("real", func(t *testing.T) { try(t, influxtest.Start(t)) })
}

func TestThreeBadLinesInFiveThousand(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(string(dialect), func(t *testing.T) {
			fake := &influxtest.Fake{Dialect: dialect}
			w := newWriter(t, fakeEndpoint(t, fake))
			seed(t, w)
			before, _ := fake.Requests()
			lines := goodLines(5000)
			bad := []int{17, 2500, 4999}
			for _, i := range bad {
				lines[i] = conflicting.line(i)
			}
			r := mustWrite(t, w, lines)
			var found []int
			for _, d := range r.Dead {
				found = append(found, d.Index)
			}
			if diff := cmp.Diff(bad, found); diff != "" || r.Stored != 4997 {
				t.Errorf("%d stored, dead (-want +got):\n%s", r.Stored, diff)
			}
			after, _ := fake.Requests()
			if used, most := len(after)-len(before), 3*(int(2*math.Log2(5000))+2); used > most {
				t.Errorf("it took %d requests, want at most %d", used, most)
			}
		})
	}
}

// Control: a writer that believes the answer of 1.8 takes the malformed line
// for stored, because it says dropped=0.
func TestDroppedIsWrong(t *testing.T) {
	e := influxtest.Start(t)
	lines := goodLines(10)
	lines[4] = malformed.line(4)
	var body string
	for _, l := range lines {
		body += string(l.Text) + "\n"
	}
	status, text := rawWrite(t, e, "ms", body)
	if status != http.StatusBadRequest || !containsAll(text, "unable to parse", "dropped=0") {
		t.Errorf("1.8.10 answers %d %s", status, text)
	}
	if got := values(t, e); got != 9 {
		t.Errorf("%d values are stored, want 9", got)
	}
}

func TestBeyondRetention(t *testing.T) {
	old := influx.Line{Text: fmt.Appendf(nil, "soil,device=old soil_moisture=0.2 %d", base-int(365*24*time.Hour/time.Millisecond)), Values: 1}
	fresh := func(i int) influx.Line {
		return influx.Line{Text: fmt.Appendf(nil, "soil,device=new soil_moisture=0.%d %d", i, time.Now().UnixMilli()+int64(i)), Values: 1}
	}
	try := func(t *testing.T, e influx.Endpoint) {
		t.Helper()
		r := mustWrite(t, newWriter(t, e), []influx.Line{fresh(1), fresh(2), old, fresh(3)})
		want := influx.Result{Stored: 3, Dead: []influx.DeadLine{{Index: 2, Reason: influx.BeyondRetention}}}
		if diff := cmp.Diff(want, r, cmpopts.IgnoreFields(influx.DeadLine{}, "Detail")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for _, dialect := range dialects {
		t.Run(string(dialect), func(t *testing.T) {
			try(t, fakeEndpoint(t, &influxtest.Fake{Dialect: dialect, Retention: 24 * time.Hour}))
		})
	}
	t.Run("real", func(t *testing.T) {
		e := influxtest.Start(t)
		client := influx.NewClient(e.Fixed(), nil)
		defer client.Close()
		if err := client.Exec(t.Context(), `CREATE DATABASE "short" WITH DURATION 1d`); err != nil {
			t.Fatal(err)
		}
		e.Bucket = "short"
		try(t, e)
	})
}

// A request that is too large is halved until its parts pass, and a batch
// never exceeds 5,000 lines or 4 MB in the first place.
func TestTooLargeIsHalved(t *testing.T) {
	fake := &influxtest.Fake{Dialect: influxtest.V18, MaxBody: 9000}
	e := fakeEndpoint(t, fake)
	w := newWriter(t, e)
	lines := goodLines(1000)
	lines[500] = malformed.line(500)
	r := mustWrite(t, w, lines)
	if r.Stored != 999 || len(r.Dead) != 1 || r.Dead[0].Index != 500 {
		t.Errorf("got %+v, want 999 stored and line 500 dead", r)
	}
	if got := values(t, e); got != 999 {
		t.Errorf("%d values are stored, want 999", got)
	}
}

func TestBatchesAreBounded(t *testing.T) {
	fake := &influxtest.Fake{Dialect: influxtest.V27, MaxBody: 4 << 20}
	w := newWriter(t, fakeEndpoint(t, fake))
	if r := mustWrite(t, w, goodLines(12_001)); r.Stored != 12_001 {
		t.Errorf("%d values are stored, want 12001", r.Stored)
	}
	wide := make([]influx.Line, 60)
	for i := range wide { // 60 lines of 100 kB are 6 MB
		wide[i] = influx.Line{Text: fmt.Appendf(nil, "soil,device=w soil_moisture=%0100000d %d", 1, base+i), Values: 1}
	}
	if r := mustWrite(t, w, wide); r.Stored != 60 {
		t.Errorf("%d values are stored, want 60", r.Stored)
	}
	var sizes []int
	all, _ := fake.Requests()
	for _, r := range all {
		sizes = append(sizes, r.Lines)
		if r.Encoding != "" {
			t.Errorf("a request is encoded as %s: a broken one would be answered 500 by 2.7", r.Encoding)
		}
	}
	if diff := cmp.Diff([]int{1, 5000, 5000, 2001, 41, 19}, sizes); diff != "" {
		t.Errorf("lines per request, the probe first (-want +got):\n%s", diff)
	}
}
