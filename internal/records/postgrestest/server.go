// Package postgrestest runs a real PostgreSQL server of its own for tests. A
// machine that has none fails them.
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// startTimeout is how long a server may take until it answers, also after a crash.
const startTimeout = time.Minute

// A Server is a PostgreSQL server on a socket in a folder of its own. It waits
// for the disk as one in the field does, and sorts text by language, so that
// what depends on the order of bytes is found out.
type Server struct {
	binaries string
	folder   string
	user     *syscall.Credential // nil: who runs the tests
	process  *exec.Cmd
	made     atomic.Int64 // databases
}

// Start makes a cluster and starts a server on it. Close ends both.
func Start() (*Server, error) {
	s := &Server{}
	var err error
	if s.binaries, err = binaries(); err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp("", "ganlin-postgres-"); err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		const nobody = 65534
		s.user = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := os.Chown(s.folder, nobody, nobody); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	initdb := s.Command("initdb", "--pgdata", s.data(), "--username", "ganlin", "--auth", "trust", "--encoding", "UTF8",
		"--locale", "C.UTF-8", "--locale-provider", "icu", "--icu-locale", "zh", "--no-sync", "--no-instructions")
	if said, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("making a cluster: %w: %s", err, said), s.Close())
	}
	if err := s.Resume(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// binaries returns the folder of the newest server that is installed as Debian does, or of the one on the PATH.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", fmt.Errorf("the tests need PostgreSQL 15 or newer; install it, on Debian with sudo apt-get install postgresql: %w", err)
	}
	return filepath.Dir(path), nil
}

func version(binary string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(binary))))
	return n
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// Command is one of the programs that come with the server, such as pg_dump.
func (s *Server) Command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.binaries, name), args...) //nolint:gosec,noctx // the server's own programs, which Close ends
	c.Dir = s.folder
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.user}
	return c
}

// Resume starts the server again on what is there.
func (s *Server) Resume() error {
	s.process = s.Command("postgres", "-D", s.data(), "-k", s.folder, "-c", "listen_addresses=", "-c", "max_connections=300")
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(log.Name())
			return fmt.Errorf("PostgreSQL does not answer: %w: %s", err, said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Crash ends the server without a checkpoint, as a crash does: what it has
// promised to keep is in its log alone.
func (s *Server) Crash() error {
	if err := s.process.Process.Signal(syscall.SIGQUIT); err != nil {
		return err
	}
	_ = s.process.Wait() // it says that it was ended
	return nil
}

// Close ends the server and removes all of it.
func (s *Server) Close() error {
	var err error
	if s.process != nil && s.process.ProcessState == nil {
		err = s.Crash()
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

func (s *Server) url(database string) string {
	return "postgres://ganlin:open-sesame@/" + database + "?host=" + url.QueryEscape(s.folder)
}

// Database makes an empty database and returns its URL, in which stands a password, "open-sesame".
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	c, err := pgx.Connect(tb.Context(), s.url("postgres"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(tb.Context())) }()
	name := fmt.Sprintf("test%d", s.made.Add(1))
	if _, err := c.Exec(tb.Context(), "CREATE DATABASE "+name); err != nil {
		tb.Fatal(err)
	}
	return s.url(name)
}
