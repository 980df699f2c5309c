package now_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ganlin/devices"
	"ganlin/internal/now"
)

func TestASlowReaderGetsTheNewestState(t *testing.T) {
	s := now.New(now.Options{})
	signal := s.Subscribe(t.Context())
	<-signal // at once, to draw the first picture
	for i := range 1000 {
		s.Apply(fmt.Sprint(i), []devices.Fact{reading("s-1", "rssi", i, i, -90)})
	}
	<-signal
	if got := s.Snapshot().Position; got != "999" {
		t.Errorf("after its only signal the reader saw position %s, want 999", got)
	}
	select {
	case <-signal:
		t.Error("a second signal waited: they queue")
	default:
	}
}

func TestASubscriptionEndsWithItsContext(t *testing.T) {
	s := now.New(now.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	signal := s.Subscribe(ctx)
	<-signal
	cancel()
	if _, ok := <-signal; ok {
		t.Error("a signal came after the end")
	}
	s.SetOnline("s-1", true, minute(1)) // would panic on the closed channel
}

func TestAReaderThatStopsIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := now.New(now.Options{Patience: time.Minute})
		stopped, reading := s.Subscribe(t.Context()), s.Subscribe(t.Context())
		for range 4 {
			<-reading
			time.Sleep(30 * time.Second)
			s.SetOnline("s-1", true, time.Now())
			synctest.Wait()
		}
		<-stopped // the signal of its beginning still lies there
		if _, ok := <-stopped; ok {
			t.Error("the reader that stopped is still subscribed")
		}
		if _, ok := <-reading; !ok {
			t.Error("the reader that goes on was dropped")
		}
	})
}
