package app

import (
	"context"
	"net/url"
)

type valvesCommand struct {
	Clear clearValve `cmd:"" help:"Say that you have looked at a valve and that it is shut: its lock, its strikes and its leak end."`
}

type clearValve struct {
	where
	Valve string `arg:"" help:"The valve."`
}

// Run takes a person's word down in the running program.
func (v clearValve) Run(ctx context.Context, c console) error {
	r, err := v.program(c, "a valve is cleared by the running program: start it first")
	if err != nil {
		return err
	}
	return r.call(ctx, "POST", "/api/v1/valves/"+url.PathEscape(v.Valve)+"/clear", nil, nil)
}
