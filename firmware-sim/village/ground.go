package village

import (
	"math"
	"math/rand/v2"
)

// Plots lie on terraces: rows along the contour of a hill, one above the other.
const (
	plotsPerTerrace  = 5
	alongMetres      = 150.0 // from plot to plot of a terrace
	upMetres         = 190.0 // from terrace to terrace
	bendMetres       = 20.0  // how far a terrace falls off from plot to plot, away from its middle
	metresPerDegree  = 111_320.0
	positionDecimals = 5 // about a metre
)

// layOut gives every plot a place on the terraces around its station. It draws
// from a source of its own, so that where plots lie changes nothing of how they are.
func (r *Registry) layOut(rng *rand.Rand) {
	around := make(map[string]int, len(r.Stations))
	for i := range r.Plots {
		p := &r.Plots[i]
		station := r.Stations[i%len(r.Stations)]
		n := around[string(station.ID)]
		around[string(station.ID)]++
		terrace, column := n/plotsPerTerrace, float64(n%plotsPerTerrace)-float64(plotsPerTerrace-1)/2
		east := alongMetres*(column+0.5*float64(terrace%2)) + 60*(rng.Float64()-0.5)
		north := upMetres*(float64(terrace)-1.5) - bendMetres*column*column + 50*(rng.Float64()-0.5)
		p.Latitude = round(station.Latitude+north/metresPerDegree, positionDecimals)
		p.Longitude = round(station.Longitude+east/(metresPerDegree*math.Cos(station.Latitude*math.Pi/180)), positionDecimals)
	}
}
