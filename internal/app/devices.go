package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"ganlin/devices"
	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

type devicesCommand struct {
	Import importDevices `cmd:"" help:"Take a registry file, YAML or CSV, and make credentials for every device of it that has none; they are shown once."`
	List   listDevices   `cmd:"" help:"List the devices of the registry."`
	Add    addDevice     `cmd:"" help:"Declare one device and make its credentials, shown once."`
	Revoke revokeDevice  `cmd:"" help:"Make a device's password let nobody in; it stays declared, and add makes it a new one."`
	Forget forgetDevices `cmd:"" help:"Take an imported file, or a device that was added, away again."`
}

type importDevices struct {
	where
	File   string `arg:"" help:"The registry file."`
	Forget bool   `help:"Take away what the file declared when it was imported before, and does not any more."`
}

// Run imports a file.
func (i importDevices) Run(ctx context.Context, c console) error {
	content, err := os.ReadFile(i.File)
	if err != nil {
		return usageError("reading the registry: %w", err)
	}
	name := fullPath(i.File)
	made, err := withRegistrar(ctx, c, i.where, makes,
		func(r *remote) (made []httpapi.Credential, err error) {
			return made, r.call(ctx, "POST", "/api/v1/devices/import", httpapi.RegistryFile{Name: name, Content: string(content), Forget: i.Forget}, &made)
		},
		func(r registrar) ([]httpapi.Credential, error) { return r.Import(ctx, name, content, i.Forget) })
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
	FlowLPM      float64 `name:"flow-lpm" help:"Of a valve: its usual flow, litres a minute."`
}

// Run adds a device.
func (a addDevice) Run(ctx context.Context, c console) error {
	d := httpapi.NewDevice{
		ID: devices.DeviceID(a.ID), Model: a.Model, Plot: devices.PlotID(a.Plot), Station: devices.StationID(a.Station),
		MaxDurationS: a.MaxDurationS, MaxVolumeL: a.MaxVolumeL, FlowLPM: a.FlowLPM,
	}
	made, err := withRegistrar(ctx, c, a.where, makes,
		func(r *remote) (made []httpapi.Credential, err error) {
			return made, r.call(ctx, "POST", "/api/v1/devices", d, &made)
		},
		func(r registrar) ([]httpapi.Credential, error) {
			return r.Add(ctx, devices.Device{
				ID: d.ID, Model: d.Model, Plot: d.Plot, Station: d.Station, MaxDurationS: d.MaxDurationS, MaxVolumeL: d.MaxVolumeL, FlowLPM: d.FlowLPM,
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
	all, err := withRegistrar(ctx, c, l.where, expects,
		func(r *remote) ([]httpapi.Device, error) { return everyPage[httpapi.Device](ctx, r, "/api/v1/devices") },
		func(r registrar) ([]httpapi.Device, error) { return r.List(ctx) })
	if err != nil {
		return err
	}
	if err := list(c, l.JSON, all, "DEVICE\tMODEL\tPLOT\tSTATION\tCREDENTIALS\tONLINE\tDECLARED", func(d httpapi.Device) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%t\t%s", d.Device, d.Model, d.Plot, d.Station, d.Credentials, d.Online, d.Declared)
	}); err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(d httpapi.Device) bool { return d.Credentials == undeclaredState }) {
		_, _ = fmt.Fprintln(c.err, l.whyUndeclared())
	}
	return nil
}

func (l listDevices) whyUndeclared() string {
	if l.Config == "" {
		return "undeclared: neither imported nor added; give --config if a configuration declares them"
	}
	return "undeclared: nothing declares them any more, so their passwords let nobody in; ganlin devices revoke ends those for good"
}

type revokeDevice struct {
	where
	ID string `arg:"" help:"The device."`
}

// Run revokes a device's credentials.
func (v revokeDevice) Run(ctx context.Context, c console) error {
	_, err := withRegistrar(ctx, c, v.where, expects,
		func(r *remote) (none struct{}, err error) {
			return none, r.call(ctx, "DELETE", "/api/v1/devices/"+url.PathEscape(v.ID), nil, nil)
		},
		func(r registrar) (none struct{}, err error) { return none, r.Revoke(ctx, devices.DeviceID(v.ID)) })
	if err == nil && !v.JSON {
		_, _ = fmt.Fprintln(c.err, "revoked")
	}
	return err
}

type forgetDevices struct {
	where
	Name string `arg:"" help:"The file that was imported, or the id of the device that was added."`
}

// Run forgets a file or a device.
func (f forgetDevices) Run(ctx context.Context, c console) error {
	if _, err := os.Stat(f.Name); err == nil {
		f.Name = fullPath(f.Name)
	}
	ids, err := withRegistrar(ctx, c, f.where, expects,
		func(r *remote) (ids []devices.DeviceID, err error) {
			return ids, r.call(ctx, "POST", "/api/v1/devices/forget", httpapi.ForgetDevices{Name: f.Name}, &ids)
		},
		func(r registrar) ([]devices.DeviceID, error) { return r.Forget(ctx, f.Name) })
	if err != nil {
		return err
	}
	if f.JSON {
		return json.NewEncoder(c.out).Encode(ids)
	}
	said := "forgotten"
	if len(ids) > 0 {
		said += "; nothing declares any more: " + strings.Trim(fmt.Sprint(ids), "[]")
	}
	_, err = fmt.Fprintln(c.err, said)
	return err
}

// withRegistrar does something with the registry of a data folder.
func withRegistrar[T any](ctx context.Context, c console, w where, may maker, far func(*remote) (T, error), near func(registrar) (T, error)) (none T, err error) {
	cfg, err := w.open(c)
	if err != nil {
		return none, err
	}
	return withRecords(ctx, cfg, may, far, func(_ *folder, s *records.Store) (T, error) { return near(registrarOf(cfg, s)) })
}

// registrarOf is the keeper of devices of a program that does not run.
func registrarOf(cfg *config.Config, s *records.Store) registrar {
	return registrar{declaration: declarationOf(cfg), records: s}
}
