package httpapi

import "context"

// DeadLetters are what could not be read or stored, with the reason.
type DeadLetters interface {
	// Page returns at most limit letters older than the one named, newest first; an empty name begins at the newest.
	Page(ctx context.Context, after string, limit int) ([]DeadLetter, error)
	Letter(ctx context.Context, id string) (DeadLetter, error)
}

// ListDeadLetters returns a page of letters.
func (a *api) ListDeadLetters(ctx context.Context, in ListDeadLettersRequestObject) (ListDeadLettersResponseObject, error) {
	page, err := a.DeadLetters.Page(ctx, in.Params.After, in.Params.Limit)
	return ListDeadLetters200JSONResponse(page), err
}

// GetDeadLetter returns one letter with its payload.
func (a *api) GetDeadLetter(ctx context.Context, in GetDeadLetterRequestObject) (GetDeadLetterResponseObject, error) {
	letter, err := a.DeadLetters.Letter(ctx, in.ID)
	return GetDeadLetter200JSONResponse(letter), err
}
