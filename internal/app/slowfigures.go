package app

import (
	"context"
	"sync"
	"time"

	"ganlin/dashboards"
	"ganlin/internal/notify"
	"ganlin/internal/signals"
)

// slowFigures are what the operator's page has to ask of something that may be
// broken: the records store, the disk, the journal's server. They are asked for
// beside the page, once for all who look, and the page waits for them only so long.
type slowFigures struct {
	mu     sync.Mutex
	answer slowAnswer
	at     time.Time     // when it was given
	asking chan struct{} // closed when the question is answered; nil: none is under way
}

// A slowAnswer is what came of it.
type slowAnswer struct {
	letters  dashboards.LetterFigures
	notices  []dashboards.ChannelFigures
	webhooks dashboards.WebhookFigures
	used     int64  // bytes of the journal; -1: not known
	free     int64  // bytes of its disk; -1: not known
	failed   string // why the records store does not answer
}

const (
	slowPatience = time.Second            // how long a page waits
	slowAge      = 500 * time.Millisecond // how long an answer serves all who look
	slowLimit    = 10 * time.Second       // how long a question may take
	staleAfter   = 30 * time.Second       // an older answer is none
)

// within returns the newest answer, not older than slowAge where ask is quick enough.
func (f *slowFigures) within(ctx context.Context, ask func(context.Context) slowAnswer) slowAnswer {
	f.mu.Lock()
	if f.asking == nil && time.Since(f.at) > slowAge {
		asking := make(chan struct{})
		f.asking = asking
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), slowLimit)
			defer cancel()
			answer := ask(ctx)
			f.mu.Lock()
			f.answer, f.at, f.asking = answer, time.Now(), nil
			f.mu.Unlock()
			close(asking)
		}()
	}
	asking := f.asking
	f.mu.Unlock()
	if asking != nil {
		patience := time.NewTimer(slowPatience)
		defer patience.Stop()
		select {
		case <-asking:
		case <-patience.C:
		case <-ctx.Done():
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.at) > staleAfter {
		return slowAnswer{used: -1, free: -1, failed: "it does not answer"}
	}
	return f.answer
}

// newestLetters is how many dead letters the page lists, countedLetters how many it looks at.
const (
	newestLetters  = 8
	countedLetters = 100
)

// ask asks for all of it.
func (p operationsSource) ask(ctx context.Context) slowAnswer {
	a := slowAnswer{used: -1, free: -1}
	if used, err := p.journal.Usage(ctx); err == nil {
		a.used = int64(used.Bytes) //nolint:gosec // no disk is so large
	}
	if free, err := freeBytes(p.folder.path); err == nil {
		a.free = free
	}
	counts, err := p.records.DeadLetterCounts(ctx)
	if err == nil {
		a.letters.Newest, err = pageLetters(ctx, p.records, "", countedLetters)
	}
	if err != nil {
		a.letters, a.failed = dashboards.LetterFigures{}, err.Error()
		return a
	}
	g := p.givenUp(counts)
	a.letters.Dropped = g.letters + g.payloads + g.cut
	a.letters.Known, a.letters.ByReason = true, tallies(lettersByReason(counts))
	for _, l := range a.letters.Newest {
		if p.clock.Now().Sub(l.Received) < time.Hour {
			a.letters.Hour++
		}
	}
	a.letters.Newest = a.letters.Newest[:min(newestLetters, len(a.letters.Newest))]
	a.notices = []dashboards.ChannelFigures{}
	pending, told := p.notices.outbox.Pending(), p.notices.outbox.Counts()
	for _, name := range notify.ChannelNames() {
		if waiting, ok := pending[name]; ok {
			a.notices = append(a.notices, dashboards.ChannelFigures{
				Name: string(name), Waiting: int64(waiting), Failed: told[notify.Counted{Channel: name, Result: string(notify.Failed)}],
			})
		}
	}
	if waiting, err := p.sender.Pending(ctx); err == nil {
		states := p.webhookStates()
		a.webhooks = dashboards.WebhookFigures{
			Known: true, Waiting: waiting, Well: states[signals.Well], Failing: states[signals.Failing], Disabled: states[signals.Disabled],
		}
	}
	return a
}
