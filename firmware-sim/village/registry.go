package village

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"ganlin/devices"
	"ganlin/firmware-sim/field"
)

// A Registry is what a village declares to the world: places, sites, stations, plots and devices.
type Registry struct {
	Places   []devices.Place
	Sites    []devices.Site
	Stations []devices.Station
	Plots    []devices.Plot
	Devices  []devices.Device
}

// The village, and the models of its devices.
const (
	place = devices.PlaceCode("500119101001")
	site  = devices.SiteID("sanquan")

	probeModel   = "ganlin-soil-3"
	valveModel   = "ganlin-valve-1"
	stationModel = "ganlin-weather-1"
)

const (
	plotsPerStation = 20
	plotsPerBareOne = 10 // of these one has no probe
)

// One opening of a valve is bounded: two hours, and 15 mm on its plot, which
// the sprinklers bring in less.
const (
	valveMaxDuration  = 2 * time.Hour
	valveMaxDepthMM   = 15
	squareMetresPerMu = 2000.0 / 3
)

// crops are what grows, and on which share of the plots.
var crops = []struct {
	name  string
	share float64
}{{"maize_grain", 0.5}, {"maize_sweet", 0.2}, {"potato", 0.15}, {"tomato", 0.15}}

// soils are the textures of the hills.
var soils = []string{"silt_loam", "loam", "sandy_loam", "silt_clay_loam", "silty_clay", "clay"}

// newRegistry draws a village of n plots.
func newRegistry(o Options) Registry {
	rng := rand.New(rand.NewPCG(o.Seed, 1)) //nolint:gosec // seeded on purpose
	r := Registry{
		Places: []devices.Place{{Code: place, Name: "三泉村"}},
		Sites:  []devices.Site{{ID: site, Place: place, TimeZone: "Asia/Shanghai"}},
	}
	for i := range max(1, int(math.Round(float64(o.Plots)/plotsPerStation))) {
		id := devices.StationID(fmt.Sprintf("w-%02d", i+1))
		r.Stations = append(r.Stations, devices.Station{
			ID: id, Latitude: 29.16 + 0.01*float64(i%10), Longitude: round(107.10+0.02*(rng.Float64()-0.5)+0.02*float64(i/10), 4),
			ElevationM: 640 + min(float64(i)*280, 560)*(0.5+0.5*rng.Float64()),
		})
		last := &r.Stations[i]
		last.Latitude, last.ElevationM = round(last.Latitude, 4), math.Round(last.ElevationM)
		if !o.ProbesOnly {
			r.Devices = append(r.Devices, devices.Device{ID: devices.DeviceID(id), Model: stationModel, Station: id})
		}
	}
	r.addPlots(o, rng)
	r.layOut(rand.New(rand.NewPCG(o.Seed, 2))) //nolint:gosec // seeded on purpose
	return r
}

func (r *Registry) addPlots(o Options, rng *rand.Rand) {
	names := plotNames(o.Plots, rng)
	bare := chosen(o.Plots, o.Plots/plotsPerBareOne, rng)
	watered := chosen(o.Plots, int(math.Round(float64(o.Plots)*2/3)), rng)
	household, owns := 0, 0
	for i := range o.Plots {
		if owns == 0 {
			household, owns = household+1, 1+rng.IntN(3)
		}
		owns--
		crop := drawCrop(rng)
		p := devices.Plot{
			ID: devices.PlotID(fmt.Sprintf("p-%03d", i+1)), Name: names[i], Place: place, Site: site,
			Station:   r.Stations[i%len(r.Stations)].ID,
			Household: devices.HouseholdID(fmt.Sprintf("h-%03d", household)),
			AreaMu:    round(0.8+3.6*rng.Float64(), 1), Crop: crop, Planted: drawPlanted(crop, o.Start, rng),
			Soil:         devices.Soil{Texture: soils[rng.IntN(len(soils))]},
			SlopePercent: float64(2 + rng.IntN(17)), Mode: devices.Advise,
		}
		if o.ProbesOnly || !bare[i] {
			r.Devices = append(r.Devices, devices.Device{ID: devices.DeviceID(fmt.Sprintf("s-%03d", i+1)), Model: probeModel, Plot: p.ID})
		}
		if !o.ProbesOnly && watered[i] {
			id := devices.DeviceID(fmt.Sprintf("v-%03d", i+1))
			p.Valves, p.Mode = []devices.DeviceID{id}, devices.Auto
			r.Devices = append(r.Devices, devices.Device{
				ID: id, Model: valveModel, Plot: p.ID,
				MaxDurationS: int(valveMaxDuration.Seconds()), MaxVolumeL: math.Round(valveMaxDepthMM * p.AreaMu * squareMetresPerMu),
			})
		}
		r.Plots = append(r.Plots, p)
	}
}

// chosen marks k of n at random.
func chosen(n, k int, rng *rand.Rand) []bool {
	marks := make([]bool, n)
	for _, i := range rng.Perm(n)[:k] {
		marks[i] = true
	}
	return marks
}

func drawCrop(rng *rand.Rand) string {
	x := rng.Float64()
	for _, c := range crops {
		if x -= c.share; x < 0 {
			return c.name
		}
	}
	return crops[0].name
}

// drawPlanted returns a day before the season begins, so that the crop is ripe
// in the last week of 120 days, or earlier when it is a quick one.
func drawPlanted(crop string, start time.Time, rng *rand.Rand) time.Time {
	before := max(field.SeasonDays(crop)-defaultDays, 0) + 1 + rng.IntN(8)
	return start.Add(localOffset).Truncate(24*time.Hour).AddDate(0, 0, -before)
}

func round(v float64, decimals int) float64 {
	f := math.Pow10(decimals)
	return math.Round(v*f) / f
}
