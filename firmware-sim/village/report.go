package village

import (
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/firmware"
)

// A Report is what the village counted by itself, without asking the receiver.
type Report struct {
	At       time.Time       `json:"at"` // the devices' last time
	Fleet    firmware.Counts `json:"fleet"`
	Devices  []DeviceReport  `json:"-"`
	Openings Openings        `json:"openings"`
}

// A DeviceReport is what one device counted.
type DeviceReport struct {
	ID devices.DeviceID `json:"id"`
	firmware.Counts
}

// Openings sums up when the valves really were open.
type Openings struct {
	Number       int     `json:"number"`
	LongestOpenS float64 `json:"longest_open_s"`
	OverLimit    int     `json:"over_limit"` // longer than their lease or the registry's limit, by more than a second
	Litres       float64 `json:"litres"`
}

// report sums up. Nothing may be running any more.
func (v *Village) report() Report {
	r := Report{At: v.now}
	for _, d := range v.devices {
		c := d.Counts()
		r.Fleet.Add(c)
		r.Devices = append(r.Devices, DeviceReport{ID: d.ID(), Counts: c})
		for _, o := range d.Openings() {
			r.Openings.Number++
			r.Openings.LongestOpenS = max(r.Openings.LongestOpenS, o.Duration(v.now).Seconds())
			r.Openings.Litres += o.Litres
			if o.Over(v.now) {
				r.Openings.OverLimit++
			}
		}
	}
	slices.SortFunc(r.Devices, func(a, b DeviceReport) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return r
}
