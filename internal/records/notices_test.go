package records_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/records"
)

func contactRow(n int) records.ContactRow {
	return records.ContactRow{
		ID: fmt.Sprintf("c-%02d", n), Household: devices.HouseholdID(fmt.Sprintf("h-%02d", n)), Channel: "sms", Language: "zh-CN", Quiet: "21:00-06:00", Daily: n,
		Sealed: []byte{0, 1, 0xff, byte(n)}, AddedAt: noon,
	}
}

func TestContacts(t *testing.T) { onBoth(t, testContacts) }

func testContacts(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	a, b := contactRow(1), contactRow(2)
	for range 2 {
		if err := s.SaveContacts(t.Context(), []records.ContactRow{b, a}); err != nil {
			t.Fatal(err)
		}
	}
	a.Daily, a.Sealed = 7, []byte("x")
	if err := s.SaveContacts(t.Context(), []records.ContactRow{a}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Contacts(t.Context())
	same(t, "contacts", []records.ContactRow{a, b}, got, err)

	open := records.NoticeRow{ID: "n", Contact: "c-01", Channel: "sms", State: "pending", At: noon, Body: json.RawMessage(`{}`)}
	change := records.NoticeChange{
		Progress: records.Progress{Reader: "notices", Position: "5"}, Notices: []records.NoticeRow{open},
		Books: []records.NoticeBook{{Contact: "c-01", Body: json.RawMessage(`{"a":1}`)}, {Contact: "c-02", Body: json.RawMessage(`{}`)}},
	}
	if err := s.CommitNotices(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	open.State, open.SettledAt = "obsolete", noon.Add(time.Hour)
	if err := s.RemoveContact(t.Context(), "c-01", []records.NoticeRow{open}); err != nil {
		t.Fatal(err)
	}
	got, err = s.Contacts(t.Context())
	same(t, "contacts that are left", []records.ContactRow{b}, got, err)
	books, err := s.NoticeBooks(t.Context())
	same(t, "books that are left", change.Books[1:], books, err)
	notices, err := s.Notices(t.Context(), records.Selection{})
	same(t, "notices", []records.NoticeRow{open}, notices, err)
	if err := s.RemoveContact(t.Context(), "c-01", nil); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
}

// TestNotices are kept with the cursor and the books, or not at all.
func TestNotices(t *testing.T) { onBoth(t, testNotices) }

func testNotices(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	row := func(n int, settled bool) records.NoticeRow {
		r := records.NoticeRow{ID: fmt.Sprint(n), Contact: "c", Channel: "sms", State: "pending", At: noon.Add(time.Duration(n) * time.Hour), Body: json.RawMessage(`{"n":1}`)}
		if settled {
			r.State, r.SettledAt = "sent", r.At
		}
		return r
	}
	keep := func(position string, forget time.Time, rows ...records.NoticeRow) {
		t.Helper()
		if err := s.CommitNotices(t.Context(), records.NoticeChange{Progress: records.Progress{Reader: "notices", Position: position}, Notices: rows, Forget: forget}); err != nil {
			t.Fatal(err)
		}
	}
	keep("1", time.Time{}, row(1, false), row(2, false), row(3, false))
	keep("2", time.Time{}, row(1, true), row(2, true))
	p, err := s.Progress(t.Context(), "notices")
	same(t, "progress", "2", p.Position, err)
	got, err := s.Notices(t.Context(), records.Selection{})
	same(t, "all", []records.NoticeRow{row(3, false), row(2, true), row(1, true)}, got, err)
	got, err = s.Notices(t.Context(), records.Selection{Open: true})
	same(t, "open", []records.NoticeRow{row(3, false)}, got, err)
	got, err = s.Notices(t.Context(), records.Selection{Limit: 1})
	same(t, "newest", []records.NoticeRow{row(3, false)}, got, err)
	keep("3", noon.Add(2*time.Hour))
	got, err = s.Notices(t.Context(), records.Selection{})
	same(t, "without old ones", []records.NoticeRow{row(3, false), row(2, true)}, got, err)
}

func TestEpisodeDecisions(t *testing.T) { onBoth(t, testEpisodeDecisions) }

func testEpisodeDecisions(r run) {
	t, in := r.T, r.in
	s := openStore(t, in.place(t))
	_, last, err := s.EpisodeDecisions(t.Context(), 0, 10)
	same(t, "of an empty store", int64(0), last, err)
	all := withoutPoints(seasonOf(0, 25))
	var want []devices.Decision
	kinds := []devices.DecisionKind{devices.BalanceDecision, devices.AlertDecision, devices.CommandDecision, devices.IrrigationDecision, devices.LedgerDecision}
	for i := range all {
		if all[i].Kind = kinds[i%len(kinds)]; all[i].Kind == devices.AlertDecision || all[i].Kind == devices.IrrigationDecision {
			want = append(want, all[i])
		}
	}
	commit(t, s, effects(1, all...))
	var got []devices.Decision
	after := int64(0)
	for range 10 {
		page, last, err := s.EpisodeDecisions(t.Context(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		got, after = append(got, page...), last
	}
	same(t, "decisions", want, got, nil)
	same(t, "cursor", int64(25), after, nil)
}
