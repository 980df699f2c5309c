package app

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestAPageDoesNotWaitForWhatIsBroken asks something that hangs: all who look
// get their page within a second, nobody asks twice, and what is known long ago is not known.
func TestAPageDoesNotWaitForWhatIsBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f slowFigures
		var asked atomic.Int64
		hang := make(chan struct{})
		ask := func(context.Context) slowAnswer {
			if asked.Add(1) > 1 {
				<-hang
			}
			return slowAnswer{used: 7}
		}
		looks := func() (a slowAnswer, took time.Duration) {
			begin := time.Now()
			return f.within(t.Context(), ask), time.Since(begin)
		}
		if a, took := looks(); a.used != 7 || took > 0 {
			t.Errorf("the first page: %+v after %s", a, took)
		}
		time.Sleep(slowAge + time.Millisecond) // fake time
		for range 3 {
			if a, took := looks(); a.used != 7 || took != slowPatience {
				t.Errorf("a page after the answer has failed to come: %+v after %s", a, took)
			}
		}
		time.Sleep(staleAfter)
		if a, _ := looks(); a.failed == "" || a.used != -1 {
			t.Errorf("half a minute later: %+v", a)
		}
		if n := asked.Load(); n != 2 {
			t.Errorf("it was asked %d times", n)
		}
		close(hang)
		synctest.Wait()
		if a, took := looks(); a.used != 7 || took > 0 {
			t.Errorf("once it answers: %+v after %s", a, took)
		}
	})
}

func TestQuantile(t *testing.T) {
	buckets := []bucket{{0.001, 10}, {0.002, 90}, {0.004, 98}, {0.008, 98}, {math.Inf(1), 100}}
	for share, want := range map[float64]time.Duration{0.05: 500 * time.Microsecond, 0.5: 1500 * time.Microsecond, 0.9: 2 * time.Millisecond, 0.94: 3 * time.Millisecond, 0.99: 8 * time.Millisecond} {
		if got := quantile(buckets, 100, share); (got - want).Abs() > time.Microsecond {
			t.Errorf("quantile %g is %s, want %s", share, got, want)
		}
	}
	if got := quantile(nil, 0, 0.5); got != 0 {
		t.Errorf("of nothing: %s", got)
	}
}
