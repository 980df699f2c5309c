package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

type explainCommand struct {
	where
	ID   string `arg:"" help:"Of a decision, an alert or a command, or its beginning."`
	Lang string `default:"" help:"zh or en; by default that of the terminal."`
}

// Run says in a sentence why something was decided, then by which facts and which rule.
func (e explainCommand) Run(ctx context.Context, c console) error {
	cfg, err := e.open(c)
	if err != nil {
		return err
	}
	d, err := e.find(ctx, cfg)
	if errors.Is(err, records.ErrNotFound) {
		return fmt.Errorf("nothing was decided under %q; the page and the report name what was", e.ID)
	}
	if err != nil {
		return err
	}
	if e.JSON {
		return json.NewEncoder(c.out).Encode(d)
	}
	store, err := records.Look(recordsPlace(cfg))
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	return e.print(ctx, c, registrarOf(cfg, store), d)
}

// find reads the decision, and notes that it was read. A second process may do
// both beside the one that runs; in PostgreSQL one writes, so that one is asked.
func (e explainCommand) find(ctx context.Context, cfg *config.Config) (devices.Decision, error) {
	near := func(_ *folder, s *records.Store) (devices.Decision, error) {
		d, err := s.Decision(ctx, e.ID)
		if err == nil {
			err = noteReading(ctx, s, auth.BuiltIn, d)
		}
		return d, err
	}
	if records.IsPostgres(recordsPlace(cfg)) {
		return withRecords(ctx, cfg, expects, func(r *remote) (devices.Decision, error) {
			var found httpapi.Explained
			err := r.call(ctx, http.MethodGet, "/api/v1/decisions/"+url.PathEscape(e.ID), nil, &found)
			return found.Decision, err
		}, near)
	}
	if err := haveRecords(cfg); err != nil {
		return devices.Decision{}, err
	}
	s, err := records.Open(ctx, recordsPlace(cfg))
	if err != nil {
		return devices.Decision{}, err
	}
	defer func() { _ = s.Close() }()
	return near(nil, s)
}

func (e explainCommand) print(ctx context.Context, c console, r registrar, d devices.Decision) error {
	catalogue, err := words.New()
	if err != nil {
		return err
	}
	about := words.About{Zone: time.UTC}
	if reg, err := r.load(ctx); err == nil {
		if p, ok := reg.Plot(d.Plot); ok {
			about.PlotName = p.Name
		}
		for _, s := range reg.Sites() {
			if zone, err := time.LoadLocation(s.TimeZone); err == nil && s.ID == d.Site {
				about.Zone = zone
			}
		}
	}
	said := catalogue.Explain(e.language(), d, about)
	_, _ = fmt.Fprintf(c.out, "%s\n", said.Sentence)
	for _, part := range [][]words.Line{said.Facts, said.Rule, said.Evidence} {
		_, _ = fmt.Fprintln(c.out)
		for _, l := range part {
			_, _ = fmt.Fprintf(c.out, "  %s  %s\n", l.Label, l.Text)
		}
	}
	return nil
}

// language is Chinese where the terminal asks for it or for nothing.
func (e explainCommand) language() words.Language {
	asked := e.Lang
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if asked == "" {
			asked = os.Getenv(name)
		}
	}
	if strings.HasPrefix(asked, "en") {
		return words.English
	}
	return words.Chinese
}
