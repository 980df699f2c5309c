package influxd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ganlin/internal/influx"
	"ganlin/internal/influx/influxd"
	"ganlin/internal/influx/influxtest"
)

// The test program plays a whole Ganlin when it is run with one of these.
const (
	helperSupervises = "INFLUXD_TEST_SUPERVISE" // runs a Child in the folder named
	helperOrphans    = "INFLUXD_TEST_ORPHAN"    // runs influxd with the configuration named and no death signal
	helperBinary     = "INFLUXD_TEST_BINARY"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(helperSupervises) != "":
		supervise(os.Getenv(helperSupervises))
	case os.Getenv(helperOrphans) != "":
		orphan(os.Getenv(helperOrphans))
	default:
		os.Exit(m.Run())
	}
}

func supervise(dir string) {
	child := influxd.New(influxd.Options{
		Dir: dir, Binary: os.Getenv(helperBinary), Logger: slog.New(slog.DiscardHandler),
		Changed: func(s influxd.State) {
			if s.Phase == influxd.Ready {
				fmt.Fprintln(os.Stdout, "ready")
			}
		},
	})
	if err := child.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func orphan(config string) {
	cmd := exec.CommandContext(context.Background(), os.Getenv(helperBinary), "-config", config)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, cmd.Process.Pid)
	_ = cmd.Wait() // it never comes so far
}

// helper starts the test program in another role and returns its first line.
func helper(t *testing.T, role, value string) (cmd *exec.Cmd, line string) {
	t.Helper()
	cmd = exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+value, helperBinary+"="+binary(t))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("reading from the helper: %v", err)
	}
	return cmd, strings.TrimSpace(line)
}

func binary(t *testing.T) string {
	t.Helper()
	path, err := influxd.Find(t.Context(), influxd.FindOptions{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func alive(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(raw), ") Z ")
}

func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for begun := time.Now(); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("not reached within a minute: %s", what)
		}
	}
}

func exec1(t *testing.T, e influx.Endpoint, q string) {
	t.Helper()
	client := influx.NewClient(e.Fixed(), nil)
	defer client.Close()
	if err := client.Exec(t.Context(), q); err != nil {
		t.Fatal(err)
	}
}

// databases returns the names of the databases, as a trace that data were kept.
func databases(t *testing.T, e influx.Endpoint) string {
	t.Helper()
	client := influx.NewClient(e.Fixed(), nil)
	defer client.Close()
	series, err := client.Query(t.Context(), "SHOW DATABASES")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(series[0].Values)
}

// What the child keeps is for its owner alone, listens on the loopback alone
// and obeys neither the environment nor anyone without the password.
func TestChildIsPrivate(t *testing.T) {
	t.Setenv("INFLUXDB_HTTP_AUTH_ENABLED", "false")
	t.Setenv("INFLUXDB_HTTP_BIND_ADDRESS", "0.0.0.0:8086")
	dir := filepath.Join(t.TempDir(), "influx")
	child := influxtest.StartIn(t, dir)
	e := child.Endpoint()
	if u, err := url.Parse(e.URL); err != nil || u.Hostname() != "127.0.0.1" || e.Bucket != "ganlin" {
		t.Errorf("the endpoint is %s %s", e.URL, e.Bucket)
	}
	if user, password, _ := strings.Cut(e.Token, ":"); user != "ganlin" || len(password) != 64 {
		t.Errorf("the token is not a user and 32 bytes in hexadecimal")
	}
	for name, mode := range map[string]fs.FileMode{"": 0o700, "influxd.conf": 0o600, "token": 0o600, "child.json": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s has the mode %v, %v; want %v", name, info.Mode().Perm(), err, mode)
		}
	}
	for path, want := range map[string]int{
		"/query?q=SHOW+DATABASES": http.StatusUnauthorized,
		"/debug/pprof/heap":       http.StatusNotFound,
	} {
		resp, err := http.Get(e.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s answers a stranger %d, want %d", path, resp.StatusCode, want)
		}
	}
	pid := influxtest.PID(t, dir)
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("influxd is in the process group %d, %v: Ctrl-C would end it before its writer", group, err)
	}
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err != nil || string(name) != "influxd\n" {
		t.Errorf("the process is called %q, %v", name, err)
	}
}

// A killed child is back at its address with its data; one that keeps dying is
// started again and again.
func TestKilledChildComesBack(t *testing.T) {
	dir := t.TempDir()
	child := influxtest.StartIn(t, dir)
	e := child.Endpoint()
	exec1(t, e, `CREATE DATABASE "kept"`)
	for range 3 {
		pid := influxtest.PID(t, dir)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(t, "another process is ready", func() bool {
			return influxtest.PID(t, dir) != pid && child.State().Phase == influxd.Ready
		})
		if now := child.Endpoint(); now != e {
			t.Errorf("the endpoint moved from %s to %s", e.URL, now.URL)
		}
		if got := databases(t, e); !strings.Contains(got, "kept") {
			t.Errorf("the databases are %s", got)
		}
	}
}

// A start after a stop has the same address, user and data.
func TestStopAndStart(t *testing.T) {
	dir := t.TempDir()
	var before influx.Endpoint
	var pid int
	t.Run("first", func(t *testing.T) {
		before = influxtest.StartIn(t, dir).Endpoint()
		exec1(t, before, `CREATE DATABASE "kept"`)
		pid = influxtest.PID(t, dir)
	})
	if alive(pid) {
		t.Error("influxd outlived its stop")
	}
	after := influxtest.StartIn(t, dir).Endpoint()
	if after != before {
		t.Errorf("the endpoint moved from %s to %s", before.URL, after.URL)
	}
	if got := databases(t, after); !strings.Contains(got, "kept") {
		t.Errorf("the databases are %s", got)
	}
}

// An address that someone else has taken in the meantime is given up.
func TestTakenPort(t *testing.T) {
	dir := t.TempDir()
	var before influx.Endpoint
	t.Run("first", func(t *testing.T) { before = influxtest.StartIn(t, dir).Endpoint() })
	u, err := url.Parse(before.URL)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if after := influxtest.StartIn(t, dir).Endpoint(); after.URL == before.URL {
		t.Errorf("the endpoint is still %s", after.URL)
	}
}

// Two programs on one folder would lose each other's acknowledged points.
func TestSecondStartIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := influxtest.StartIn(t, dir)
	pid := influxtest.PID(t, dir)
	second := influxd.New(influxd.Options{Dir: dir, Binary: binary(t), Logger: slog.New(slog.DiscardHandler)})
	if err := second.Run(t.Context()); !errors.Is(err, influxd.ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("the second start answers %v", err)
	}
	if !alive(pid) || first.State().Phase != influxd.Ready {
		t.Error("the first child suffered")
	}
}

// A program killed with -9 takes its influxd along. The control has no death
// signal: its influxd lives on, and the next start on its folder ends it.
func TestNoOrphans(t *testing.T) {
	t.Run("death signal", func(t *testing.T) {
		dir := t.TempDir()
		program, _ := helper(t, helperSupervises, dir)
		pid := influxtest.PID(t, dir)
		if !alive(pid) {
			t.Fatal("there is no influxd")
		}
		if err := program.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = program.Wait()
		until(t, "influxd has ended with its program", func() bool { return !alive(pid) })
		influxtest.StartIn(t, dir) // and the folder is usable
	})
	t.Run("control", func(t *testing.T) {
		dir := t.TempDir()
		pid := leaveOrphan(t, dir)
		if err := influxd.SaveRecord(dir, pid); err != nil {
			t.Fatal(err)
		}
		influxtest.StartIn(t, dir)
		if alive(pid) {
			t.Error("the orphan still runs beside the new influxd")
		}
	})
}

// leaveOrphan kills a program without a death signal and returns its influxd.
func leaveOrphan(t *testing.T, dir string) int {
	t.Helper()
	config, err := influxd.WriteConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	program, line := helper(t, helperOrphans, config)
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	until(t, "the orphan runs as influxd", func() bool {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		return string(name) == "influxd\n"
	})
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = program.Wait()
	if !alive(pid) {
		t.Fatal("the control did not leave an orphan: the test proves nothing")
	}
	return pid
}

// A record whose process number now belongs to something else ends nothing.
func TestForeignProcessIsLeftAlone(t *testing.T) {
	for name, save := range map[string]func(string, int) error{
		"another start time": influxd.SaveForeignRecord,
		"another name":       influxd.SaveRecord,
	} {
		t.Run(name, func(t *testing.T) {
			bystander := exec.CommandContext(t.Context(), "sleep", "600")
			if err := bystander.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
			dir := t.TempDir()
			if err := save(dir, bystander.Process.Pid); err != nil {
				t.Fatal(err)
			}
			influxtest.StartIn(t, dir)
			if !alive(bystander.Process.Pid) {
				t.Error("a foreign process was ended")
			}
		})
	}
}

// A child that cannot run is tried again and its last words are in the log.
func TestChildThatKeepsDying(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "influxd")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho run: open server: no space left on device >&2\necho x >>"+dir+"/starts\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	read, write := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	child := influxd.New(influxd.Options{Dir: filepath.Join(dir, "data"), Binary: script, Logger: slog.New(slog.NewTextHandler(write, nil))})
	go func() {
		ended <- child.Run(ctx)
		write.Close()
	}()
	lines := bufio.NewScanner(read)
	for range 3 {
		if !lines.Scan() || !strings.Contains(lines.Text(), "no space left on device") || !strings.Contains(lines.Text(), "level=ERROR") {
			t.Errorf("the log says %s", lines.Text())
		}
	}
	until(t, "it says that it is down", func() bool { return child.State().Phase == influxd.Down })
	cancel()
	for lines.Scan() { // lets the last lines through
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestSilence(t *testing.T) {
	var s influxd.Silence
	const patience = 5 * time.Second
	asked := time.Duration(0)
	for s.Asked(false, patience) <= influxd.SilentLimit {
		asked += patience
	}
	if asked < 5*time.Minute {
		t.Errorf("the child is replaced after %s of asking, want at least 5 minutes", asked)
	}
	if s.Asked(true, time.Millisecond) != 0 {
		t.Error("an answer does not end the silence")
	}
	// Our own program was frozen for an hour while it asked.
	if got := s.Asked(false, time.Hour); got > 10*time.Second {
		t.Errorf("an hour in which nobody asked counts as %s of silence", got)
	}
}
