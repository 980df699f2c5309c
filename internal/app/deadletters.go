package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

type deadLettersCommand struct {
	List listDeadLetters `cmd:"" help:"List the newest, one a line."`
	Show showDeadLetter  `cmd:"" help:"Show one with its payload."`
}

type listDeadLetters struct {
	where
	After string `placeholder:"ID" help:"Go on behind this one."`
	Limit int    `default:"100" help:"How many at the most."`
}

// Run lists dead letters, newest first.
func (l listDeadLetters) Run(ctx context.Context, c console) error {
	if l.Limit < 1 {
		return usageError("--limit %d: ask for at least one", l.Limit)
	}
	letters, err := withDeadLetters(ctx, c, l.where,
		func(r *remote) ([]httpapi.DeadLetter, error) {
			var page []httpapi.DeadLetter
			q := url.Values{"after": {l.After}, "limit": {strconv.Itoa(l.Limit)}}
			return page, r.call(ctx, "GET", "/api/v1/deadletters?"+q.Encode(), nil, &page)
		},
		func(d deadLetters) ([]httpapi.DeadLetter, error) { return d.Page(ctx, l.After, l.Limit) })
	if err != nil {
		return err
	}
	if len(letters) == 0 && !l.JSON {
		_, err := fmt.Fprintln(c.err, "no dead letters")
		return err
	}
	return list(c, l.JSON, letters, "ID\tRECEIVED\tDEVICE\tREASON\tBYTES\tDETAIL", func(d httpapi.DeadLetter) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%s", d.ID, d.Received.Format(time.RFC3339), printable(string(d.Device)), d.Reason, d.Length, printable(d.Detail))
	})
}

type showDeadLetter struct {
	where
	ID string `arg:"" help:"As the list names it."`
}

// Run shows one dead letter.
func (s showDeadLetter) Run(ctx context.Context, c console) error {
	d, err := withDeadLetters(ctx, c, s.where,
		func(r *remote) (d httpapi.DeadLetter, err error) {
			return d, r.call(ctx, "GET", "/api/v1/deadletters/"+url.PathEscape(s.ID), nil, &d)
		},
		func(d deadLetters) (httpapi.DeadLetter, error) { return d.Letter(ctx, s.ID) })
	if err != nil {
		return err
	}
	if s.JSON {
		return json.NewEncoder(c.out).Encode(d)
	}
	payload := "payload"
	switch {
	case d.SHA256 != "" && d.Part:
		payload = fmt.Sprintf("payload (the first %d bytes of a part of a message of %d; SHA-256 of the part: %s)", len(d.Payload), d.Length, d.SHA256)
	case d.SHA256 != "":
		payload = fmt.Sprintf("payload (the first %d of %d bytes; SHA-256 of all: %s)", len(d.Payload), d.Length, d.SHA256)
	}
	_, err = fmt.Fprintf(c.out, "id        %s\nreceived  %s\ndevice    %s\ntopic     %s\nreason    %s\ndetail    %s\ncodec     %s\n%s:\n%s\n",
		d.ID, d.Received, printable(string(d.Device)), printable(d.Topic), d.Reason, printable(d.Detail), d.Codec, payload, printable(string(d.Payload)))
	return err
}

func withDeadLetters[T any](ctx context.Context, c console, w where, far func(*remote) (T, error), near func(deadLetters) (T, error)) (none T, err error) {
	cfg, err := w.open(c)
	if err != nil {
		return none, err
	}
	return withRecords(ctx, cfg, expects, far, func(_ *folder, s *records.Store) (T, error) { return near(deadLetters{s}) })
}

// printable returns s without characters that could steer a terminal.
func printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, steers) {
		return s
	}
	return strings.Trim(strconv.Quote(s), `"`)
}

func steers(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }
