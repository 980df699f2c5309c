package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ganlin/devices"
	"ganlin/rules"
)

// A snapshot is what is decided at one position of the journal: the state of all
// sites, and where in the journal lies what waits for its time. It only shortens
// the start: the journal gives the same state.
type snapshot struct {
	Format    int                                `json:"format"`
	Version   devices.Version                    `json:"version"`
	Published int64                              `json:"published"`
	Ticked    time.Time                          `json:"ticked"`
	Waiting   []stretch                          `json:"waiting"`
	Lanes     map[devices.SiteID]*lane           `json:"lanes"`
	Sites     map[devices.SiteID]json.RawMessage `json:"sites"`
}

// snapshotFormat tells snapshots from those that held what waits themselves.
const snapshotFormat = 2

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
	e.told.mu.Lock()
	defer e.told.mu.Unlock()
	e.told.kept = e.from()
	return nil
}

// state writes what is decided. Only Run changes the sites, and it is here: who
// looks at them meanwhile need not wait.
func (e *Engine) state() ([]byte, error) {
	s := snapshot{
		Format: snapshotFormat, Version: e.version, Published: e.published, Ticked: e.ticked, Waiting: e.waiting, Lanes: e.lanes,
		Sites: map[devices.SiteID]json.RawMessage{},
	}
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
	if s.Format != snapshotFormat {
		return fmt.Errorf("it has the format %d, not %d", s.Format, snapshotFormat)
	}
	configs, err := e.o.Configure(ctx, s.Version)
	if err != nil {
		return err
	}
	sites, err := rules.Restore(configs, s.Sites)
	if err != nil {
		return err
	}
	for _, site := range sites {
		if s.Lanes[site.ID()] == nil {
			return fmt.Errorf("it has no lane of site %s", site.ID())
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sites, e.version, e.published, e.ticked = sites, s.Version, s.Published, s.Ticked
	e.waiting, e.closed, e.lanes = s.Waiting, len(s.Waiting), s.Lanes
	e.turn++
	return nil
}
