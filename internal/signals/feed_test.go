package signals_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
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
		if want := s.cursor("town", i+1); e.Sequence != want || e.Data.Link != "/api/v1/risk/signals/"+want {
			t.Errorf("signal %d has the number %s and the link %s, want %s", i+1, e.Sequence, e.Data.Link, want)
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

// Two receivers are told nothing of equal value but what the thing itself is,
// and learn no id of ours. That the order is the same for who sees the same is not prevented.
func TestPseudonyms(t *testing.T) {
	s := newStation(t)
	s.tell(14)
	one, other := s.all(everything("town")), s.all(everything("district"))
	same := map[string]bool{"specversion": true, "datacontenttype": true, "type": true, "time": true, "data.place": true, "data.level": true, "data.cause": true}
	values := map[string]string{} // with what they are
	for _, e := range one {
		for field, value := range flat(t, e) {
			if !same[field] {
				values[value] = field
			}
		}
	}
	if want := 7 + 28 + 14 + 1 + 28 + 28; len(values) != want {
		t.Errorf("%d values, want those of 7 households, 28 signals, 14 clues, a source, and of 28 numbers and links", len(values))
	}
	for _, e := range other {
		for field, value := range flat(t, e) {
			if known, ok := values[value]; ok {
				t.Errorf("both receivers are told %s: as the %s and as the %s", value, known, field)
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

// flat returns the members of an event by their paths.
func flat(t *testing.T, e signals.Event) map[string]string {
	t.Helper()
	text, err := json.Marshal(e)
	var members map[string]any
	if err == nil {
		err = json.Unmarshal(text, &members)
	}
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for name, value := range members {
		if within, ok := value.(map[string]any); ok {
			for inner, value := range within {
				all[name+"."+inner] = fmt.Sprint(value)
			}
			continue
		}
		all[name] = fmt.Sprint(value)
	}
	return all
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
	if e.Type() != "ganlin.risk.clue.raised" || !e.Time().Equal(noon.Add(60*60*1e9)) || e.Extensions()["sequence"] != s.cursor("town", 1) || e.DataContentType() != "application/json" {
		t.Errorf("it reads as\n%s", e)
	}
	var data map[string]string
	if err := e.DataAs(&data); err != nil {
		t.Fatal(err)
	}
	delete(data, "clue")
	want := map[string]string{"place": "500119101000", "level": "orange", "cause": "drought", "link": "/api/v1/risk/signals/" + s.cursor("town", 1)}
	if diff := cmp.Diff(want, data); diff != "" {
		t.Errorf("the data (-want +got):\n%s", diff)
	}
}

func TestCursors(t *testing.T) {
	s := newStation(t)
	s.tell(2)
	for cursor, want := range map[string]error{
		"": nil, "0": nil, s.cursor("town", 0): nil, s.cursor("town", 2): nil, s.cursor("town", 4): nil, s.cursor("town", 5): signals.ErrFuture, "99999999999999": signals.ErrFuture,
		"-1": signals.ErrCursor, "x": signals.ErrCursor, "1.5": signals.ErrCursor, "99999999999999999999": signals.ErrCursor, " 1": signals.ErrCursor,
		"2": signals.ErrCursor, "000000000004": signals.ErrCursor, // sequences, as an earlier version told them
	} {
		page, err := s.feed.Page(t.Context(), everything("town"), cursor, 10)
		if !errors.Is(err, want) {
			t.Errorf("cursor %q: %v, want %v", cursor, err, want)
		}
		if err == nil && (page.Next != s.cursor("town", 4) || page.More) {
			t.Errorf("after %q comes %q, more %v", cursor, page.Next, page.More)
		}
	}
	if _, err := s.feed.Page(t.Context(), everything("district"), s.cursor("town", 2), 10); err == nil {
		t.Error("the cursor of another account is taken")
	}
}

// The numbers are the same in another run of the program, from the first on, and whoever comes in between.
func TestNumbersStay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "records.db")
	s := openStation(t, file, nil)
	few := everything("town")
	few.Sees = func(g signals.Signal) bool { return g.Place == "500119103001" }
	s.tell(10)
	before := s.all(few)
	s.tell(10)
	s = reopened(t, s, file)
	s.tell(10)
	again := s.all(few)
	if diff := cmp.Diff(before, again[:len(before)]); diff != "" || len(again) != 3*len(before) {
		t.Errorf("%d signals, then %d (-before +after):\n%s", len(before), len(again), diff)
	}
	for i, e := range again {
		if want := s.cursor("town", i+1); e.Sequence != want {
			t.Errorf("signal %d has the number %s, want %s: what is not seen is counted", i+1, e.Sequence, want)
		}
	}
}

// Who sees one place is told of that place alone, and its pages are as full as others'.
func TestFeedIsWithinReach(t *testing.T) {
	s := newStation(t)
	s.tell(25)
	few := everything("town")
	few.Sees = func(g signals.Signal) bool { return g.Place == "500119103001" }
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
	last, _ := signals.ParseCursor(all[9].Sequence)
	for number, want := range map[string]bool{
		all[0].Sequence: true, all[9].Sequence: true, signals.Cursor(last + 1): false, signals.Cursor(last - 10): false, "1": false, "0": false, "": false, "x": false,
	} {
		if told, event, ok, err := s.feed.One(t.Context(), few, number); ok != want || err != nil || ok && (event.Sequence != number || told.Place != "500119103001") {
			t.Errorf("signal %s: %v, %v; want %v", number, ok, err, want)
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
