package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/internal/registry"
	"ganlin/rules"
)

type notifyCommand struct {
	Test     testNotice      `cmd:"" help:"Send a test message through the real channel, and say what failed and how to mend it."`
	List     listNotices     `cmd:"" help:"List the newest messages and what became of them."`
	Contacts contactsCommand `cmd:"" help:"Who gets messages."`
}

type contactsCommand struct {
	Import importContacts `cmd:"" help:"Take a CSV file with the columns household, channel, address and perhaps secret, language, quiet, daily."`
	List   listContacts   `cmd:"" help:"List the contacts, without their addresses."`
	Remove removeContact  `cmd:"" help:"Forget a contact: it gets no more messages."`
}

type testNotice struct {
	where
	Contact string `arg:"" optional:"" help:"The contact, as the list names it."`
	Channel string `help:"The channel of --to: webhook, email, ntfy, wecom, dingtalk, feishu or sms."`
	To      string `placeholder:"ADDRESS" help:"An address of --channel, in the place of a contact's."`
	Secret  string `placeholder:"SECRET" help:"With which messages to --to are signed, where the channel signs."`
}

// Run sends a test message.
func (t testNotice) Run(ctx context.Context, c console) error {
	if t.Contact == "" && (t.Channel == "" || t.To == "") || t.Contact != "" && t.To != "" {
		return usageError("name a contact (ganlin notify contacts list shows them), or --channel with --to ADDRESS")
	}
	body := httpapi.NoticeTest{Contact: t.Contact, Channel: t.Channel, Address: t.To, Secret: t.Secret}
	result, err := withNotices(ctx, c, t.where, expects,
		func(r *remote) (result httpapi.NoticeResult, err error) {
			return result, r.call(ctx, "POST", "/api/v1/notices/test", body, &result)
		},
		func(n *notices) (httpapi.NoticeResult, error) { return n.Test(ctx, body) })
	if err != nil {
		return err
	}
	if t.JSON {
		err = json.NewEncoder(c.out).Encode(result)
	} else if result.Sent {
		_, err = fmt.Fprintf(c.out, "the test message was taken by %s; see whether it arrives\n", result.Channel)
	} else {
		_, err = fmt.Fprintf(c.out, "not sent by %s: %s\n", result.Channel, result.Error)
		if result.Said != "" {
			_, err = fmt.Fprintf(c.out, "the other side said: %s\n", printable(result.Said))
		}
		if result.Again {
			_, err = fmt.Fprintln(c.out, "a message would be tried again by itself")
		}
	}
	if err == nil && !result.Sent {
		return errCheckFailed
	}
	return err
}

type listNotices struct {
	where
	Limit int `default:"100" help:"How many at the most."`
}

// Run lists messages, newest first.
func (l listNotices) Run(ctx context.Context, c console) error {
	if l.Limit < 1 || l.Limit > 1000 {
		return usageError("--limit %d is not 1 to 1000", l.Limit)
	}
	all, err := withNotices(ctx, c, l.where, expects,
		func(r *remote) (list []httpapi.Notice, err error) {
			return list, r.call(ctx, "GET", "/api/v1/notices?"+url.Values{"limit": {strconv.Itoa(l.Limit)}}.Encode(), nil, &list)
		},
		func(n *notices) ([]httpapi.Notice, error) { return n.List(ctx, l.Limit) })
	if err != nil {
		return err
	}
	if len(all) == 0 && !l.JSON {
		_, err := fmt.Fprintln(c.err, "no messages")
		return err
	}
	return list(c, l.JSON, all, "NOTICE\tAT\tHOUSEHOLD\tCHANNEL\tSTATE\tTRIES\tEPISODES\tERROR", func(n httpapi.Notice) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s", n.ID, n.At.Format(time.RFC3339), n.Household, n.Channel, n.State, n.Tries, len(n.Episodes), printable(n.Error))
	})
}

type importContacts struct {
	where
	File string `arg:"" help:"The CSV file."`
}

// Run imports contacts.
func (i importContacts) Run(ctx context.Context, c console) error {
	content, err := os.ReadFile(i.File)
	if err != nil {
		return usageError("reading the contacts: %w", err)
	}
	body := httpapi.ContactFile{Name: i.File, Content: string(content)}
	done, err := withNotices(ctx, c, i.where, makes,
		func(r *remote) (done httpapi.ContactImport, err error) {
			return done, r.call(ctx, "POST", "/api/v1/contacts/import", body, &done)
		},
		func(n *notices) (httpapi.ContactImport, error) { return n.ImportContacts(ctx, body) })
	if err != nil {
		return err
	}
	if i.JSON {
		return json.NewEncoder(c.out).Encode(done)
	}
	for _, w := range done.Warnings {
		_, _ = fmt.Fprintln(c.err, "warning:", w)
	}
	_, err = fmt.Fprintf(c.err, "%d contacts are kept, encrypted; the file is not needed any more: delete it\n", len(done.Contacts))
	return err
}

type listContacts struct{ where }

// Run lists contacts.
func (l listContacts) Run(ctx context.Context, c console) error {
	all, err := withNotices(ctx, c, l.where, expects,
		func(r *remote) ([]httpapi.Contact, error) {
			return everyPage[httpapi.Contact](ctx, r, "/api/v1/contacts")
		},
		func(n *notices) ([]httpapi.Contact, error) { return n.Contacts(ctx) })
	if err != nil {
		return err
	}
	return list(c, l.JSON, all, "CONTACT\tHOUSEHOLD\tCHANNEL\tLANGUAGE\tQUIET\tDAILY\tREADABLE", func(k httpapi.Contact) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%d\t%t", k.ID, k.Household, k.Channel, k.Language, k.Quiet, k.Daily, !k.Unreadable)
	})
}

type removeContact struct {
	where
	ID string `arg:"" help:"The contact, as the list names it."`
}

// Run removes a contact.
func (v removeContact) Run(ctx context.Context, c console) error {
	_, err := withNotices(ctx, c, v.where, expects,
		func(r *remote) (none struct{}, err error) {
			return none, r.call(ctx, "DELETE", "/api/v1/contacts/"+url.PathEscape(v.ID), nil, nil)
		},
		func(n *notices) (none struct{}, err error) { return none, n.RemoveContact(ctx, v.ID) })
	if err == nil && !v.JSON {
		_, _ = fmt.Fprintln(c.err, "removed")
	}
	return err
}

// withNotices does something with the messages of a data folder.
func withNotices[T any](ctx context.Context, c console, w where, may maker, far func(*remote) (T, error), near func(*notices) (T, error)) (none T, err error) {
	cfg, err := w.open(c)
	if err != nil {
		return none, err
	}
	return withRecords(ctx, cfg, may, far, func(f *folder, store *records.Store) (none T, err error) {
		reg, err := registrarOf(cfg, store).load(ctx)
		if err != nil {
			return none, err
		}
		seal, err := f.contactsSeal(ctx, store)
		if err != nil {
			return none, err
		}
		n, err := newNotices(ctx, noticesOptions{
			config: cfg.Notify, store: noticeStore{store, seal, slog.New(slog.NewTextHandler(c.err, nil))}, registry: func() *registry.Registry { return reg },
			now: wallClock{}.Now, link: func(devices.HouseholdID) string { return cfg.Notify.Link },
			advice: func(devices.PlotID) rules.Advice { return rules.Advice{} },
		})
		if err != nil {
			return none, err
		}
		return near(n)
	})
}
