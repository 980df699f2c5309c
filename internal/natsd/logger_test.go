package natsd_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ganlin/internal/natsd"

	"github.com/google/go-cmp/cmp"
)

func textLogger(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.MessageKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func TestLogLinesOncePerMinuteAndKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		l := natsd.NewLogger(textLogger(&b), func(uint64) {})
		for i := range 1000 {
			l.Errorf(fmt.Sprintf(`10.0.0.%d:4711 - mid:%d - "d%%s" - JetStream failed a pipelined QoS1/2 operation (pi=%%v): %%v`, i%200, i), i, "journal refuses")
			l.Errorf("Disk trouble at %d", i)
		}
		time.Sleep(time.Minute)
		l.Errorf("Disk trouble at %d", 1000)
		want := strings.Join([]string{
			`level=WARN line="JetStream failed a pipelined QoS1/2 operation (pi=0): journal refuses" connection="10.0.0.0:4711 - mid:0 - \"d%s\""`,
			`level=ERROR line="Disk trouble at 0" connection=""`,
			`level=ERROR line="Disk trouble at 1000" connection=""`,
		}, "\n")
		var got []string
		leftOut := 0
		for line := range strings.Lines(b.String()) {
			if strings.Contains(line, "lines=999") {
				leftOut++
				continue
			}
			got = append(got, strings.TrimSpace(line))
		}
		if diff := cmp.Diff(want, strings.Join(got, "\n")); diff != "" {
			t.Error(diff)
		}
		if leftOut != 2 {
			t.Errorf("%d kinds were told to be left out, want 2:\n%s", leftOut, &b)
		}
	})
}

// A kind that begins late in somebody else's minute is not passed on again when that one ends.
func TestLogLinesOncePerMinuteWheneverTheyBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		l := natsd.NewLogger(textLogger(&b), func(uint64) {})
		var at []time.Duration
		begun := time.Now()
		l.Errorf("first of all")
		for range 300 {
			time.Sleep(time.Second)
			before := b.Len()
			if time.Since(begun) >= 59*time.Second {
				l.Errorf("Disk trouble")
			}
			if strings.Contains(b.String()[before:], "level=ERROR") {
				at = append(at, time.Since(begun))
			}
		}
		want := []time.Duration{59 * time.Second, 119 * time.Second, 179 * time.Second, 239 * time.Second, 299 * time.Second}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("lines of one kind were passed on at (-want +got):\n%s", diff)
		}
	})
}

// Strangers write parts of the lines: they must not fill the log or the memory with kinds.
func TestLogKindsAreBounded(t *testing.T) {
	var b bytes.Buffer
	l := natsd.NewLogger(textLogger(&b), func(uint64) {})
	for i := range 10_000 {
		l.Errorf("invalid "+strings.Repeat("x", i%5000)+" %d", i)
	}
	if n := strings.Count(b.String(), "\n"); n > 70 {
		t.Errorf("%d lines", n)
	}
}

func TestLogLevels(t *testing.T) {
	var b bytes.Buffer
	l := natsd.NewLogger(textLogger(&b), func(uint64) {})
	l.Noticef("Server is ready")
	l.Noticef(`pipe - cid:9 - "v1.55.0:go:door" - Slow Consumer Detected: MaxPending of %d Exceeded`, 5)
	l.Warnf("Careful")
	l.Debugf("no")
	l.Tracef("no")
	var got []string
	for line := range strings.Lines(b.String()) {
		got = append(got, strings.Fields(line)[0])
	}
	if diff := cmp.Diff([]string{"level=DEBUG", "level=ERROR", "level=WARN"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestForbiddenPublishIsFoundInTheLog(t *testing.T) {
	var got []uint64
	l := natsd.NewLogger(slog.New(slog.DiscardHandler), func(connection uint64) { got = append(got, connection) })
	for _, format := range []string{
		`10.0.0.1:4711 - mid:7 - "d1" - Publish Violation - Subject %q`,
		`[2001:db8::1]:4711 - mid:8 - "d1" - "$G/d1" - Publish Violation - Subject %q`,
		`10.0.0.1:4711 - mid:9 - "a\" - mid:1 - \"" - Publish Violation - Subject %q`,
		`10.0.0.1:4711 - mid:10 - Publish Violation - Subject %q`,
		// Not of a device, and not a violation.
		`pipe - cid:5 - "x" - Publish Violation - Subject %q`,
		`10.0.0.1:4711 - mid:7 - " - Publish Violation - Subject %q" - invalid user`,
		`10.0.0.1:4711 - mid:7 - "d1" - Subscription Violation - Subject %q, SID %s`,
	} {
		l.Errorf(format, "a.b")
	}
	if diff := cmp.Diff([]uint64{7, 8, 9, 10}, got); diff != "" {
		t.Error(diff)
	}
}
