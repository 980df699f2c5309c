package app

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"ganlin/devices"
	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/position"
	"ganlin/internal/records"
	"ganlin/internal/registry"
)

// A declaration is where the registry comes from: the files of the
// configuration, read anew each time, and behind them what the records store
// keeps of files that were imported and of devices that were added. What an
// earlier one declares too is passed over in a later one.
type declaration struct {
	paths []string         // of the configuration's files
	files []*registry.File // declared beside them
	zone  string
}

func declarationOf(cfg *config.Config) declaration {
	return declaration{paths: cfg.Registry, zone: cfg.TimeZone}
}

// load makes a registry of what is declared and of what is kept. fresh is
// behind all that, and not kept yet; it may be nil.
func (d declaration) load(kept []records.Imported, fresh *records.Imported) (*registry.Registry, []position.Problem) {
	imported := slices.Clone(d.files)
	for _, k := range kept {
		imported = append(imported, readImported(k))
	}
	if fresh != nil {
		imported = append(imported, readImported(*fresh))
	}
	reg, problems := registry.Load(d.paths, registry.Options{TimeZone: d.zone, Imported: imported})
	for i, p := range problems {
		if !slices.ContainsFunc(kept, func(k records.Imported) bool { return k.Name == p.File }) {
			continue
		}
		problems[i].File = nameOf(p.File)
		forget := p.File
		if id, added := addedID(p.File); added {
			forget, problems[i].Line = id, 0 // it was written on a command line
		}
		if p.Severity == position.Error {
			problems[i].Message += "; ganlin devices forget " + forget + " takes it away"
		}
	}
	return reg, problems
}

func readImported(k records.Imported) *registry.File { return registry.Read(k.Name, []byte(k.Content)) }

// inForce returns what counts of the kept, and what gives way to a file of the
// configuration: the copy of the very file, which an import without the
// configuration makes, and the one that earlier versions made of every
// imported file, under the last part of its name. The latter stays where it
// declares a device that the configuration does not: it may be another file.
func (d declaration) inForce(kept []records.Imported) (counts, givesWay []records.Imported) {
	for _, k := range kept {
		isCopy := slices.ContainsFunc(d.paths, func(path string) bool { return fullPath(path) == k.Name })
		if d.maybeCopied(k) {
			_, more := gone(readImported(k), d.all(nil))
			isCopy = len(more) == 0
		}
		if isCopy {
			givesWay = append(givesWay, k)
		} else {
			counts = append(counts, k)
		}
	}
	return counts, givesWay
}

// maybeCopied reports whether an earlier version may have made this of a file of the configuration.
func (d declaration) maybeCopied(k records.Imported) bool {
	return slices.ContainsFunc(d.paths, func(path string) bool { return filepath.Base(path) == k.Name })
}

// isOwn reports whether a file that is to be imported is one of the configuration, of which no copy is kept.
func (d declaration) isOwn(name string, content []byte) (bool, error) {
	for _, path := range d.paths {
		text, err := os.ReadFile(path)
		switch {
		case err == nil && bytes.Equal(text, content):
			return true, nil
		case fullPath(path) == name:
			return false, fmt.Errorf("%w: %s is a file of the configuration, and on the machine of the program something else stands in it", httpapi.ErrConflict, name)
		}
	}
	return false, nil
}

// A declared is what somebody says of a place, site, station, plot or device, and where.
type declared struct {
	value any
	in    string // a file of the configuration, or what nameOf says; empty: declared beside them
}

// all returns everything that is declared, by kind and id, such as "device s-001".
func (d declaration) all(kept []records.Imported) map[string]declared {
	all := map[string]declared{}
	add := func(in string, f *registry.File) {
		for name, value := range f.Declared() {
			if _, twice := all[name]; !twice {
				all[name] = declared{value, in}
			}
		}
	}
	for _, path := range d.paths {
		if text, err := os.ReadFile(path); err == nil {
			add(path, registry.Read(path, text))
		}
	}
	for _, f := range d.files {
		add("", f)
	}
	for _, k := range kept {
		add(nameOf(k.Name), readImported(k))
	}
	return all
}

// otherwise names what a file declares in another way than it is declared already: it would be passed over in silence.
func otherwise(f *registry.File, all map[string]declared) (names []string) {
	for name, value := range f.Declared() {
		if known, ok := all[name]; ok && known.in != "" && !reflect.DeepEqual(known.value, value) {
			names = append(names, name+" ("+known.in+")")
		}
	}
	slices.Sort(names)
	return names
}

// gone names what a file declares and nothing else does.
func gone(f *registry.File, all map[string]declared) (names []string, ids []devices.DeviceID) {
	for name := range f.Declared() {
		if _, ok := all[name]; !ok {
			names = append(names, name)
		}
	}
	for _, v := range f.Entities().Devices {
		if _, ok := all[registry.DeviceName(v.ID)]; !ok {
			ids = append(ids, v.ID)
		}
	}
	slices.Sort(names)
	return names, ids
}

// addedPrefix and addedSuffix are around the id of a device that was added, in the name under which it is kept.
const (
	addedPrefix = "added-"
	addedSuffix = ".yaml"
)

// nameOf is how people know what is kept under a name: by what they did.
func nameOf(kept string) string {
	if id, ok := addedID(kept); ok {
		return "devices add " + id
	}
	return importPrefix + kept
}

const importPrefix = "import of "

func addedID(kept string) (id string, ok bool) {
	id, prefixed := strings.CutPrefix(kept, addedPrefix)
	id, suffixed := strings.CutSuffix(id, addedSuffix)
	return id, prefixed && suffixed
}

// fullPath names a file so that no other has the name.
func fullPath(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path
}

// sound is load for who takes no registry with errors.
func (d declaration) sound(kept []records.Imported, fresh *records.Imported) (*registry.Registry, error) {
	reg, problems := d.load(kept, fresh)
	if reg == nil {
		return nil, fmt.Errorf("%w: %s", httpapi.ErrBadRequest, errorsOf(problems))
	}
	return reg, nil
}

func errorsOf(problems []position.Problem) string {
	var lines []string
	for _, p := range problems {
		if p.Severity != position.Error {
			continue
		}
		if _, added := addedID(p.File); added { // the command line, which is no file
			lines = append(lines, p.Message)
		} else {
			lines = append(lines, p.String())
		}
	}
	return strings.Join(lines, "\n")
}

// kept returns what was imported and added and counts.
func (d declaration) kept(ctx context.Context, s *records.Store) ([]records.Imported, error) {
	all, err := s.Imported(ctx)
	counts, _ := d.inForce(all)
	return counts, err
}
