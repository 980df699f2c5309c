package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"ganlin/internal/config"
	"ganlin/internal/position"
	"ganlin/internal/records"
	"ganlin/internal/registry"
	"ganlin/internal/rulefile"
)

type checkCommand struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration to check, with the registry that it names."`
	JSON   bool   `name:"json" help:"Print JSON, and nothing else, to standard output."`
}

// Run prints every problem with its place.
func (k checkCommand) Run(ctx context.Context, c console) error {
	cfg, problems := config.Read(k.Config)
	if cfg != nil {
		if !position.HasErrors(problems) {
			_, unsendable := channelsOf(cfg.Notify)
			problems = append(problems, unsendable...)
		}
		problems = append(problems, problemsOfFiles(ctx, k.Config, cfg)...)
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

// problemsOfFiles returns what is wrong with the registry that the program
// will have, imported files included, and with the rules.
func problemsOfFiles(ctx context.Context, name string, cfg *config.Config) (all []position.Problem) {
	counts, err := lookAtImports(ctx, cfg)
	if err != nil {
		all = append(all, position.Problem{
			Position: position.Position{File: name, Line: 1, Column: 1}, Severity: position.Warning, Message: fmt.Sprintf("what was imported is not looked at: %v", err),
		})
	}
	_, found := declarationOf(cfg).load(counts, nil)
	_, wrong := rulefile.Load(cfg.Rules, true)
	missing := func(p position.Problem) bool { // as the configuration's own problems say
		_, err := os.Stat(p.File)
		return err != nil && (slices.Contains(cfg.Registry, p.File) || slices.Contains(cfg.Rules, p.File))
	}
	return append(all, slices.DeleteFunc(append(found, wrong...), missing)...)
}

// lookAtImports returns what was imported and counts, beside a program that runs or without one.
func lookAtImports(ctx context.Context, cfg *config.Config) ([]records.Imported, error) {
	if has, err := keepsRecords(cfg); err != nil || !has {
		return nil, err
	}
	s, err := records.Look(recordsPlace(cfg))
	if err != nil {
		return nil, err
	}
	counts, err := declarationOf(cfg).kept(ctx, s)
	return counts, errors.Join(err, s.Close())
}

// loadConfig reads a configuration for a command that works with it; its
// problems, and those of its registry, go where check would print them.
func loadConfig(c console, name string) (*config.Config, error) {
	cfg, problems := config.Load(name)
	if cfg != nil {
		_, more := registry.Load(cfg.Registry, registry.Options{TimeZone: cfg.TimeZone})
		problems = append(problems, more...)
	}
	for _, p := range problems {
		_, _ = fmt.Fprintln(c.err, p)
	}
	if position.HasErrors(problems) {
		return nil, exitError{exitCheckFailed, fmt.Errorf("%s has problems; ganlin check --config %s lists them", name, name)}
	}
	return cfg, nil
}
