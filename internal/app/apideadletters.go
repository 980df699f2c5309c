package app

import (
	"context"
	"errors"
	"fmt"

	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

// deadLetters shows the records store's dead letters as the API does.
type deadLetters struct{ records *records.Store }

// Page returns letters older than the one named, newest first.
func (d deadLetters) Page(ctx context.Context, after string, limit int) ([]httpapi.DeadLetter, error) {
	letters, err := d.records.DeadLetters(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	page := make([]httpapi.DeadLetter, len(letters))
	for i, l := range letters {
		page[i] = letterOf(l)
	}
	return page, nil
}

// Letter returns one letter with its payload.
func (d deadLetters) Letter(ctx context.Context, id string) (httpapi.DeadLetter, error) {
	l, err := d.records.DeadLetter(ctx, id)
	if errors.Is(err, records.ErrNotFound) {
		err = fmt.Errorf("%w: there is no dead letter %q", httpapi.ErrNotFound, id)
	}
	return letterOf(l), err
}

func letterOf(l records.DeadLetter) httpapi.DeadLetter {
	return httpapi.DeadLetter{
		ID: l.ID, Received: l.Received, Device: l.Device, Topic: l.Topic, Reason: l.Reason, Detail: l.Detail,
		Codec: l.Codec, Part: l.Part, Length: l.Length, SHA256: l.SHA256, Payload: l.Payload,
	}
}
