// Package influxd finds or builds InfluxDB 1.8.10 and runs it as a supervised
// child process, so that one program and one folder are a whole installation.
package influxd
