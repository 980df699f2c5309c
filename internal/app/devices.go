package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"text/tabwriter"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/internal/registry"
)

type devicesCommand struct {
	Import importDevices `cmd:"" help:"Take a registry file, YAML or CSV, and make credentials for every device of it that has none; they are shown once."`
	List   listDevices   `cmd:"" help:"List the devices of the registry."`
	Add    addDevice     `cmd:"" help:"Declare one device and make its credentials, shown once."`
	Revoke revokeDevice  `cmd:"" help:"Make a device's password let nobody in."`
}

type importDevices struct {
	where
	File string `arg:"" help:"The registry file."`
}

// Run imports a file.
func (i importDevices) Run(ctx context.Context, c console) error {
	content, err := os.ReadFile(i.File)
	if err != nil {
		return usageError("reading the registry: %w", err)
	}
	made, err := withRegistrar(ctx, c, i.where,
		func(r *remote) (made []httpapi.Credential, err error) {
			return made, r.call(ctx, "POST", "/api/v1/devices/import", httpapi.RegistryFile{Name: filepath.Base(i.File), Content: string(content)}, &made)
		},
		func(r registrar) ([]httpapi.Credential, error) { return r.Import(ctx, i.File, content) })
	return showCredentials(c, i.JSON, made, err)
}

type addDevice struct {
	where
	ID           string  `arg:"" help:"Its id: 1 to 64 of A-Z a-z 0-9 _ -."`
	Model        string  `required:"" help:"Its model, such as ganlin-soil-3."`
	Plot         string  `xor:"place" help:"The plot that it stands on."`
	Station      string  `xor:"place" help:"The station that it stands at."`
	MaxDurationS int     `name:"max-duration-s" help:"Of a valve: the longest single opening, seconds."`
	MaxVolumeL   float64 `name:"max-volume-l" help:"Of a valve: the most water of one opening, litres."`
}

// Run adds a device.
func (a addDevice) Run(ctx context.Context, c console) error {
	d := httpapi.NewDevice{
		ID: devices.DeviceID(a.ID), Model: a.Model, Plot: devices.PlotID(a.Plot), Station: devices.StationID(a.Station),
		MaxDurationS: a.MaxDurationS, MaxVolumeL: a.MaxVolumeL,
	}
	made, err := withRegistrar(ctx, c, a.where,
		func(r *remote) (made []httpapi.Credential, err error) {
			return made, r.call(ctx, "POST", "/api/v1/devices", d, &made)
		},
		func(r registrar) ([]httpapi.Credential, error) {
			return r.Add(ctx, devices.Device{
				ID: d.ID, Model: d.Model, Plot: d.Plot, Station: d.Station, MaxDurationS: d.MaxDurationS, MaxVolumeL: d.MaxVolumeL,
			})
		})
	return showCredentials(c, a.JSON, made, err)
}

func showCredentials(c console, asJSON bool, made []httpapi.Credential, err error) error {
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(c.out).Encode(made) //nolint:gosec // to show the passwords is what it is for
	}
	if len(made) == 0 {
		_, err := fmt.Fprintln(c.err, "every device has its credentials already")
		return err
	}
	_, _ = fmt.Fprintln(c.err, "These passwords are shown now and never again:")
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "DEVICE\tCLIENT ID\tUSER NAME\tPASSWORD")
	for _, m := range made {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Device, m.ClientID, m.Username, m.Password)
	}
	return w.Flush()
}

type listDevices struct{ where }

// Run lists the devices.
func (l listDevices) Run(ctx context.Context, c console) error {
	list, err := withRegistrar(ctx, c, l.where,
		func(r *remote) (list []httpapi.Device, err error) {
			return list, r.call(ctx, "GET", "/api/v1/devices", nil, &list)
		},
		func(r registrar) ([]httpapi.Device, error) { return r.List(ctx) })
	if err != nil {
		return err
	}
	if l.JSON {
		return json.NewEncoder(c.out).Encode(list)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "DEVICE\tMODEL\tPLOT\tSTATION\tCREDENTIALS\tONLINE")
	for _, d := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%t\n", d.Device, d.Model, d.Plot, d.Station, d.Credentials, d.Online)
	}
	return w.Flush()
}

type revokeDevice struct {
	where
	ID string `arg:"" help:"The device."`
}

// Run revokes a device's credentials.
func (v revokeDevice) Run(ctx context.Context, c console) error {
	_, err := withRegistrar(ctx, c, v.where,
		func(r *remote) (none struct{}, err error) {
			return none, r.call(ctx, "DELETE", "/api/v1/devices/"+url.PathEscape(v.ID), nil, nil)
		},
		func(r registrar) (none struct{}, err error) { return none, r.Revoke(ctx, devices.DeviceID(v.ID)) })
	if err == nil && !v.JSON {
		_, _ = fmt.Fprintln(c.err, "revoked")
	}
	return err
}

// withRegistrar does something with the registry of a data folder: through the
// API of the program that runs on it, or by itself when none does.
func withRegistrar[T any](ctx context.Context, c console, w where, far func(*remote) (T, error), near func(registrar) (T, error)) (none T, err error) {
	data, files, zone, err := w.open(c)
	if err != nil {
		return none, err
	}
	return withRecords(ctx, data, far, func(s *records.Store) (T, error) {
		return near(registrar{records: s, files: files, zone: zone})
	})
}

func withDeadLetters[T any](ctx context.Context, c console, w where, far func(*remote) (T, error), near func(deadLetters) (T, error)) (none T, err error) {
	data, _, _, err := w.open(c)
	if err != nil {
		return none, err
	}
	return withRecords(ctx, data, far, func(s *records.Store) (T, error) { return near(deadLetters{s}) })
}

// open returns the data folder that is meant, and what a configuration declares.
func (w where) open(c console) (data string, files []*registry.File, zone string, err error) {
	switch {
	case w.Config != "" && w.Data != "":
		return "", nil, "", usageError("--config names a data folder already; leave --data out")
	case w.Config != "":
		cfg, reg, err := loadConfig(c, w.Config)
		if err != nil {
			return "", nil, "", err
		}
		return cfg.Data, []*registry.File{fileOf(w.Config, reg)}, cfg.TimeZone, nil
	case w.Data != "":
		return w.Data, nil, "", nil
	}
	data, err = demoFolder()
	return data, nil, "", err
}

// fileOf is a registry as a file that others are laid beside.
func fileOf(name string, r *registry.Registry) *registry.File {
	return registry.FromEntities(name, registry.Entities{
		Places: r.Places(), Sites: r.Sites(), Stations: r.Stations(), Plots: r.Plots(), Devices: r.Devices(),
	})
}

func withRecords[T any](ctx context.Context, data string, far func(*remote) (T, error), near func(*records.Store) (T, error)) (none T, err error) {
	r, err := running(data)
	if err != nil {
		return none, err
	}
	if r != nil {
		return far(r)
	}
	f, err := openFolder(data)
	if err != nil {
		return none, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	s, err := records.Open(ctx, f.file(recordsFile))
	if err != nil {
		return none, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return near(s)
}
