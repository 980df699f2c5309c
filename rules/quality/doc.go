// Package quality tells good readings from bad ones in event time: increments
// of running counters, spikes, stuck and implausible values, silence, and the
// sums and days that are made of readings. What cannot be said is nil or
// flagged, never guessed.
//
// Every state is a plain struct that encoding/json reads back exactly. Readings
// of one series are handed over in the order of their times.
package quality
