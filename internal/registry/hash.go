package registry

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"ganlin/devices"
)

// hashOf returns the SHA-256 of the entities in canonical JSON, each kind sorted by id.
func hashOf(e Entities) string {
	canonical := Entities{
		Places:   sortedBy(e.Places, func(p devices.Place) devices.PlaceCode { return p.Code }),
		Sites:    sortedBy(e.Sites, func(s devices.Site) devices.SiteID { return s.ID }),
		Stations: sortedBy(e.Stations, func(s devices.Station) devices.StationID { return s.ID }),
		Plots:    sortedBy(e.Plots, func(p devices.Plot) devices.PlotID { return p.ID }),
		Devices:  sortedBy(e.Devices, func(d devices.Device) devices.DeviceID { return d.ID }),
	}
	sum := sha256.New()
	_ = json.NewEncoder(sum).Encode(canonical) // numbers are finite and a hash takes every byte
	return hex.EncodeToString(sum.Sum(nil))
}

// sortedBy returns a copy; an empty list is never nil, so that both hash alike.
func sortedBy[T any, K cmp.Ordered](list []T, id func(T) K) []T {
	return slices.SortedFunc(slices.Values(list), func(a, b T) int { return cmp.Compare(id(a), id(b)) })
}
