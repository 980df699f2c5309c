package records_test

import (
	"reflect"
	"testing"
	"time"

	"ganlin/internal/records"
)

func TestAnswersAreRememberedForADay(t *testing.T) { onBoth(t, testAnswersAreRememberedForADay) }

func testAnswersAreRememberedForADay(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	ctx, day := t.Context(), 24*time.Hour
	now := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	asked := records.Asked{Account: "a", Route: "POST /x", Key: "k"}
	remember := func(act string, at time.Time) records.Answered {
		t.Helper()
		kept, err := s.RememberAct(ctx, asked, records.Answered{Digest: "d-" + act, Act: act}, at, at.Add(-day))
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	if first := remember("1", now); first.Act != "1" || first.Status != 0 {
		t.Errorf("the first is kept as %+v", first)
	}
	if again := remember("2", now.Add(time.Hour)); again.Act != "1" || again.Digest != "d-1" || again.Status != 0 {
		t.Errorf("what is under way is kept as %+v", again)
	}
	how := records.Answered{Digest: "d-1", Act: "1", Status: 202, Kind: "application/json", Body: []byte(`{"id":"x"}`)}
	if err := s.AnswerAct(ctx, asked, how); err != nil {
		t.Fatal(err)
	}
	if again := remember("3", now.Add(day)); !reflect.DeepEqual(again, how) {
		t.Errorf("after a day it is kept as %+v", again)
	}
	if later := remember("4", now.Add(day+time.Millisecond)); later.Act != "4" || later.Status != 0 {
		t.Errorf("after more than a day it is kept as %+v", later)
	}
	if err := s.ForgetAct(ctx, asked); err != nil {
		t.Fatal(err)
	}
	if fresh := remember("5", now.Add(day+time.Second)); fresh.Act != "5" {
		t.Errorf("what was forgotten is kept as %+v", fresh)
	}
}
