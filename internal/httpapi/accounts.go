package httpapi

import (
	"context"
	"net/http"
	"time"

	"ganlin/devices"
)

// Accounts keeps who may come in. A token is shown in the answer that makes it and never again.
type Accounts interface {
	List(ctx context.Context) ([]Account, error)
	Add(ctx context.Context, a NewAccount) (MadeToken, error)
	AddToken(ctx context.Context, account string, days int) (MadeToken, error)
	Revoke(ctx context.Context, account string) error
	RevokeToken(ctx context.Context, account, token string) error
}

// An Account is an entry of the list of accounts.
type Account struct {
	ID        string              `json:"id"`
	Role      string              `json:"role"`
	Sites     []devices.SiteID    `json:"sites,omitempty"`
	Places    []devices.PlaceCode `json:"places,omitempty"`
	Household devices.HouseholdID `json:"household,omitempty"`
	Receiver  string              `json:"receiver,omitempty"`
	Language  string              `json:"language,omitempty"`
	Created   time.Time           `json:"created"`
	Revoked   time.Time           `json:"revoked,omitzero"`
	Tokens    []Token             `json:"tokens"` // in force
}

// A Token is known by the first digits of its SHA-256.
type Token struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// A NewAccount is the body of an addition.
type NewAccount struct {
	ID        string              `json:"id"`
	Role      string              `json:"role"`
	Sites     []devices.SiteID    `json:"sites,omitempty"`
	Places    []devices.PlaceCode `json:"places,omitempty"`
	Household devices.HouseholdID `json:"household,omitempty"`
	Receiver  string              `json:"receiver,omitempty"`
	Language  string              `json:"language,omitempty"`
	Days      int                 `json:"days,omitempty"` // that its first token lasts; 0: a year
}

// A MadeToken is a token that was made just now.
type MadeToken struct {
	Account string    `json:"account"`
	Token   string    `json:"token"`
	Login   string    `json:"login"` // a link that signs a browser in
	Expires time.Time `json:"expires"`
}

func (a api) listAccounts(w http.ResponseWriter, r *http.Request) {
	list, err := a.Accounts.List(r.Context())
	a.answer(w, r, list, err)
}

func (a api) addAccount(w http.ResponseWriter, r *http.Request) {
	var n NewAccount
	if err := readJSON(w, r, &n); err != nil {
		a.fail(w, r, err)
		return
	}
	made, err := a.Accounts.Add(r.Context(), n)
	a.answer(w, r, made, err)
}

func (a api) addToken(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Days int `json:"days"`
	}
	if err := readJSON(w, r, &in); err != nil {
		a.fail(w, r, err)
		return
	}
	made, err := a.Accounts.AddToken(r.Context(), r.PathValue("id"), in.Days)
	a.answer(w, r, made, err)
}

func (a api) revokeAccount(w http.ResponseWriter, r *http.Request) {
	a.done(w, r, a.Accounts.Revoke(r.Context(), r.PathValue("id")))
}

func (a api) revokeToken(w http.ResponseWriter, r *http.Request) {
	a.done(w, r, a.Accounts.RevokeToken(r.Context(), r.PathValue("id"), r.PathValue("token")))
}

// done answers what has nothing to say but that it is done.
func (a api) done(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
