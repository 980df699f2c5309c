package signals

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
)

// A tally numbers the signals that one account is told: without gaps, in
// their order, and always alike, for what an account sees never changes. The
// sequence of the outbox is not told: it would be one key for all receivers,
// and its gaps would count the clues elsewhere.
type tally struct {
	before int64 // the number before the first

	mu   sync.Mutex
	told []int64 // the sequences of what is told, in their order
	upTo int64   // so far the outbox has been looked through
}

// Numbers begin at a place of the account's own, so that a cursor of another
// account, or of a version that told sequences, is not mistaken for one of them.
const (
	lowest = 100_000_000_000
	places = 800_000_000_000 // the rest is more than there will be signals
)

// tallyOf returns the account's tally as of now, with the key of its receiver.
func (f *Feed) tallyOf(ctx context.Context, r Reader) (*tally, []byte, error) {
	key, err := f.outbox.ReceiverKey(ctx, r.Receiver)
	if err != nil {
		return nil, nil, fmt.Errorf("finding the receiver's pseudonyms: %w", err)
	}
	f.mu.Lock()
	t := f.tallies[r.Account]
	if t == nil {
		t = &tally{before: begin(key, r.Account)}
		f.tallies[r.Account] = t
	}
	f.mu.Unlock()
	return t, key, t.extend(ctx, f.outbox, r)
}

// begin is the number before an account's first.
func begin(key []byte, account string) int64 {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("numbers\n" + account))
	return lowest + int64(binary.BigEndian.Uint64(mac.Sum(nil))%places)
}

// extend looks through what has come since.
func (t *tally) extend(ctx context.Context, outbox Outbox, r Reader) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		some, err := outbox.Signals(ctx, t.upTo, MaxPage)
		if err != nil {
			return fmt.Errorf("numbering signals: %w", err)
		}
		for _, s := range some {
			t.upTo = s.Sequence
			if r.Sees(s) {
				t.told = append(t.told, s.Sequence)
			}
		}
		if len(some) < MaxPage {
			return nil
		}
	}
}

// at reads a cursor: how many signals it has behind it, the sequence of the
// last of them, 0 for none, and how many are told in all.
func (t *tally) at(cursor string) (n int, sequence int64, all int, err error) {
	number, err := ParseCursor(cursor)
	if err != nil {
		return 0, 0, 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	all = len(t.told)
	switch {
	case number == 0:
		return 0, 0, all, nil
	case number < t.before:
		return 0, 0, 0, fmt.Errorf("%w: %s is of another account, or of an earlier version", ErrCursor, Cursor(number))
	case number > t.before+int64(all):
		return 0, 0, 0, fmt.Errorf("%w: %s was sent and the newest signal is %s; if Ganlin was restored from a backup, begin without a cursor", ErrFuture, Cursor(number), Cursor(t.before+int64(all)))
	case number == t.before:
		return 0, 0, all, nil
	}
	n = int(number - t.before)
	return n, t.told[n-1], all, nil
}

// cursor is the one that has n signals behind it.
func (t *tally) cursor(n int) string { return Cursor(t.before + int64(n)) }

// count returns how many signals are told up to a sequence.
func (t *tally) count(sequence int64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, found := slices.BinarySearch(t.told, sequence)
	if found {
		n++
	}
	return n
}

// Reached returns the cursor that has everything behind it up to a sequence of the outbox.
func (f *Feed) Reached(ctx context.Context, r Reader, sequence int64) (string, error) {
	t, _, err := f.tallyOf(ctx, r)
	if err != nil {
		return "", err
	}
	return t.cursor(t.count(sequence)), nil
}
