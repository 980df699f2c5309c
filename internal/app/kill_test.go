package app

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestKillLosesNothing kills the whole program under load, again and again:
// every value whose message was acknowledged is in the database afterwards.
func TestKillLosesNothing(t *testing.T) {
	tr := newTrial(t, asItIs, 50, "")
	tr.start()
	l := tr.load()
	running := l.begin(t)
	var slowest time.Duration
	for range counts(3, 10) {
		l.progress(t, 1000+rand.Int64N(4000))
		tr.kill()
		slowest = max(slowest, tr.start())
		tr.balanced()
	}
	l.progress(t, 2000)
	running.finish(t)
	tr.verify(l)
	t.Logf("slowest restart until all parts were ready: %d ms", slowest.Milliseconds())
	before := tr.settled(time.Minute)
	tr.stop()
	tr.start()
	if after := tr.settled(time.Minute); after != before {
		t.Errorf("the account changed over a restart: %+v, before %+v", after, before)
	}
}

// TestKillLosesWhatIsAnsweredEarly is the control: a program that acknowledges
// before its journal has the message does lose some, and the check sees it.
func TestKillLosesWhatIsAnsweredEarly(t *testing.T) {
	newTrial(t, answerEarly, 50, "").mustLose(func(tr *trial, _ *load) {
		tr.kill()
		tr.start()
	})
}

// mustLose disturbs a program under load, again and again, until something that
// was acknowledged is missing, and fails unless the check of all trials says so.
// Whether one disturbance hits what is on its way is luck; that none does is not.
func (tr *trial) mustLose(disturb func(*trial, *load)) {
	tr.t.Helper()
	const most = 12
	tr.start()
	l := tr.load()
	for n := range most {
		l.start, l.seed = l.start.Add(time.Minute), l.seed+1 // no message of an earlier round
		running := l.begin(tr.t)
		l.progress(tr.t, 3000)
		disturb(tr, l)
		running.finish(tr.t)
		a := tr.settled(2 * time.Minute)
		if a.Values.Stored >= l.values.Load() {
			continue
		}
		if err := judge(l, a, tr.counted(), l.written.Load()-l.sent.Load()); err == nil {
			tr.t.Errorf("%d of %d acknowledged values are stored, and the check sees nothing", a.Values.Stored, l.values.Load())
		} else {
			tr.t.Logf("seen as it should be, after disturbance %d: %v", n+1, err)
		}
		return
	}
	tr.t.Errorf("%d disturbances lost none of %d values: they prove nothing", most, l.values.Load())
}

// TestALostRecordIsSeen is the control of the conservation law and of the alarm:
// a record that disappears between journal and database breaks the law, and that
// nothing was said of it is noticed.
func TestALostRecordIsSeen(t *testing.T) {
	tr := newTrial(t, loseRecord, 10, "")
	tr.start()
	l := tr.load()
	running := l.begin(t)
	l.progress(t, 2000)
	running.finish(t)
	a := tr.settled(time.Minute)
	if a.Conserved() {
		t.Errorf("the law holds although a record was lost: %+v", a)
	}
	err := tr.tells(a)
	for _, silent := range []string{"the account", "the log", "the page"} {
		if err == nil || !strings.Contains(err.Error(), silent+" says nothing of a loss") {
			t.Errorf("%s says nothing, and that is not noticed: %v", silent, err)
		}
	}
}
