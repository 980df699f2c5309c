package app

import (
	"fmt"

	"ganlin/internal/config"
	"ganlin/internal/position"
	"ganlin/internal/registry"
	"ganlin/internal/rulefile"
)

type checkCommand struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration to check, with the registry that it names."`
	JSON   bool   `name:"json" help:"Print JSON, and nothing else, to standard output."`
}

// Run prints every problem with its place.
func (k checkCommand) Run(c console) error {
	cfg, problems := config.Load(k.Config)
	if cfg != nil {
		_, more := registry.Load(cfg.Registry, registry.Options{TimeZone: cfg.TimeZone})
		_, wrong := rulefile.Load(cfg.Rules, true)
		_, unsendable := channelsOf(cfg.Notify)
		problems = append(append(append(problems, more...), wrong...), unsendable...)
	}
	if err := printProblems(c, problems, k.JSON); err != nil {
		return err
	}
	if position.HasErrors(problems) {
		return errCheckFailed
	}
	if !k.JSON {
		_, _ = fmt.Fprintln(c.err, k.Config+": no errors")
	}
	return nil
}

// loadConfig reads a configuration with its registry for a command that needs
// both; the problems go where check would print them.
func loadConfig(c console, name string) (*config.Config, *registry.Registry, error) {
	cfg, problems := config.Load(name)
	var reg *registry.Registry
	if cfg != nil {
		var more []position.Problem
		reg, more = registry.Load(cfg.Registry, registry.Options{TimeZone: cfg.TimeZone})
		problems = append(problems, more...)
	}
	for _, p := range problems {
		_, _ = fmt.Fprintln(c.err, p)
	}
	if position.HasErrors(problems) {
		return nil, nil, exitError{exitCheckFailed, fmt.Errorf("%s has problems; ganlin check --config %s lists them", name, name)}
	}
	return cfg, reg, nil
}
