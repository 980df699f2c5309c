package water

// An Outlook is what becomes of a plot without rain and irrigation.
type Outlook struct {
	Stress       bool // whether depletion passes what roots take without stress
	StressInDays int  // full days until then; 0 is today
	DepletionMM  float64
	Days         int     // that are counted in the sums: the season may end before the horizon
	ETcMM, ETaMM float64 // sums
}

// Outlook books so many days without water on a copy of the balance, beginning
// with the day after the last that is booked, each with the same reference
// evapotranspiration. It ends with the season.
func (b Balance) Outlook(p Params, etoPerDayMM float64, days int) Outlook {
	dry := 0.0
	var o Outlook
	o.DepletionMM = b.DepletionMM
	for i := range days {
		r := b.Day(p, DayInput{Day: b.Through.AddDate(0, 0, 1), EToMM: &etoPerDayMM, RainMM: &dry})
		if r.Stage == Harvested {
			break
		}
		if r.Ks < 1 && !o.Stress {
			o.Stress, o.StressInDays = true, i
		}
		o.Days++
		o.DepletionMM = r.DepletionMM
		o.ETcMM += r.ETcMM
		o.ETaMM += r.ETaMM
	}
	return o
}

// RelativeYield is the share of the full yield that is left after a season in
// which the crop took etaSum of the etcSum mm that it could have taken:
// 1 - Ya/Ym = Ky (1 - ETa/ETc) (FAO Irrigation and Drainage Paper 33; FAO-56,
// Eq. 90, p. 176). A crop that could take nothing yet has lost nothing.
func RelativeYield(ky, etaSum, etcSum float64) float64 {
	if etcSum <= 0 {
		return 1
	}
	return min(max(1-ky*(1-etaSum/etcSum), 0), 1)
}
