package journal

import (
	"context"
	"time"

	"ganlin/internal/journal/seen"
)

// saves says when the index and the manifest were last saved. It belongs to
// the writer.
type saves struct {
	records int
	at      time.Time
	running chan struct{} // closed when the save in the background is done; nil: none was
}

// A save comes after so much; what is newer is replayed at the next start.
const (
	saveRecords  = 4096
	saveInterval = 30 * time.Second
)

// saveWhenDue saves in the background. When the index holds more than it may
// because too little is saved, the writer waits for it.
func (j *Journal) saveWhenDue() {
	s := &j.saves
	s.records++
	pressed := j.index.Pressed()
	now := j.options.Now()
	if !pressed && s.records < saveRecords && now.Sub(s.at) < saveInterval || !pressed && s.busy() {
		return
	}
	s.wait()
	s.records, s.at, s.running = 0, now, make(chan struct{})
	snapshot, done := j.snapshot(), s.running
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := j.save(ctx, snapshot); err != nil {
			j.log.Warn("index of duplicates is not saved", "error", err)
		}
		if err := j.remember(false); err != nil {
			j.log.Warn("the end of the journal is not remembered", "error", err)
		}
	}()
	if pressed {
		s.wait()
	}
}

func (s *saves) busy() bool {
	if s.running == nil {
		return false
	}
	select {
	case <-s.running:
		return false
	default:
		return true
	}
}

func (s *saves) wait() {
	if s.running != nil {
		<-s.running
	}
}

func (j *Journal) snapshot() *seen.Snapshot { return j.index.Snapshot(j.end.String()) }

func (j *Journal) save(ctx context.Context, s *seen.Snapshot) error { return j.index.Save(ctx, s) }
