// Package influxtest gives tests an InfluxDB: a real one, and a fake for the
// faults that a real one cannot be made to show.
package influxtest
