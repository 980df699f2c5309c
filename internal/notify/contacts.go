package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
)

// Contacts returns all contacts by household.
func (b *Outbox) Contacts() []Contact {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.SortedFunc(maps.Values(b.contacts), func(a, b Contact) int {
		return cmp.Or(cmp.Compare(a.Household, b.Household), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.ID, b.ID))
	})
}

// Add takes contacts, all or none. One that is there is told as the new one says.
// They hear of what begins from now on.
func (b *Outbox) Add(ctx context.Context, contacts []Contact) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.read(ctx); err != nil { // what was decided before they came is for the others
		return err
	}
	if err := b.o.Store.SaveContacts(ctx, contacts); err != nil {
		return err
	}
	for _, c := range contacts {
		b.put(c)
	}
	return nil
}

// Remove forgets a contact: what waited for it is not sent. It returns ErrNoContact.
func (b *Outbox) Remove(ctx context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.contacts[id]
	if !ok {
		return ErrNoContact
	}
	var ended []Notice
	for _, n := range b.open {
		if n.Contact == id {
			end := *n
			end.State, end.Settled = Obsolete, b.o.Now()
			ended = append(ended, end)
		}
	}
	if err := b.o.Store.RemoveContact(ctx, id, ended); err != nil {
		return err
	}
	for _, n := range ended {
		if b.open[n.ID].State == Sending {
			b.busy[n.Channel]--
		}
		delete(b.open, n.ID)
		b.counts[Counted{n.Channel, string(Obsolete)}]++
	}
	delete(b.contacts, id)
	delete(b.books, id)
	b.homes[c.Household] = slices.DeleteFunc(b.homes[c.Household], func(other string) bool { return other == id })
	return nil
}

// put enters a contact. b.mu is held, or nobody knows the outbox yet.
func (b *Outbox) put(c Contact) {
	if _, there := b.contacts[c.ID]; !there {
		b.homes[c.Household] = append(b.homes[c.Household], c.ID)
	}
	b.contacts[c.ID] = c
}

// Test sends a test message through the real channel, at once and uncounted.
// It returns an *Error when the message was not taken.
func (b *Outbox) Test(ctx context.Context, c Contact) error {
	channel := b.o.Channels[c.Channel]
	switch {
	case channel == nil:
		return &Error{What: "channel " + string(c.Channel) + " is not configured", Hint: "give it under notify in the configuration and start again"}
	case c.Unreadable:
		return &Error{What: ErrSealed.Error()}
	}
	if err := CheckAddress(c.Channel, c.To); err != nil {
		return &Error{What: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	if err := channel.Send(ctx, b.o.Compose(c, &Notice{ID: testID(), Contact: c.ID, Channel: c.Channel, At: b.o.Now()})); err != nil {
		return asError(err)
	}
	return nil
}

// Contact returns a contact by its id.
func (b *Outbox) Contact(id string) (Contact, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.contacts[id]
	return c, ok
}

// Counts returns how many notices came to which end in this process.
func (b *Outbox) Counts() map[Counted]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.counts)
}

// Pending returns how many notices of each channel are not settled.
func (b *Outbox) Pending() map[ChannelName]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := map[ChannelName]int{}
	for name := range b.o.Channels {
		n[name] = 0
	}
	for _, notice := range b.open {
		n[notice.Channel]++
	}
	return n
}

// testID names a test message.
func testID() string {
	name := make([]byte, 8)
	_, _ = rand.Read(name)
	return "test-" + hex.EncodeToString(name)
}
