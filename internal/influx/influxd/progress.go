package influxd

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// Progress is how far the building of influxd has come.
type Progress struct {
	Step    string        // a sentence for people without its numbers
	Done    int           // modules downloaded or packages compiled so far
	Total   int           // at most so many will be compiled; 0: not known
	Elapsed time.Duration // since the beginning
}

// String is the line a user reads.
func (p Progress) String() string {
	var count string
	switch {
	case p.Total > 0:
		count = fmt.Sprintf(" %d of up to %d", p.Done, p.Total)
	case p.Done > 0:
		count = fmt.Sprintf(" %d", p.Done)
	}
	return fmt.Sprintf("%s%s (%d s so far)", p.Step, count, int(p.Elapsed.Seconds()))
}

const (
	stepWaiting     = "waiting for another process that is building InfluxDB " + Version
	stepDownloading = "downloading the sources of InfluxDB " + Version + ": modules"
	stepCompiling   = "compiling InfluxDB " + Version + ": packages"
	stepChecking    = "checking the InfluxDB just built"
)

// A reporter tells the progress once a second and at every step, so that a
// user sees it move also while one large package compiles. One goroutine tells.
type reporter struct {
	tell  func(Progress)
	steps chan struct{}
	quit  chan struct{}
	done  sync.WaitGroup

	mu    sync.Mutex
	now   Progress
	begun time.Time
}

func newReporter(tell func(Progress)) *reporter {
	r := &reporter{tell: tell, steps: make(chan struct{}, 1), quit: make(chan struct{}), begun: time.Now()}
	r.done.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-r.quit:
				return
			case <-ticker.C:
			case <-r.steps:
			}
			r.report()
		}
	})
	return r
}

func (r *reporter) stop() {
	close(r.quit)
	r.done.Wait()
}

func (r *reporter) step(step string, total int) {
	r.mu.Lock()
	r.now = Progress{Step: step, Total: total}
	r.mu.Unlock()
	select {
	case r.steps <- struct{}{}:
	default:
	}
}

// count takes one line of the go command's progress: a module that it
// downloads or a package that it compiles.
func (r *reporter) count(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now.Total > 0 || strings.HasPrefix(line, "go: downloading ") {
		r.now.Done++
	}
}

func (r *reporter) report() {
	r.mu.Lock()
	p := r.now
	p.Elapsed = time.Since(r.begun)
	r.mu.Unlock()
	if r.tell != nil && p.Step != "" {
		r.tell(p)
	}
}
