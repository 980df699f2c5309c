package app

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"ganlin/ingest"
	"ganlin/internal/influx"
	"ganlin/internal/journal"
	"ganlin/internal/notify"
	"ganlin/internal/records"
)

// The programs of a trial: as it is, and each with one promise broken on purpose.
const (
	asItIs      = "as_it_is"
	answerEarly = "answer_early" // acknowledges before the journal has it
	loseRecord  = "lose_record"  // one record on its way to the database disappears
	dropAway    = "drop_away"    // what comes while the database is away is dropped
	forgetSent  = "forget_sent"  // after a restart messages that were sent count as unsent
	forgetTold  = "forget_told"  // after a restart nobody knows what people were told
)

func trialHooks(kind string) hooks {
	switch kind {
	case answerEarly:
		return hooks{journal: func(j ingest.Journal) ingest.Journal { return newEarlyJournal(j) }}
	case loseRecord:
		var lost atomic.Bool
		return hooks{batch: func(batch []*journal.Record) []*journal.Record {
			for i, r := range batch {
				if r.Values() > 0 && len(batch) > 1 && lost.CompareAndSwap(false, true) {
					return slices.Delete(slices.Clone(batch), i, i+1)
				}
			}
			return batch
		}}
	case forgetSent:
		return hooks{notices: func(s notify.Store) notify.Store { return forgetful{s.(noticeStore), true} }}
	case forgetTold:
		return hooks{notices: func(s notify.Store) notify.Store { return forgetful{s.(noticeStore), false} }}
	case dropAway:
		var away func() bool
		return hooks{
			started: func(p *program) { away = func() bool { return isAway(p.endpoint().URL) } },
			batch: func(batch []*journal.Record) []*journal.Record {
				if away() {
					return nil
				}
				return batch
			},
		}
	}
	return hooks{}
}

// A forgetful store forgets at a start what was sent, or what people were told.
type forgetful struct {
	noticeStore
	sent bool
}

func (f forgetful) Load(ctx context.Context) (notify.Kept, error) {
	kept, err := f.noticeStore.Load(ctx)
	if err != nil || !f.sent {
		kept.Books = nil
		return kept, err
	}
	all, err := f.notices(ctx, records.Selection{})
	for _, n := range all {
		if n.State == notify.Sent {
			n.State, n.Settled, n.Doubt = notify.Pending, time.Time{}, true
			kept.Open = append(kept.Open, n)
		}
	}
	return kept, err
}

// isAway reports whether a database does not answer within a second.
func isAway(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c := influx.NewClient(influx.Endpoint{URL: url}.Fixed(), nil)
	defer c.Close()
	_, err := c.Ping(ctx)
	return err != nil
}

// earlyJournal answers at once and writes 50 ms later, as a broker does that keeps messages in memory for a while.
type earlyJournal struct{ groups chan earlyGroup }

type earlyGroup struct {
	messages []ingest.Decoded
	due      time.Time
}

func newEarlyJournal(j ingest.Journal) *earlyJournal {
	e := &earlyJournal{make(chan earlyGroup, 1<<16)}
	go func() {
		for g := range e.groups {
			time.Sleep(time.Until(g.due))
			_ = j.Append(context.Background(), g.messages)
		}
	}()
	return e
}

func (e *earlyJournal) Append(_ context.Context, batch []ingest.Decoded) error {
	e.groups <- earlyGroup{batch, time.Now().Add(50 * time.Millisecond)}
	return nil
}
