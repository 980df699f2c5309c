package app

import (
	"context"
	"fmt"
)

type serveCommand struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration, ganlin.yaml."`
	Role   string `default:"all" enum:"all" help:"What this process does: ${enum}."`
	Step   bool   `help:"Take the time from outside: POST /api/v1/step."`
	Ready  string `placeholder:"FILE" help:"Write this file once all parts are ready."`
}

// Run serves until it is interrupted.
func (s serveCommand) Run(ctx context.Context, c console, h hooks) error {
	cfg, err := loadConfig(c, s.Config)
	if err != nil {
		return err
	}
	p, err := openProgram(ctx, programOptions{
		config: cfg, step: s.Step, ready: s.Ready, log: c.log, hooks: h,
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(c.err, "ganlin: pages on %s\n", p.url())
	return p.run(ctx)
}
