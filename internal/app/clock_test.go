package app

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestStepClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newStepClock(time.Time{})
		if !c.Now().Equal(time.Now()) || !c.Latest().Equal(time.Now()) {
			t.Error("before the first tick it is not the wall's clock")
		}
		tick := time.Date(2022, 7, 1, 0, 0, 0, 0, time.UTC)
		c.advance(tick)
		time.Sleep(20 * time.Millisecond) // of the bubble
		if got, want := c.Now(), tick.Add(20*time.Millisecond); !got.Equal(want) {
			t.Errorf("20 ms after the tick it is %s, want %s", got, want)
		}
		time.Sleep(3 * time.Hour)
		if got, want := c.Now(), tick.Add(time.Hour-time.Millisecond); !got.Equal(want) {
			t.Errorf("long after the tick it is %s, want %s, below the next one", got, want)
		}
		if got, want := c.Latest(), tick.Add(time.Hour); !got.Equal(want) {
			t.Errorf("the latest time is %s, want the next tick %s", got, want)
		}
	})
}
