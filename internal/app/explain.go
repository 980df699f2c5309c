package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ganlin/dashboards/words"
	"ganlin/devices"
	"ganlin/internal/auth"
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
	if err := haveRecords(cfg.Data); err != nil {
		return err
	}
	store, err := records.Open(ctx, filepath.Join(cfg.Data, recordsFile)) // a second process may read beside the one that runs
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	d, err := store.Decision(ctx, e.ID)
	if errors.Is(err, records.ErrNotFound) {
		return fmt.Errorf("nothing was decided under %q; the page and the report name what was", e.ID)
	}
	if err == nil {
		err = noteReading(ctx, store, auth.BuiltIn, d)
	}
	if err != nil {
		return err
	}
	if e.JSON {
		return json.NewEncoder(c.out).Encode(d)
	}
	return e.print(ctx, c, registrarOf(cfg, store), d)
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
