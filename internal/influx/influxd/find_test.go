package influxd_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"ganlin/internal/influx/influxd"
)

// These tests put small shell scripts in the place of influxd and of Go; the
// real building is proved by every test that starts a database.

const (
	rightInfluxd = "#!/bin/sh\necho 'InfluxDB v1.8.10 (git: 1.8 688e697c51fd)'\n"
	wrongInfluxd = "#!/bin/sh\necho 'InfluxDB v1.7.11 (git: 1.7 0)'\n"
)

// fakeGo plays the go command: "list" downloads two modules and names three
// packages; "build" compiles them and writes the output named by -o.
const fakeGo = `#!/bin/sh
env > "$FAKE_GO_LOG.env"
pwd > "$FAKE_GO_LOG.pwd"
echo "$@" >> "$FAKE_GO_LOG"
case "$GOCACHE" in "${PWD%/module}"/*) mkdir -p "$GOCACHE" ;; esac
case "$1" in
list)
	echo 'go: downloading example.com/a v1.0.0' >&2
	echo 'go: downloading example.com/b v1.0.0' >&2
	printf 'a\nb\nc\n' ;;
build)
	[ -n "$FAKE_GO_FAILS" ] && { echo 'disk quota exceeded' >&2; exit 1; }
	echo a >&2; echo b >&2
	while [ -e "$FAKE_GO_HOLD" ]; do sleep 0.05; done
	echo c >&2
	while [ "$1" != -o ]; do shift; done
	printf '%s' "$FAKE_GO_RESULT" > "$2"
	chmod 700 "$2" ;;
esac
`

// A bench is a PATH of its own and an empty cache.
type bench struct {
	bin, cache, log string
}

func newBench(t *testing.T, withGo bool) bench {
	t.Helper()
	dir := t.TempDir()
	b := bench{bin: filepath.Join(dir, "bin"), cache: filepath.Join(dir, "cache"), log: filepath.Join(dir, "go.log")}
	if err := os.Mkdir(b.bin, 0o700); err != nil {
		t.Fatal(err)
	}
	path := b.bin
	if withGo {
		b.put(t, "go", fakeGo)
		path += string(filepath.ListSeparator) + "/usr/bin:/bin"
	}
	t.Setenv("PATH", path)
	t.Setenv("FAKE_GO_LOG", b.log)
	t.Setenv("FAKE_GO_RESULT", rightInfluxd)
	t.Setenv("FAKE_GO_FAILS", "")
	t.Setenv("FAKE_GO_HOLD", "")
	return b
}

func (b bench) put(t *testing.T, name, script string) string {
	t.Helper()
	path := filepath.Join(b.bin, name)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func (b bench) find(t *testing.T) (path string, said []string, err error) {
	t.Helper()
	path, err = influxd.Find(t.Context(), influxd.FindOptions{
		CacheDir: b.cache, Logger: slog.New(slog.DiscardHandler),
		Progress: func(p influxd.Progress) { said = append(said, p.String()) },
	})
	return path, said, err
}

// runs returns what the go command was asked for.
func (b bench) runs(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(b.log)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(raw)
}

func (b bench) cached() string {
	return filepath.Join(b.cache, "influxd-1.8.10-"+runtime.GOOS+"-"+runtime.GOARCH, "influxd")
}

func TestInfluxdOnThePath(t *testing.T) {
	b := newBench(t, false)
	want := b.put(t, "influxd", "#!/bin/sh\necho 'InfluxDB v1.8.10 (git: 1.8 688e697c51fd)'\n")
	if got, _, err := b.find(t); got != want || err != nil {
		t.Errorf("found %s, %v; want %s", got, err, want)
	}
}

func TestNoGoSaysHowToMend(t *testing.T) {
	b := newBench(t, false)
	b.put(t, "influxd", wrongInfluxd) // another version does not count
	_, _, err := b.find(t)
	if !errors.Is(err, influxd.ErrNoGo) || !strings.Contains(err.Error(), "https://go.dev/dl/") {
		t.Errorf("got %v", err)
	}
}

func TestBuiltOnceAndKept(t *testing.T) {
	b := newBench(t, true)
	t.Setenv("GOFLAGS", "-mod=vendor -race")
	t.Setenv("GOWORK", "/nowhere/go.work")
	t.Setenv("GOOS", "plan9")
	for range 2 {
		if got, _, err := b.find(t); got != b.cached() || err != nil {
			t.Fatalf("found %s, %v", got, err)
		}
	}
	if runs := b.runs(t); strings.Count(runs, "build ") != 1 || !strings.Contains(runs, "-trimpath") {
		t.Errorf("the go command ran as\n%s", runs)
	}
	env, err := os.ReadFile(b.log + ".env")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GOFLAGS=-mod=readonly\n", "GOWORK=off\n", "CGO_ENABLED=0\n", "GOOS=" + runtime.GOOS + "\n"} {
		if !strings.Contains(string(env), want) {
			t.Errorf("the go command had no %q", want)
		}
	}
	module, err := os.ReadFile(filepath.Join(filepath.Dir(b.cached()), "module", "go.mod"))
	if err != nil || !strings.Contains(string(module), "github.com/influxdata/influxdb v1.8.10") {
		t.Errorf("the module is %s, %v", module, err)
	}

	// One byte more: not what was built.
	if err := os.WriteFile(b.cached(), []byte(rightInfluxd+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.find(t); err != nil {
		t.Fatal(err)
	}
	if runs := b.runs(t); strings.Count(runs, "build ") != 2 {
		t.Errorf("a damaged influxd was not built again:\n%s", runs)
	}
}

func TestBuildFailures(t *testing.T) {
	t.Run("compiler", func(t *testing.T) {
		b := newBench(t, true)
		t.Setenv("FAKE_GO_FAILS", "1")
		if _, _, err := b.find(t); err == nil || !strings.Contains(err.Error(), "disk quota exceeded") {
			t.Errorf("got %v, want the last lines of the go command", err)
		}
	})
	t.Run("version", func(t *testing.T) {
		b := newBench(t, true)
		t.Setenv("FAKE_GO_RESULT", wrongInfluxd)
		if _, _, err := b.find(t); err == nil || !strings.Contains(err.Error(), "1.7.11") {
			t.Errorf("got %v, want the wrong version", err)
		}
		if _, err := os.Stat(b.cached()); err == nil {
			t.Error("a wrong influxd is in its place")
		}
	})
}

// A service often has no home, or one that is not there or is not its own.
func TestBuiltWithoutAHome(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, home := range map[string]string{"none": "", "not a folder": file} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, true)
			t.Setenv("HOME", home)
			t.Setenv("XDG_CACHE_HOME", "")
			o := influxd.FindOptions{Logger: slog.New(slog.DiscardHandler)}
			if _, err := influxd.Find(t.Context(), o); err == nil || !strings.Contains(err.Error(), "choosing a folder") {
				t.Errorf("without any folder: %v", err)
			}
			o.FallbackDir = b.cache
			if got, err := influxd.Find(t.Context(), o); got != b.cached() || err != nil {
				t.Errorf("found %s, %v; want %s", got, err, b.cached())
			}
			env, err := os.ReadFile(b.log + ".env")
			if err != nil {
				t.Fatal(err)
			}
			kept := filepath.Join(filepath.Dir(b.cached()), "go")
			for _, want := range []string{"GOPATH=" + kept + "\n", "GOCACHE=" + filepath.Join(kept, "build") + "\n"} {
				if !strings.Contains(string(env), want) {
					t.Errorf("the go command had no %q", want)
				}
			}
			if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("what Go kept is still there: %v", err)
			}
		})
	}
}

// Two builders at once: one builds, the other waits, says so, and uses the result.
func TestTwoBuildersAtOnce(t *testing.T) {
	b := newBench(t, true)
	hold := filepath.Join(b.bin, "hold")
	if err := os.WriteFile(hold, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FAKE_GO_HOLD", hold)
	var mu sync.Mutex
	said := map[string]bool{}
	tell := func(p influxd.Progress) {
		mu.Lock()
		defer mu.Unlock()
		said[strings.Fields(p.Step)[0]] = true
		if strings.Contains(p.String(), "packages 2 of up to 3") {
			said["moved"] = true
		}
	}
	heard := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return said["compiling"] && said["waiting"] && said["moved"]
	}
	var builders sync.WaitGroup
	for range 2 {
		builders.Go(func() {
			got, err := influxd.Find(t.Context(), influxd.FindOptions{CacheDir: b.cache, Logger: slog.New(slog.DiscardHandler), Progress: tell})
			if got != b.cached() || err != nil {
				t.Errorf("found %s, %v", got, err)
			}
		})
	}
	for begun := time.Now(); !heard() && time.Since(begun) < time.Minute; {
		time.Sleep(10 * time.Millisecond)
	}
	if !heard() {
		t.Errorf("the builders said only %v", said)
	}
	if err := os.Remove(hold); err != nil {
		t.Fatal(err)
	}
	builders.Wait()
	if runs := b.runs(t); strings.Count(runs, "build ") != 1 {
		t.Errorf("the go command ran as\n%s", runs)
	}
}

// The real module, the real Go and the real result, in an empty cache.
func TestBuildReal(t *testing.T) {
	if os.Getenv("GANLIN_LONG") == "" {
		t.Skip("compiling takes minutes; GANLIN_LONG=1 runs it")
	}
	last := ""
	path, err := influxd.Find(t.Context(), influxd.FindOptions{
		CacheDir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Progress: func(p influxd.Progress) { last = p.String() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s; the last word: %s", path, last)
}
