// Package signals tells those who watch from outside what became of clues: as a
// feed with a cursor, as a live stream, and as signed webhooks. What is told is
// read from an outbox in which each signal was written in the transaction of
// the decision or the act that it tells, so nothing is told that is not so and
// nothing that is so is left out. Each receiver is told pseudonyms of its own.
package signals

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"ganlin/devices"
)

// A Signal is a row of the outbox.
type Signal struct {
	Sequence  int64 // never told: see tally
	ID        string
	Kind      string // raised, updated, withdrawn, verified or dismissed
	Clue      string
	Household devices.HouseholdID
	Site      devices.SiteID
	Place     devices.PlaceCode
	Level     string // none: it has been withdrawn
	Cause     string
	At        time.Time
	Decision  string
	Act       string
}

// An Outbox holds the signals in the order in which they came true.
type Outbox interface {
	// Signals returns at most limit signals after a sequence, in their order.
	Signals(ctx context.Context, after int64, limit int) ([]Signal, error)
	// LastSignal returns the sequence of the newest; 0: there is none.
	LastSignal(ctx context.Context) (int64, error)
	// ReceiverKey returns the key of a receiver's pseudonyms, always the same.
	ReceiverKey(ctx context.Context, receiver string) ([]byte, error)
}

// A Reader is somebody to whom signals are told.
type Reader struct {
	Account  string            // whose numbers it is told
	Receiver string            // whose pseudonyms
	Sees     func(Signal) bool // always the same of one account
}

// ErrFuture says that a cursor lies behind the newest signal.
var ErrFuture = errors.New("the cursor is of the future")

// ErrCursor says that a text is no cursor.
var ErrCursor = errors.New("this is no cursor of this account; send one as it was received, or none to begin at the first signal: ids tell what you have already")

// A Feed tells signals from the outbox.
type Feed struct {
	outbox   Outbox
	deadline time.Duration // of a stream's client to take something

	mu      sync.Mutex
	changed chan struct{}
	open    int            // streams
	streams map[string]int // by receiver
	tallies map[string]*tally
}

// NewFeed returns a feed.
func NewFeed(outbox Outbox) *Feed {
	return &Feed{outbox: outbox, deadline: streamDeadline, changed: make(chan struct{}), streams: map[string]int{}, tallies: map[string]*tally{}}
}

// Wake says that there may be new signals.
func (f *Feed) Wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.changed)
	f.changed = make(chan struct{})
}

// next returns a channel that is closed at the next Wake.
func (f *Feed) next() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// A Page is a part of the feed.
type Page struct {
	Signals []Event `json:"signals"`
	Next    string  `json:"next"` // the cursor to go on with
	More    bool    `json:"more"` // there are signals behind it already
}

// MaxPage bounds how many signals a page holds.
const MaxPage = 500

// ParseCursor reads a cursor; the empty one is before the first signal.
func ParseCursor(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	after, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%w: %.40q", ErrCursor, text)
	}
	return int64(after), nil
}

// Cursor writes a number so that cursors sort as texts in the order of signals.
func Cursor(number int64) string { return fmt.Sprintf("%012d", number) }

// Page returns at most limit of the signals after a cursor that the reader sees.
func (f *Feed) Page(ctx context.Context, r Reader, after string, limit int) (Page, error) {
	t, key, err := f.tallyOf(ctx, r)
	if err != nil {
		return Page{}, err
	}
	n, sequence, all, err := t.at(after)
	if err != nil {
		return Page{}, err
	}
	page := Page{Signals: []Event{}}
	end := min(n+min(limit, MaxPage), all)
	for n < end {
		some, err := f.outbox.Signals(ctx, sequence, MaxPage)
		if err == nil && len(some) == 0 {
			err = errors.New("some that were there are not there any more")
		}
		if err != nil {
			return Page{}, fmt.Errorf("reading a page of signals: %w", err)
		}
		for _, s := range some {
			if sequence = s.Sequence; n < end && r.Sees(s) {
				n++
				page.Signals = append(page.Signals, eventOf(s, key, t.cursor(n)))
			}
		}
	}
	page.Next, page.More = t.cursor(n), n < all
	return page, nil
}

// One returns a signal by its number, also as the reader is told it; false: there is none that the reader sees.
func (f *Feed) One(ctx context.Context, r Reader, number string) (Signal, Event, bool, error) {
	t, key, err := f.tallyOf(ctx, r)
	if err != nil {
		return Signal{}, Event{}, false, err
	}
	n, sequence, _, err := t.at(number)
	if err != nil || n == 0 {
		return Signal{}, Event{}, false, nil //nolint:nilerr // what is no cursor names no signal
	}
	some, err := f.outbox.Signals(ctx, sequence-1, 1)
	if err != nil {
		return Signal{}, Event{}, false, fmt.Errorf("reading signal %s: %w", number, err)
	}
	if len(some) == 0 {
		return Signal{}, Event{}, false, nil
	}
	return some[0], eventOf(some[0], key, t.cursor(n)), true, nil
}
