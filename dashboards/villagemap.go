package dashboards

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ganlin/dashboards/words"
)

// The map is drawn in units of about a pixel of a wide screen.
const (
	mapWidth     = 800.0
	mapMargin    = 40.0
	minMapHeight = 300.0
	maxMapHeight = 720.0
	maxMarks     = 400  // plots drawn one by one; more are drawn together, by squares
	mapFoot      = 36.0 // below, for the scale
	squareSide   = 64.0 // of those
	markRadius   = 16.0 // at most
	minRadius    = 9.0

	metresPerDegree = 111_320.0 // of latitude
)

// A box is a part of the land, in degrees.
type box struct{ south, west, north, east float64 }

func (b box) zero() bool { return b == box{} }

func (b box) holds(latitude, longitude float64) bool {
	return latitude >= b.south && latitude <= b.north && longitude >= b.west && longitude <= b.east
}

// String is the form of an address; an empty box has an empty one.
func (b box) String() string {
	if b.zero() {
		return ""
	}
	return fmt.Sprintf("%.5f,%.5f,%.5f,%.5f", b.south, b.west, b.north, b.east)
}

func parseBox(text string) (b box, ok bool) {
	parts := strings.Split(text, ",")
	if len(parts) != 4 {
		return box{}, false
	}
	for i, to := range []*float64{&b.south, &b.west, &b.north, &b.east} {
		x, err := strconv.ParseFloat(parts[i], 64)
		if err != nil || math.IsNaN(x) || math.Abs(x) > 180 {
			return box{}, false
		}
		*to = x
	}
	return b, true
}

// boxOf is the smallest box that holds the plots.
func boxOf(fields []*Field) box {
	b := box{south: math.Inf(1), west: math.Inf(1), north: math.Inf(-1), east: math.Inf(-1)}
	for _, f := range fields {
		b.south, b.north = min(b.south, f.Latitude), max(b.north, f.Latitude)
		b.west, b.east = min(b.west, f.Longitude), max(b.east, f.Longitude)
	}
	return b
}

// A landMap is a drawing of plots. Its numbers are units of the drawing.
type landMap struct {
	Width, Height int
	Lines         string // a grid, one path
	Masts         []mapMast
	Marks         []mapMark
	Squares       []mapSquare
	Scale         *mapScale // nil: nothing lies where it is drawn
	Below         int       // where plots without a position begin; 0: there are none, or no others
	Notes         []string
}

// A mapMark is one plot.
type mapMark struct {
	Link, Title, Tone, Letter string
	X, Y, R, Size             int // Size: of the letter
	Tap                       string
	TapX, TapY                int
	Faded                     bool // it is none of those that the table shows
}

// A mapSquare is several plots that lie too close to be drawn one by one.
type mapSquare struct {
	Link, Title, Count string
	X, Y               int
	Parts              []mapPart
}

// A mapPart is the share of one grade in the bar of a square.
type mapPart struct {
	Tone     string
	X, Width int
}

type mapMast struct {
	ID   string
	X, Y int
}

type mapScale struct {
	Y, Width int // Y: of the foot that it stands in
	Text     string
}

// A projection brings degrees to the drawing: metres east and south of a
// corner, by a scale. Over a few kilometres the earth is flat.
type projection struct {
	north, west, cos float64
	scale            float64 // units per metre
	left, top        float64
}

func (p projection) at(latitude, longitude float64) (x, y float64) {
	return p.left + p.scale*(longitude-p.west)*p.cos*metresPerDegree, p.top + p.scale*(p.north-latitude)*metresPerDegree
}

// project fits a box into the width of the map and returns the height that it takes.
func project(b box) (p projection, height float64) {
	p = projection{north: b.north, west: b.west, cos: max(math.Cos((b.north+b.south)/2*math.Pi/180), 0.01)}
	wide, high := (b.east-b.west)*p.cos*metresPerDegree, (b.north-b.south)*metresPerDegree
	const room, tallest = mapWidth - 2*mapMargin, maxMapHeight - 2*mapMargin
	p.scale = min(room/max(wide, 100), tallest/max(high, 40))
	height = min(max(high*p.scale+2*mapMargin, minMapHeight), maxMapHeight)
	p.left, p.top = (mapWidth-wide*p.scale)/2, (height-high*p.scale)/2
	return p, height
}

// drawMap draws plots of one site. The order of fields is that of a grid, where
// nobody knows where they lie.
func (s speaker) drawMap(q fieldQuery, masts []Mast, fields []*Field) *landMap {
	var placed, loose []*Field
	for _, f := range fields {
		if f.Placed() {
			placed = append(placed, f)
		} else {
			loose = append(loose, f)
		}
	}
	m := &landMap{Width: mapWidth}
	height := 0.0
	if len(placed) > 0 {
		height = s.drawPlaced(m, q, masts, placed)
	}
	if len(loose) > 0 {
		height = s.drawLoose(m, q, loose, height)
	}
	m.Height = int(math.Ceil(height))
	return m
}

func (s speaker) drawPlaced(m *landMap, q fieldQuery, masts []Mast, placed []*Field) float64 {
	b := boxOf(placed)
	if !q.box.zero() {
		b = q.box
	}
	p, height := project(b)
	s.drawScale(m, p, height)
	if len(placed) > maxMarks {
		s.drawSquares(m, q, p, placed)
		return height + mapFoot
	}
	for _, mast := range masts {
		x, y := p.at(mast.Latitude, mast.Longitude)
		if x < 10 || x > mapWidth-10 || y < 10 || y > height-10 {
			continue
		}
		m.Masts = append(m.Masts, mapMast{ID: string(mast.ID), X: int(x), Y: int(y)})
	}
	points := make([][2]float64, len(placed))
	for i, f := range placed {
		points[i][0], points[i][1] = p.at(f.Latitude, f.Longitude)
	}
	r := radius(points)
	for i, f := range placed {
		m.Marks = append(m.Marks, s.mark(q, f, points[i][0], points[i][1], r))
	}
	return height + mapFoot
}

// radius lets nine of ten marks stand clear of their neighbours.
func radius(points [][2]float64) float64 {
	nearest := make([]float64, len(points))
	for i, a := range points {
		nearest[i] = math.Inf(1)
		for k, b := range points {
			if i != k {
				nearest[i] = min(nearest[i], math.Hypot(a[0]-b[0], a[1]-b[1]))
			}
		}
	}
	slices.Sort(nearest)
	return min(max(nearest[len(nearest)/10]*0.46, minRadius), markRadius)
}

func (s speaker) mark(q fieldQuery, f *Field, x, y, r float64) mapMark {
	m := mapMark{
		Link: s.plotLink(f), Title: s.fieldTitle(f), Tone: string(f.shown()), Letter: s.text("mark."+string(f.shown()), nil),
		X: int(math.Round(x)), Y: int(math.Round(y)), R: int(math.Round(r)), Size: int(math.Round(r * 1.15)),
	}
	switch f.tap() {
	case ValveOpen, ValveClosing:
		m.Tap = "open"
	case ValveUnknown:
		m.Tap = "unknown"
	case ValveClosed, ValveRequested, ValveAccepted:
	}
	m.Faded = !q.shows(f, strings.ToLower(q.search))
	m.TapX, m.TapY = m.X+int(0.75*r), m.Y-int(0.75*r)
	return m
}

// shown is the grade as the map and the table show it: nobody's judgement is unknown.
func (f *Field) shown() Grade { return cmp.Or(f.Grade, GradeUnknown) }

// fieldTitle says of a plot what the map shows of it.
func (s speaker) fieldTitle(f *Field) string {
	args := words.Args{"name": cmp.Or(f.Name, string(f.ID)), "grade": s.word("grade.", string(f.shown())), "advice": s.advice(f.Advice)}
	switch f.tap() {
	case ValveOpen, ValveClosing:
		return s.text("map.title_open", args)
	case ValveUnknown:
		return s.text("map.title_unknown", args)
	case ValveClosed, ValveRequested, ValveAccepted:
	}
	return s.text("map.title", args)
}

// drawSquares puts plots together that lie in one square of the drawing.
func (s speaker) drawSquares(m *landMap, q fieldQuery, p projection, placed []*Field) {
	type cell struct{ column, row int }
	cells := map[cell][]*Field{}
	for _, f := range placed {
		x, y := p.at(f.Latitude, f.Longitude)
		at := cell{int(math.Floor(x / squareSide)), int(math.Floor(y / squareSide))}
		cells[at] = append(cells[at], f)
	}
	order := make([]cell, 0, len(cells))
	for at := range cells {
		order = append(order, at)
	}
	slices.SortFunc(order, func(a, b cell) int { return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.column, b.column)) })
	for _, at := range order {
		within := cells[at]
		if len(within) == 1 {
			x, y := p.at(within[0].Latitude, within[0].Longitude)
			m.Marks = append(m.Marks, s.mark(q, within[0], x, y, 0.8*markRadius))
			continue
		}
		b := boxOf(within)
		pad := 1 / (p.scale * metresPerDegree) // one unit, so that what lies on the edge is inside
		b.south, b.north, b.west, b.east = b.south-pad, b.north+pad, b.west-pad/p.cos, b.east+pad/p.cos
		counts := countGrades(within)
		square := mapSquare{
			Link:  q.with(func(q *fieldQuery) { q.box = b }).address(),
			Title: s.text("map.square", words.Args{"n": len(within), "grades": s.listGrades(counts)}),
			Count: words.Integer(int64(len(within))), X: int((float64(at.column) + 0.5) * squareSide), Y: int((float64(at.row) + 0.5) * squareSide),
		}
		square.Parts = bar44(counts, len(within))
		m.Squares = append(m.Squares, square)
	}
	m.Notes = append(m.Notes, s.text("map.together", words.Args{"n": len(placed)}))
}

// bar44 divides a bar of 44 units among grades.
func bar44(counts map[Grade]int, all int) (parts []mapPart) {
	const width = 44
	done := 0
	for _, g := range grades() {
		from := width * done / all
		done += counts[g]
		if to := width * done / all; to > from {
			parts = append(parts, mapPart{Tone: string(g), X: from, Width: to - from})
		}
	}
	return parts
}

func countGrades(fields []*Field) map[Grade]int {
	counts := map[Grade]int{}
	for _, f := range fields {
		counts[f.shown()]++
	}
	return counts
}

// listGrades writes how many there are of each grade, the driest first.
func (s speaker) listGrades(counts map[Grade]int) string {
	var parts []string
	for _, g := range grades() {
		if n := counts[g]; n > 0 {
			parts = append(parts, s.text("map.of_grade", words.Args{"n": n, "grade": s.word("grade.", string(g))}))
		}
	}
	return strings.Join(parts, s.text("map.comma", nil))
}

// drawLoose lays out plots whose position nobody gave, in rows below what was drawn.
func (s speaker) drawLoose(m *landMap, q fieldQuery, loose []*Field, top float64) float64 {
	const pitch = 2.5 * markRadius
	key := "map.no_positions"
	if top > 0 {
		m.Below = int(top)
		key = "map.some_without"
	}
	m.Notes = append(m.Notes, s.text(key, words.Args{"n": len(loose)}))
	if len(loose) > maxMarks {
		m.Notes = append(m.Notes, s.text("map.first", words.Args{"n": maxMarks}))
		loose = slices.SortedStableFunc(slices.Values(loose), func(a, b *Field) int { return cmp.Compare(b.shown().rank(), a.shown().rank()) })[:maxMarks]
	}
	columns := int((mapWidth - mapMargin) / pitch)
	used := float64(min(columns, len(loose)))
	left := (mapWidth - (used-1)*pitch) / 2
	for i, f := range loose {
		m.Marks = append(m.Marks, s.mark(q, f, left+pitch*float64(i%columns), top+mapMargin+pitch*float64(i/columns), markRadius))
	}
	return top + 2*mapMargin + pitch*float64((len(loose)-1)/columns)
}

// drawScale draws a bar of a round length and a grid of it.
func (s speaker) drawScale(m *landMap, p projection, height float64) {
	metres := round125(160 / p.scale)
	step := metres * p.scale
	var lines strings.Builder
	for x := math.Mod(p.left, step); x < mapWidth; x += step {
		fmt.Fprintf(&lines, "M%.0f 0V%.0f", x, height)
	}
	for y := math.Mod(p.top, step); y < height; y += step {
		fmt.Fprintf(&lines, "M0 %.0fH%.0f", y, mapWidth)
	}
	m.Lines = lines.String()
	m.Scale = &mapScale{Y: int(height), Width: int(step), Text: s.text("map.metres", words.Args{"x": words.Integer(int64(metres))})}
	if metres >= 1000 {
		m.Scale.Text = s.text("map.kilometres", words.Args{"x": words.Short(metres/1000, 1)})
	}
}

// round125 is the largest of 1, 2, 5, 10, … that is not above x.
func round125(x float64) float64 {
	ten := math.Pow(10, math.Floor(math.Log10(x)))
	for _, f := range []float64{5, 2} {
		if f*ten <= x {
			return f * ten
		}
	}
	return ten
}
