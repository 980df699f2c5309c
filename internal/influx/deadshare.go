package influx

import "time"

// fewDead is how many lines may die within the window whatever their share:
// one bad line among ten is no flood.
const fewDead = 20

// A deadShare counts the lines of the last ten minutes and the dead ones among
// them. Once there are too many it stays so until it is made anew: time alone
// mends nothing.
type deadShare struct {
	minutes [10]struct {
		minute      int64 // Unix time in minutes
		lines, dead int
	}
	tripped bool
}

func (d *deadShare) seen(now time.Time, lines int) { d.count(now, lines, 0) }

func (d *deadShare) died(now time.Time) { d.count(now, 0, 1) }

func (d *deadShare) count(now time.Time, lines, dead int) {
	minute := now.Unix() / 60
	slot := &d.minutes[minute%int64(len(d.minutes))]
	if slot.minute != minute {
		slot.minute, slot.lines, slot.dead = minute, 0, 0
	}
	slot.lines += lines
	slot.dead += dead
}

// bearable reports whether one more line may die now.
func (d *deadShare) bearable(now time.Time) bool {
	lines, dead := 0, 1
	for _, slot := range d.minutes {
		if now.Unix()/60-slot.minute < int64(len(d.minutes)) {
			lines += slot.lines
			dead += slot.dead
		}
	}
	d.tripped = d.tripped || dead > max(fewDead, lines/100)
	return !d.tripped
}
