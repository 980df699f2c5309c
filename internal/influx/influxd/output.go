package influxd

import (
	"context"
	"log/slog"
	"strings"
	"sync"
)

// An output takes what influxd writes: the log at debug level, its last lines
// for the case that it dies, and the word that it listens.
type output struct {
	lineWriter
	last      tail
	listening chan struct{}
}

func newOutput(logger *slog.Logger) *output {
	o := &output{listening: make(chan struct{})}
	var once sync.Once
	o.each = func(line string) {
		o.last.add(line)
		logger.Log(context.Background(), slog.LevelDebug, "influxd says", "line", line)
		if strings.Contains(line, `msg="Listening on HTTP"`) {
			once.Do(func() { close(o.listening) })
		}
	}
	return o
}
