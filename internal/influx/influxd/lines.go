package influxd

import (
	"bytes"
	"slices"
	"sync"
)

// A lineWriter cuts what a process writes into lines. One goroutine writes.
type lineWriter struct {
	each func(string)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			if len(w.rest) > 64<<10 { // no line is that long; keep memory bounded
				w.rest = w.rest[:0]
			}
			return len(p), nil
		}
		w.each(string(bytes.TrimSpace(w.rest[:i])))
		w.rest = w.rest[i+1:]
	}
}

// A tail keeps the last lines of a process for the case that it fails.
type tail struct {
	mu   sync.Mutex
	kept []string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) == 8 {
		t.kept = t.kept[1:]
	}
	t.kept = append(t.kept, line)
}

func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.kept)
}
