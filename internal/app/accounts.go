package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/internal/registry"
)

// Days that a token lasts.
const (
	usualDays = 365
	mostDays  = 3650
)

// tokenDigits of a token's SHA-256 name it.
const tokenDigits = 12

// accounts keeps who may come in.
type accounts struct {
	records  *records.Store
	book     *auth.Book // nil when no program runs
	registry func(context.Context) (*registry.Registry, error)
	url      string // where people reach the pages
}

// accounts is the keeper of accounts of this running program.
func (p *program) accounts() accounts {
	return accounts{
		records: p.records, book: p.book, url: p.publicURL(),
		registry: func(context.Context) (*registry.Registry, error) { return p.registry.Load(), nil },
	}
}

// List returns all accounts with their tokens in force.
func (a accounts) List(ctx context.Context) ([]httpapi.Account, error) {
	kept, err := a.records.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := a.records.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	of := map[string][]httpapi.Token{}
	for _, t := range tokens {
		if t.Revoked.IsZero() && time.Now().Before(t.Expires) {
			of[t.Account] = append(of[t.Account], httpapi.Token{ID: t.SHA256[:tokenDigits], Created: t.Created, Expires: t.Expires})
		}
	}
	list := []httpapi.Account{}
	for _, k := range kept {
		list = append(list, httpapi.Account{
			ID: k.ID, Role: k.Role, Sites: k.Sites, Places: k.Places, Household: k.Household, Receiver: k.Receiver,
			Language: k.Language, Created: k.Created, Revoked: k.Revoked, Tokens: append([]httpapi.Token{}, of[k.ID]...),
		})
	}
	return list, nil
}

// Add makes an account and its first token.
func (a accounts) Add(ctx context.Context, n httpapi.NewAccount) (none httpapi.MadeToken, err error) {
	account := auth.Account{
		ID: n.ID, Role: auth.Role(n.Role), Sites: n.Sites, Places: n.Places, Household: n.Household, Receiver: n.Receiver,
		Language: n.Language, Created: time.Now().UTC().Truncate(time.Millisecond),
	}
	if err := account.Validate(); err != nil {
		return none, fmt.Errorf("%w: %w", httpapi.ErrBadRequest, err)
	}
	if n.ID == auth.BuiltIn {
		return none, fmt.Errorf("%w: %s is the account of the token in the data folder; choose another id", httpapi.ErrConflict, n.ID)
	}
	if err := a.known(ctx, account); err != nil {
		return none, err
	}
	secret, token, err := newToken(account.ID, n.Days)
	if err != nil {
		return none, err
	}
	err = a.records.AddAccounts(ctx, []records.Account{keptAccount(account)}, []records.Token{keptToken(token)})
	if errors.Is(err, records.ErrExists) {
		return none, fmt.Errorf("%w: there is an account %s already, or was; an id is never used twice", httpapi.ErrConflict, n.ID)
	}
	if err != nil {
		return none, err
	}
	if a.book != nil {
		a.book.AddAccount(account)
	}
	return a.made(secret, token), nil
}

// AddToken makes one more token of an account; those before it stay in force.
func (a accounts) AddToken(ctx context.Context, account string, days int) (none httpapi.MadeToken, err error) {
	if account == auth.BuiltIn {
		return none, fmt.Errorf("%w: the token of %s is in operator.token in the data folder; for one more person add an account with the role operator", httpapi.ErrConflict, account)
	}
	secret, token, err := newToken(account, days)
	if err != nil {
		return none, err
	}
	err = a.records.AddAccounts(ctx, nil, []records.Token{keptToken(token)})
	if errors.Is(err, records.ErrNotFound) {
		return none, noAccount(account)
	}
	if err != nil {
		return none, err
	}
	return a.made(secret, token), nil
}

// Revoke ends an account with all that is signed in to it.
func (a accounts) Revoke(ctx context.Context, account string) error {
	err := a.records.RevokeAccount(ctx, account, time.Now())
	if errors.Is(err, records.ErrNotFound) {
		return noAccount(account)
	}
	if a.book != nil { // also when it could not be kept: then until a restart
		a.book.RevokeAccount(account)
	}
	return err
}

// RevokeToken ends one token of an account with all that signed in by it.
func (a accounts) RevokeToken(ctx context.Context, account, id string) error {
	tokens, err := a.records.Tokens(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tokens, func(t records.Token) bool {
		return t.Account == account && t.Revoked.IsZero() && len(id) >= tokenDigits && strings.HasPrefix(t.SHA256, id)
	})
	if i < 0 {
		return fmt.Errorf("%w: no token %q of %s is in force; ganlin accounts list --json names them", httpapi.ErrNotFound, id, account)
	}
	sum, err := auth.ParseSum(tokens[i].SHA256)
	if err != nil {
		return err
	}
	err = a.records.RevokeToken(ctx, tokens[i].SHA256, time.Now())
	if a.book != nil {
		a.book.RevokeToken(sum)
	}
	return err
}

func noAccount(id string) error {
	return fmt.Errorf("%w: no account %q is in force; ganlin accounts list names them", httpapi.ErrNotFound, id)
}

// known checks that what an account reaches is in the registry: a typing error would let it see nothing.
func (a accounts) known(ctx context.Context, account auth.Account) error {
	reg, err := a.registry(ctx)
	if err != nil {
		return err
	}
	for _, id := range account.Sites {
		if !slices.ContainsFunc(reg.Sites(), func(s devices.Site) bool { return s.ID == id }) {
			return fmt.Errorf("%w: the registry has no site %s; add it there first", httpapi.ErrBadRequest, id)
		}
	}
	if h := account.Household; h != "" && !slices.ContainsFunc(reg.Plots(), func(p devices.Plot) bool { return p.Household == h }) {
		return fmt.Errorf("%w: no plot of the registry belongs to the household %s; add it there first", httpapi.ErrBadRequest, h)
	}
	return nil
}

func newToken(account string, days int) (auth.Secret, auth.Token, error) {
	if days == 0 {
		days = usualDays
	}
	if days < 1 || days > mostDays {
		return auth.Secret{}, auth.Token{}, fmt.Errorf("%w: a token lasts 1 to %d days, not %d", httpapi.ErrBadRequest, mostDays, days)
	}
	secret, now := auth.NewSecret(), time.Now().UTC().Truncate(time.Millisecond)
	return secret, auth.Token{Sum: secret.Sum(), Account: account, Created: now, Expires: now.AddDate(0, 0, days)}, nil
}

// made hands a new token over.
func (a accounts) made(secret auth.Secret, t auth.Token) httpapi.MadeToken {
	if a.book != nil {
		a.book.AddToken(t)
	}
	// Behind # nothing of it reaches a server, its log or a Referer.
	return httpapi.MadeToken{Account: t.Account, Token: secret.Reveal(), Login: a.url + "/login#" + secret.Reveal(), Expires: t.Expires}
}

func keptAccount(a auth.Account) records.Account {
	return records.Account{
		ID: a.ID, Role: string(a.Role), Sites: a.Sites, Places: a.Places, Household: a.Household, Receiver: a.Receiver,
		Language: a.Language, Created: a.Created, Revoked: a.Revoked,
	}
}

func keptToken(t auth.Token) records.Token {
	return records.Token{SHA256: t.Sum.String(), Account: t.Account, Created: t.Created, Expires: t.Expires, Revoked: t.Revoked}
}
