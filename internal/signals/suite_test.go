package signals_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ganlin/devices"
	"ganlin/internal/records"
	"ganlin/internal/signals"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// A station is a real records store with what tells its signals.
type station struct {
	tb     testing.TB
	store  *records.Store
	feed   *signals.Feed
	sender *signals.Sender
	log    *bytes.Buffer

	mu    sync.Mutex
	ended map[string]bool // accounts that are not in force any more
	told  int
}

// outbox is the records store as this package knows it.
type outbox struct{ *records.Store }

func (o outbox) Signals(ctx context.Context, after int64, limit int) (all []signals.Signal, err error) {
	rows, err := o.Store.Signals(ctx, after, limit)
	for _, r := range rows {
		all = append(all, signals.Signal(r))
	}
	return all, err
}

func (o outbox) Webhooks(ctx context.Context) (all []signals.Webhook, err error) {
	rows, err := o.Store.Webhooks(ctx)
	for _, r := range rows {
		all = append(all, signals.Webhook{
			ID: r.ID, Account: r.Account, URL: r.URL, Secret: r.Secret, OldSecret: r.OldSecret, OldUntil: r.OldUntil, Disabled: r.Disabled, Created: r.Created,
			Delivery: signals.Delivery(r.Delivery),
		})
	}
	return all, err
}

func row(w signals.Webhook) records.Webhook {
	return records.Webhook{
		ID: w.ID, Account: w.Account, URL: w.URL, Secret: w.Secret, OldSecret: w.OldSecret, OldUntil: w.OldUntil, Disabled: w.Disabled, Created: w.Created,
		Delivery: records.Delivery(w.Delivery),
	}
}

func (o outbox) AddWebhook(ctx context.Context, w signals.Webhook) error {
	return o.Store.AddWebhook(ctx, row(w))
}

func (o outbox) SaveWebhook(ctx context.Context, w signals.Webhook) error {
	return o.Store.SaveWebhook(ctx, row(w))
}

// loopback lets webhooks go to this machine.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func newStation(tb testing.TB) *station {
	tb.Helper()
	return openStation(tb, filepath.Join(tb.TempDir(), "records.db"), loopback)
}

func openStation(tb testing.TB, file string, private []netip.Prefix) *station {
	tb.Helper()
	store, err := records.Open(tb.Context(), file)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = store.Close() })
	s := &station{tb: tb, store: store, ended: map[string]bool{}, log: &bytes.Buffer{}}
	s.feed = signals.NewFeed(outbox{store})
	s.sender, err = signals.NewSender(tb.Context(), signals.SenderOptions{
		Feed: s.feed, Store: outbox{store}, Reader: s.reader, AllowPrivate: private, FirstPause: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(&locked{b: s.log}, nil)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// run lets the sender send until stop is called, or the test ends.
func (s *station) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.sender.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	s.tb.Cleanup(stop)
	return stop
}

// reader lets an account see one place, which its name ends with, or all.
func (s *station) reader(account string) (signals.Reader, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return everything(account), !s.ended[account]
}

func everything(account string) signals.Reader {
	return signals.Reader{Account: account, Receiver: account, Sees: func(signals.Signal) bool { return true }}
}

// tell commits signals of n new clues, each raised and withdrawn.
func (s *station) tell(n int) {
	s.tb.Helper()
	e := records.Effects{Progress: records.Progress{Reader: "rules"}}
	for range n {
		s.told++
		clue := fmt.Sprintf("clue%d", s.told)
		for _, kind := range []string{"raised", "withdrawn"} {
			e.Signals = append(e.Signals, records.Signal{
				ID: clue + kind, Kind: kind, Clue: clue, Household: devices.HouseholdID(fmt.Sprint("h-", s.told%7)), Site: "sanquan",
				Place: devices.PlaceCode(fmt.Sprintf("50011910%d001", s.told%5)), Level: map[string]string{"raised": "orange", "withdrawn": "none"}[kind], Cause: "drought",
				At: noon.Add(time.Duration(s.told) * time.Hour), Decision: clue + kind,
			})
		}
	}
	if err := s.store.CommitEffects(s.tb.Context(), e); err != nil {
		s.tb.Fatal(err)
	}
	s.feed.Wake()
}

// cursor is the account's that has n signals behind it.
func (s *station) cursor(account string, n int) string {
	s.tb.Helper()
	begin, err := s.feed.Reached(s.tb.Context(), everything(account), 0)
	if err != nil {
		s.tb.Fatal(err)
	}
	before, err := signals.ParseCursor(begin)
	if err != nil {
		s.tb.Fatal(err)
	}
	return signals.Cursor(before + int64(n))
}

// all returns the feed from zero as a reader has it.
func (s *station) all(r signals.Reader) (events []signals.Event) {
	s.tb.Helper()
	page := signals.Page{}
	for first := true; first || page.More; first = false {
		var err error
		if page, err = s.feed.Page(s.tb.Context(), r, page.Next, 7); err != nil {
			s.tb.Fatal(err)
		}
		events = append(events, page.Signals...)
	}
	return events
}

// until waits for something that other goroutines bring about.
func until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-tb.Context().Done():
			tb.Fatal(errors.New("waiting for " + what))
		}
	}
}

// A locked buffer takes what several goroutines log.
type locked struct {
	mu sync.Mutex
	b  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
