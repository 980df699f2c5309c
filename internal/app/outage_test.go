package app

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ganlin/internal/influx/influxtest"
)

// TestDatabaseOutages kills InfluxDB and then freezes it under load: the
// devices notice nothing and everything arrives with nobody's help.
func TestDatabaseOutages(t *testing.T) {
	tr := newTrial(t, asItIs, 50, "")
	tr.start()
	l := tr.load()
	running := l.begin(t)
	l.progress(t, 2000)

	first := tr.influxd()
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	l.progress(t, 4000)
	tr.another(first)

	frozen := tr.influxd()
	if err := syscall.Kill(frozen, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	l.progress(t, int64(counts(10, 60))*2000) // acknowledging goes on for as many seconds
	if s, err := tr.status(); err != nil || s.Accounting.Values.Waiting == 0 {
		t.Errorf("while InfluxDB is frozen nothing waits: %+v, %v", s, err)
	}
	if err := syscall.Kill(frozen, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	l.progress(t, 2000)
	running.finish(t)
	tr.verify(l)
	if got := tr.influxd(); got != frozen {
		t.Errorf("the frozen InfluxDB %d was replaced by %d", frozen, got)
	}
	if n := l.reconnects.Load(); n != 0 {
		t.Errorf("devices lost %d connections", n)
	}
}

// TestDroppingInAnOutageIsSeen is the control: a program that drops what comes
// while the database is away, instead of keeping it, is caught by the same check.
func TestDroppingInAnOutageIsSeen(t *testing.T) {
	newTrial(t, dropAway, 50, "").mustLose(func(tr *trial, l *load) {
		first := tr.influxd()
		if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		l.progress(t, 1000)
		tr.another(first)
	})
}

// another waits until a database runs that is not the given one.
func (tr *trial) another(first int) {
	tr.t.Helper()
	waitFor(tr.t, time.Minute, "a new InfluxDB", func() (bool, string) {
		children := tr.children()
		return len(children) == 1 && children[0] != first, tr.out.tail()
	})
}

func (tr *trial) children() []int {
	return slices.DeleteFunc(childrenOf(tr.cmd.Process.Pid), func(pid int) bool {
		b, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
		return strings.TrimSpace(string(b)) != "influxd"
	})
}

// influxd returns the process id of the database.
func (tr *trial) influxd() int {
	tr.t.Helper()
	children := tr.children()
	if len(children) != 1 {
		tr.t.Fatalf("the program has the databases %v, want one", children)
	}
	return children[0]
}

// TestNoDatabaseAtStart starts without any database: the page, /readyz, doctor
// and log say what is missing before anybody sent anything, readings are taken,
// and all arrives when it is there.
func TestNoDatabaseAtStart(t *testing.T) {
	address, mqtt := freeAddress(t), freeAddress(t)
	database := influxtest.Start(t)
	tr := newTrial(t, asItIs, 5, fmt.Sprintf("mqtt: {listen: {address: %q}}\ninflux: {url: %q, org: %q, bucket: %q, token: %q}\n",
		mqtt, "http://"+address, database.Org, database.Bucket, database.Token))
	tr.mqtt = mqtt
	tr.launch("serve", "--config", tr.config)
	name := filepath.Join(tr.folder, "data", runFile)
	waitFor(t, time.Minute, "the program to run", func() (bool, string) {
		return readJSONFile(name, &tr.ready) == nil, tr.out.tail()
	})
	waitFor(t, time.Minute, "the program to find no database", func() (bool, string) {
		s, err := tr.status()
		return err == nil && strings.Contains(s.Parts["influx"], "refused"), fmt.Sprint(s.Parts, err)
	})
	tr.missesDatabase()
	l := tr.load()
	l.perSec, l.messages = 50, 100
	if err := l.run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s, err := tr.status()
	if err != nil {
		t.Fatal(err)
	}
	if s.Accounting.Values.Waiting != l.values.Load() || !s.Accounting.Conserved() {
		t.Errorf("%d values wait, want %d: %+v", s.Accounting.Values.Waiting, l.values.Load(), s.Accounting)
	}
	tr.missesDatabase()
	forward(t, address, strings.TrimPrefix(database.URL, "http://"))
	tr.waitReady()
	tr.verify(l)
}

// missesDatabase holds everything that tells how the program is against a
// database that is not there.
func (tr *trial) missesDatabase() {
	tr.t.Helper()
	if _, err := os.Stat(filepath.Join(tr.folder, "ready.json")); err == nil || strings.Contains(tr.out.String(), "all parts are ready") {
		tr.t.Errorf("the program calls itself ready: %s", tr.out.tail())
	}
	waitFor(tr.t, 10*time.Second, "the log to name the database", func() (bool, string) {
		return strings.Contains(tr.out.String(), "InfluxDB is away"), tr.out.tail()
	})
	if code, body := tr.get("/readyz"); code != 503 || !bytes.Contains(body, []byte("influx")) {
		tr.t.Errorf("/readyz answers %d %s", code, body)
	}
	if _, page := tr.get("/"); !bytes.Contains(page, []byte("连不上")) {
		tr.t.Error("the page does not say that the database is out of reach")
	}
	if out, err := tr.try("doctor", "--data", filepath.Join(tr.folder, "data"), "--json"); err == nil || !bytes.Contains(out, []byte(`{"part":"influx","ok":false`)) {
		tr.t.Errorf("doctor says %s, %v", out, err)
	}
}

// forward makes an address lead to another one.
func forward(t *testing.T, from, to string) {
	t.Helper()
	l, err := net.Listen("tcp", from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = in.Close() }()
				out, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer func() { _ = out.Close() }()
				go func() { _, _ = io.Copy(out, in) }()
				_, _ = io.Copy(in, out)
			}()
		}
	}()
}
