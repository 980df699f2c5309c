package water

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// A Place is where a weather station stands.
type Place struct {
	LatitudeDeg float64 // north positive
	ElevationM  float64
}

// Weather is what is known of a day, nil where nothing is.
type Weather struct {
	TMinC, TMaxC       *float64
	RHMinPct, RHMaxPct *float64
	VapourPressureKPa  *float64 // mean of the day; goes before humidity
	WindMS             *float64 // mean of the day
	WindHeightM        *float64 // of the anemometer above the ground
	SolarMJM2          *float64 // sum of the day
	RainMM             *float64 // sum of the day; for the balance, not for evapotranspiration
}

// What DailyETo may have put in place of what is not known.
const (
	EstimatedHumidityFromMax  = "humidity_from_rh_max" // FAO-56, Eq. 18
	EstimatedHumidityFromTMin = "humidity_from_tmin"   // Eq. 48: the dew point is the lowest temperature
	EstimatedRadiation        = "radiation_from_range" // Eq. 50, inland
	EstimatedWind             = "wind_2_ms"            // p. 63
	EstimatedWindHeight       = "wind_height_2_m"      // the anemometer is taken to stand at the height that Eq. 6 asks for
)

// ErrTemperature is returned when evapotranspiration is unknown because a temperature is.
var ErrTemperature = errors.New("lowest and highest temperature of the day are not both known")

// DailyETo returns the reference evapotranspiration of a day in mm by the
// Penman-Monteith equation to the letter of FAO-56 (Eq. 6, p. 24, with G = 0),
// and what it had to estimate (chapter 3, pp. 58-64), sorted. The day is its
// midnight in the site's own time zone: its date gives the height of the sun.
// Values that cannot be are taken as not known.
func DailyETo(at Place, day time.Time, w Weather) (etoMM float64, estimated []string, err error) {
	if !known(w.TMinC) || !known(w.TMaxC) {
		return 0, nil, ErrTemperature
	}
	tMin, tMax := *w.TMinC, *w.TMaxC
	if tMin > tMax {
		return 0, nil, fmt.Errorf("lowest temperature %g is above the highest %g degrees Celsius", tMin, tMax)
	}
	estimate := func(name string) { estimated = append(estimated, name) }

	var vapour float64 // ea, kPa
	switch {
	case known(w.VapourPressureKPa) && *w.VapourPressureKPa >= 0:
		vapour = *w.VapourPressureKPa
	case isPercent(w.RHMinPct) && isPercent(w.RHMaxPct) && *w.RHMinPct <= *w.RHMaxPct:
		vapour = (saturation(tMin)**w.RHMaxPct + saturation(tMax)**w.RHMinPct) / 200 // Eq. 17, p. 38
	case isPercent(w.RHMaxPct) && w.RHMinPct == nil:
		vapour = saturation(tMin) * *w.RHMaxPct / 100 // Eq. 18, p. 39
		estimate(EstimatedHumidityFromMax)
	default:
		vapour = saturation(tMin)
		estimate(EstimatedHumidityFromTMin)
	}

	sky := extraterrestrial(at.LatitudeDeg, day.YearDay())
	solar := 0.16 * math.Sqrt(tMax-tMin) * sky // Eq. 50, p. 60
	if known(w.SolarMJM2) && *w.SolarMJM2 >= 0 && *w.SolarMJM2 <= sky {
		solar = *w.SolarMJM2
	} else {
		estimate(EstimatedRadiation)
	}

	wind := 2.0
	switch {
	case !known(w.WindMS) || *w.WindMS < 0:
		estimate(EstimatedWind)
	case !known(w.WindHeightM) || *w.WindHeightM < 0.5: // below it Eq. 47 has no meaning
		wind = *w.WindMS
		estimate(EstimatedWindHeight)
	default:
		wind = WindAt2M(*w.WindMS, *w.WindHeightM)
	}

	net := netRadiation(at, tMin, tMax, vapour, solar, sky)
	saturated := (saturation(tMax) + saturation(tMin)) / 2 // Eq. 12, p. 36
	return penmanMonteith(at.ElevationM, (tMin+tMax)/2, net, wind, saturated, vapour), estimated, nil
}

// WindAt2M returns the wind at 2 m, in m/s, from that at another height of 0.5 m or more (FAO-56, Eq. 47, p. 56).
func WindAt2M(windMS, heightM float64) float64 {
	return windMS * 4.87 / math.Log(67.8*heightM-5.42)
}

// penmanMonteith is FAO-56, Eq. 6, without heat flux into the soil: netMJM2 is
// Rn - G. Wind is at 2 m and at least 0.5 m/s (p. 63). Dew is not counted.
func penmanMonteith(elevationM, meanC, netMJM2, windMS, saturatedKPa, vapourKPa float64) float64 {
	slope := 4098 * saturation(meanC) / ((meanC + 237.3) * (meanC + 237.3)) // Eq. 13, p. 37
	pressure := 101.3 * math.Pow((293-0.0065*elevationM)/293, 5.26)         // Eq. 7, p. 31
	gamma := 0.665e-3 * pressure                                            // Eq. 8, p. 32
	wind := max(windMS, 0.5)
	eto := (0.408*slope*netMJM2 + gamma*900/(meanC+273)*wind*(saturatedKPa-vapourKPa)) / (slope + gamma*(1+0.34*wind))
	return max(eto, 0)
}

// netRadiation is FAO-56, Eq. 37 to 40 (pp. 51-53), in MJ/m2.
func netRadiation(at Place, tMinC, tMaxC, vapourKPa, solarMJM2, skyMJM2 float64) float64 {
	clear := (0.75 + 2e-5*at.ElevationM) * skyMJM2
	share := 1.0 // a night of a polar winter has no sky to compare with
	if clear > 0 {
		share = min(solarMJM2/clear, 1)
	}
	long := 4.903e-9 * (math.Pow(tMaxC+273.16, 4) + math.Pow(tMinC+273.16, 4)) / 2 *
		(0.34 - 0.14*math.Sqrt(vapourKPa)) * (1.35*share - 0.35)
	return 0.77*solarMJM2 - long
}

// extraterrestrial is the radiation above the air, FAO-56, Eq. 21 to 25 (pp. 46-48), in MJ/m2.
func extraterrestrial(latitudeDeg float64, yearDay int) float64 {
	latitude := latitudeDeg * math.Pi / 180
	season := 2 * math.Pi * float64(yearDay) / 365
	distance := 1 + 0.033*math.Cos(season)
	declination := 0.409 * math.Sin(season-1.39)
	sunset := math.Acos(min(max(-math.Tan(latitude)*math.Tan(declination), -1), 1))
	return 24 * 60 / math.Pi * 0.0820 * distance *
		(sunset*math.Sin(latitude)*math.Sin(declination) + math.Cos(latitude)*math.Cos(declination)*math.Sin(sunset))
}

// saturation is the saturation vapour pressure in kPa at a temperature, FAO-56, Eq. 11 (p. 36).
func saturation(tempC float64) float64 { return 0.6108 * math.Exp(17.27*tempC/(tempC+237.3)) }

// known reports whether a value is there and is a number.
func known(v *float64) bool { return v != nil && !math.IsNaN(*v) && !math.IsInf(*v, 0) }

func isPercent(v *float64) bool { return known(v) && *v >= 0 && *v <= 100 }
