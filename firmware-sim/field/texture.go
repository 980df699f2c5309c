package field

import "math"

// A texture is how a class of soil holds and lets through water. Field capacity
// and wilting point are the middles of the ranges of FAO-56, table 19; that
// table has no row for sandy clay loam, clay loam and sandy clay, which are those
// of Saxton and Rawls (2006). The other columns are round figures.
type texture struct {
	saturation, capacity, wilting float64 // m3/m3
	intakeMMH                     float64 // what a wet, level soil takes in, mm/h
	drainH                        float64 // an excess above field capacity falls to a third in that time, hours
}

// textures has the twelve classes of the USDA triangle.
var textures = map[string]texture{
	"sand":            {0.40, 0.12, 0.045, 40, 4},
	"loamy_sand":      {0.41, 0.15, 0.065, 30, 6},
	"sandy_loam":      {0.43, 0.23, 0.11, 22, 10},
	"loam":            {0.46, 0.25, 0.12, 16, 16},
	"silt_loam":       {0.47, 0.29, 0.15, 13, 20},
	"silt":            {0.47, 0.32, 0.17, 12, 22},
	"sandy_clay_loam": {0.42, 0.27, 0.17, 13, 18},
	"clay_loam":       {0.47, 0.36, 0.22, 10, 26},
	"silt_clay_loam":  {0.49, 0.335, 0.205, 9, 28},
	"sandy_clay":      {0.44, 0.36, 0.25, 8, 28},
	"silty_clay":      {0.50, 0.36, 0.23, 7, 34},
	"clay":            {0.52, 0.36, 0.22, 6, 36},
}

// Textures returns the names of the textures that a field knows, from light to heavy.
func Textures() []string {
	return []string{
		"sand", "loamy_sand", "sandy_loam", "loam", "silt_loam", "silt", "sandy_clay_loam", "clay_loam",
		"silt_clay_loam", "sandy_clay", "silty_clay", "clay",
	}
}

// vary returns the texture as it truly is on one plot: capacity and wilting
// point differ from the book by those factors.
func (t texture) vary(capacity, wilting float64) texture {
	t.capacity *= capacity
	t.wilting = min(t.wilting*wilting, 0.85*t.capacity)
	t.saturation = max(t.saturation, t.capacity+0.06)
	return t
}

// intake returns what a slope of that texture takes in when wet, mm/h: water
// stays a shorter time where it is steep.
func (t texture) intake(slopePercent float64) float64 {
	return t.intakeMMH * max(0.4, 1-0.015*slopePercent)
}

// storageMM is what the roughness of a slope holds back before water runs off.
func storageMM(slopePercent float64) float64 { return 6 * math.Exp(-slopePercent/8) }
