package app

import (
	"math/rand/v2"
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
	tr := newTrial(t, answerEarly, 50, "")
	tr.start()
	l := tr.load()
	running := l.begin(t)
	for range counts(8, 10) {
		l.progress(t, 3000)
		tr.kill()
		tr.start()
	}
	running.finish(t)
	a := tr.settled(2 * time.Minute)
	if err := judge(l, a, tr.counted()); err == nil || a.Values.Stored >= l.values.Load() {
		t.Errorf("%d of %d acknowledged values are stored: the kills prove nothing", a.Values.Stored, l.values.Load())
	} else {
		t.Logf("seen as it should be: %v", err)
	}
}

// TestALostRecordIsSeen is the control of the conservation law: one record
// that disappears between journal and database breaks it.
func TestALostRecordIsSeen(t *testing.T) {
	tr := newTrial(t, loseRecord, 10, "")
	tr.start()
	l := tr.load()
	running := l.begin(t)
	l.progress(t, 5000)
	running.finish(t)
	if a := tr.settled(time.Minute); a.Conserved() {
		t.Errorf("the law holds although a record was lost: %+v", a)
	}
}
