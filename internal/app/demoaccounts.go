package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"ganlin/dashboards"
	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/records"
	"ganlin/internal/registry"
)

// demoAccountsFile holds the tokens of the demo's accounts in its data folder, by account.
const demoAccountsFile = "accounts.json"

// openDemoAccounts makes an account for each kind of person of the demo's village, and one for each household.
func (p *program) openDemoAccounts(ctx context.Context) error {
	if p.o.village == nil {
		return nil
	}
	tokens := map[string]string{}
	if err := readJSONFile(p.folder.file(demoAccountsFile), &tokens); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	kept, err := p.records.Accounts(ctx)
	if err != nil {
		return err
	}
	var (
		accounts []records.Account
		made     []records.Token
	)
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, a := range demoAccounts(p.registry.Load()) {
		if !slices.ContainsFunc(kept, func(k records.Account) bool { return k.ID == a.ID }) {
			a.Created = now
			accounts = append(accounts, keptAccount(a))
			p.book.AddAccount(a)
		}
		if p.book.InForce(auth.SumOf(tokens[a.ID])) {
			continue
		}
		secret, token, err := newToken(a.ID, mostDays)
		if err != nil {
			return err
		}
		tokens[a.ID] = secret.Reveal()
		made = append(made, keptToken(token))
		p.book.AddToken(token)
	}
	if len(made) > 0 {
		if err := p.records.AddAccounts(ctx, accounts, made); err != nil {
			return err
		}
		if err := writeJSONFile(p.folder.file(demoAccountsFile), tokens); err != nil {
			return fmt.Errorf("keeping the tokens of the demo's accounts: %w", err)
		}
	}
	tokens[auth.BuiltIn] = p.token
	p.demoTokens = tokens
	return nil
}

// demoAccounts are the people of a village: those who serve all of it, then the farmers.
func demoAccounts(reg *registry.Registry) []auth.Account {
	var all []auth.Account
	var sites []devices.SiteID
	for _, s := range reg.Sites() {
		sites = append(sites, s.ID)
	}
	for _, a := range []auth.Account{{ID: "agronomist", Role: auth.Agronomist}, {ID: "grid", Role: auth.GridWorker}, {ID: "monitor", Role: auth.Monitor, Receiver: "monitor"}} {
		a.Sites = sites
		all = append(all, a)
	}
	seen := map[devices.HouseholdID]bool{"": true}
	for _, plot := range reg.Plots() {
		if !seen[plot.Household] {
			seen[plot.Household] = true
			all = append(all, auth.Account{ID: "farmer-" + string(plot.Household), Role: auth.Farmer, Household: plot.Household})
		}
	}
	return all
}

// valvesOf is how many valves a household has.
func (p *program) valvesOf(h devices.HouseholdID) (n int) {
	for _, plot := range p.registry.Load().Plots() {
		if plot.Household == h {
			n += len(plot.Valves)
		}
	}
	return n
}

// lookAsLinks are the ways into the demo, one for each kind of person: of the farmers, who has the most valves.
func (p *program) lookAsLinks() []dashboards.LookAs {
	if p.o.village == nil {
		return nil
	}
	var links []dashboards.LookAs
	all := append(demoAccounts(p.registry.Load()), auth.Account{ID: auth.BuiltIn, Role: auth.Operator})
	slices.SortStableFunc(all, func(a, b auth.Account) int { return p.valvesOf(b.Household) - p.valvesOf(a.Household) })
	for _, role := range []auth.Role{auth.Farmer, auth.Agronomist, auth.GridWorker, auth.Operator} {
		if i := slices.IndexFunc(all, func(a auth.Account) bool { return a.Role == role }); i >= 0 {
			links = append(links, dashboards.LookAs{Account: all[i].ID, Role: string(role)})
		}
	}
	return links
}
