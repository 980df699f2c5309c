// Package firmware is virtual devices: soil probes, weather stations and
// valve controllers that speak the native format of Ganlin as real MQTT 3.1.1
// clients. It knows the wire format and nothing of the program it tests.
//
// The time a device lives in is passed in with Advance; only the network runs
// on the wall clock. What a device measures depends on the seed, the device,
// the time and the world alone, so goroutines and networks may be as unruly
// as they like: the same seed gives the same readings.
//
// A device keeps what it made until the broker's PUBACK for it came on the very
// connection it was published on; else it publishes it again on the next one.
// Its counts are therefore evidence of its own, independent of what the
// receiver counts. What is held waits in memory: a device outlives every
// restart of the broker, but not the end of this process.
package firmware
