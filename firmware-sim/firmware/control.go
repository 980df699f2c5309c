package firmware

import "context"

// Wait returns when the device is at rest: everything it made is acknowledged
// and it is connected, or its radio is off and the connection gone. Readings
// that are held back do not count. It returns the error of ctx if that ends first.
func (d *Device) Wait(ctx context.Context) error {
	d.mu.Lock()
	if d.atRest() {
		d.mu.Unlock()
		return nil
	}
	if d.quiet == nil {
		d.quiet = make(chan struct{})
	}
	quiet := d.quiet
	d.mu.Unlock()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Device) atRest() bool {
	if !d.on() {
		return d.session == nil
	}
	return d.greeted && d.ring.n+d.inFlight == 0
}

// settle lets those go who wait for the device to be at rest; d.mu is held.
func (d *Device) settle() {
	if d.quiet != nil && d.atRest() {
		close(d.quiet)
		d.quiet = nil
	}
}

// Cut drops the connection once, as a lost network does; the broker publishes
// the will and the device connects again after a pause.
func (d *Device) Cut() {
	d.mu.Lock()
	s := d.session
	d.mu.Unlock()
	if s != nil {
		s.cut()
	}
}

// SetRadio switches the device's radio. Without it readings go on and wait.
func (d *Device) SetRadio(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silenced = !on
	d.settle()
	d.Wake()
}

func (d *Device) on() bool { return !d.silenced && !d.outage }

func (d *Device) isOn() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.on()
}

// untilOn waits for the radio to be switched on; false: ctx ended first.
func (d *Device) untilOn(ctx context.Context) bool {
	for !d.isOn() {
		select {
		case <-d.wake:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// setSession says which connection there is, nil for none, and whether the device has said hello on it.
func (d *Device) setSession(s *session, greeted bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.session, d.greeted = s, greeted
	d.settle()
}
