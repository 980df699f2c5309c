package app

import (
	"context"
	"time"

	"ganlin/internal/records"
)

// What is kept of dead letters beside the bytes of their payloads, which are configured.
const (
	lettersEach    = 1000   // of a device and a reason
	lettersUnknown = 10_000 // of all devices that the registry does not know
	trimEvery      = 3 * time.Second
	tellEvery      = time.Minute
)

// givenUp counts what is not kept of dead letters: none of it is in the account,
// which counts messages and values, and all of it is told.
type givenUp struct {
	letters  int64 // gone whole
	payloads int64 // gone from letters that stay
	cut      int64 // payloads cut before they were kept; since the start of this process
}

func (p *program) givenUp(counts map[string]records.LetterCount) (g givenUp) {
	g.cut = int64(p.intake.Stats().Cut) //nolint:gosec // a count
	for _, n := range counts {
		g.letters += n.Dropped
		g.payloads += n.Emptied
	}
	return g
}

// trimLetters makes room among the dead letters as they come, and says once a
// minute what was given up for it.
func (p *program) trimLetters(ctx context.Context) error {
	room := records.LetterRoom{Each: lettersEach, Unknown: lettersUnknown, Bytes: p.o.config.Letters.MaxBytes}
	turn := time.NewTicker(trimEvery)
	defer turn.Stop()
	var came int64
	told, toldAt := p.givenUp(p.dead.counts()), time.Now()
	for {
		counts := p.dead.counts()
		if n := allLetters(counts); n > came {
			if _, _, err := p.records.TrimDeadLetters(ctx, room); err != nil && ctx.Err() == nil {
				p.log.Warn("making room among the dead letters", "error", err)
			}
			came, counts = n, p.dead.counts()
		}
		if g := p.givenUp(counts); counts != nil && g != told && time.Since(toldAt) >= tellEvery {
			p.log.Warn("not all of the dead letters is kept: some device sends many",
				"letters", g.letters-told.letters, "payloads", g.payloads-told.payloads, "cut", g.cut-told.cut)
			told, toldAt = g, time.Now()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-turn.C:
		}
	}
}

// lettersByReason returns how many letters came.
func lettersByReason(counts map[string]records.LetterCount) map[string]int64 {
	came := map[string]int64{}
	for reason, c := range counts {
		came[reason] = c.Came
	}
	return came
}

func allLetters(counts map[string]records.LetterCount) (n int64) {
	for _, c := range counts {
		n += c.Came
	}
	return n
}
