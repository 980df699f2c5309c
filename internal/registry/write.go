package registry

import (
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"

	"ganlin/devices"
)

// The written forms of the entities, with the keys that Read knows.
type (
	writtenPlace struct {
		Code devices.PlaceCode `yaml:"code"`
		Name string            `yaml:"name"`
	}
	writtenSite struct {
		ID       devices.SiteID    `yaml:"id"`
		Place    devices.PlaceCode `yaml:"place"`
		TimeZone string            `yaml:"timezone"`
	}
	writtenStation struct {
		ID         devices.StationID `yaml:"id"`
		Latitude   float64           `yaml:"latitude"`
		Longitude  float64           `yaml:"longitude"`
		ElevationM float64           `yaml:"elevation_m"`
	}
	writtenPlot struct {
		ID           devices.PlotID      `yaml:"id"`
		Name         string              `yaml:"name,omitempty"`
		Place        devices.PlaceCode   `yaml:"place"`
		Station      devices.StationID   `yaml:"station"`
		Household    devices.HouseholdID `yaml:"household,omitempty"`
		AreaMu       float64             `yaml:"area_mu"`
		Crop         string              `yaml:"crop"`
		Planted      string              `yaml:"planted"`
		Soil         any                 `yaml:"soil"` // a texture or a writtenSoil
		SlopePercent float64             `yaml:"slope_percent,omitempty"`
		Valves       []devices.DeviceID  `yaml:"valves,omitempty,flow"`
		Mode         devices.Mode        `yaml:"mode"`
		Latitude     *float64            `yaml:"latitude,omitempty"`
		Longitude    *float64            `yaml:"longitude,omitempty"`
	}
	writtenSoil struct {
		FieldCapacity float64 `yaml:"field_capacity"`
		WiltingPoint  float64 `yaml:"wilting_point"`
	}
	writtenDevice struct {
		ID           devices.DeviceID  `yaml:"id"`
		Model        string            `yaml:"model"`
		Plot         devices.PlotID    `yaml:"plot,omitempty"`
		Station      devices.StationID `yaml:"station,omitempty"`
		MaxDurationS int               `yaml:"max_duration_s,omitempty"`
		MaxVolumeL   float64           `yaml:"max_volume_l,omitempty"`
		FlowLPM      float64           `yaml:"flow_lpm,omitempty"`
	}
	written struct {
		Places   []writtenPlace   `yaml:"places,omitempty"`
		Sites    []writtenSite    `yaml:"sites,omitempty"`
		Stations []writtenStation `yaml:"stations,omitempty"`
		Plots    []writtenPlot    `yaml:"plots,omitempty"`
		Devices  []writtenDevice  `yaml:"devices,omitempty"`
	}
)

// WriteYAML writes a registry as a file that Load makes the same registry of.
// What followed from defaults is written out.
func WriteYAML(w io.Writer, r *Registry) error {
	var out written
	for _, p := range r.all.Places {
		out.Places = append(out.Places, writtenPlace(p))
	}
	for _, s := range r.all.Sites {
		out.Sites = append(out.Sites, writtenSite(s))
	}
	for _, s := range r.all.Stations {
		out.Stations = append(out.Stations, writtenStation(s))
	}
	for _, p := range r.all.Plots {
		one := writtenPlot{
			ID: p.ID, Name: p.Name, Place: p.Place, Station: p.Station, Household: p.Household, AreaMu: p.AreaMu,
			Crop: p.Crop, Planted: p.Planted.Format(time.DateOnly), Soil: writeSoil(p.Soil),
			SlopePercent: p.SlopePercent, Valves: p.Valves, Mode: p.Mode,
		}
		if p.Placed() {
			one.Latitude, one.Longitude = &p.Latitude, &p.Longitude
		}
		out.Plots = append(out.Plots, one)
	}
	for _, d := range r.all.Devices {
		out.Devices = append(out.Devices, writtenDevice(d))
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("writing the registry: %w", err)
	}
	if err := e.Close(); err != nil {
		return fmt.Errorf("writing the registry: %w", err)
	}
	return nil
}

func writeSoil(s devices.Soil) any {
	if s.Texture != "" {
		return s.Texture
	}
	return writtenSoil{s.FieldCapacity, s.WiltingPoint}
}
