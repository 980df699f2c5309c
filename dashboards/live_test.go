package dashboards_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ganlin/dashboards"
)

// A pipe is a listener whose connections are in memory, so that a test can run in a bubble of fake time.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// piped serves the pages of a village in memory and returns a way to connect.
// The server has the time limits that a careful program sets.
func piped(t *testing.T, v *village) (dial func() net.Conn) {
	t.Helper()
	p := &pipe{conns: make(chan net.Conn), closed: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	server := &http.Server{
		Handler: serve(t, v), BaseContext: func(net.Listener) context.Context { return ctx },
		ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, ReadHeaderTimeout: 5 * time.Second,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(p); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serving: %v", err)
		}
	}()
	t.Cleanup(func() {
		stop()
		if err := server.Shutdown(context.Background()); err != nil {
			t.Errorf("stopping: %v", err)
		}
		<-done
	})
	return func() net.Conn {
		ours, theirs := net.Pipe()
		p.conns <- theirs
		return ours
	}
}

// A follower is a client of the live page.
type follower struct {
	lines *bufio.Reader
	close func()
	bytes int
}

// An event of the live page.
type event struct {
	name, id string
	data     string
	HTML     map[string]string   `json:"h"`
	Slots    map[string][]any    `json:"s"`
	Lists    map[string][]string `json:"o"`
}

func follow(t *testing.T, conn net.Conn, target string, header ...string) *follower {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://pipe"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s answers %s, %s", target, answer.Status, answer.Header.Get("Content-Type"))
	}
	return &follower{lines: bufio.NewReader(answer.Body), close: func() { _ = conn.Close() }}
}

func (f *follower) next() (e event, err error) {
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		f.bytes += len(line)
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch strings.TrimSuffix(name, ":") {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.data != "" {
				err = json.Unmarshal([]byte(e.data), &e)
			}
			return e, err
		}
	}
}

func (f *follower) want(t *testing.T) event {
	t.Helper()
	e, err := f.next()
	if err != nil {
		t.Fatalf("waiting for an event: %v", err)
	}
	return e
}

var shape = regexp.MustCompile(`id="([\w-]+)"[^>]* data-h="(\w+)"`)

// have says what a page shows, as its script does.
func have(page string) string {
	said := "v." + regexp.MustCompile(`data-v="(\w+)"`).FindStringSubmatch(page)[1]
	for _, m := range shape.FindAllStringSubmatch(page, -1) {
		said += "~" + m[1] + "." + m[2]
	}
	return said
}

func TestAnUpdateBringsOnlyWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		view := states()["well"]
		v := newVillage(view)
		dial := piped(t, v)
		page := body(t, ask(t, serve(t, v), "/?lang=en"))
		f := follow(t, dial(), "/live?lang=en&have="+have(page))
		defer f.close()

		first := f.want(t)
		if len(first.HTML) != 0 || len(first.Slots["p_p-001"]) == 0 || len(first.Lists["plots"]) != 1 || first.id == "" {
			t.Errorf("to a page that is up to date came first: %+v", first)
		}

		view.Plots = slices.Clone(view.Plots)
		view.Plots[0].Devices = []dashboards.Device{probe("s-001", morning.Add(-5*time.Minute), 0.187), view.Plots[0].Devices[1]}
		v.set(view, morning)
		e := f.want(t)
		if len(e.HTML) != 0 || len(e.Lists) != 0 || len(e.Slots) != 1 || e.id != "" {
			t.Errorf("after new values came: %s", e.data)
		}
		if got := fmt.Sprint(e.Slots["p_p-001"]); got != "[0 19 1 0.188 2 21 3 0.206 4 22 5 0.224]" {
			t.Errorf("slots %s", got)
		}

		view.Plots = append(view.Plots, dashboards.Plot{ID: "p-002", Dry: true})
		v.set(view, morning)
		e = f.want(t)
		if _, ok := e.HTML["p_p-002"]; !ok || fmt.Sprint(e.Lists["plots"]) != "[p_p-002 p_p-001]" || e.id == "" {
			t.Errorf("after a new plot came: %s", e.data)
		}
		if _, ok := e.HTML["p_p-001"]; ok {
			t.Error("a card was sent again that did not change")
		}

		// The id of the last event that had one is what the client shows.
		view.Plots[1].Dry = false
		v.set(view, morning)
		time.Sleep(time.Second) // of the bubble: pages are rendered four times a second at most
		back := follow(t, dial(), "/live?lang=en&have=stale", "Last-Event-ID", e.id)
		defer back.close()
		again := back.want(t)
		if len(again.HTML) != 2 || again.HTML["p_p-002"] == "" || again.HTML["hero"] == "" {
			t.Errorf("to a client that came back came the HTML of %d regions: %s", len(again.HTML), again.data)
		}
	})
}

// TestNoChangeIsMissed: a page that somebody opened just before a change is
// rendered for all, but not shown to those who were told of the change.
func TestNoChangeIsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		view := states()["well"]
		v := newVillage(view)
		dial := piped(t, v)
		f := follow(t, dial(), "/live")
		defer f.close()
		f.want(t)
		for i := range 40 {
			time.Sleep(time.Duration(i) * 61 * time.Millisecond)
			opened := follow(t, dial(), "/live")
			opened.want(t)
			opened.close()
			view.Ledger.Messages.Received += 7
			v.set(view, v.Now())
			told := time.Now()
			for e := f.want(t); len(e.Slots["ledger"]) == 0; e = f.want(t) {
			}
			if took := time.Since(told); took > 2*time.Second {
				t.Errorf("change %d came after %v", i, took)
			}
		}
	})
}

func TestSilenceIsBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, piped(t, newVillage(states()["well"]))(), "/live")
		defer f.close()
		if e := f.want(t); len(e.HTML) < 6 || !strings.Contains(e.HTML["hero"], "一切正常") {
			t.Errorf("a client that shows nothing was sent %d regions", len(e.HTML))
		}
		began := time.Now()
		for range 12 { // far beyond the time limits of the server
			if e := f.want(t); e.name != "beat" {
				t.Errorf("when nothing changed came %+v", e)
			}
		}
		if took := time.Since(began); took < 110*time.Second || took > 130*time.Second {
			t.Errorf("12 beats took %v", took)
		}
	})
}

func TestAReaderThatStopsIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(fortyPlots(morning))
		dial := piped(t, v)
		reading, stopped := follow(t, dial(), "/live"), follow(t, dial(), "/live")
		defer reading.close()
		defer stopped.close()
		reading.want(t)
		stopped.want(t)
		for range 30 {
			v.set(fortyPlots(v.Now().Add(time.Hour)), v.Now().Add(time.Hour))
			reading.want(t)
		}
		if n := v.readers(); n != 1 {
			t.Errorf("%d readers are served, want the one that reads", n)
		}
		if _, err := io.Copy(io.Discard, stopped.lines); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the reader that stopped: %v", err)
		}
	})
}

func TestAnotherProgramReloadsThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, piped(t, newVillage(states()["well"]))(), "/live?have=v.0ld~hero.1")
		defer f.close()
		if e := f.want(t); e.name != "reload" {
			t.Errorf("to the page of another program came %+v", e)
		}
		if _, err := f.next(); !errors.Is(err, io.EOF) {
			t.Errorf("then came %v, want the end", err)
		}
	})
}

// TestALiveVillageIsLight counts what a village of 40 plots costs when all of
// it reports every second, an hour of its time passes in each, and the ledger
// is on the move.
func TestALiveVillageIsLight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := morning
		v := newVillage(fortyPlots(now))
		page := body(t, ask(t, serve(t, v), "/"))
		f := follow(t, piped(t, v)(), "/live?have="+have(page))
		defer f.close()
		f.want(t)
		connect := f.bytes
		f.bytes = 0
		const seconds = 60
		began := time.Now()
		for i := range seconds {
			now = now.Add(time.Hour)
			view := fortyPlots(now)
			view.Ledger.Messages.Received += int64(40 * i)
			view.Ledger.Messages.Decoded += int64(40 * i)
			view.Ledger.Values.Decoded += int64(400*i) + int64(i%2)
			view.Ledger.Values.Stored += int64(400 * i)
			view.Ledger.Quiet = false
			v.set(view, now)
			f.want(t)
		}
		took := time.Since(began).Seconds()
		t.Logf("%d bytes to connect, then %.0f bytes/s in %d updates over %.0f s", connect, float64(f.bytes)/took, seconds, took)
		if rate := float64(f.bytes) / took; rate > 5000 {
			t.Errorf("%.0f bytes/s, want at most 5,000", rate)
		}
	})
}

func TestManyFollowOneVillage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(fortyPlots(morning))
		dial := piped(t, v)
		var wg sync.WaitGroup
		for i := range 200 {
			f := follow(t, dial(), []string{"/live?lang=zh", "/live?lang=en"}[i%2])
			wg.Go(func() {
				defer f.close()
				for range 5 {
					if _, err := f.next(); err != nil {
						t.Errorf("client %d: %v", i, err)
						return
					}
				}
			})
		}
		for range 6 {
			time.Sleep(2 * time.Second)
			v.set(fortyPlots(v.Now().Add(time.Hour)), v.Now().Add(time.Hour))
		}
		wg.Wait()
		time.Sleep(30 * time.Second)
		if n := v.readers(); n != 0 {
			t.Errorf("%d readers are left after all went", n)
		}
	})
}

// One account that opens live pages without end takes none from another, and all together are bounded.
func TestLivePagesAreBounded(t *testing.T) {
	type key struct{}
	v := newVillage(states()["well"])
	pages, err := dashboards.New(dashboards.Options{
		Source: v, Log: slog.New(slog.DiscardHandler), Now: v.Now,
		Viewer: func(ctx context.Context) dashboards.Viewer {
			account, _ := ctx.Value(key{}).(string)
			return dashboards.Viewer{Account: account}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages.Live(w, r.WithContext(context.WithValue(r.Context(), key{}, r.URL.Query().Get("as"))))
	}))
	defer server.Close()
	defer server.CloseClientConnections()
	open := func(account string) *http.Response {
		res, err := http.Get(server.URL + "/live?as=" + account)
		if err != nil {
			t.Error(err)
			return &http.Response{Body: http.NoBody}
		}
		return res
	}
	fill := func(account string) (opened []*http.Response, refused int) {
		answers := make(chan *http.Response)
		for range 150 {
			go func() { answers <- open(account) }()
		}
		for range 150 {
			if res := <-answers; res.StatusCode == http.StatusOK {
				opened = append(opened, res)
			} else if res.StatusCode == http.StatusTooManyRequests {
				refused++
			}
		}
		return opened, refused
	}
	one, refused := fill("one")
	if two, also := fill("two"); len(one) != 100 || refused != 50 || len(two) != 100 || also != 50 {
		t.Errorf("of 150 pages each %d and %d are open, %d and %d were refused", len(one), len(two), refused, also)
	}
	if nobody, refused := fill(""); len(nobody) != 150 || refused != 0 {
		t.Errorf("of 150 pages of people without an account %d are open, %d were refused", len(nobody), refused)
	}
	_ = one[0].Body.Close()
	for open("one").StatusCode != http.StatusOK { // until the server knows that one has gone
		if t.Failed() {
			break
		}
	}
}

func TestALongStoryIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(states()["well"])
		said := have(body(t, ask(t, serve(t, v), "/")))
		f := follow(t, piped(t, v)(), "/live?have="+said+strings.Repeat("~x.y", 5000))
		defer f.close()
		if e := f.want(t); len(e.HTML) < 6 {
			t.Errorf("a client that says too much was sent %d regions", len(e.HTML))
		}
	})
}

func TestWhereNothingCanBeStreamedTheAnswerSaysSo(t *testing.T) {
	if r := ask(t, serve(t, newVillage(states()["well"])), "/live"); r.StatusCode != http.StatusInternalServerError {
		t.Errorf("the answer is %s", r.Status)
	}
}
