// Package rules decides, in event time: the facts of a village go in, what is
// to be done about them comes out. It reads no clock, draws no random number
// and touches no disk, so the same facts give the same decisions whenever and
// in whatever order they are handed over.
package rules
