package notify

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// A try is one attempt to send a notice.
type try struct {
	notice  string
	doubt   bool // before it the notice may have reached the person
	line    string
	channel Channel
	message Message
	err     error // nil: the message was taken
}

// A line is how it goes with what messages share on their way.
type line struct {
	next     time.Time // on the wall: no try before
	failures int       // in a row
}

// How many tries a channel makes at once, and when a notice is given up: what
// it tells is no news then. On the wall's clock, as everything about trying.
const (
	maxTries    = 8
	giveUpAfter = 24 * time.Hour
)

// backoff is how long to wait after so many failures in a row: 5 s, twice as
// long each time, at most 10 minutes, and up to a fifth more so that not all come back at once.
func backoff(failures int) time.Duration {
	d := min(5*time.Second<<min(max(failures-1, 0), 10), 10*time.Minute)
	return d + rand.N(d/5) //nolint:gosec // no secret
}

// due makes the notices whose time has come and puts all that wait for a try
// into the queues of their channels.
func (b *Outbox) due(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.read(ctx); err != nil {
		return err
	}
	d, now, wall := b.draft(), b.o.Now(), time.Now()
	for id, c := range b.contacts {
		known := b.books[id]
		if known == nil || known.Waiting() == 0 || c.Unreadable || b.o.Channels[c.Channel] == nil {
			continue
		}
		book := known.clone()
		for n, ok := book.Next(b.manners(c), now); ok; n, ok = book.Next(b.manners(c), now) {
			n.Channel, n.Made = c.Channel, wall
			d.books[id], d.notices[n.ID] = book, &n
		}
	}
	if err := d.keep(ctx); err != nil {
		return err
	}
	clear(b.queues)
	for _, n := range b.open {
		if n.State == Pending && !n.Next.After(wall) {
			b.queues[n.Channel] = append(b.queues[n.Channel], n)
		}
	}
	for _, queue := range b.queues { // urgent ones first, then the oldest
		slices.SortFunc(queue, func(a, b *Notice) int {
			if a.Urgent != b.Urgent {
				if a.Urgent {
					return -1
				}
				return 1
			}
			return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
		})
	}
	return nil
}

// take takes from the queues what is to be tried now, and marks it as being
// sent: should the program end meanwhile, it is known that the person may have
// read it. What may not be tried now is in the queue again at the next look.
func (b *Outbox) take(ctx context.Context) (out []try, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, now, wall := b.draft(), b.o.Now(), time.Now()
	used := map[string]bool{}
	for name, queue := range b.queues {
		slots := maxTries - b.busy[name]
		for ; slots > 0 && len(queue) > 0; queue = queue[1:] {
			if t, ok := b.prepare(d, queue[0], used, now, wall); ok {
				out = append(out, t)
				slots--
			}
		}
		b.queues[name] = queue
	}
	if err := d.keep(ctx); err != nil {
		clear(b.queues)
		return nil, err
	}
	for _, t := range out {
		b.busy[b.open[t.notice].Channel]++
		if pace := t.channel.Pace(); pace > 0 {
			b.lines[t.line] = line{wall.Add(pace), b.lines[t.line].failures}
		}
	}
	return out, nil
}

// prepare makes a try of a notice, if it may be tried now. used are the paced lines that have one already.
func (b *Outbox) prepare(d *draft, n *Notice, used map[string]bool, now, wall time.Time) (try, bool) {
	c, known := b.contacts[n.Contact]
	channel := b.o.Channels[n.Channel]
	if b.open[n.ID] != n || !known || c.Unreadable || channel == nil {
		return try{}, false
	}
	key := string(n.Channel) + " " + channel.Line(c.To)
	if used[key] || b.lines[key].next.After(wall) || !d.look(c.ID).MayLeave(n, b.manners(c), now) {
		return try{}, false
	}
	n = d.notice(n.ID)
	for _, l := range n.Lines {
		if !n.Doubt && !l.Over && b.o.Stale(l.Episode) {
			d.book(c.ID).Drop(l.ID)
		}
	}
	if !d.book(c.ID).Recall(n) {
		n.State, n.Settled = Obsolete, now
		return try{}, false
	}
	used[key] = channel.Pace() > 0
	t := try{notice: n.ID, doubt: n.Doubt, line: key, channel: channel, message: b.o.Compose(c, n)}
	n.State, n.Tries, n.Doubt = Sending, n.Tries+1, true
	return t, true
}

// insist settles a try, again until it is kept: what was sent must not be forgotten.
func (b *Outbox) insist(ctx context.Context, t try) {
	for {
		err := b.settle(ctx, t)
		if err == nil {
			return
		}
		b.complain(ctx, err)
		select {
		case <-ctx.Done():
			_ = b.settle(context.WithoutCancel(ctx), t)
			return
		case <-time.After(lookEvery):
		}
	}
}

// settle enters how a try went.
func (b *Outbox) settle(ctx context.Context, t try) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.open[t.notice]
	if known == nil { // its contact was removed
		return nil
	}
	d, now, wall := b.draft(), b.o.Now(), time.Now()
	n, m := d.notice(t.notice), b.manners(b.contacts[known.Contact])
	failed := asError(t.err)
	switch {
	case failed == nil:
		n.State, n.Settled, n.Error, n.Doubt = Sent, now, "", false
		d.book(n.Contact).Settle(n, true, m, now)
	case !failed.Again, wall.Sub(n.Made) > giveUpAfter:
		n.State, n.Settled, n.Error = Failed, now, failed.Error()
		d.book(n.Contact).Settle(n, false, m, now)
	default:
		n.State, n.Error, n.Doubt = Pending, failed.Error(), t.doubt || failed.Doubt
		n.Next = wall.Add(max(failed.After, backoff(n.Tries)))
	}
	if err := d.keep(ctx); err != nil {
		return err
	}
	b.busy[n.Channel]--
	b.learn(t.line, failed, wall)
	switch n.State {
	case Failed:
		b.o.Log.Error("a message is not sent and will not be", "notice", n.ID, "contact", n.Contact, "channel", string(n.Channel), "error", failed)
	case Pending:
		b.counts[Counted{n.Channel, string(again)}]++
		b.o.Log.Warn("a message is not sent yet", "notice", n.ID, "contact", n.Contact, "channel", string(n.Channel), "error", failed)
	}
	return nil
}

// learn enters how a try went into its line. Whose failure is its own says nothing of the line.
func (b *Outbox) learn(key string, failed *Error, wall time.Time) {
	l := b.lines[key]
	switch {
	case failed == nil:
		l.failures = 0
	case failed.Shared:
		l.failures++
		if next := wall.Add(max(failed.After, backoff(l.failures))); next.After(l.next) {
			l.next = next
		}
	}
	b.lines[key] = l
}
