package valves

import (
	"fmt"

	"ganlin/devices"
)

// A Reservation keeps a valve for one open, so that of many who want to open it
// only one can: while it lasts, any other open to the valve ends without being sent.
type Reservation struct {
	courier *Courier
	device  devices.DeviceID
}

// Reserve keeps a valve for an open that is about to be decided and put on disk.
// There is no reservation while another one lasts, while a command to the valve
// is on its way, and while the valve's newest word is anything but closed.
func (c *Courier) Reserve(device devices.DeviceID) (r *Reservation, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.line(device)
	if l.reserved != nil || l.command != nil || l.word.state != "" && !l.word.closed() {
		return nil, false
	}
	l.reserved = &Reservation{c, device}
	return l.reserved, true
}

// Send takes the open over, as Courier.Send, and ends the reservation.
func (r *Reservation) Send(command devices.Command) error {
	if err := command.Validate(); err != nil {
		return fmt.Errorf("commanding %s: %w", r.device, err)
	}
	r.courier.mu.Lock()
	defer r.courier.mu.Unlock()
	r.release()
	r.courier.send(r.courier.delivery(r.device, command))
	return nil
}

// Release ends the reservation. Of one that is over it changes nothing.
func (r *Reservation) Release() {
	r.courier.mu.Lock()
	defer r.courier.mu.Unlock()
	r.release()
}

func (r *Reservation) release() {
	if l := r.courier.line(r.device); l.reserved == r {
		l.reserved = nil
	}
}
