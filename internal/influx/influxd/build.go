package influxd

import (
	"context"
	"crypto/sha256"
	_ "embed" // for the module that builds influxd
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// The module that builds influxd. Its go.sum is complete, so every source file
// is verified whatever the user's proxy answers. The files end in .txt because
// a folder with a go.mod cannot be embedded.
var (
	//go:embed module/go.mod.txt
	moduleFile []byte
	//go:embed module/go.sum.txt
	moduleSums []byte
)

const mainPackage = "github.com/influxdata/influxdb/cmd/influxd"

// build compiles influxd into dir. It writes beside the final name, asks the
// result for its version, notes its checksum and renames it at the very end.
// What the toolchain kept for a homeless user goes after that.
func build(ctx context.Context, dir string, homeless bool, report *reporter, logger *slog.Logger) error {
	tool, err := exec.LookPath("go")
	if err != nil {
		return ErrNoGo
	}
	logger.Info("building InfluxDB, once", "version", Version, "folder", dir)
	begun := time.Now()
	module := filepath.Join(dir, "module")
	fresh := filepath.Join(dir, "influxd.new")
	if err := os.MkdirAll(module, 0o700); err != nil {
		return fmt.Errorf("creating the module of influxd: %w", err)
	}
	for name, content := range map[string][]byte{"go.mod": moduleFile, "go.sum": moduleSums} {
		if err := os.WriteFile(filepath.Join(module, name), content, 0o600); err != nil {
			return fmt.Errorf("writing the module of influxd: %w", err)
		}
	}

	g := goCommand{tool: tool, module: module}
	kept := filepath.Join(dir, "go")
	if homeless {
		g.env = []string{"GOFLAGS=-mod=readonly -modcacherw", "GOPATH=" + kept, "GOCACHE=" + filepath.Join(kept, "build")}
	}
	report.step(stepDownloading, 0)
	packages := 0
	err = g.run(ctx, func(string) { packages++ }, report.count,
		"list", "-deps", "-f", "{{.ImportPath}}", mainPackage)
	if err != nil {
		return fmt.Errorf("downloading the sources of InfluxDB %s (GOPROXY names where from): %w", Version, err)
	}
	report.step(stepCompiling, packages)
	err = g.run(ctx, nil, report.count,
		"build", "-v", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -X main.version="+Version, "-o", fresh, mainPackage)
	if err != nil {
		return fmt.Errorf("compiling InfluxDB %s: %w", Version, err)
	}

	report.step(stepChecking, 0)
	said, err := versionOf(ctx, fresh)
	if err != nil {
		return err
	}
	if said != Version {
		return fmt.Errorf("checking the influxd just built: it says version %q, want %s", said, Version)
	}
	sum, err := checksum(fresh)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "influxd")
	if err := os.WriteFile(path+".sha256", []byte(sum+"\n"), 0o600); err != nil {
		return fmt.Errorf("noting the checksum of influxd: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("putting influxd into its place: %w", err)
	}
	if err := os.RemoveAll(kept); err != nil {
		logger.Warn("cleaning up after the build", "error", err)
	}
	logger.Info("built InfluxDB", "path", path, "seconds", int(time.Since(begun).Seconds()))
	return nil
}

// A goCommand is the go command in the folder of a module.
type goCommand struct {
	tool, module string
	env          []string // in addition
}

// run runs it and hands over the lines of its two outputs. An error ends with
// the last lines it wrote.
func (g goCommand) run(ctx context.Context, out, progress func(string), args ...string) error {
	cmd := exec.CommandContext(ctx, g.tool, args...) //nolint:gosec // the go command that PATH names
	cmd.Dir = g.module
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it then cleans up
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(),
		"GOFLAGS=-mod=readonly", // also sets aside what "go env -w GOFLAGS" holds
		"GOWORK=off", "GO111MODULE=on", "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	cmd.Env = append(cmd.Env, g.env...)
	last := &tail{}
	cmd.Stderr = &lineWriter{each: func(line string) {
		last.add(line)
		progress(line)
	}}
	if out != nil {
		cmd.Stdout = &lineWriter{each: out}
	}
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("running go %s: %w: %s", args[0], err, strings.Join(last.lines(), " | "))
	}
	return nil
}

// intact reports whether the file is the one whose checksum was noted when it was built.
func intact(path string) bool {
	noted, err := os.ReadFile(path + ".sha256")
	if err != nil {
		return false
	}
	sum, err := checksum(path)
	return err == nil && sum == strings.TrimSpace(string(noted))
}

// checksum returns the SHA-256 of a file in hexadecimal.
func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading influxd: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading influxd: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
