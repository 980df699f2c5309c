package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ganlin/dashboards/words"
	"ganlin/internal/httpapi"
	"ganlin/internal/notify"
	"ganlin/internal/position"
	"ganlin/internal/records"
)

var _ httpapi.Notices = (*notices)(nil)

// Contacts lists who gets messages, without addresses.
func (n *notices) Contacts(context.Context) ([]httpapi.Contact, error) {
	list := []httpapi.Contact{}
	for _, c := range n.outbox.Contacts() {
		list = append(list, httpapi.Contact{
			ID: c.ID, Household: c.Household, Channel: string(c.Channel), Language: string(c.Language), Quiet: c.Quiet, Daily: c.Daily,
			AddedAt: c.AddedAt, Unreadable: c.Unreadable,
		})
	}
	return list, nil
}

// ImportContacts takes a file of contacts, whole or not at all.
func (n *notices) ImportContacts(ctx context.Context, f httpapi.ContactFile) (done httpapi.ContactImport, err error) {
	contacts, problems := notify.ReadContacts(f.Name, []byte(f.Content), guardOf(n.config))
	if position.HasErrors(problems) {
		lines := make([]string, len(problems))
		for i, p := range problems {
			lines[i] = p.String()
		}
		return done, fmt.Errorf("%w: nothing was imported:\n%s", httpapi.ErrBadRequest, strings.Join(lines, "\n"))
	}
	done, err = n.add(ctx, contacts)
	if errors.Is(err, notify.ErrSealed) {
		return done, fmt.Errorf("%w: %w", httpapi.ErrConflict, err)
	}
	return done, err
}

// add names contacts and takes them.
func (n *notices) add(ctx context.Context, contacts []notify.Contact) (done httpapi.ContactImport, err error) {
	if n.store.seal == nil {
		return done, notify.ErrSealed
	}
	done.Contacts, done.Warnings = []string{}, []string{}
	channels, _ := channelsOf(n.config)
	missing := map[notify.ChannelName]bool{}
	for i := range contacts {
		c := &contacts[i]
		c.ID, c.AddedAt = n.store.seal.ID(c.Household, c.Channel, c.To), n.now()
		done.Contacts = append(done.Contacts, c.ID)
		if _, known := n.village().zones[c.Household]; !known {
			done.Warnings = append(done.Warnings, fmt.Sprintf("household %s has no plot in the registry: it will hear nothing", printable(string(c.Household))))
		}
		if channels[c.Channel] == nil && !missing[c.Channel] {
			missing[c.Channel] = true
			done.Warnings = append(done.Warnings, fmt.Sprintf("channel %s is not configured: its messages wait", c.Channel))
		}
	}
	return done, n.outbox.Add(ctx, contacts)
}

// RemoveContact forgets a contact.
func (n *notices) RemoveContact(ctx context.Context, id string) error {
	err := n.outbox.Remove(ctx, id)
	if errors.Is(err, notify.ErrNoContact) {
		return fmt.Errorf("%w: there is no contact %s", httpapi.ErrNotFound, id)
	}
	return err
}

// List returns the newest messages.
func (n *notices) List(ctx context.Context, limit int) ([]httpapi.Notice, error) {
	all, err := n.store.notices(ctx, records.Selection{Limit: limit})
	if err != nil {
		return nil, err
	}
	list := []httpapi.Notice{}
	for _, one := range all {
		c, _ := n.outbox.Contact(one.Contact)
		row := httpapi.Notice{
			ID: one.ID, Contact: one.Contact, Household: c.Household, Channel: string(one.Channel), State: string(one.State), Urgent: one.Urgent,
			At: one.At, SettledAt: one.Settled, Tries: one.Tries, Error: one.Error, Episodes: []httpapi.NoticeEpisode{},
		}
		for _, l := range one.Lines {
			row.Episodes = append(row.Episodes, httpapi.NoticeEpisode{ID: l.ID, Rule: l.Rule, Plot: l.Plot, Over: l.Over})
		}
		list = append(list, row)
	}
	return list, nil
}

// Test sends a test message to a contact or to an address.
func (n *notices) Test(ctx context.Context, t httpapi.NoticeTest) (httpapi.NoticeResult, error) {
	c, ok := n.outbox.Contact(t.Contact)
	switch {
	case t.Contact == "" && t.Address == "":
		return httpapi.NoticeResult{}, fmt.Errorf("%w: name a contact, or a channel with an address", httpapi.ErrBadRequest)
	case t.Contact != "" && !ok:
		return httpapi.NoticeResult{}, fmt.Errorf("%w: there is no contact %s; ganlin notify contacts list names them", httpapi.ErrNotFound, t.Contact)
	case t.Contact == "":
		c = notify.Contact{ID: "test", Channel: notify.ChannelName(t.Channel), Language: words.Chinese, To: notify.NewAddress(t.Address, t.Secret)}
		if !slices.Contains(notify.ChannelNames(), c.Channel) {
			return httpapi.NoticeResult{}, fmt.Errorf("%w: %w", httpapi.ErrBadRequest, notify.CheckAddress(c.Channel, c.To))
		}
	case t.Channel != "" && t.Channel != string(c.Channel):
		return httpapi.NoticeResult{}, fmt.Errorf("%w: contact %s is reached by %s, not by %s", httpapi.ErrBadRequest, c.ID, c.Channel, t.Channel)
	}
	result := httpapi.NoticeResult{Sent: true, Channel: string(c.Channel)}
	if failed, ok := errors.AsType[*notify.Error](n.outbox.Test(ctx, c)); ok {
		result.Sent, result.Error, result.Said, result.Again = false, failed.Error(), failed.Said, failed.Again
	}
	return result, nil
}
