package httpapi

import "context"

// Accounts keeps who may come in. A token is shown in the answer that makes it and never again.
type Accounts interface {
	List(ctx context.Context) ([]Account, error)
	Add(ctx context.Context, a NewAccount) (MadeToken, error)
	AddToken(ctx context.Context, account string, days int) (MadeToken, error)
	Revoke(ctx context.Context, account string) error
	RevokeToken(ctx context.Context, account, token string) error
}

// ListAccounts returns a page of the accounts.
func (a *api) ListAccounts(ctx context.Context, in ListAccountsRequestObject) (ListAccountsResponseObject, error) {
	all, err := a.Accounts.List(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(all, "accounts", in.Params.After, in.Params.Limit, func(one Account) string { return one.ID })
	return ListAccounts200JSONResponse{Items: page, Next: next}, err
}

// AddAccount makes an account and its first token.
func (a *api) AddAccount(ctx context.Context, in AddAccountRequestObject) (AddAccountResponseObject, error) {
	made, err := a.Accounts.Add(ctx, *in.Body)
	return AddAccount200JSONResponse(made), err
}

// AddToken makes one more token.
func (a *api) AddToken(ctx context.Context, in AddTokenRequestObject) (AddTokenResponseObject, error) {
	made, err := a.Accounts.AddToken(ctx, in.ID, in.Body.Days)
	return AddToken200JSONResponse(made), err
}

// RevokeAccount ends an account.
func (a *api) RevokeAccount(ctx context.Context, in RevokeAccountRequestObject) (RevokeAccountResponseObject, error) {
	return RevokeAccount204Response{}, a.Accounts.Revoke(ctx, in.ID)
}

// RevokeToken ends a token.
func (a *api) RevokeToken(ctx context.Context, in RevokeTokenRequestObject) (RevokeTokenResponseObject, error) {
	return RevokeToken204Response{}, a.Accounts.RevokeToken(ctx, in.ID, in.Token)
}
