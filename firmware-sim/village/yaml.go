package village

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// WriteYAML writes the registry as the file that Ganlin reads.
func (r Registry) WriteYAML(w io.Writer) error {
	b := bufio.NewWriter(w)
	list := func(name string, n int, entry func(i int) []string) {
		_, _ = fmt.Fprintf(b, "%s:\n", name)
		for i := range n {
			_, _ = fmt.Fprintf(b, "  - {%s}\n", strings.Join(entry(i), ", "))
		}
	}
	list("places", len(r.Places), func(i int) []string {
		p := r.Places[i]
		return entry("code", strconv.Quote(string(p.Code)), "name", scalar(p.Name))
	})
	list("sites", len(r.Sites), func(i int) []string {
		s := r.Sites[i]
		return entry("id", scalar(string(s.ID)), "place", strconv.Quote(string(s.Place)), "timezone", scalar(s.TimeZone))
	})
	list("stations", len(r.Stations), func(i int) []string {
		s := r.Stations[i]
		return entry("id", scalar(string(s.ID)), "latitude", number(s.Latitude), "longitude", number(s.Longitude), "elevation_m", number(s.ElevationM))
	})
	list("plots", len(r.Plots), func(i int) []string {
		p := r.Plots[i]
		valves := make([]string, len(p.Valves))
		for i, v := range p.Valves {
			valves[i] = scalar(string(v))
		}
		return entry("id", scalar(string(p.ID)), "name", scalar(p.Name), "place", strconv.Quote(string(p.Place)),
			"station", scalar(string(p.Station)), "household", scalar(string(p.Household)),
			"area_mu", number(p.AreaMu), "crop", scalar(p.Crop), "planted", p.Planted.Format(time.DateOnly),
			"soil", scalar(p.Soil.Texture), "slope_percent", number(p.SlopePercent),
			"valves", "["+strings.Join(valves, ", ")+"]", "mode", scalar(string(p.Mode)),
			"latitude", number(p.Latitude), "longitude", number(p.Longitude))
	})
	list("devices", len(r.Devices), func(i int) []string {
		d := r.Devices[i]
		return entry("id", scalar(string(d.ID)), "model", scalar(d.Model),
			"plot", scalar(string(d.Plot)), "station", scalar(string(d.Station)),
			"max_duration_s", number(float64(d.MaxDurationS)), "max_volume_l", number(d.MaxVolumeL), "flow_lpm", number(d.FlowLPM))
	})
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing the registry: %w", err)
	}
	return nil
}

// entry joins keys and values and leaves out those without a value.
func entry(pairs ...string) []string {
	var kept []string
	for pair := range slices.Chunk(pairs, 2) {
		if v := pair[1]; v != "" && v != "[]" {
			kept = append(kept, pair[0]+": "+v)
		}
	}
	return kept
}

// number returns a plain number; 0 is left out.
func number(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// scalar returns a plain YAML scalar where that is surely read as a string, else a quoted one.
func scalar(s string) string {
	plain := func(c rune) bool {
		return unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_' || c == '-' || c == '/'
	}
	switch {
	case s == "":
		return ""
	case !unicode.IsLetter([]rune(s)[0]), strings.ContainsFunc(s, func(c rune) bool { return !plain(c) }):
		return strconv.Quote(s)
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return strconv.Quote(s)
	}
	return s
}
