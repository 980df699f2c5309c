package app

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ganlin/internal/httpapi"
	"ganlin/internal/influx"
)

// trialEnv makes the test binary be the program, whole or with one promise broken on purpose.
const trialEnv = "GANLIN_TRIAL"

func TestMain(m *testing.M) {
	if kind := os.Getenv(trialEnv); kind != "" {
		os.Exit(mainWith(os.Args[1:], os.Stdout, os.Stderr, trialHooks(kind)))
	}
	os.Exit(m.Run())
}

// long reports whether the full counts are asked for.
func long() bool { return os.Getenv("GANLIN_LONG") != "" }

// counts returns the short or the long form of a count.
func counts(short, full int) int {
	if long() {
		return full
	}
	return short
}

// A trial is a program of its own on a folder, with a registry of probes.
type trial struct {
	t       testing.TB
	kind    string
	program string // that is started; empty: this test binary
	folder  string
	config  string
	mqtt    string // host:port
	devices []loadDevice

	cmd   *exec.Cmd
	ended chan struct{} // closed once the program has ended, with err
	err   error
	out   *logged
	ready readiness
}

// newTrial writes a configuration with n probes and makes their credentials. extra is added to the configuration.
func newTrial(tb testing.TB, kind string, n int, extra string) *trial {
	tb.Helper()
	tr := newTrialOf(tb, kind, probes(n), extra)
	if len(tr.devices) != n {
		tb.Fatalf("%d credentials were made, want %d", len(tr.devices), n)
	}
	return tr
}

// newTrialOf is newTrial with the devices of a registry.
func newTrialOf(tb testing.TB, kind, registry, extra string) *trial {
	tb.Helper()
	tr := &trial{t: tb, kind: kind, folder: tb.TempDir(), mqtt: freeAddress(tb)}
	tr.config = filepath.Join(tr.folder, "ganlin.yaml")
	if extra == "" {
		extra = "mqtt: {listen: {address: " + strconv.Quote(tr.mqtt) + "}}\n"
	}
	write(tb, tr.config, fmt.Sprintf("data: data\nhttp: {listen: %q}\nregistry: [registry.yaml]\n%s", freeAddress(tb), extra))
	write(tb, filepath.Join(tr.folder, "registry.yaml"), registry)
	var made []struct{ Device, Password string }
	out := tr.command("devices", "import", filepath.Join(tr.folder, "registry.yaml"), "--config", tr.config, "--json")
	if err := json.Unmarshal(out, &made); err != nil {
		tb.Fatalf("reading the credentials %q: %v", out, err)
	}
	for _, m := range made {
		tr.devices = append(tr.devices, loadDevice{m.Device, m.Password})
	}
	return tr
}

// probes is a registry of n probes on one plot.
func probes(n int) string {
	var b strings.Builder
	b.WriteString(`places: [{code: "500119101001", name: 三泉村}]
sites: [{id: sanquan, place: "500119101001"}]
stations: [{id: w-01, latitude: 29.16, longitude: 107.10, elevation_m: 640}]
plots: [{id: p-001, place: "500119101001", station: w-01, area_mu: 3.2, crop: maize_grain, planted: 2026-04-02, soil: silt_loam}]
devices:
`)
	for i := range n {
		fmt.Fprintf(&b, "  - {id: s-%03d, model: ganlin-soil-3, plot: p-001}\n", i+1)
	}
	return b.String()
}

// command runs one command of the program and returns its standard output.
func (tr *trial) command(args ...string) []byte {
	tr.t.Helper()
	out, err := tr.try(args...)
	if err != nil {
		tr.t.Fatalf("ganlin %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (tr *trial) try(args ...string) ([]byte, error) {
	cmd := exec.CommandContext(tr.t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), trialEnv+"="+tr.kind)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, errOut.String())
	}
	return out, err
}

// start runs the program and waits until it is ready; it returns how long that took.
func (tr *trial) start() time.Duration {
	tr.t.Helper()
	begin := time.Now()
	tr.launch("serve", "--config", tr.config)
	tr.waitReady()
	return time.Since(begin)
}

// launch starts the program without waiting for it.
func (tr *trial) launch(args ...string) {
	tr.t.Helper()
	name := filepath.Join(tr.folder, "ready.json")
	_ = os.Remove(name)
	tr.cmd = exec.Command(cmp.Or(tr.program, os.Args[0]), append(args, "--ready", name)...)
	tr.cmd.Env = append(os.Environ(), trialEnv+"="+tr.kind)
	tr.out = &logged{}
	tr.cmd.Stdout, tr.cmd.Stderr = tr.out, tr.out
	if err := tr.cmd.Start(); err != nil {
		tr.t.Fatal(err)
	}
	cmd, ended := tr.cmd, make(chan struct{})
	tr.ended = ended
	go func() {
		tr.err = cmd.Wait()
		close(ended)
	}()
	tr.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
}

func (tr *trial) waitReady() {
	tr.t.Helper()
	waitFor(tr.t, 15*time.Minute, "the program to be ready", func() (bool, string) {
		select {
		case <-tr.ended:
			tr.t.Fatalf("the program ended before it was ready: %v\n%s", tr.err, tr.out.tail())
		default:
		}
		err := readJSONFile(filepath.Join(tr.folder, "ready.json"), &tr.ready)
		return err == nil, tr.out.tail()
	})
}

// kill ends the program as a crash does, and waits until nothing is left of it.
func (tr *trial) kill() {
	tr.t.Helper()
	children := childrenOf(tr.cmd.Process.Pid)
	_ = tr.cmd.Process.Kill()
	<-tr.ended
	waitFor(tr.t, 10*time.Second, "the database of a killed program to end too", func() (bool, string) {
		for _, pid := range children {
			if alive(pid) {
				return false, fmt.Sprintf("process %d lives on", pid)
			}
		}
		return true, ""
	})
}

// stop ends the program as an operator does.
func (tr *trial) stop() {
	tr.t.Helper()
	_ = tr.cmd.Process.Signal(syscall.SIGTERM)
	<-tr.ended
	if tr.err != nil {
		tr.t.Fatalf("stopping: %v\n%s", tr.err, tr.out.tail())
	}
}

func (tr *trial) status() (httpapi.Status, error) {
	var s httpapi.Status
	r := remote{base: tr.ready.HTTP, token: tr.ready.Token}
	return s, r.call(tr.t.Context(), "GET", "/api/v1/status", nil, &s)
}

// settled waits until nothing waits for the database any more and nothing is on
// its way between two counts, and returns the accounting.
func (tr *trial) settled(limit time.Duration) httpapi.Accounting {
	tr.t.Helper()
	var last httpapi.Status
	quiet := false // after the last one
	waitFor(tr.t, limit, "every value to be settled", func() (bool, string) {
		s, err := tr.status()
		if err != nil {
			return false, err.Error()
		}
		settled := quiet && s.Accounting == last.Accounting && s.Accounting.Values.Waiting == 0 && s.Accounting.Messages.Received > 0
		last, quiet = s, tr.quiet()
		return settled, fmt.Sprintf("%+v %v", s.Accounting, s.Parts)
	})
	return last.Accounting
}

// quiet reports whether the program says that its terms are of one moment.
func (tr *trial) quiet() bool {
	tr.t.Helper()
	_, metrics := tr.get("/metrics")
	return bytes.Contains(metrics, []byte("ganlin_accounting_quiet 1\n"))
}

// counted asks the database how many values it holds.
func (tr *trial) counted() int64 {
	tr.t.Helper()
	e := influx.Endpoint(tr.ready.Influx)
	c := influx.NewClient(e.Fixed(), nil)
	defer c.Close()
	n, err := c.CountValues(tr.t.Context())
	if err != nil {
		tr.t.Fatal(err)
	}
	return n
}

// load is the standard load of the trials: 2,000 messages a second from all
// devices, with 5 % duplicates, 5 % late and 2 % broken messages.
func (tr *trial) load() *load {
	return &load{
		address: tr.mqtt, devices: tr.devices, perSec: 2000 / float64(len(tr.devices)), window: 20,
		duplicates: 0.05, late: 0.05, broken: 0.02,
		seed: uint64(time.Now().UnixNano()), start: time.Now().Add(-2 * time.Hour).Truncate(time.Second),
	}
}

// A running load.
type background struct {
	stop chan struct{}
	done chan error
}

func (l *load) begin(tb testing.TB) background {
	tb.Helper()
	tb.Logf("load seed %d", l.seed)
	b := background{make(chan struct{}), make(chan error, 1)}
	go func() { b.done <- l.run(tb.Context(), b.stop) }()
	return b
}

// finish sends nothing new and waits until everything is acknowledged.
func (b background) finish(tb testing.TB) {
	tb.Helper()
	close(b.stop)
	if err := <-b.done; err != nil {
		tb.Fatal(err)
	}
}

// progress waits until n more messages are acknowledged.
func (l *load) progress(tb testing.TB, n int64) {
	tb.Helper()
	target := l.acked.Load() + n
	waitFor(tb, 2*time.Minute, "messages to be acknowledged", func() (bool, string) {
		return l.acked.Load() >= target, fmt.Sprintf("%d of %d", l.acked.Load(), target)
	})
}

// verify holds what the program says against what the load counted by itself
// and what the database holds.
func (tr *trial) verify(l *load) {
	tr.t.Helper()
	a, inDatabase := tr.settled(2*time.Minute), tr.counted()
	tr.t.Logf("load: %d sent, %d acknowledged, %d values, %d reconnects; program: %+v; database: %d values",
		l.sent.Load(), l.acked.Load(), l.values.Load(), l.reconnects.Load(), a, inDatabase)
	if err := judge(l, a, inDatabase, l.written.Load()-l.sent.Load()); err != nil {
		tr.t.Error(err)
	}
}

// balanced waits for a moment at which nothing is on its way between two counts
// of a running program, and the law holds.
func (tr *trial) balanced() {
	tr.t.Helper()
	waitFor(tr.t, time.Minute, "the law to hold", func() (bool, string) {
		s, err := tr.status()
		return err == nil && s.Accounting.Conserved(), fmt.Sprintf("%+v %v", s.Accounting, err)
	})
}

// judge returns what is wrong with an account of a load that has been
// acknowledged whole, and of which so many messages at most came again.
func judge(l *load, a httpapi.Accounting, inDatabase, again int64) error {
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	check(a.Conserved(), "the law does not hold: %+v", a)
	check(a.Values.Stored == l.values.Load(), "%d values are stored, the load had %d acknowledged", a.Values.Stored, l.values.Load())
	check(inDatabase == a.Values.Stored, "%d values are in the database, %d are called stored", inDatabase, a.Values.Stored)
	check(l.acked.Load() == l.sent.Load(), "%d of %d messages were acknowledged", l.acked.Load(), l.sent.Load())
	// What came again had been journalled before: a broken message is one more dead letter, any other nothing but duplicates.
	more, dead := a.Messages.Received-l.sent.Load(), a.Messages.DeadLettered-l.brokenSent.Load()
	check(more >= 0 && more <= again, "%d messages were received of %d, of which %d may have come again", a.Messages.Received, l.sent.Load(), again)
	check(dead >= 0 && dead <= more, "%d dead letters of %d broken messages, and %d messages came again", a.Messages.DeadLettered, l.brokenSent.Load(), more)
	duplicates := valuesPerMessage * (l.duplicateSent.Load() + more - dead)
	check(a.Values.Duplicate == duplicates, "%d duplicates, want %d", a.Values.Duplicate, duplicates)
	check(a.Values.Rejected == 0, "%d values were rejected", a.Values.Rejected)
	return errors.Join(wrong...)
}

// logged keeps what a program printed, for the report of a failure.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logged) tail() string {
	s := l.String()
	return s[max(0, len(s)-2000):]
}

func write(tb testing.TB, name, content string) {
	tb.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// freeAddress returns a loopback address that was free just now.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// childrenOf returns the direct children of a process.
func childrenOf(pid int) (children []int) {
	names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, name := range names {
		b, _ := os.ReadFile(name)
		for field := range strings.FieldsSeq(string(b)) {
			if child, err := strconv.Atoi(field); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}
