package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"ganlin/dashboards/words"
	"ganlin/devices"
	"ganlin/internal/notify"
	"ganlin/internal/records"
)

// readerNotices is the outbox of messages to farmers, as its progress names it.
const readerNotices = "notices"

// noticeStore is the records store as the outbox knows it. Addresses are sealed
// on the way in; without a seal there is no way.
type noticeStore struct {
	records *records.Store
	seal    *notify.Seal // nil: its key is lost
	log     *slog.Logger
}

// Load returns what was kept. An outbox that never ran begins with what is
// decided from now on: nobody is told of a past that others have seen to.
func (s noticeStore) Load(ctx context.Context) (kept notify.Kept, err error) {
	progress, err := s.records.Progress(ctx, readerNotices)
	if err != nil {
		return kept, err
	}
	if progress.Position == "" {
		if kept.Cursor, err = s.records.LastDecision(ctx); err != nil {
			return kept, err
		}
		if err := s.Commit(ctx, notify.Change{Cursor: kept.Cursor}); err != nil {
			return kept, err
		}
	} else if kept.Cursor, err = strconv.ParseInt(progress.Position, 10, 64); err != nil {
		return kept, fmt.Errorf("reading how far messages are: %w", err)
	}
	if err := s.loadContacts(ctx, &kept); err != nil {
		return kept, err
	}
	books, err := s.records.NoticeBooks(ctx)
	if err != nil {
		return kept, err
	}
	for _, b := range books {
		var book notify.Book
		if err := json.Unmarshal(b.Body, &book); err != nil {
			return kept, fmt.Errorf("reading what contact %s was told: %w", b.Contact, err)
		}
		kept.Books = append(kept.Books, book)
	}
	kept.Open, err = s.notices(ctx, records.Selection{Open: true})
	return kept, err
}

func (s noticeStore) loadContacts(ctx context.Context, kept *notify.Kept) error {
	rows, err := s.records.Contacts(ctx)
	if err != nil {
		return err
	}
	unreadable := 0
	for _, r := range rows {
		c := notify.Contact{
			ID: r.ID, Household: r.Household, Channel: notify.ChannelName(r.Channel), Language: words.Language(r.Language),
			Quiet: r.Quiet, Daily: r.Daily, AddedAt: r.AddedAt, Unreadable: true,
		}
		if s.seal != nil {
			c.To, err = s.seal.Open(r.ID, r.Sealed)
			c.Unreadable = err != nil
		}
		if c.Unreadable {
			unreadable++
		}
		kept.Contacts = append(kept.Contacts, c)
	}
	if unreadable > 0 {
		s.log.Error("contacts get no messages: "+contactsKeyFile+" is not the one that they were sealed with; put it back from the backup", "contacts", unreadable)
	}
	return nil
}

// notices returns messages as they were kept.
func (s noticeStore) notices(ctx context.Context, which records.Selection) (all []notify.Notice, err error) {
	rows, err := s.records.Notices(ctx, which)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		n := notify.Notice{}
		if err := json.Unmarshal(r.Body, &n); err != nil {
			return nil, fmt.Errorf("reading notice %s: %w", r.ID, err)
		}
		n.ID, n.Contact, n.Channel, n.State, n.At, n.Settled = r.ID, r.Contact, notify.ChannelName(r.Channel), notify.State(r.State), r.At, r.SettledAt
		all = append(all, n)
	}
	return all, nil
}

func (s noticeStore) Decided(ctx context.Context, after int64, limit int) ([]devices.Decision, int64, error) {
	return s.records.EpisodeDecisions(ctx, after, limit)
}

func (s noticeStore) Commit(ctx context.Context, c notify.Change) error {
	change := records.NoticeChange{Progress: records.Progress{Reader: readerNotices, Position: strconv.FormatInt(c.Cursor, 10)}, Forget: c.Forget}
	for _, b := range c.Books {
		body, err := json.Marshal(b)
		if err != nil {
			return err
		}
		change.Books = append(change.Books, records.NoticeBook{Contact: b.Contact, Body: body})
	}
	var err error
	if change.Notices, err = noticeRows(c.Notices); err != nil {
		return err
	}
	return s.records.CommitNotices(ctx, change)
}

func noticeRows(notices []notify.Notice) (rows []records.NoticeRow, err error) {
	for _, n := range notices {
		body, err := json.Marshal(n)
		if err != nil {
			return nil, err
		}
		rows = append(rows, records.NoticeRow{
			ID: n.ID, Contact: n.Contact, Channel: string(n.Channel), State: string(n.State), At: n.At, SettledAt: n.Settled, Body: body,
		})
	}
	return rows, nil
}

func (s noticeStore) SaveContacts(ctx context.Context, contacts []notify.Contact) error {
	if s.seal == nil {
		return notify.ErrSealed
	}
	rows := make([]records.ContactRow, len(contacts))
	for i, c := range contacts {
		box, err := s.seal.Close(c.ID, c.To)
		if err != nil {
			return err
		}
		rows[i] = records.ContactRow{
			ID: c.ID, Household: c.Household, Channel: string(c.Channel), Language: string(c.Language), Quiet: c.Quiet, Daily: c.Daily, Sealed: box, AddedAt: c.AddedAt,
		}
	}
	return s.records.SaveContacts(ctx, rows)
}

func (s noticeStore) RemoveContact(ctx context.Context, id string, ended []notify.Notice) error {
	rows, err := noticeRows(ended)
	if err != nil {
		return err
	}
	err = s.records.RemoveContact(ctx, id, rows)
	if errors.Is(err, records.ErrNotFound) {
		return notify.ErrNoContact
	}
	return err
}
