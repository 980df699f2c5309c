package grafana

func influx() *Datasource     { return &Datasource{"influxdb", "influx"} }
func prometheus() *Datasource { return &Datasource{"prometheus", "prometheus"} }

// Conditions of InfluxQL, filled by Grafana: the time that is looked at, and what was chosen.
const (
	ofSite = `$timeFilter AND "site" =~ /^${site:regex}$/`
	ofPlot = ofSite + ` AND "plot" =~ /^${plot:regex}$/`
)

// byDay groups by days that begin at midnight in China, which has one zone and
// no summer time. A grouping by the time zone's name would need a table of
// zones in the database.
const byDay = `GROUP BY time(1d, -8h)`

// byStretch groups by as much time as a point of the picture covers.
const byStretch = `GROUP BY time($__interval)`

// notAll bounds what a picture draws in a district of thousands of plots; nobody tells more lines apart.
const notAll = ` SLIMIT 200`

// ask is a query of InfluxDB whose series are named by alias.
func ask(alias, query string) Target {
	return Target{Datasource: influx(), RawQuery: true, Query: query, ResultFormat: "time_series", Alias: alias}
}

// list is a query of InfluxDB for a table.
func list(query string) Target {
	return Target{Datasource: influx(), RawQuery: true, Query: query, ResultFormat: "table"}
}

// ofInstance filters PromQL by the program that was chosen.
const ofInstance = `instance=~"$instance"`

// follow is a query of Prometheus over time.
func follow(legend, expr string) Target {
	return Target{Datasource: prometheus(), Expr: expr, LegendFormat: legend, Range: true}
}

// look is a query of Prometheus for this moment.
func look(legend, expr string) Target {
	return Target{Datasource: prometheus(), Expr: expr, LegendFormat: legend, Instant: true}
}

// siteVariable and plotVariable are filled from what has a water balance.
func siteVariable() Variable {
	return influxVariable("site", text{"村", "Site"}, text{"看哪个村的数据。", "The village that is looked at."},
		`SHOW TAG VALUES FROM "balance" WITH KEY = "site"`, true)
}

func plotVariable(many bool) Variable {
	return influxVariable("plot", text{"地块", "Plot"}, text{"看哪些地块。", "The plots that are looked at."},
		`SHOW TAG VALUES FROM "balance" WITH KEY = "plot" WHERE "site" =~ /^${site:regex}$/`, many)
}

func influxVariable(name string, label, description text, query string, many bool) Variable {
	v := Variable{
		Name: name, Label: label.line(), Description: description.line(), Type: "query", Datasource: influx(),
		Query: InfluxVariableQuery{"InfluxVariable", query}, Refresh: refreshWithTime, Sort: naturally, Multi: many, IncludeAll: many,
	}
	if many {
		v.AllValue = ".*"
	}
	return v
}

func instanceVariable() Variable {
	return Variable{
		Name: "instance", Label: text{"程序", "Program"}.line(), Description: text{"看哪个运行中的程序。", "The running program that is looked at."}.line(),
		Type: "query", Datasource: prometheus(), Query: "label_values(ganlin_part_ready, instance)",
		Refresh: refreshWithTime, Sort: naturally, Multi: true, IncludeAll: true, AllValue: ".*",
	}
}

// Grafana's numbers for when a variable is filled again and how its values are sorted.
const (
	refreshWithTime = 2
	naturally       = 7
)
