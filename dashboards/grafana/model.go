package grafana

// The structs of this file are Grafana's, field by field; the JSON names are
// its own. They hold what the dashboards use and nothing else, and a test
// checks the result against Grafana's published types.

// A Dashboard is one page of Grafana.
type Dashboard struct {
	UID           string     `json:"uid"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	Tags          []string   `json:"tags"`
	SchemaVersion int        `json:"schemaVersion"`
	Editable      bool       `json:"editable"`
	GraphTooltip  int        `json:"graphTooltip"` // 1: one crosshair through all panels
	Timezone      string     `json:"timezone"`
	Refresh       string     `json:"refresh"`
	Time          TimeRange  `json:"time"`
	Templating    Templating `json:"templating"`
	Links         []Link     `json:"links"`
	Panels        []Panel    `json:"panels"`
}

// A TimeRange is what a dashboard shows when it is opened.
type TimeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Templating holds the variables, in the order in which they are filled.
type Templating struct {
	List []Variable `json:"list"`
}

// A Variable is a choice at the top of a dashboard.
type Variable struct {
	Name        string      `json:"name"`
	Label       string      `json:"label"`
	Description string      `json:"description"`
	Type        string      `json:"type"`
	Datasource  *Datasource `json:"datasource"`
	Query       any         `json:"query"` // text for Prometheus, InfluxVariableQuery for InfluxDB
	Refresh     int         `json:"refresh"`
	Sort        int         `json:"sort"`
	Multi       bool        `json:"multi"`
	IncludeAll  bool        `json:"includeAll"`
	AllValue    string      `json:"allValue,omitempty"`
}

// An InfluxVariableQuery asks InfluxDB for the values of a variable.
type InfluxVariableQuery struct {
	RefID string `json:"refId"`
	Query string `json:"query"`
}

// A Datasource names one of the provisioned sources.
type Datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// A Link leads to other dashboards.
type Link struct {
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Tooltip     string   `json:"tooltip"`
	Icon        string   `json:"icon"`
	Tags        []string `json:"tags"`
	AsDropdown  bool     `json:"asDropdown"`
	IncludeVars bool     `json:"includeVars"`
	KeepTime    bool     `json:"keepTime"`
	TargetBlank bool     `json:"targetBlank"`
}

// A Panel is one picture, number or table.
type Panel struct {
	ID          int         `json:"id"`
	Type        string      `json:"type"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	GridPos     GridPos     `json:"gridPos"`
	Datasource  *Datasource `json:"datasource"`
	Interval    string      `json:"interval,omitempty"` // no finer than this
	TimeFrom    string      `json:"timeFrom,omitempty"` // only so far back, when the dashboard ends now
	Targets     []Target    `json:"targets"`
	FieldConfig FieldConfig `json:"fieldConfig"`
	Options     any         `json:"options"` // of the panel's type
}

// A GridPos is where a panel stands; a dashboard is 24 wide.
type GridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// A Target is one query: InfluxQL in Query, or PromQL in Expr.
type Target struct {
	RefID        string      `json:"refId"`
	Datasource   *Datasource `json:"datasource"`
	RawQuery     bool        `json:"rawQuery,omitempty"`
	Query        string      `json:"query,omitempty"`
	ResultFormat string      `json:"resultFormat,omitempty"`
	Alias        string      `json:"alias,omitempty"`
	Expr         string      `json:"expr,omitempty"`
	LegendFormat string      `json:"legendFormat,omitempty"`
	Instant      bool        `json:"instant,omitempty"`
	Range        bool        `json:"range,omitempty"`
}

// A FieldConfig says how values look, with exceptions by name.
type FieldConfig struct {
	Defaults  FieldDefaults `json:"defaults"`
	Overrides []Override    `json:"overrides"`
}

// FieldDefaults are how the values of a panel look.
type FieldDefaults struct {
	Unit       Unit       `json:"unit"`
	Decimals   *int       `json:"decimals,omitempty"`
	Min        *float64   `json:"min,omitempty"`
	Max        *float64   `json:"max,omitempty"`
	NoValue    string     `json:"noValue,omitempty"`
	Color      Color      `json:"color"`
	Mappings   []Mapping  `json:"mappings"`
	Thresholds Thresholds `json:"thresholds"`
	Custom     any        `json:"custom,omitempty"` // of the panel's type
}

// A Color says by what values are coloured.
type Color struct {
	Mode string `json:"mode"`
}

// A Mapping shows words in the place of single values.
type Mapping struct {
	Type    string          `json:"type"`
	Options map[string]Word `json:"options"`
}

// A Word is shown in the place of a value.
type Word struct {
	Index int    `json:"index"`
	Text  string `json:"text"`
	Color string `json:"color,omitempty"`
}

// Thresholds colour values from a number upwards.
type Thresholds struct {
	Mode  string `json:"mode"`
	Steps []Step `json:"steps"`
}

// A Step begins a colour; nil: at the lowest.
type Step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// An Override makes an exception for one field.
type Override struct {
	Matcher    Matcher    `json:"matcher"`
	Properties []Property `json:"properties"`
}

// A Matcher names a field.
type Matcher struct {
	ID      string `json:"id"`
	Options string `json:"options"`
}

// A Property is what is different.
type Property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}

// StatOptions belong to a panel that is one number.
type StatOptions struct {
	ColorMode              string        `json:"colorMode"`
	GraphMode              string        `json:"graphMode"`
	JustifyMode            string        `json:"justifyMode"`
	TextMode               string        `json:"textMode"`
	Orientation            string        `json:"orientation"`
	PercentChangeColorMode string        `json:"percentChangeColorMode"`
	ShowPercentChange      bool          `json:"showPercentChange"`
	WideLayout             bool          `json:"wideLayout"`
	ReduceOptions          ReduceOptions `json:"reduceOptions"`
}

// ReduceOptions make one number of many.
type ReduceOptions struct {
	Calcs []string `json:"calcs"`
}

// A Legend names the lines of a chart.
type Legend struct {
	DisplayMode string   `json:"displayMode"`
	Placement   string   `json:"placement"`
	ShowLegend  bool     `json:"showLegend"`
	Calcs       []string `json:"calcs"`
}

// A Tooltip shows values under the pointer.
type Tooltip struct {
	Mode string `json:"mode"`
	Sort string `json:"sort"`
}

// ChartOptions belong to a chart over time.
type ChartOptions struct {
	Legend  Legend  `json:"legend"`
	Tooltip Tooltip `json:"tooltip"`
}

// ChartCustom says how the lines or bars of a chart are drawn.
type ChartCustom struct {
	DrawStyle         string           `json:"drawStyle"`
	LineInterpolation string           `json:"lineInterpolation"`
	LineWidth         int              `json:"lineWidth"`
	FillOpacity       int              `json:"fillOpacity"`
	ShowPoints        string           `json:"showPoints"`
	InsertNulls       int              `json:"insertNulls,omitempty"` // ms: a longer silence is a gap
	Stacking          *Stacking        `json:"stacking,omitempty"`
	ThresholdsStyle   *ThresholdsStyle `json:"thresholdsStyle,omitempty"`
}

// ThresholdsStyle says how thresholds are drawn.
type ThresholdsStyle struct {
	Mode string `json:"mode"`
}

// Stacking puts bars on each other.
type Stacking struct {
	Mode  string `json:"mode"`
	Group string `json:"group"`
}

// HistoryOptions belong to a panel with one row of coloured cells a series.
type HistoryOptions struct {
	ShowValue string  `json:"showValue"`
	RowHeight float64 `json:"rowHeight"`
	Legend    Legend  `json:"legend"`
	Tooltip   Tooltip `json:"tooltip"`
}

// HistoryCustom says how its cells are drawn.
type HistoryCustom struct {
	FillOpacity int `json:"fillOpacity"`
	LineWidth   int `json:"lineWidth"`
}

// TableOptions belong to a table.
type TableOptions struct {
	FrameIndex int    `json:"frameIndex"`
	ShowHeader bool   `json:"showHeader"`
	CellHeight string `json:"cellHeight"`
	SortBy     []Sort `json:"sortBy,omitempty"`
}

// A Sort names a column by what stands above it.
type Sort struct {
	DisplayName string `json:"displayName"`
	Desc        bool   `json:"desc"`
}

// TableCustom says how cells are drawn.
type TableCustom struct {
	Align       string      `json:"align"`
	CellOptions CellOptions `json:"cellOptions"`
	Filterable  bool        `json:"filterable"`
	Inspect     bool        `json:"inspect"`
}

// CellOptions say what of a cell is coloured.
type CellOptions struct {
	Type string `json:"type"`
}

// Hide leaves a field out.
type Hide struct {
	Legend  bool `json:"legend"`
	Tooltip bool `json:"tooltip"`
	Viz     bool `json:"viz"`
}
