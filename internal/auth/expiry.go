package auth

import "time"

// LockedOut returns, for each role, when the first of its accounts has no token
// in force any more unless it gets another: a time that may have passed.
func (b *Book) LockedOut() map[Role]time.Time {
	b.mu.RLock()
	defer b.mu.RUnlock()
	last := map[string]time.Time{} // by account
	for _, k := range b.tokens {
		if k.until.After(last[k.account]) {
			last[k.account] = k.until
		}
	}
	first := map[Role]time.Time{}
	for id, at := range last {
		if role := b.accounts[id].Role; first[role].IsZero() || at.Before(first[role]) {
			first[role] = at
		}
	}
	return first
}
