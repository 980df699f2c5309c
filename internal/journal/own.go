package journal

import (
	"context"
	"fmt"
	"time"

	"ganlin/devices"
)

// AppendTicks puts a tick of each site on disk: event time has come to at.
func (j *Journal) AppendTicks(ctx context.Context, at time.Time, sites []devices.SiteID) error {
	err := j.appendOwn(ctx, func(e *encoder, now time.Time) error { return e.sites(tickMark, at, now, sites, nil) })
	if err != nil {
		return fmt.Errorf("appending the tick of %s: %w", at.UTC().Format(time.RFC3339), err)
	}
	return nil
}

// AppendVersion puts on disk by which registry and rules the sites are judged
// from at on: a fact for each site, or one without a site when none is named.
func (j *Journal) AppendVersion(ctx context.Context, at time.Time, sites []devices.SiteID, v devices.Version) error {
	if len(sites) == 0 {
		sites = []devices.SiteID{""}
	}
	err := j.appendOwn(ctx, func(e *encoder, now time.Time) error { return e.sites(versionMark, at, now, sites, &v) })
	if err != nil {
		return fmt.Errorf("appending the version of registry %s and rules %s: %w", v.Registry, v.Rules, err)
	}
	return nil
}

// AppendAct puts on disk what a person did. When it returns an error the act
// may be there all the same; its id tells when it is appended again.
func (j *Journal) AppendAct(ctx context.Context, act devices.Act) error {
	err := j.appendOwn(ctx, func(e *encoder, now time.Time) error {
		return e.json(actMark, comment{Received: now.UnixMilli(), Act: &act})
	})
	if err != nil {
		return fmt.Errorf("appending act %s: %w", act.ID, err)
	}
	return nil
}

// appendOwn makes one record of what encode adds.
func (j *Journal) appendOwn(ctx context.Context, encode func(e *encoder, now time.Time) error) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if err := j.ready(); err != nil {
		return err
	}
	j.encoder.reset()
	if err := encode(&j.encoder, j.options.Now()); err != nil {
		return err
	}
	return j.commit(ctx)
}

// sites adds a comment of each site.
func (e *encoder) sites(mark string, at, now time.Time, sites []devices.SiteID, v *devices.Version) error {
	for _, site := range sites {
		if err := e.json(mark, comment{At: at.UnixMilli(), Received: now.UnixMilli(), location: location{Site: site}, Version: v}); err != nil {
			return err
		}
	}
	return nil
}
