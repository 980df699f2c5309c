package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/internal/config"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

type accountsCommand struct {
	Add    addAccount    `cmd:"" help:"Let a person or a program in; the token is shown once."`
	List   listAccounts  `cmd:"" help:"List the accounts."`
	Token  accountToken  `cmd:"" help:"Make one more token of an account, shown once; those before it stay in force."`
	Revoke revokeAccount `cmd:"" help:"End an account, or one of its tokens, with all that is signed in by it."`
}

type addAccount struct {
	where
	ID        string   `arg:"" help:"Its id, opaque: 1 to 64 of A-Z a-z 0-9 _ -, no person's name."`
	Role      string   `required:"" help:"operator, agronomist, farmer, grid_worker or monitor."`
	Site      []string `help:"A site within its reach; may be given again."`
	Place     []string `help:"A place within its reach, by its code, with all places in it; may be given again."`
	Household string   `help:"Of a farmer: the household whose plots are theirs."`
	Receiver  string   `help:"Of a monitor: the receiver whose pseudonyms of households it reads."`
	Lang      string   `help:"zh or en; else as the browser asks."`
	Days      int      `default:"365" help:"How long the token lasts."`
}

// Run adds an account.
func (a addAccount) Run(ctx context.Context, c console) error {
	n := httpapi.NewAccount{
		ID: a.ID, Role: a.Role, Household: devices.HouseholdID(a.Household), Receiver: a.Receiver, Language: a.Lang, Days: a.Days,
	}
	for _, s := range a.Site {
		n.Sites = append(n.Sites, devices.SiteID(s))
	}
	for _, p := range a.Place {
		n.Places = append(n.Places, devices.PlaceCode(p))
	}
	made, err := withAccounts(ctx, c, a.where, makes,
		func(r *remote) (made httpapi.MadeToken, err error) {
			return made, r.call(ctx, "POST", "/api/v1/accounts", n, &made)
		},
		func(k accounts) (httpapi.MadeToken, error) { return k.Add(ctx, n) })
	return showToken(c, a.JSON, made, err)
}

type accountToken struct {
	where
	ID   string `arg:"" help:"The account."`
	Days int    `default:"365" help:"How long the token lasts."`
}

// Run makes a token.
func (t accountToken) Run(ctx context.Context, c console) error {
	made, err := withAccounts(ctx, c, t.where, expects,
		func(r *remote) (made httpapi.MadeToken, err error) {
			return made, r.call(ctx, "POST", "/api/v1/accounts/"+url.PathEscape(t.ID)+"/tokens", map[string]int{"days": t.Days}, &made)
		},
		func(k accounts) (httpapi.MadeToken, error) { return k.AddToken(ctx, t.ID, t.Days) })
	return showToken(c, t.JSON, made, err)
}

func showToken(c console, asJSON bool, made httpapi.MadeToken, err error) error {
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(c.out).Encode(made)
	}
	_, _ = fmt.Fprintf(c.err, "This token of %s is shown now and never again; it lasts until %s:\n", made.Account, made.Expires.Format(time.DateOnly))
	_, _ = fmt.Fprintln(c.out, made.Token)
	_, err = fmt.Fprintf(c.err, "A person opens this once, on the phone or computer that is to stay signed in:\n  %s\n", made.Login)
	return err
}

type listAccounts struct{ where }

// Run lists the accounts.
func (l listAccounts) Run(ctx context.Context, c console) error {
	all, err := withAccounts(ctx, c, l.where, expects,
		func(r *remote) ([]httpapi.Account, error) {
			return everyPage[httpapi.Account](ctx, r, "/api/v1/accounts")
		},
		func(k accounts) ([]httpapi.Account, error) { return k.List(ctx) })
	if err != nil {
		return err
	}
	return list(c, l.JSON, all, "ACCOUNT\tROLE\tREACH\tSTATE\tTOKENS", func(a httpapi.Account) string {
		state := "in force"
		if !a.Revoked.IsZero() {
			state = "revoked"
		}
		var tokens []string
		for _, t := range a.Tokens {
			tokens = append(tokens, t.ID+" until "+t.Expires.Format(time.DateOnly))
		}
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", a.ID, a.Role, reach(a), state, strings.Join(tokens, ", "))
	})
}

// reach is how far an account sees, in one line.
func reach(a httpapi.Account) string {
	var parts []string
	for _, s := range a.Sites {
		parts = append(parts, string(s))
	}
	for _, p := range a.Places {
		parts = append(parts, string(p))
	}
	if a.Household != "" {
		parts = append(parts, string(a.Household))
	}
	if a.Role == "operator" {
		parts = append(parts, "everything")
	}
	return strings.Join(parts, " ")
}

type revokeAccount struct {
	where
	ID    string `arg:"" help:"The account."`
	Token string `help:"Only this token, named as the list does."`
}

// Run revokes an account or a token.
func (v revokeAccount) Run(ctx context.Context, c console) error {
	path := "/api/v1/accounts/" + url.PathEscape(v.ID)
	if v.Token != "" {
		path += "/tokens/" + url.PathEscape(v.Token)
	}
	_, err := withAccounts(ctx, c, v.where, expects,
		func(r *remote) (none struct{}, err error) { return none, r.call(ctx, "DELETE", path, nil, nil) },
		func(k accounts) (none struct{}, err error) {
			if v.Token != "" {
				return none, k.RevokeToken(ctx, v.ID, v.Token)
			}
			return none, k.Revoke(ctx, v.ID)
		})
	if err == nil && !v.JSON {
		_, _ = fmt.Fprintln(c.err, "revoked")
	}
	return err
}

// withAccounts does something with the accounts of a data folder.
func withAccounts[T any](ctx context.Context, c console, w where, may maker, far func(*remote) (T, error), near func(accounts) (T, error)) (none T, err error) {
	cfg, err := w.open(c)
	if err != nil {
		return none, err
	}
	return withRecords(ctx, cfg, may, far, func(_ *folder, s *records.Store) (T, error) {
		return near(accounts{records: s, url: pages(cfg), registry: registrarOf(cfg, s).load})
	})
}

// pages is where people reach the pages of a program that does not run, as far as its configuration says.
func pages(cfg *config.Config) string {
	switch {
	case cfg.HTTP.URL != "":
		return cfg.HTTP.URL
	case cfg.HTTP.TLS != nil:
		return "https://" + cfg.HTTP.Listen
	}
	return "http://" + cfg.HTTP.Listen
}
