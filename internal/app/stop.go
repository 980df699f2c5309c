package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/position"
)

type stopCommand struct{ where }

// Run is the emergency stop: the running program closes every valve, and opens none until a resume.
func (s stopCommand) Run(ctx context.Context, c console) error {
	r, err := s.valves(c)
	if err != nil {
		return err
	}
	var stopped httpapi.Stopped
	if err := r.call(ctx, "POST", "/api/v1/stop", nil, &stopped); err != nil {
		return err
	}
	open := 0
	for _, id := range slices.Sorted(maps.Keys(stopped.Valves)) {
		if stopped.Valves[id] != valveClosed {
			open++
		}
		if !s.JSON {
			_, _ = fmt.Fprintf(c.out, "%s  %s\n", id, stopped.Valves[id])
		}
	}
	if s.JSON {
		if err := json.NewEncoder(c.out).Encode(stopped); err != nil {
			return err
		}
	}
	if open > 0 {
		_, _ = fmt.Fprintf(c.err, "%d of %d valves are not known to be closed; close them by hand\n", open, len(stopped.Valves))
	}
	if stopped.Warning != "" {
		_, _ = fmt.Fprintln(c.err, stopped.Warning)
	}
	_, _ = fmt.Fprintln(c.err, "no valve opens until ganlin resume")
	if open > 0 || stopped.Warning != "" {
		return errCheckFailed
	}
	return nil
}

type resumeCommand struct{ where }

// Run ends the emergency stop.
func (s resumeCommand) Run(ctx context.Context, c console) error {
	r, err := s.valves(c)
	if err != nil {
		return err
	}
	if err := r.call(ctx, "POST", "/api/v1/resume", nil, nil); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(c.err, "valves may open again")
	return nil
}

// valves is the program that runs on the data folder: without one nothing
// reaches them. Of a configuration only the folder is read, so that a mistake
// in the rest of it, or in a registry that somebody is editing, holds up no stop.
func (w where) valves(c console) (*remote, error) {
	if w.Config != "" && w.Data == "" {
		cfg, problems := config.Read(w.Config)
		if cfg == nil || position.HasErrors(problems) && cfg.Data == config.Default().Data { // which may be another program's
			for _, p := range problems {
				_, _ = fmt.Fprintln(c.err, p)
			}
			return nil, exitError{exitCheckFailed, fmt.Errorf("%s has problems; name its data folder by --data in place of --config", w.Config)}
		}
		w.Config, w.Data = "", cfg.Data
	}
	return w.program(c, "no valve can be reached: close them by hand")
}
