package signals_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/internal/signals"
)

func TestFeedFromZeroIsWhatWasTold(t *testing.T) {
	s := newStation(t)
	if got := s.all(everything("town")); len(got) != 0 {
		t.Errorf("an empty feed has %d signals", len(got))
	}
	s.tell(20)
	all := s.all(everything("town"))
	if len(all) != 40 {
		t.Fatalf("%d signals, want 40", len(all))
	}
	if diff := cmp.Diff(all, s.all(everything("town"))); diff != "" {
		t.Errorf("told again it is another feed:\n%s", diff)
	}
	raised := map[string]bool{}
	for i, e := range all {
		if i > 0 && e.Sequence <= all[i-1].Sequence {
			t.Errorf("%s comes behind %s", e.Sequence, all[i-1].Sequence)
		}
		switch e.Type {
		case "ganlin.risk.clue.raised":
			raised[e.Data.Clue] = true
		case "ganlin.risk.clue.withdrawn":
			if !raised[e.Data.Clue] {
				t.Errorf("%s is withdrawn before it is raised", e.Data.Clue)
			}
			if e.Data.Level != "" {
				t.Errorf("what is withdrawn has the level %q", e.Data.Level)
			}
		}
	}
}

// Receivers cannot put together what each of them knows, and learn no id of ours.
func TestPseudonyms(t *testing.T) {
	s := newStation(t)
	s.tell(14)
	one, other := s.all(everything("town")), s.all(everything("district"))
	seen := map[string]string{}
	for _, e := range one {
		seen[e.Subject], seen[e.ID], seen[e.Data.Clue], seen[e.Source] = "subject", "id", "clue", "source"
	}
	if len(seen) != 7+28+14+1 {
		t.Errorf("%d pseudonyms, want 7 households, 28 signals, 14 clues and a source", len(seen))
	}
	for _, e := range other {
		for _, p := range []string{e.Subject, e.ID, e.Data.Clue, e.Source} {
			if what, ok := seen[p]; ok {
				t.Errorf("both receivers are told the %s %s", what, p)
			}
		}
	}
	text, err := json.Marshal(one)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"h-1", "clue1", "sanquan", "500119100001"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the feed tells %s", secret)
		}
	}
}

// Every signal is a CloudEvent as the official SDK reads it, with these members and no other.
func TestCloudEvents(t *testing.T) {
	s := newStation(t)
	s.tell(1)
	text, err := json.Marshal(s.all(everything("town"))[0])
	if err != nil {
		t.Fatal(err)
	}
	var e cloudevents.Event
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
	if e.Type() != "ganlin.risk.clue.raised" || !e.Time().Equal(noon.Add(60*60*1e9)) || e.Extensions()["sequence"] != "000000000001" || e.DataContentType() != "application/json" {
		t.Errorf("it reads as\n%s", e)
	}
	var data map[string]string
	if err := e.DataAs(&data); err != nil {
		t.Fatal(err)
	}
	delete(data, "clue")
	want := map[string]string{"place": "500119101000", "level": "orange", "cause": "drought", "link": "/api/v1/risk/signals/000000000001"}
	if diff := cmp.Diff(want, data); diff != "" {
		t.Errorf("the data (-want +got):\n%s", diff)
	}
}

func TestCursors(t *testing.T) {
	s := newStation(t)
	s.tell(2)
	for cursor, want := range map[string]error{
		"": nil, "0": nil, "2": nil, "000000000004": nil, "5": signals.ErrFuture, "99999999999999": signals.ErrFuture,
		"-1": signals.ErrCursor, "x": signals.ErrCursor, "1.5": signals.ErrCursor, "99999999999999999999": signals.ErrCursor, " 1": signals.ErrCursor,
	} {
		page, err := s.feed.Page(t.Context(), everything("town"), cursor, 10)
		if !errors.Is(err, want) {
			t.Errorf("cursor %q: %v, want %v", cursor, err, want)
		}
		if err == nil && (page.Next != "000000000004" || page.More) {
			t.Errorf("after %q comes %q, more %v", cursor, page.Next, page.More)
		}
	}
}

// Who sees one place is told of that place alone, and its pages are as full as others'.
func TestFeedIsWithinReach(t *testing.T) {
	s := newStation(t)
	s.tell(25)
	few := signals.Reader{Receiver: "town", Sees: func(g signals.Signal) bool { return g.Place == "500119103001" }}
	page, err := s.feed.Page(t.Context(), few, "", 7)
	if err != nil || len(page.Signals) != 7 || !page.More {
		t.Fatalf("a page of %d signals, more %v, %v", len(page.Signals), page.More, err)
	}
	all := s.all(few)
	if len(all) != 10 {
		t.Errorf("%d signals of one place of five, want 10", len(all))
	}
	for _, e := range all {
		if e.Data.Place != "500119103000" {
			t.Errorf("told of %s", e.Data.Place)
		}
	}
	for sequence, want := range map[string]bool{all[0].Sequence: true, "1": false, "51": false, "0": false, "x": false} {
		if _, _, ok, err := s.feed.One(t.Context(), few, sequence); ok != want || err != nil {
			t.Errorf("signal %s: %v, %v; want %v", sequence, ok, err, want)
		}
	}
}

func TestTownship(t *testing.T) {
	for code, want := range map[devices.PlaceCode]devices.PlaceCode{
		"500119101001": "500119101000", "500119101": "500119101000", "500119": "500119000000", "50": "500000000000", "": "000000000000",
	} {
		if got := signals.Township(code); got != want {
			t.Errorf("Township(%q) = %s, want %s", code, got, want)
		}
	}
}
