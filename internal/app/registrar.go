package app

import (
	"cmp"
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
	"ganlin/internal/records"
	"ganlin/internal/registry"
)

// A registrar keeps devices and their credentials.
type registrar struct {
	declaration
	records *records.Store
	program *program // nil when none runs
}

// load makes the registry that is in force or will be at the next start.
func (r registrar) load(ctx context.Context) (*registry.Registry, error) {
	kept, err := r.kept(ctx, r.records)
	if err != nil {
		return nil, err
	}
	return r.sound(kept, nil)
}

// List returns every device of the registry, and those that no registry
// declares any more and that still have a password.
func (r registrar) List(ctx context.Context) ([]httpapi.Device, error) {
	kept, err := r.kept(ctx, r.records)
	if err != nil {
		return nil, err
	}
	credentials, err := r.records.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	var reg *registry.Registry
	if r.program != nil {
		reg = r.program.registry.Load()
	} else if reg, err = r.load(ctx); err != nil {
		return nil, err
	}
	all := r.all(kept)
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
			Credentials: state, Online: r.program != nil && r.program.isOnline(d.ID), Declared: all[registry.DeviceName(d.ID)].in,
		})
	}
	for _, id := range undeclared(reg, credentials) {
		list = append(list, httpapi.Device{Device: id, Credentials: undeclaredState})
	}
	return list, nil
}

// undeclaredState is that of the credentials of a device which nothing declares.
const undeclaredState = "undeclared"

// undeclared returns the devices with a password that lets nobody in because the registry does not know them.
func undeclared(reg *registry.Registry, credentials map[devices.DeviceID]records.CredentialState) (ids []devices.DeviceID) {
	for id, c := range credentials {
		if _, known := reg.Device(id); !known && c.Revoked.IsZero() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Add declares one device and makes its credentials. Of one that is declared
// already, in the same way, it makes new ones where none are in force.
func (r registrar) Add(ctx context.Context, d devices.Device) ([]httpapi.Credential, error) {
	defer r.alone()()
	kept, err := r.kept(ctx, r.records)
	if err != nil {
		return nil, err
	}
	if known, ok := r.all(kept)[registry.DeviceName(d.ID)]; ok {
		return r.renew(ctx, kept, d, known)
	}
	content, err := json.Marshal(map[string][]httpapi.NewDevice{"devices": {{
		ID: d.ID, Model: d.Model, Plot: d.Plot, Station: d.Station, MaxDurationS: d.MaxDurationS, MaxVolumeL: d.MaxVolumeL, FlowLPM: d.FlowLPM,
	}}}) // which is YAML too
	if err != nil {
		return nil, err
	}
	fresh := records.Imported{Name: addedPrefix + string(d.ID) + addedSuffix, Content: string(content)}
	reg, err := r.sound(kept, &fresh)
	if err != nil {
		return nil, err
	}
	return r.keep(ctx, reg, fresh)
}

func (r registrar) renew(ctx context.Context, kept []records.Imported, d devices.Device, known declared) ([]httpapi.Credential, error) {
	now := known.value.(devices.Device)
	d.MaxDurationS, d.MaxVolumeL, d.FlowLPM = cmp.Or(d.MaxDurationS, now.MaxDurationS), cmp.Or(d.MaxVolumeL, now.MaxVolumeL), cmp.Or(d.FlowLPM, now.FlowLPM)
	if d != now {
		return nil, fmt.Errorf("%w: device %s is declared already with other values (%s); give the same, or change them there", httpapi.ErrConflict, d.ID, known.in)
	}
	reg, err := r.sound(kept, nil)
	if err != nil {
		return nil, err
	}
	made, err := r.credit(ctx, reg, []devices.Device{d})
	if err == nil && len(made) == 0 {
		err = fmt.Errorf("%w: device %s is declared already (%s) and has a password; ganlin devices revoke %s ends it, and add then makes a new one",
			httpapi.ErrConflict, d.ID, known.in, d.ID)
	}
	return made, err
}

// Import takes a registry file and makes credentials for every device of it
// that has none. A file of the configuration is read where it lies. Any other
// is kept, in the place of the one that was imported under its name; what that
// one alone declared goes only where forget says so.
func (r registrar) Import(ctx context.Context, name string, content []byte, forget bool) ([]httpapi.Credential, error) {
	defer r.alone()()
	if _, added := addedID(name); added {
		return nil, fmt.Errorf("%w: names such as %s are those of added devices; choose another", httpapi.ErrBadRequest, name)
	}
	kept, err := r.kept(ctx, r.records)
	if err != nil {
		return nil, err
	}
	fresh := records.Imported{Name: name, Content: string(content)}
	own, err := r.isOwn(name, content)
	if err != nil {
		return nil, err
	}
	if own {
		reg, err := r.sound(kept, nil)
		if err != nil {
			return nil, err
		}
		return r.credit(ctx, reg, readImported(fresh).Entities().Devices)
	}
	named := func(k records.Imported) bool { return k.Name == name }
	rest := slices.DeleteFunc(slices.Clone(kept), named)
	reg, err := r.sound(rest, &fresh)
	if err != nil {
		return nil, err
	}
	if names := otherwise(readImported(fresh), r.all(rest)); len(names) > 0 {
		return nil, fmt.Errorf("%w: %s declares otherwise what is declared already: %s; make the two alike, or leave it out of one", httpapi.ErrConflict, name, strings.Join(names, ", "))
	}
	if i := slices.IndexFunc(kept, named); i >= 0 && !forget {
		if names, _ := gone(readImported(kept[i]), r.all(append(slices.Clone(rest), fresh))); len(names) > 0 {
			return nil, fmt.Errorf("%w: %s was imported before, and this one lacks %s; to take that away, import it with --forget", httpapi.ErrConflict, name, strings.Join(names, ", "))
		}
	}
	return r.keep(ctx, reg, fresh)
}

// keep keeps a file that a registry was made with, and makes its credentials.
func (r registrar) keep(ctx context.Context, reg *registry.Registry, fresh records.Imported) ([]httpapi.Credential, error) {
	if err := r.records.Import(ctx, fresh, time.Now()); err != nil {
		return nil, err
	}
	return r.credit(ctx, reg, readImported(fresh).Entities().Devices)
}

// credit puts a registry into force, and then makes the credentials of some of its devices.
func (r registrar) credit(ctx context.Context, reg *registry.Registry, of []devices.Device) ([]httpapi.Credential, error) {
	if err := r.takeOver(ctx, reg); err != nil {
		return nil, err
	}
	made, err := r.makeCredentials(ctx, of)
	if err != nil {
		return nil, err
	}
	return made, r.takeOver(ctx, nil)
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
	defer r.alone()()
	err := r.records.RevokeCredential(ctx, id, time.Now())
	if errors.Is(err, records.ErrNotFound) {
		return fmt.Errorf("%w: device %s has no password that lets in", httpapi.ErrNotFound, id)
	}
	if err != nil {
		return err
	}
	return r.takeOver(ctx, nil, id)
}

// Forget takes an imported file, or an added device by its id, away again. It
// returns the devices that nothing declares any more; their passwords let
// nobody in.
func (r registrar) Forget(ctx context.Context, name string) ([]devices.DeviceID, error) {
	defer r.alone()()
	kept, err := r.kept(ctx, r.records)
	if err != nil {
		return nil, err
	}
	i := indexOf(kept, name)
	if i < 0 {
		return nil, r.notKept(name, kept)
	}
	if kept[i].Name == villageRegistry && (r.program == nil || r.program.o.village != nil) {
		return nil, fmt.Errorf("%w: %s is the village of the demo", httpapi.ErrConflict, name)
	}
	rest := slices.Delete(slices.Clone(kept), i, i+1)
	before, _ := r.declaration.load(kept, nil)
	after, problems := r.declaration.load(rest, nil)
	if after == nil && (before != nil || r.program != nil) { // else nothing is made worse
		return nil, fmt.Errorf("%w: without %s the rest is wrong: %s", httpapi.ErrConflict, name, errorsOf(problems))
	}
	_, ids := gone(readImported(kept[i]), r.all(rest))
	if err := r.records.Forget(ctx, kept[i].Name, r.outside(ids, readImported(kept[i])), time.Now()); err != nil {
		return nil, err
	}
	return append([]devices.DeviceID{}, ids...), r.takeOver(ctx, after, ids...)
}

// outside returns the devices whose passwords end as they are forgotten. That of a
// valve which may be open ends when the rules let go of it; where no program runs
// nobody knows, and it lets nobody in later, as of all that is not declared.
func (r registrar) outside(ids []devices.DeviceID, of *registry.File) []devices.DeviceID {
	return slices.DeleteFunc(slices.Clone(ids), func(id devices.DeviceID) bool {
		if r.program == nil {
			return slices.ContainsFunc(of.Entities().Devices, func(d devices.Device) bool { return d.ID == id && d.MaxDurationS > 0 })
		}
		_, known := r.program.engine.Knows(id)
		if known {
			r.program.leaving.add(id, true)
		}
		return known
	})
}

// indexOf finds what is meant: a file by its full path, a device by its id, or
// the only file of a name.
func indexOf(kept []records.Imported, name string) int {
	base := filepath.Base(name)
	for _, as := range []string{name, addedPrefix + base + addedSuffix, base} { // the last: as earlier versions kept it
		if i := slices.IndexFunc(kept, func(k records.Imported) bool { return k.Name == as }); i >= 0 {
			return i
		}
	}
	ends := func(k records.Imported) bool { return filepath.Base(k.Name) == name }
	i := slices.IndexFunc(kept, ends)
	if i >= 0 && slices.ContainsFunc(kept[i+1:], ends) {
		return -1
	}
	return i
}

// notKept says why there is nothing to forget.
func (r registrar) notKept(name string, kept []records.Imported) error {
	known, ok := r.all(kept)[registry.DeviceName(devices.DeviceID(name))]
	file, imported := strings.CutPrefix(known.in, importPrefix)
	switch {
	case !ok:
		return fmt.Errorf("%w: nothing was imported or added as %s; ganlin devices list says where each device comes from", httpapi.ErrNotFound, name)
	case imported:
		return fmt.Errorf("%w: device %s came with others: take it out of %s and import that with --forget, or forget the whole file", httpapi.ErrConflict, name, file)
	}
	return fmt.Errorf("%w: device %s is declared by the configuration: take it out of %s and import that file, or start the program anew",
		httpapi.ErrConflict, name, known.in)
}

// alone waits for its turn: each change of the registry begins with what the one before has left.
func (r registrar) alone() (done func()) {
	if r.program == nil {
		return func() {} // the folder is locked
	}
	r.program.registering.Lock()
	return r.program.registering.Unlock
}

// takeOver puts a registry, where there is one, and the present credentials
// into force in the running program, and sends the devices away that are out.
func (r registrar) takeOver(ctx context.Context, reg *registry.Registry, out ...devices.DeviceID) error {
	if r.program == nil {
		return nil
	}
	return r.program.takeOver(ctx, reg, out)
}
