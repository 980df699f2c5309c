package risk

import (
	"cmp"
	"math"
	"slices"
)

// RankCorrelation returns Spearman's coefficient of two samples of equal length,
// equal values sharing the mean of their ranks: 1 if they rise together, -1 if
// one falls as the other rises. It is 0 where nothing can be said: fewer than
// two pairs, or one sample all equal.
func RankCorrelation(a, b []float64) float64 {
	ra, rb := ranks(a), ranks(b)
	mean := float64(len(a)+1) / 2
	var ab, aa, bb float64
	for i := range ra {
		x, y := ra[i]-mean, rb[i]-mean
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// ranks returns the rank of each value, from 1.
func ranks(values []float64) []float64 {
	byValue := make([]int, len(values))
	for i := range byValue {
		byValue[i] = i
	}
	slices.SortFunc(byValue, func(i, j int) int { return cmp.Compare(values[i], values[j]) })
	result := make([]float64, len(values))
	for first := 0; first < len(byValue); {
		end := first + 1
		for end < len(byValue) && values[byValue[end]] == values[byValue[first]] {
			end++
		}
		for _, i := range byValue[first:end] {
			result[i] = float64(first+1+end) / 2
		}
		first = end
	}
	return result
}
