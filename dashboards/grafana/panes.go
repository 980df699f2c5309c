package grafana

import (
	"fmt"
	"time"
)

// A text is said in both languages.
type text struct{ zh, en string }

func (t text) line() string { return t.zh + " " + t.en }

// An about is what stands behind the i of a panel.
type about struct{ shows, unit, do text }

func (a about) String() string {
	return fmt.Sprintf("**显示** %s\n\n**单位** %s\n\n**怎么办** %s\n\n---\n\n**Shows** %s\n\n**Unit** %s\n\n**What to do** %s",
		a.shows.zh, a.unit.zh, a.do.zh, a.shows.en, a.unit.en, a.do.en)
}

// A pane is a panel as the dashboards describe it.
type pane struct {
	title         text
	about         about
	width, height int
	queries       []Target

	unit       Unit
	decimals   int
	least      *float64
	most       *float64
	words      []Mapping
	steps      []Step
	exceptions []Override
	empty      string // shown in the place of no value at all
	back       string // only so far back
	finest     string // the shortest interval worth asking for
	gap        time.Duration
	sort       []Sort
}

// A sheet is a dashboard that panes are put on, from left to right and down.
type sheet struct {
	Dashboard
	x, y, row int
}

const gridWidth = 24

func (s *sheet) put(kind string, p *pane, options, custom any, mode string) {
	if s.x+p.width > gridWidth {
		s.x, s.y, s.row = 0, s.y+s.row, 0
	}
	if p.steps == nil {
		p.steps = steps(plain)
	}
	for i := range p.queries {
		p.queries[i].RefID = string(rune('A' + i))
	}
	s.Panels = append(s.Panels, Panel{
		ID: len(s.Panels) + 1, Type: kind, Title: p.title.line(), Description: p.about.String(),
		GridPos: GridPos{H: p.height, W: p.width, X: s.x, Y: s.y}, Datasource: p.queries[0].Datasource,
		Interval: p.finest, TimeFrom: p.back, Targets: p.queries, Options: options,
		FieldConfig: FieldConfig{
			Defaults: FieldDefaults{
				Unit: p.unit, Decimals: &p.decimals, Min: p.least, Max: p.most, NoValue: p.empty, Color: Color{mode},
				Mappings: append([]Mapping{}, p.words...), Thresholds: Thresholds{"absolute", p.steps}, Custom: custom,
			},
			Overrides: append([]Override{}, p.exceptions...),
		},
	})
	s.x += p.width
	s.row = max(s.row, p.height)
}

// number is one value, large.
func (s *sheet) number(p pane) {
	coloured := "background"
	if p.steps == nil {
		coloured = "value"
	}
	s.put("stat", &p, StatOptions{
		ColorMode: coloured, GraphMode: "none", JustifyMode: "auto", TextMode: "auto", Orientation: "auto",
		PercentChangeColorMode: "standard", WideLayout: true, ReduceOptions: ReduceOptions{[]string{"lastNotNull"}},
	}, nil, "thresholds")
}

// lines are values over time. A silence longer than the gap of the pane is one.
func (s *sheet) lines(p pane) {
	c := ChartCustom{DrawStyle: "line", LineInterpolation: "linear", LineWidth: 2, ShowPoints: "auto", InsertNulls: int(p.gap.Milliseconds())}
	s.chart(p, c)
}

// bars are amounts over time, beside each other.
func (s *sheet) bars(p pane) {
	s.chart(p, ChartCustom{DrawStyle: "bars", LineInterpolation: "linear", LineWidth: 1, FillOpacity: 80, ShowPoints: "never"})
}

// stacked are amounts over time that make up a whole.
func (s *sheet) stacked(p pane) {
	s.chart(p, ChartCustom{
		DrawStyle: "line", LineInterpolation: "stepAfter", LineWidth: 1, FillOpacity: 60, ShowPoints: "never",
		Stacking: &Stacking{"normal", "A"},
	})
}

// chart draws the steps of the pane as lines across it.
func (s *sheet) chart(p pane, c ChartCustom) {
	if p.steps != nil {
		c.ThresholdsStyle = &ThresholdsStyle{"dashed"}
	}
	s.put("timeseries", &p, ChartOptions{
		Legend:  Legend{DisplayMode: "list", Placement: "bottom", ShowLegend: true, Calcs: []string{}},
		Tooltip: Tooltip{"multi", "desc"},
	}, c, "palette-classic")
}

// cells are a row of coloured cells for each series; what is not known has none.
func (s *sheet) cells(p pane) {
	s.put("status-history", &p, HistoryOptions{
		ShowValue: "never", RowHeight: 0.9,
		Legend:  Legend{DisplayMode: "list", Placement: "bottom", ShowLegend: true, Calcs: []string{}},
		Tooltip: Tooltip{"single", "none"},
	}, HistoryCustom{FillOpacity: 90, LineWidth: 1}, "thresholds")
}

// table is rows of text and numbers.
func (s *sheet) table(p pane) {
	s.put("table", &p, TableOptions{ShowHeader: true, CellHeight: "sm", SortBy: p.sort},
		TableCustom{Align: "auto", CellOptions: CellOptions{"auto"}, Filterable: true}, "thresholds")
}
