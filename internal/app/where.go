package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"ganlin/internal/config"
	"ganlin/internal/records"
)

// A where says which data folder a command works on.
type where struct {
	Config string `placeholder:"FILE" help:"The configuration whose data folder is meant."`
	Data   string `placeholder:"DIR" help:"The data folder; without this and --config, the demo's."`
	JSON   bool   `name:"json" help:"Print JSON, and nothing else, to standard output."`
}

// open returns the configuration that is meant; where only a folder is, one
// that declares nothing on it.
func (w where) open(c console) (*config.Config, error) {
	cfg := config.Default()
	switch {
	case w.Config != "" && w.Data != "":
		return nil, usageError("--config names a data folder already; leave --data out")
	case w.Config != "":
		return loadConfig(c, w.Config)
	case w.Data != "":
		cfg.Data = w.Data
		return &cfg, nil
	}
	var err error
	cfg.Data, err = demoFolder()
	return &cfg, err
}

// program returns the API of the program that runs on the data folder; what needs it says why.
func (w where) program(c console, why string) (*remote, error) {
	cfg, err := w.open(c)
	if err != nil {
		return nil, err
	}
	r, err := running(cfg.Data)
	if err == nil && r == nil {
		err = exitError{exitOutOfReach, fmt.Errorf("nothing runs on %s, and %s", cfg.Data, why)}
	}
	return r, err
}

// A maker says whether a command may make a data folder where there is none.
type maker bool

const (
	makes   maker = true
	expects maker = false // what is not there is a typing error, or nothing has run yet
)

// withRecords does something with the records of a data folder: through the
// API of the program that runs on it, or by itself when none does.
func withRecords[T any](ctx context.Context, cfg *config.Config, may maker, far func(*remote) (T, error), near func(*folder, *records.Store) (T, error)) (none T, err error) {
	r, err := running(cfg.Data)
	if err != nil {
		return none, err
	}
	if r != nil {
		return far(r)
	}
	if err := haveRecords(cfg); err != nil && may == expects {
		return none, err
	}
	f, err := openFolder(cfg.Data)
	if err != nil {
		return none, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	s, err := openRecords(ctx, cfg)
	if err != nil {
		return none, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return near(f, s)
}

// list prints what a command lists, one a line under a heading.
func list[T any](c console, asJSON bool, all []T, heading string, line func(T) string) error {
	if asJSON {
		return json.NewEncoder(c.out).Encode(all)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, heading)
	for _, one := range all {
		_, _ = fmt.Fprintln(w, line(one))
	}
	return w.Flush()
}
