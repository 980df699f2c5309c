package position

import (
	"cmp"
	"slices"
	"strings"
)

// maxNear is how many names are offered: more are no help.
const maxNear = 4

// DidYouMean returns an aside that offers the known names nearest to
// the one given, or an empty string when none is near.
func DidYouMean(name string, known []string) string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	name = strings.ToLower(name)
	if len(name) > 64 {
		return ""
	}
	for _, k := range known {
		d := editDistance(name, k)
		switch {
		case d <= max(1, (min(len(name), len(k))+1)/3):
		case len(name) >= 3 && (strings.Contains(k, name) || strings.Contains(name, k) && len(k) >= 3):
		default:
			continue
		}
		near = append(near, candidate{k, d})
	}
	if len(near) == 0 {
		return ""
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range near[:min(len(near), maxNear)] {
		if c.distance <= near[0].distance+1 {
			names = append(names, c.name)
		}
	}
	return " (did you mean " + strings.Join(names, " or ") + "?)"
}

// editDistance is the number of bytes to insert, delete or change to make b of a (Levenshtein 1965).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
