// Package grafana holds the Grafana dashboards as code: small structs that are
// exactly what we use of Grafana's dashboard JSON, and four dashboards made of
// them. The JSON beside it is what Grafana loads; a test holds it to the code.
//
// Queries of readings and of what was decided are InfluxQL, which InfluxDB 1.8
// and 2.7 both answer; queries of the program itself are PromQL.
package grafana
