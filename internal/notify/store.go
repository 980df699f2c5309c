package notify

import (
	"context"
	"errors"
	"time"

	"ganlin/devices"
)

// A Store keeps what the outbox knows. Each method is one transaction.
type Store interface {
	Load(ctx context.Context) (Kept, error)
	// Decided returns at most limit decisions that may begin or end an episode, after
	// a number, in the order in which they were committed, and the number of the
	// last that was looked at.
	Decided(ctx context.Context, after int64, limit int) ([]devices.Decision, int64, error)
	Commit(ctx context.Context, c Change) error
	// SaveContacts keeps contacts, all or none.
	SaveContacts(ctx context.Context, contacts []Contact) error
	// RemoveContact forgets a contact and its book, and ends its notices.
	RemoveContact(ctx context.Context, id string, ended []Notice) error
}

// ErrNoContact says that there is no such contact.
var ErrNoContact = errors.New("there is no such contact")

// Kept is what a store holds for the outbox.
type Kept struct {
	Cursor   int64 // number of the decision that was read last
	Contacts []Contact
	Books    []Book
	Open     []Notice // that are not settled
}

// A Change is what is to be kept, all of it or nothing.
type Change struct {
	Cursor  int64
	Books   []Book
	Notices []Notice
	Forget  time.Time // settled notices from before need not be kept
}
