package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/position"
	"ganlin/internal/records"
	"ganlin/internal/registry"
)

// A registrar keeps devices and their credentials. The registry in force is
// what the configuration's files declare and, behind them, what was imported.
type registrar struct {
	records *records.Store
	files   []*registry.File // of the configuration, or of the demo's village
	zone    string
	changed func(context.Context, *registry.Registry) error // takes a new registry and new credentials over; nil when no program runs
	kick    func(devices.DeviceID)
	online  func(devices.DeviceID) bool
}

// load makes the registry in force. A file given here takes the place of the
// imported one of its name.
func (r registrar) load(ctx context.Context, name string, file *registry.File) (*registry.Registry, error) {
	kept, err := r.records.Imported(ctx)
	if err != nil {
		return nil, err
	}
	imported := slices.Clone(r.files)
	for _, f := range kept {
		if f.Name != name {
			imported = append(imported, registry.Read(f.Name, []byte(f.Content)))
		}
	}
	if file != nil {
		imported = append(imported, file)
	}
	reg, problems := registry.Load(nil, registry.Options{TimeZone: r.zone, Imported: imported})
	if position.HasErrors(problems) {
		var text []string
		for _, p := range problems {
			text = append(text, p.String())
		}
		return nil, fmt.Errorf("%w: %s", httpapi.ErrBadRequest, strings.Join(text, "\n"))
	}
	return reg, nil
}

// List returns every device of the registry.
func (r registrar) List(ctx context.Context) ([]httpapi.Device, error) {
	reg, err := r.load(ctx, "", nil)
	if err != nil {
		return nil, err
	}
	credentials, err := r.records.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	list := []httpapi.Device{}
	for _, d := range reg.Devices() {
		state := "none"
		if c, ok := credentials[d.ID]; ok {
			state = "active"
			if !c.Revoked.IsZero() {
				state = "revoked"
			}
		}
		list = append(list, httpapi.Device{
			Device: d.ID, Model: d.Model, Plot: d.Plot, Station: d.Station,
			Credentials: state, Online: r.online != nil && r.online(d.ID),
		})
	}
	return list, nil
}

// Add declares one device and makes its credentials.
func (r registrar) Add(ctx context.Context, d devices.Device) ([]httpapi.Credential, error) {
	reg, err := r.load(ctx, "", nil)
	if err != nil {
		return nil, err
	}
	if _, ok := reg.Device(d.ID); ok {
		return nil, fmt.Errorf("%w: device %s is in the registry already; revoke it first for a new password, then import or add it", httpapi.ErrConflict, d.ID)
	}
	content, err := json.Marshal(map[string][]httpapi.NewDevice{"devices": {{
		ID: d.ID, Model: d.Model, Plot: d.Plot, Station: d.Station, MaxDurationS: d.MaxDurationS, MaxVolumeL: d.MaxVolumeL,
	}}}) // which is YAML too
	if err != nil {
		return nil, err
	}
	return r.Import(ctx, "added-"+string(d.ID)+".yaml", content)
}

// Import keeps a registry file and makes credentials for every device of it that has none.
func (r registrar) Import(ctx context.Context, name string, content []byte) ([]httpapi.Credential, error) {
	name = filepath.Base(name)
	file := registry.Read(name, content)
	reg, err := r.load(ctx, name, file)
	if err != nil {
		return nil, err
	}
	if err := r.records.Import(ctx, records.Imported{Name: name, Content: string(content)}, time.Now()); err != nil {
		return nil, err
	}
	made, err := r.makeCredentials(ctx, file.Entities().Devices)
	if err != nil {
		return nil, err
	}
	if r.changed != nil {
		err = r.changed(ctx, reg)
	}
	return made, err
}

// makeCredentials makes a secret for each of the devices that has none.
func (r registrar) makeCredentials(ctx context.Context, list []devices.Device) ([]httpapi.Credential, error) {
	var ids []devices.DeviceID
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	secrets, err := r.records.CreateCredentials(ctx, ids, time.Now())
	if err != nil {
		return nil, err
	}
	made := []httpapi.Credential{}
	for _, s := range secrets {
		made = append(made, httpapi.Credential{Device: s.Device, ClientID: string(s.Device), Username: string(s.Device), Password: s.Secret})
	}
	return made, nil
}

// Revoke makes a device's password let nobody in, and sends away who is in with it.
func (r registrar) Revoke(ctx context.Context, id devices.DeviceID) error {
	err := r.records.RevokeCredential(ctx, id, time.Now())
	if errors.Is(err, records.ErrNotFound) {
		return fmt.Errorf("%w: device %s has no password that lets in", httpapi.ErrNotFound, id)
	}
	if err != nil {
		return err
	}
	if r.changed != nil {
		if err := r.changed(ctx, nil); err != nil {
			return err
		}
	}
	if r.kick != nil {
		r.kick(id)
	}
	return nil
}

// deadLetters shows the records store's dead letters as the API does.
type deadLetters struct{ records *records.Store }

// Page returns letters older than the one named, newest first.
func (d deadLetters) Page(ctx context.Context, after string, limit int) ([]httpapi.DeadLetter, error) {
	letters, err := d.records.DeadLetters(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	page := make([]httpapi.DeadLetter, len(letters))
	for i, l := range letters {
		page[i] = letterOf(l)
	}
	return page, nil
}

// Letter returns one letter with its payload.
func (d deadLetters) Letter(ctx context.Context, id string) (httpapi.DeadLetter, error) {
	l, err := d.records.DeadLetter(ctx, id)
	if errors.Is(err, records.ErrNotFound) {
		err = fmt.Errorf("%w: there is no dead letter %q", httpapi.ErrNotFound, id)
	}
	return letterOf(l), err
}

func letterOf(l records.DeadLetter) httpapi.DeadLetter {
	return httpapi.DeadLetter{
		ID: l.ID, Received: l.Received, Device: l.Device, Topic: l.Topic, Reason: l.Reason, Detail: l.Detail,
		Codec: l.Codec, Part: l.Part, Length: l.Length, SHA256: l.SHA256, Payload: l.Payload,
	}
}
