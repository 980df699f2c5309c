package notify

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"ganlin/devices"
)

// Options are what an outbox works with.
type Options struct {
	Store    Store
	Channels map[ChannelName]Channel
	// Now is event time: for grouping, quiet hours and daily limits.
	Now func() time.Time
	// Zone is where a household's day begins and ends.
	Zone func(devices.HouseholdID) *time.Location
	// Turns returns what a decision begins or ends that people have to know of.
	Turns func(devices.Decision) []Turn
	// Stale reports that what began and was not told yet is so no more, though nothing says it ended.
	Stale func(Episode) bool
	// Compose puts a notice into words; one without lines is a test.
	Compose func(Contact, *Notice) Message
	Quiet   Quiet // of contacts that do not say
	Daily   int   // likewise
	Group   time.Duration
	Log     *slog.Logger
}

// An Outbox reads what was decided and sends what contacts have to know.
type Outbox struct {
	o       Options
	wake    chan struct{}
	results chan try

	mu       sync.Mutex
	cursor   int64
	contacts map[string]Contact
	homes    map[devices.HouseholdID][]string // contacts by household
	books    map[string]*Book                 // by contact
	open     map[string]*Notice               // not settled, by id
	lines    map[string]line                  // by channel and line
	busy     map[ChannelName]int              // tries under way
	queues   map[ChannelName][]*Notice        // what waits for a try, as of the last look
	counts   map[Counted]int64                // of this process
}

// Counted is what notices are counted by.
type Counted struct {
	Channel ChannelName
	Result  string // sent, failed, obsolete, or again: a try that failed
}

// again is what a try is counted as that failed and is repeated; no notice is in this state.
const again State = "again"

// Open reads what an earlier process kept. Run makes the outbox work.
func Open(ctx context.Context, o Options) (*Outbox, error) {
	b := &Outbox{
		o: o, wake: make(chan struct{}, 1), results: make(chan try), contacts: map[string]Contact{},
		homes: map[devices.HouseholdID][]string{}, books: map[string]*Book{}, open: map[string]*Notice{},
		lines: map[string]line{}, busy: map[ChannelName]int{}, queues: map[ChannelName][]*Notice{}, counts: map[Counted]int64{},
	}
	kept, err := o.Store.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the outbox: %w", err)
	}
	b.cursor = kept.Cursor
	for name := range o.Channels {
		for _, s := range []State{Sent, Failed, Obsolete, again} {
			b.counts[Counted{name, string(s)}] = 0
		}
	}
	for _, c := range kept.Contacts {
		b.put(c)
	}
	for _, book := range kept.Books {
		b.books[book.Contact] = &book
	}
	for _, n := range kept.Open {
		if n.State == Sending { // nobody knows how it ended
			n.State = Pending
		}
		b.open[n.ID] = &n
	}
	return b, nil
}

// How often the outbox looks by itself, how much it reads in one go, and for how
// long notices are kept once they are settled.
const (
	lookEvery   = time.Second
	readAtOnce  = 500
	keepSettled = 90 * 24 * time.Hour
	endTime     = 3 * time.Second // that a try has left when the program ends
)

// Kick tells the outbox that something was decided.
func (b *Outbox) Kick() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Run reads and sends until ctx ends. Tries that are under way then are waited
// for, and what became of them is kept.
func (b *Outbox) Run(ctx context.Context) error {
	turn := time.NewTicker(lookEvery)
	defer turn.Stop()
	var tries sync.WaitGroup
	b.look(ctx)
	for {
		b.send(ctx, &tries)
		select {
		case <-ctx.Done():
			go func() {
				tries.Wait()
				close(b.results)
			}()
			for t := range b.results {
				if err := b.settle(context.WithoutCancel(ctx), t); err != nil {
					b.o.Log.Error("a message that was tried is tried again after the start", "notice", t.notice, "error", err)
				}
			}
			return nil
		case <-turn.C:
			b.look(ctx)
		case <-b.wake:
			b.look(ctx)
		case t := <-b.results:
			b.insist(ctx, t)
		}
	}
}

// look reads what is new. What cannot be kept is not done: the next look does it.
func (b *Outbox) look(ctx context.Context) {
	if err := b.due(ctx); err != nil {
		b.complain(ctx, err)
	}
}

// send starts the tries that there is room for.
func (b *Outbox) send(ctx context.Context, tries *sync.WaitGroup) {
	now, err := b.take(ctx)
	if err != nil {
		b.complain(ctx, err)
		return
	}
	for _, t := range now {
		tries.Go(func() {
			own, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTime)
			defer cancel()
			defer context.AfterFunc(ctx, func() { time.AfterFunc(endTime, cancel) })()
			t.err = t.channel.Send(own, t.message)
			b.results <- t
		})
	}
}

func (b *Outbox) complain(ctx context.Context, err error) {
	if ctx.Err() == nil {
		b.o.Log.Error("messages to farmers wait for the records store", "error", err)
	}
}

// read enters what was decided since into the books. b.mu is held.
func (b *Outbox) read(ctx context.Context) error {
	for {
		decided, last, err := b.o.Store.Decided(ctx, b.cursor, readAtOnce)
		if err != nil || last == b.cursor {
			return err
		}
		if err := b.enter(ctx, decided, last); err != nil {
			return err
		}
	}
}

// enter takes in decisions up to a number.
func (b *Outbox) enter(ctx context.Context, decided []devices.Decision, last int64) error {
	d, now := b.draft(), b.o.Now()
	for _, decision := range decided {
		for _, turn := range b.o.Turns(decision) {
			if turn.Over {
				for _, id := range d.holding(turn.ID) {
					d.book(id).End(turn.Episode, now)
				}
				continue
			}
			for _, id := range b.homes[turn.Household] {
				d.book(id).Begin(turn.Episode, now)
			}
		}
	}
	d.cursor = last
	return d.keep(ctx)
}

// A draft is what is about to change: copies, which count once they are kept.
type draft struct {
	box     *Outbox
	cursor  int64
	books   map[string]*Book
	notices map[string]*Notice
}

// draft begins one. b.mu is held until it is kept or dropped.
func (b *Outbox) draft() *draft {
	return &draft{b, b.cursor, map[string]*Book{}, map[string]*Notice{}}
}

// book returns a contact's book to write in.
func (d *draft) book(contact string) *Book {
	if d.books[contact] == nil {
		d.books[contact] = &Book{Contact: contact}
		if known := d.box.books[contact]; known != nil {
			d.books[contact] = known.clone()
		}
	}
	return d.books[contact]
}

// holding returns the contacts whose books hold an episode, wherever its plot belongs now.
func (d *draft) holding(episode string) (contacts []string) {
	for id := range d.box.contacts {
		if slices.ContainsFunc(d.look(id).Entries, func(e Entry) bool { return e.is(episode) }) {
			contacts = append(contacts, id)
		}
	}
	return contacts
}

// look returns a contact's book to read.
func (d *draft) look(contact string) *Book {
	return cmp.Or(d.books[contact], d.box.books[contact], &Book{Contact: contact})
}

// notice returns a notice to write in.
func (d *draft) notice(id string) *Notice {
	if d.notices[id] == nil {
		same := *d.box.open[id]
		same.Lines = slices.Clone(same.Lines)
		d.notices[id] = &same
	}
	return d.notices[id]
}

// keep makes the draft true, in the store first.
func (d *draft) keep(ctx context.Context) error {
	if len(d.books) == 0 && len(d.notices) == 0 && d.cursor == d.box.cursor {
		return nil
	}
	c := Change{Cursor: d.cursor, Forget: d.box.o.Now().Add(-keepSettled)}
	for _, book := range d.books {
		c.Books = append(c.Books, *book)
	}
	for _, n := range d.notices {
		c.Notices = append(c.Notices, *n)
	}
	if err := d.box.o.Store.Commit(ctx, c); err != nil {
		return err
	}
	d.box.cursor = d.cursor
	maps.Copy(d.box.books, d.books)
	for id, n := range d.notices {
		if n.Settled.IsZero() {
			d.box.open[id] = n
			continue
		}
		delete(d.box.open, id)
		d.box.counts[Counted{n.Channel, string(n.State)}]++
	}
	return nil
}

// manners are those of a contact over the usual ones.
func (b *Outbox) manners(c Contact) Manners {
	m := Manners{Zone: b.o.Zone(c.Household), Quiet: b.o.Quiet, Daily: b.o.Daily, Group: b.o.Group}
	if q, err := ParseQuiet(c.Quiet); err == nil {
		m.Quiet = q
	}
	if c.Daily > 0 {
		m.Daily = c.Daily
	}
	return m
}
