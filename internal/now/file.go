package now

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"time"

	"ganlin/devices"
	"ganlin/internal/file"
)

// fileFormat is raised when a file can no longer be read by older code, or older files by this one.
const fileFormat = 1

type savedState struct {
	Format   int                          `json:"format"`
	Position string                       `json:"position"`
	Ticks    map[devices.SiteID]time.Time `json:"ticks"`
	Devices  []savedDevice                `json:"devices"`
}

// A savedDevice is a Device without its connection: who is connected is not known after a restart.
type savedDevice struct {
	ID       devices.DeviceID       `json:"id"`
	Location devices.Location       `json:"location"`
	At       time.Time              `json:"at,omitzero"`
	Heard    time.Time              `json:"heard,omitzero"`
	Firmware string                 `json:"firmware,omitempty"`
	Report   *devices.CommandReport `json:"report,omitempty"`
	ReportAt time.Time              `json:"report_at,omitzero"`
	Values   []savedValue           `json:"values,omitempty"`
}

type savedValue struct {
	Key      string        `json:"key"`
	Number   float64       `json:"number"`
	Flags    devices.Flags `json:"flags,omitempty"`
	At       time.Time     `json:"at"`
	Received time.Time     `json:"received"`
}

// Save writes the state and its position to path: as a whole or, whatever
// happens in between, not at all.
func (s *State) Save(path string) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	snapshot := s.Snapshot()
	saved := savedState{
		Format: fileFormat, Position: snapshot.Position, Ticks: snapshot.Ticks,
		Devices: make([]savedDevice, len(snapshot.Devices)),
	}
	for i, d := range snapshot.Devices {
		saved.Devices[i] = savedDevice{
			ID: d.ID, Location: d.Location, At: d.At, Heard: d.Heard, Firmware: d.Firmware,
			Report: d.Report, ReportAt: d.ReportAt, Values: make([]savedValue, len(d.Values)),
		}
		for j, v := range d.Values {
			saved.Devices[i].Values[j] = savedValue{Key: v.Key.String(), Number: v.Number, Flags: v.Flags, At: v.At, Received: v.Received}
		}
	}
	data, err := json.Marshal(saved)
	if err != nil {
		return fmt.Errorf("encoding the latest values: %w", err)
	}
	if err := file.Replace(path, data); err != nil {
		return fmt.Errorf("saving the latest values: %w", err)
	}
	return nil
}

// Load takes the place of everything known with what Save wrote and returns
// the position to go on from. Without a file the position is empty and nothing
// changes. With an error nothing changes either: the journal can tell it all
// again from its beginning.
func (s *State) Load(path string) (position string, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("loading the latest values: %w", err)
	}
	var saved savedState
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&saved); err != nil {
		return "", fmt.Errorf("loading the latest values from %s: %w", path, err)
	}
	if saved.Format != fileFormat {
		return "", fmt.Errorf("loading the latest values from %s: format %d is not %d", path, saved.Format, fileFormat)
	}
	fresh := New(s.options)
	fresh.position = saved.Position
	maps.Copy(fresh.ticks, saved.Ticks)
	for _, d := range saved.Devices {
		if err := fresh.restore(d); err != nil {
			return "", fmt.Errorf("loading the latest values from %s: %w", path, err)
		}
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID, s.sorted, s.ticks, s.position = fresh.byID, fresh.sorted, fresh.ticks, fresh.position
	s.changed()
	return saved.Position, nil
}

func (s *State) restore(saved savedDevice) error {
	d := s.edit(saved.ID)
	d.Location, d.At, d.Heard, d.Firmware = saved.Location, saved.At, saved.Heard, saved.Firmware
	d.Report, d.ReportAt = saved.Report, saved.ReportAt
	for _, v := range saved.Values {
		key, err := devices.ParseKey(v.Key)
		if err != nil {
			return fmt.Errorf("reading the values of device %s: %w", saved.ID, err)
		}
		d.put(Value{Key: key, Number: v.Number, Flags: v.Flags, At: v.At, Received: v.Received}, s.options.MaxValues)
	}
	return nil
}
