package httpapi

import (
	"context"
	"strings"
)

// Notices are the messages to farmers and who gets them. Addresses go in and never come out.
type Notices interface {
	Contacts(ctx context.Context) ([]Contact, error)
	// ImportContacts takes a CSV file, whole or not at all.
	ImportContacts(ctx context.Context, f ContactFile) (ContactImport, error)
	RemoveContact(ctx context.Context, id string) error
	// List returns the newest messages.
	List(ctx context.Context, limit int) ([]Notice, error)
	// Test sends a test message at once and says how that went.
	Test(ctx context.Context, t NoticeTest) (NoticeResult, error)
}

// ListContacts returns a page of who gets messages.
func (a *api) ListContacts(ctx context.Context, in ListContactsRequestObject) (ListContactsResponseObject, error) {
	all, err := a.Notices.Contacts(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(all, "contacts", in.Params.After, in.Params.Limit, func(c Contact) string {
		return strings.Join([]string{string(c.Household), c.Channel, c.ID}, "/")
	})
	return ListContacts200JSONResponse{Items: page, Next: next}, err
}

// ImportContacts takes a file of contacts.
func (a *api) ImportContacts(ctx context.Context, in ImportContactsRequestObject) (ImportContactsResponseObject, error) {
	done, err := a.Notices.ImportContacts(ctx, *in.Body)
	return ImportContacts200JSONResponse(done), err
}

// RemoveContact forgets a contact.
func (a *api) RemoveContact(ctx context.Context, in RemoveContactRequestObject) (RemoveContactResponseObject, error) {
	return RemoveContact204Response{}, a.Notices.RemoveContact(ctx, in.ID)
}

// ListNotices returns the newest messages.
func (a *api) ListNotices(ctx context.Context, in ListNoticesRequestObject) (ListNoticesResponseObject, error) {
	list, err := a.Notices.List(ctx, in.Params.Limit)
	return ListNotices200JSONResponse(list), err
}

// TestNotice sends a test message.
func (a *api) TestNotice(ctx context.Context, in TestNoticeRequestObject) (TestNoticeResponseObject, error) {
	result, err := a.Notices.Test(ctx, *in.Body)
	return TestNotice200JSONResponse(result), err
}
