package auth_test

import (
	"maps"
	"testing"
	"time"

	"ganlin/internal/auth"
)

func TestLockedOut(t *testing.T) {
	b, now := auth.NewBook(), time.Now().Truncate(time.Second)
	token := func(account string, days int) {
		b.AddToken(auth.Token{Sum: auth.SumOf(auth.NewSecret().Reveal()), Account: account, Expires: now.AddDate(0, 0, days)})
	}
	for _, id := range []string{"prometheus", "town", "gone"} {
		b.AddAccount(auth.Account{ID: id, Role: auth.Monitor})
	}
	b.AddAccount(auth.Account{ID: "wang", Role: auth.Agronomist})
	if got := b.LockedOut(); len(got) > 0 {
		t.Errorf("without tokens: %v", got)
	}
	token("prometheus", 10)
	token("prometheus", 300) // the old one no longer counts
	token("town", 40)
	token("gone", -1)
	token("wang", 5)
	if got := b.LockedOut(); !maps.Equal(got, map[auth.Role]time.Time{auth.Monitor: now.AddDate(0, 0, -1), auth.Agronomist: now.AddDate(0, 0, 5)}) {
		t.Errorf("%v", got)
	}
	b.RevokeAccount("gone")
	if got := b.LockedOut()[auth.Monitor]; !got.Equal(now.AddDate(0, 0, 40)) {
		t.Errorf("%v", got)
	}
}
