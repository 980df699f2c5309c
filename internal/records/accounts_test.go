package records_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ganlin/devices"
	"ganlin/internal/records"
)

func TestAccounts(t *testing.T) { onBoth(t, testAccounts) }

func testAccounts(r run) {
	t, in := r.T, r.in
	file := in.place(t)
	s := openStore(t, file)
	farmer := records.Account{ID: "farmer-1", Role: "farmer", Household: "h-001", Language: "zh", Created: noon}
	agro := records.Account{ID: "agro", Role: "agronomist", Sites: []devices.SiteID{"a", "b"}, Places: []devices.PlaceCode{"500119"}, Created: noon}
	sum := func(digit string) string { return strings.Repeat(digit, 64) }
	tokens := []records.Token{
		{SHA256: sum("1"), Account: "agro", Created: noon, Expires: noon.Add(time.Hour)},
		{SHA256: sum("2"), Account: "farmer-1", Created: noon, Expires: noon.Add(time.Hour)},
		{SHA256: sum("3"), Account: "farmer-1", Created: noon.Add(time.Minute), Expires: noon.Add(time.Hour)},
	}
	if err := s.AddAccounts(t.Context(), []records.Account{farmer, agro}, tokens); err != nil {
		t.Fatal(err)
	}
	if err := s.AddAccounts(t.Context(), []records.Account{{ID: "new"}, agro}, nil); !errors.Is(err, records.ErrExists) {
		t.Errorf("an id used twice: %v", err)
	}
	if err := s.AddAccounts(t.Context(), nil, []records.Token{{SHA256: sum("4"), Account: "nobody"}}); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("a token of nobody: %v", err)
	}
	session := func(digit, account, token string, expires time.Time) records.Session {
		return records.Session{SHA256: sum(digit), Account: account, Token: sum(token), Created: noon, Expires: expires}
	}
	long := session("a", "farmer-1", "2", noon.Add(time.Hour))
	for _, e := range []records.Session{
		session("a", "farmer-1", "2", noon.Add(time.Minute)), session("b", "farmer-1", "3", noon.Add(time.Hour)),
		session("c", "agro", "1", noon), session("d", "agro", "1", noon.Add(time.Hour)), session("e", "agro", "1", noon.Add(time.Hour)),
	} {
		if err := s.SaveSession(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, digit := range []string{"a", "f"} {
		if err := s.ExtendSession(t.Context(), sum(digit), long.Expires); err != nil {
			t.Error(err)
		}
	}
	if err := s.RevokeToken(t.Context(), sum("3"), noon.Add(time.Minute)); err != nil {
		t.Error(err)
	}
	if err := s.RevokeToken(t.Context(), sum("3"), noon); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("a token revoked twice: %v", err)
	}
	for _, digit := range []string{"d", "f"} {
		if err := s.DropSession(t.Context(), sum(digit)); err != nil {
			t.Error(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openStore(t, file)
	sessions, err := s.Sessions(t.Context(), noon.Add(time.Second))
	if want := []records.Session{long, session("e", "agro", "1", noon.Add(time.Hour))}; err != nil || !cmp.Equal(sessions, want) {
		t.Errorf("sessions %v, %v; want %v", sessions, err, want)
	}
	if err := s.RevokeAccount(t.Context(), "agro", noon.Add(time.Minute)); err != nil {
		t.Error(err)
	}
	if err := s.RevokeAccount(t.Context(), "agro", noon); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("an account revoked twice: %v", err)
	}
	if err := s.AddAccounts(t.Context(), nil, []records.Token{{SHA256: sum("5"), Account: "agro"}}); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("a token of a revoked account: %v", err)
	}
	agro.Revoked, tokens[0].Revoked, tokens[2].Revoked = noon.Add(time.Minute), noon.Add(time.Minute), noon.Add(time.Minute)
	accounts, err := s.Accounts(t.Context())
	if want := []records.Account{agro, farmer}; err != nil || !cmp.Equal(accounts, want) {
		t.Errorf("accounts %v, %v; want %v", accounts, err, want)
	}
	kept, err := s.Tokens(t.Context())
	if err != nil || !cmp.Equal(kept, tokens) {
		t.Errorf("tokens %v, %v; want %v", kept, err, tokens)
	}
	if sessions, err = s.Sessions(t.Context(), noon.Add(time.Second)); err != nil || !cmp.Equal(sessions, []records.Session{long}) {
		t.Errorf("sessions %v, %v", sessions, err)
	}
}
