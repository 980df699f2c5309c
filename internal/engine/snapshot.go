package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ganlin/devices"
	"ganlin/rules"
)

// A snapshot is the state of all sites at one position of the journal. It only
// shortens the start: the journal gives the same state.
type snapshot struct {
	Version   devices.Version                    `json:"version"`
	Published int64                              `json:"published"`
	Ticked    time.Time                          `json:"ticked"`
	Sites     map[devices.SiteID]json.RawMessage `json:"sites"`
}

// snapshot saves the state when enough has happened since the last time.
func (e *Engine) snapshot(ctx context.Context, tick time.Time) error {
	if e.unpublished {
		return nil
	}
	if tick.Sub(e.savedTick) < snapshotTime && time.Since(e.saved) < snapshotEvery {
		return nil
	}
	text, err := e.state()
	if err != nil {
		return err
	}
	if err := e.o.Store.SaveSnapshot(ctx, e.at, text); err != nil {
		e.o.Log.Warn("saving the state of the rules", "error", err) // costs a longer start, nothing else
		return nil
	}
	e.saved, e.savedTick = time.Now(), tick
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept = e.at
	return nil
}

func (e *Engine) state() ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := snapshot{Version: e.version, Published: e.published, Ticked: e.ticked, Sites: map[devices.SiteID]json.RawMessage{}}
	for _, site := range e.sites {
		text, err := site.Snapshot()
		if err != nil {
			return nil, fmt.Errorf("writing the state of site %s: %w", site.ID(), err)
		}
		s.Sites[site.ID()] = text
	}
	return json.Marshal(s)
}

func (e *Engine) restore(ctx context.Context, text []byte) error {
	var s snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	configs, err := e.o.Configure(ctx, s.Version)
	if err != nil {
		return err
	}
	var sites []*rules.Site
	for _, c := range configs {
		site := rules.New(c)
		if err := site.Restore(s.Sites[c.Site.ID]); err != nil {
			return fmt.Errorf("reading the state of site %s: %w", c.Site.ID, err)
		}
		sites = append(sites, site)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sites, e.version, e.published, e.ticked = sites, s.Version, s.Published, s.Ticked
	return nil
}
