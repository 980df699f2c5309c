package influxd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ganlin/internal/influx"
)

// Database is the database of the child, the bucket of its endpoint.
const Database = "ganlin"

// ErrInUse says that another process runs an influxd on the folder.
var ErrInUse = errors.New("another process uses this folder for its InfluxDB")

// Options say where a child lives.
type Options struct {
	Dir     string       // its data folder; created
	Binary  string       // the influxd to run, called so; empty: what Find finds or builds
	Logger  *slog.Logger // required
	Changed func(State)  // may be nil; called after each change of state, by one goroutine
}

// A Child is an influxd that Ganlin runs as a process of its own.
type Child struct {
	o Options

	mu       sync.Mutex
	state    State
	endpoint influx.Endpoint
}

// New returns a child that does not run yet.
func New(o Options) *Child {
	return &Child{o: o, state: State{Phase: Starting, Since: time.Now().UTC()}}
}

// Endpoint returns where the database is, without a URL before the first
// start. The address stays over restarts unless someone else has taken it.
func (c *Child) Endpoint() influx.Endpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.endpoint
}

// Run keeps influxd running until ctx ends, then stops it. It finds or builds
// the program first. It returns an error at once when the folder cannot be
// used: ErrInUse, or a file that cannot be read or written.
func (c *Child) Run(ctx context.Context) error {
	if err := os.MkdirAll(c.o.Dir, 0o700); err != nil {
		return fmt.Errorf("creating the folder of InfluxDB: %w", err)
	}
	lock, err := lockNow(filepath.Join(c.o.Dir, "lock"))
	if errors.Is(err, errLocked) {
		return fmt.Errorf("%w: %s", ErrInUse, c.o.Dir)
	}
	if err != nil {
		return err
	}
	defer lock.release()
	last, err := readRecord(c.o.Dir)
	if err != nil {
		return err
	}
	if err := last.endOrphan(ctx, c.o.Logger); err != nil {
		return err
	}
	token, err := readToken(c.o.Dir)
	if err != nil {
		return err
	}
	binary := c.findBinary(ctx)
	at := last.ports
	for deaths := 0; ctx.Err() == nil; deaths++ {
		lasted, err := c.live(ctx, binary, &at, token)
		if ctx.Err() != nil {
			break
		}
		if lasted {
			deaths = 0
		}
		pause := pauses[min(deaths, len(pauses)-1)]
		c.enter(Down, fmt.Sprintf("InfluxDB is started again, because %v", err))
		sleep(ctx, pause)
	}
	c.enter(Down, "InfluxDB is stopped")
	return nil
}

// pauses come before the first, the second and every later restart in a row:
// a dead child is back within 5 s.
var pauses = []time.Duration{200 * time.Millisecond, time.Second, 4 * time.Second}

// findBinary returns the influxd to run. What prevents it (no Go, no network)
// can be mended while the rest of the program works, so it tries again.
func (c *Child) findBinary(ctx context.Context) string {
	if c.o.Binary != "" {
		return c.o.Binary
	}
	var logged time.Time
	told := func(p Progress) {
		c.enter(Building, p.String())
		if time.Since(logged) >= 5*time.Second {
			logged = time.Now()
			c.o.Logger.Info("preparing InfluxDB", "progress", p.String())
		}
	}
	for ctx.Err() == nil {
		binary, err := Find(ctx, FindOptions{FallbackDir: c.o.Dir, Logger: c.o.Logger, Progress: told})
		if err == nil {
			return binary
		}
		if ctx.Err() == nil {
			c.enter(Down, err.Error())
			c.o.Logger.Error("there is no InfluxDB, trying again in 30 s", "error", err)
			sleep(ctx, 30*time.Second)
		}
	}
	return ""
}

// live runs influxd once. It returns when the process has ended, with the
// reason, and whether the child had lasted long enough to be called healthy.
// It uses the ports it is given, or replaces them.
func (c *Child) live(ctx context.Context, binary string, at *ports, token string) (lasted bool, err error) {
	if *at, err = at.free(); err != nil {
		return false, err
	}
	config, err := writeConfig(c.o.Dir, *at)
	if err != nil {
		return false, err
	}
	c.enter(Starting, "InfluxDB is starting")
	out := newOutput(c.o.Logger)
	ctx, cancel := context.WithCancel(ctx)
	p, err := startProcess(ctx, binary, config, out)
	if err != nil {
		cancel()
		return false, err
	}
	defer func() {
		stopping := ctx.Err() != nil
		cancel()
		<-p.exited
		if !stopping {
			c.o.Logger.Error("influxd ended", "how", p.end, "last_lines", out.last.lines())
		}
		if err == nil {
			err = errors.New("it ended: " + p.end)
		}
	}()
	_, started, _ := look(p.pid)
	if err := (record{PID: p.pid, Started: started, ports: *at}).save(c.o.Dir); err != nil {
		return false, err
	}
	if !c.opened(ctx, p, out) {
		return false, nil
	}
	endpoint := influx.Endpoint{
		URL: fmt.Sprintf("http://127.0.0.1:%d", at.HTTP), Org: user, Bucket: Database, Token: token,
	}
	if err := prepare(ctx, endpoint); err != nil {
		return false, err
	}
	c.mu.Lock()
	c.endpoint = endpoint
	c.mu.Unlock()
	c.enter(Ready, "")
	begun := time.Now()
	err = c.watch(ctx, p, endpoint)
	return time.Since(begun) > time.Minute, err
}

// opened waits until influxd says that it listens: only its own word proves
// that the port is its own. Opening a large database takes minutes, so there
// is no limit; it reports false when the process ended instead.
func (c *Child) opened(ctx context.Context, p *process, out *output) bool {
	begun := time.Now()
	for {
		select {
		case <-out.listening:
			return true
		case <-p.exited:
			return false
		case <-ctx.Done():
			return false
		case <-time.After(10 * time.Second):
			c.enter(Starting, fmt.Sprintf("InfluxDB is opening its files, for %d s", int(time.Since(begun).Seconds())))
		}
	}
}

// sleep returns after the pause or when ctx ends.
func sleep(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}
