package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"text/tabwriter"
	"time"

	"ganlin/internal/httpapi"
	"ganlin/internal/journal"
)

// lossSource shows what damage has taken from the journal.
type lossSource struct{ journal *journal.Journal }

// List returns all losses that the journal knows of.
func (l lossSource) List() []httpapi.Loss {
	losses := []httpapi.Loss{}
	for _, one := range l.journal.State().Losses {
		losses = append(losses, httpapi.Loss{
			First: one.First, Last: one.Last, Values: one.Values, Reason: one.Reason, Found: one.Found,
			Acknowledged: one.Acknowledged, By: one.By,
		})
	}
	return losses
}

// Acknowledge takes note of the losses that were found up to a time.
func (l lossSource) Acknowledge(until time.Time, account string) error {
	return l.journal.Acknowledge(until, account)
}

type lossesCommand struct {
	List        listLosses        `cmd:"" help:"List them, one a line."`
	Acknowledge acknowledgeLosses `cmd:"" help:"Take note of them: their alarm ends, a later one raises it anew."`
}

type listLosses struct{ where }

// Run lists losses.
func (l listLosses) Run(ctx context.Context, c console) error {
	losses, _, err := l.losses(ctx, c)
	if err != nil {
		return err
	}
	return l.print(c, losses)
}

type acknowledgeLosses struct{ where }

// Run takes note of all losses that are there now, and lists them.
func (a acknowledgeLosses) Run(ctx context.Context, c console) error {
	losses, r, err := a.losses(ctx, c)
	if err != nil {
		return err
	}
	var seen httpapi.LossesSeen
	for _, l := range losses {
		if l.Found.After(seen.Until) {
			seen.Until = l.Found
		}
	}
	if len(losses) > 0 {
		if err := r.call(ctx, http.MethodPost, "/api/v1/losses/acknowledge", seen, &losses); err != nil {
			return err
		}
	}
	return a.print(c, losses)
}

// losses asks the running program: what is gone shows when the journal is opened.
func (w where) losses(ctx context.Context, c console) (losses []httpapi.Loss, r *remote, err error) {
	if r, err = w.program(c, "the journal is looked at when the program starts: start it first"); err != nil {
		return nil, nil, err
	}
	return losses, r, r.call(ctx, http.MethodGet, "/api/v1/losses", nil, &losses)
}

func (w where) print(c console, losses []httpapi.Loss) error {
	if w.JSON {
		return json.NewEncoder(c.out).Encode(losses)
	}
	if len(losses) == 0 {
		_, err := fmt.Fprintln(c.err, "no losses")
		return err
	}
	t := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "FIRST\tLAST\tVALUES\tREASON\tFOUND\tACKNOWLEDGED")
	for _, l := range losses {
		values, noted := "?", "no"
		if l.Values >= 0 {
			values = strconv.FormatInt(l.Values, 10)
		}
		if !l.Acknowledged.IsZero() {
			noted = l.Acknowledged.Format(time.RFC3339) + " by " + l.By
		}
		_, _ = fmt.Fprintf(t, "%d\t%d\t%s\t%s\t%s\t%s\n", l.First, l.Last, values, l.Reason, l.Found.Format(time.RFC3339), noted)
	}
	return t.Flush()
}
