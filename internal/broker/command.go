package broker

import (
	"context"
	"fmt"

	"ganlin/devices"
)

// Publish sends a command to the device at QoS 0, not retained: nothing of it is
// kept for later. It returns ErrOffline when the device does not listen. That it
// returns nil says that the device was there, not that it has understood.
func (d *Door) Publish(ctx context.Context, device devices.DeviceID, command []byte) error {
	s := d.shift.Load()
	if s == nil {
		return fmt.Errorf("commanding %s: %w", device, ErrOffline)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// A reply that the server sends itself tells that nobody has subscribed.
	inbox := s.nc.NewInbox()
	sub, err := s.nc.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("commanding %s: %w", device, err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // it goes with the connection at the latest
	if err := s.nc.PublishRequest(subject(device, devices.Commands), inbox, command); err != nil {
		return fmt.Errorf("commanding %s: %w", device, err)
	}
	if err := s.nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("commanding %s: %w", device, err)
	}
	if n, _, err := sub.Pending(); err != nil || n > 0 {
		return fmt.Errorf("commanding %s: %w", device, ErrOffline)
	}
	return nil
}
