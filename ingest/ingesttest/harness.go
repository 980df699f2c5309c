// Package ingesttest is the suite that every [ingest.Source] passes, written
// against what devices and the intake see and against nothing inside a source.
package ingesttest

import (
	"ganlin/devices"
	"ganlin/ingest"
)

// A Harness is one source and its broker, made anew for every test of the
// suite. Its functions report their own failures to the test that made it.
type Harness struct {
	// Broker is the host:port that devices dial, in the clear. It stays the
	// same when the source stops and starts again.
	Broker string

	// Enroll makes a device known and returns its password. User name and
	// client id are its id.
	Enroll func(id devices.DeviceID) (password string)

	// Start runs the source until stop is called. It returns when nothing that
	// a device publishes from now on can be missed; stop returns when Run has.
	// A source that was stopped starts again with what its broker kept.
	Start func(deliver func(ingest.Message) error) (stop func())

	// Acks counts the acknowledgements that the source sent to its broker. It
	// is nil where the acknowledgement that a device gets is the source's own;
	// the suite then counts those.
	Acks func() int

	// Cut breaks the connection on which the source has messages in flight. It
	// is nil where that is the device's connection; the suite then cuts it.
	Cut func()
}
