package devices

import "time"

// A Reading is one number of one quantity, measured by one device at one instant.
type Reading struct {
	Device   DeviceID
	Key      Key
	Value    float64   // in the unit of Key.Quantity
	At       time.Time // when the device measured it, UTC, to the millisecond
	Received time.Time // when it was received, UTC
}
