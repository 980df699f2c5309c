package influxd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Version is the InfluxDB that is supervised. Another one is passed over: the
// answers to writes and the wordings of refusals are known for this one.
const Version = "1.8.10"

// ErrNoGo says that there is neither an influxd nor a Go toolchain to build it.
var ErrNoGo = errors.New("InfluxDB " + Version + " is not on this machine and there is no Go on the PATH to build it: " +
	"install Go (https://go.dev/dl/), or put an influxd " + Version + " on the PATH, or name an InfluxDB under influx.url in the configuration")

// FindOptions say where to look for influxd and whom to tell.
type FindOptions struct {
	CacheDir    string         // where a built influxd is kept; empty: ganlin in the user's cache folder
	FallbackDir string         // where it is kept when that cannot be made, as for many a service; empty: nowhere
	Logger      *slog.Logger   // required
	Progress    func(Progress) // may be nil; called about once a second while something is built
}

// Find returns the path of an influxd of Version: the one on the PATH, else
// the one built before, else it builds one from its Go module, which takes
// minutes. Several processes may call it at once; one builds, the others wait.
func Find(ctx context.Context, o FindOptions) (string, error) {
	if path, ok := onPath(ctx, o.Logger); ok {
		return path, nil
	}
	dir, homeless, err := o.folder()
	if err != nil {
		return "", fmt.Errorf("choosing a folder for influxd: %w", err)
	}
	path := filepath.Join(dir, "influxd")
	if intact(path) {
		return path, nil
	}
	report := newReporter(o.Progress)
	defer report.stop()
	lock, err := lockWaiting(ctx, filepath.Join(dir, "lock"), func() { report.step(stepWaiting, 0) })
	if err != nil {
		return "", err
	}
	defer lock.release()
	if intact(path) { // another process has built it in the meantime
		return path, nil
	}
	return path, build(ctx, dir, homeless, report, o.Logger)
}

// folder makes the folder of the influxd that is built. A service may have no
// home at all, or one that is not there or not its own: it is then homeless,
// and the Go toolchain too must keep its files in the folder.
func (o FindOptions) folder() (dir string, homeless bool, err error) {
	name := "influxd-" + Version + "-" + runtime.GOOS + "-" + runtime.GOARCH
	cache := o.CacheDir
	if cache == "" {
		cache, err = os.UserCacheDir()
		cache = filepath.Join(cache, "ganlin")
	}
	if err == nil {
		dir = filepath.Join(cache, name)
		if err = os.MkdirAll(dir, 0o700); err == nil {
			_, noHome := os.UserHomeDir()
			return dir, noHome != nil, nil
		}
	}
	if o.FallbackDir == "" {
		return "", false, err
	}
	if dir, err = filepath.Abs(filepath.Join(o.FallbackDir, name)); err != nil {
		return "", false, err
	}
	return dir, true, os.MkdirAll(dir, 0o700)
}

// onPath looks for influxd among the user's own programs.
func onPath(ctx context.Context, logger *slog.Logger) (string, bool) {
	path, err := exec.LookPath("influxd")
	if err != nil {
		return "", false
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", false
	}
	said, err := versionOf(ctx, path)
	if err != nil || said != Version {
		logger.Info("passing over an influxd of another version", "path", path, "version", said, "wanted", Version)
		return "", false
	}
	return path, true
}

// versionOf asks a program for its version: "InfluxDB v1.8.10 (git: 1.8 688e697c51fd)".
func versionOf(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return "", fmt.Errorf("running %s version: %w", path, err)
	}
	words := strings.Fields(string(out))
	if len(words) < 2 || words[0] != "InfluxDB" {
		return "", fmt.Errorf("running %s version: it answered %q", path, out)
	}
	return strings.TrimPrefix(words[1], "v"), nil
}
