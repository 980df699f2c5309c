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
func build(ctx context.Context, dir string, report *reporter, logger *slog.Logger) error {
	goTool, err := exec.LookPath("go")
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

	report.step(stepDownloading, 0)
	packages := 0
	err = runGo(ctx, goTool, module, func(string) { packages++ }, report.count,
		"list", "-deps", "-f", "{{.ImportPath}}", mainPackage)
	if err != nil {
		return fmt.Errorf("downloading the sources of InfluxDB %s (GOPROXY names where from): %w", Version, err)
	}
	report.step(stepCompiling, packages)
	err = runGo(ctx, goTool, module, nil, report.count,
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
	logger.Info("built InfluxDB", "path", path, "seconds", int(time.Since(begun).Seconds()))
	return nil
}

// runGo runs the go command in the module folder and hands over the lines of
// its two outputs. An error ends with the last lines it wrote.
func runGo(ctx context.Context, goTool, module string, out, progress func(string), args ...string) error {
	cmd := exec.CommandContext(ctx, goTool, args...)
	cmd.Dir = module
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it then cleans up
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(),
		"GOFLAGS=-mod=readonly", // also sets aside what "go env -w GOFLAGS" holds
		"GOWORK=off", "GO111MODULE=on", "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	if _, err := os.UserHomeDir(); err != nil { // a service without a home
		base := filepath.Dir(module)
		cmd.Env = append(cmd.Env, "GOPATH="+filepath.Join(base, "gopath"), "GOCACHE="+filepath.Join(base, "gocache"))
	}
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
