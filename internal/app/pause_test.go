package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"ganlin/internal/config"
)

// TestPausedDoorAcknowledgesNothing runs the program in this process with a
// door that answers nothing: no message is acknowledged until it resumes; then
// everything arrives.
func TestPausedDoorAcknowledgesNothing(t *testing.T) {
	tr := newTrial(t, asItIs, 10, "")
	cfg, problems := config.Load(tr.config)
	if cfg == nil {
		t.Fatal(problems)
	}
	log := &logged{}
	tr.out = log
	p, err := openProgram(t.Context(), programOptions{
		config: cfg,
		ready:  filepath.Join(tr.folder, "ready.json"), log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { ended <- p.run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	waitFor(t, time.Minute, "the program to be ready", func() (bool, string) {
		return readJSONFile(filepath.Join(tr.folder, "ready.json"), &tr.ready) == nil, log.tail()
	})
	if !p.door.Open() { // which it is only after its canary
		t.Error("the door is not open")
	}

	p.door.Pause()
	l := tr.load()
	l.perSec = 20
	running := l.begin(t)
	waitFor(t, time.Minute, "devices to give up on their messages", func() (bool, string) {
		return l.reconnects.Load() >= int64(len(tr.devices)), "connections live on"
	})
	if l.acked.Load() != 0 {
		t.Errorf("%d messages were acknowledged by a paused door", l.acked.Load())
	}
	p.door.Resume()
	l.progress(t, 500)
	running.finish(t)
	tr.verify(l)
}
