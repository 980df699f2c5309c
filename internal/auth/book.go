package auth

import (
	"context"
	"sync"
	"time"
)

// SessionLife is how long a session lasts after its last use.
const SessionLife = 30 * 24 * time.Hour

// maxSessions is how many browsers may be signed in to one account; one more ends the one unused longest.
const maxSessions = 50

// A Book knows all accounts, tokens and sessions in force, in memory.
type Book struct {
	mu       sync.RWMutex
	accounts map[string]Account
	tokens   map[Sum]*key
	sessions map[Sum]*key
	signedIn map[string]int // sessions of each account
}

// A key lets in: a token, or a session that was made with one.
type key struct {
	account string
	token   Sum // a session's own token; of a token itself
	expires time.Time
	until   time.Time // when its token expires
	saved   time.Time // of a session: the expiry that is on disk

	mu    sync.Mutex
	ended bool
	uses  map[*context.CancelFunc]struct{} // of the requests that are being served
}

// NewBook returns an empty book.
func NewBook() *Book {
	return &Book{accounts: map[string]Account{}, tokens: map[Sum]*key{}, sessions: map[Sum]*key{}, signedIn: map[string]int{}}
}

// AddAccount takes an account in. One that is revoked lets nobody in.
func (b *Book) AddAccount(a Account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.Revoked.IsZero() {
		b.accounts[a.ID] = a
	}
}

// AddToken takes a token in, of an account that is in the book.
func (b *Book) AddToken(t Token) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.accounts[t.Account]; ok && t.Revoked.IsZero() {
		if t.Expires.IsZero() {
			t.Expires = time.Now().AddDate(100, 0, 0)
		}
		b.tokens[t.Sum] = &key{account: t.Account, token: t.Sum, expires: t.Expires, until: t.Expires}
	}
}

// AddSession takes a session in, if its token is in force. When the account is
// full, the session unused longest ends and is returned.
func (b *Book) AddSession(s Session) (ended Sum, full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.tokens[s.Token]
	if !ok || t.account != s.Account || t.over(time.Now()) {
		return Sum{}, false
	}
	if full = b.signedIn[s.Account] >= maxSessions; full {
		var oldest *key
		for sum, k := range b.sessions {
			if k.account == s.Account && (oldest == nil || k.expires.Before(oldest.expires)) {
				ended, oldest = sum, k
			}
		}
		b.end(ended, oldest)
	}
	b.sessions[s.Sum] = &key{account: s.Account, token: s.Token, expires: s.Expires, until: t.expires, saved: s.Expires}
	b.signedIn[s.Account]++
	return ended, full
}

// RevokeAccount ends an account, its tokens, its sessions and what is being served to them.
func (b *Book) RevokeAccount(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.accounts, id)
	b.endWhere(func(k *key) bool { return k.account == id })
}

// RevokeToken ends a token and the sessions that were made with it.
func (b *Book) RevokeToken(sum Sum) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endWhere(func(k *key) bool { return k.token == sum })
}

func (b *Book) endWhere(meant func(*key) bool) {
	for _, keys := range []map[Sum]*key{b.tokens, b.sessions} {
		for sum, k := range keys {
			if meant(k) {
				b.end(sum, k)
			}
		}
	}
}

func (b *Book) endSession(sum Sum) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k, ok := b.sessions[sum]; ok {
		b.end(sum, k)
	}
}

// end takes a key out of the book and ends what is being served to it.
func (b *Book) end(sum Sum, k *key) {
	delete(b.tokens, sum)
	if _, ok := b.sessions[sum]; ok {
		delete(b.sessions, sum)
		b.signedIn[k.account]--
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended = true
	for cancel := range k.uses {
		(*cancel)()
	}
}

// Access is how far an account in force reaches, whoever asks; false: there is none.
func (b *Book) Access(account string) (Access, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	a, ok := b.accounts[account]
	return a.access(), ok
}

// InForce reports whether a token lets in.
func (b *Book) InForce(sum Sum) bool { _, _, ok := b.token(sum); return ok }

// token returns the account that a token lets in.
func (b *Book) token(sum Sum) (Account, *key, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	k, ok := b.tokens[sum]
	if !ok || k.over(time.Now()) {
		return Account{}, nil, false
	}
	return b.accounts[k.account], k, true
}

// session returns the account that a session is signed in to, and lengthens
// its life. It says when the disk should know of that: once a day.
func (b *Book) session(sum Sum) (a Account, k *key, save bool) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.sessions[sum]
	if !ok {
		return Account{}, nil, false
	}
	if k.over(now) {
		b.end(sum, k)
		return Account{}, nil, false
	}
	k.expires = now.Add(SessionLife)
	if save = k.expires.Sub(k.saved) > 24*time.Hour; save {
		k.saved = k.expires
	}
	return b.accounts[k.account], k, save
}

func (k *key) over(now time.Time) bool { return !now.Before(k.expires) || !now.Before(k.until) }

// during returns a context for serving a request: it ends when the key does, and when its token expires.
func (k *key) during(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithDeadline(ctx, k.until)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		cancel()
		return ctx, cancel
	}
	if k.uses == nil {
		k.uses = map[*context.CancelFunc]struct{}{}
	}
	k.uses[&cancel] = struct{}{}
	return ctx, func() {
		cancel()
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.uses, &cancel)
	}
}
