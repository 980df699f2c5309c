// Package influx writes line protocol to InfluxDB 1.8 or 2.x and asks it
// questions in InfluxQL. A write ends when every line is stored or refused by
// the database for a reason of its own; nothing is dropped in between.
package influx

import "log/slog"

// An Endpoint is an InfluxDB and what it takes to use it.
type Endpoint struct {
	URL    string // such as http://127.0.0.1:8086; empty: not known yet
	Org    string // ignored by 1.8
	Bucket string // also the database of InfluxQL
	Token  string // secret; user:password for 1.8
}

// String names the database and keeps the token to itself, in logs too.
func (e Endpoint) String() string { return e.URL + " " + e.Bucket }

// LogValue is String.
func (e Endpoint) LogValue() slog.Value { return slog.StringValue(e.String()) }

// Fixed returns the endpoint as a function, for an InfluxDB that never moves.
func (e Endpoint) Fixed() func() Endpoint { return func() Endpoint { return e } }
