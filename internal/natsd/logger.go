package natsd

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A logger passes on what the server logs, each kind of line once in any minute:
// a device with a fault, or a stranger, can cause thousands of lines a second.
// It also acts on one line, because the server has no other sign for it.
type logger struct {
	log       *slog.Logger
	forbidden func(connection uint64)
	fatal     atomic.Pointer[string] // why the server could not start

	mu   sync.Mutex
	seen map[string]*lines
}

// lines are those of one kind.
type lines struct {
	passed time.Time // when one was passed on last
	more   int       // since then
}

func newLogger(log *slog.Logger, forbidden func(uint64)) *logger {
	return &logger{log: log, forbidden: forbidden, seen: map[string]*lines{}}
}

// ofDevice matches the start of a line about an MQTT connection: address, number, and often more in quotes.
var ofDevice = regexp.MustCompile(`^\S+ - mid:(\d+)(?: - "(?:[^"\\]|\\.)*")* - `)

// violation ends the line, still unformatted, that tells of a refused publish.
const violation = ` - Publish Violation - Subject %q`

// Errorf also handles the refused publish of an MQTT device. The server drops
// the message and would acknowledge it next, so that the device deletes what was
// never stored. Closing the connection before this line returns prevents that.
func (l *logger) Errorf(format string, v ...any) {
	if strings.HasSuffix(format, violation) {
		if m := ofDevice.FindStringSubmatch(format); m != nil {
			if connection, err := strconv.ParseUint(m[1], 10, 64); err == nil {
				l.forbidden(connection)
			}
		}
	}
	l.write(slog.LevelError, format, v)
}

func (l *logger) Warnf(format string, v ...any) { l.write(slog.LevelWarn, format, v) }

// Noticef is the server's level for its life cycle and, oddly, for a slow consumer.
func (l *logger) Noticef(format string, v ...any) {
	level := slog.LevelDebug
	if strings.Contains(format, "Slow Consumer") {
		level = slog.LevelError
	}
	l.write(level, format, v)
}

// Fatalf is called when a part of the server cannot start; the server then waits for its end.
func (l *logger) Fatalf(format string, v ...any) {
	l.fatal.CompareAndSwap(nil, new(fmt.Sprintf(format, v...)))
	l.write(slog.LevelError, format, v)
}

// Debugf drops the line: the server is started without it.
func (l *logger) Debugf(string, ...any) {}

// Tracef drops the line: it would hold payloads.
func (l *logger) Tracef(string, ...any) {}

// maxKinds bounds what is remembered of a minute; lines are in part written by strangers.
const maxKinds = 64

func (l *logger) write(level slog.Level, format string, v []any) {
	text, about := format, ""
	if m := ofDevice.FindString(format); m != "" {
		about, text = strings.TrimSuffix(m, " - "), format[len(m):]
		level = min(level, slog.LevelWarn) // a device's fault is not the server's
	}
	kind := text
	if i := strings.IndexAny(kind, `%"0123456789`); i > 0 {
		kind = kind[:i]
	}

	now := time.Now()
	l.mu.Lock()
	for kind, seen := range l.seen {
		if now.Sub(seen.passed) >= time.Minute {
			if seen.more > 0 {
				l.log.Warn("more lines of the NATS server were left out", "kind", kind, "lines", seen.more)
			}
			delete(l.seen, kind)
		}
	}
	if _, known := l.seen[kind]; !known && len(l.seen) >= maxKinds {
		kind = "of other kinds"
	}
	seen, again := l.seen[kind]
	if again {
		seen.more++
	} else {
		l.seen[kind] = &lines{passed: now}
	}
	l.mu.Unlock()

	if !again {
		l.log.Log(context.Background(), level, "NATS server", "line", fmt.Sprintf(text, v...), "connection", about)
	}
}
