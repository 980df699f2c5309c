package httpapi

import (
	"context"
	"errors"
	"net/http"
)

// Clues are reasons to look after households, within reach of who asks.
type Clues interface {
	// Clues returns clues by urgency, at most limit from a place in that order on, and whether there are more.
	Clues(ctx context.Context, state string, from, limit int) (page []Clue, more bool, err error)
	Clue(ctx context.Context, id string) (ClueDetail, error)
	// ActOnClue keeps what a person did. With an error that is a StaleError the clue has moved on.
	ActOnClue(ctx context.Context, id, act string, n NewClueAct) (Clue, error)
}

// A StaleError says that a clue is not as whoever acts on it saw it.
type StaleError struct {
	Clue   Clue // as it is
	Detail string
}

// Error returns what is wrong.
func (e StaleError) Error() string { return e.Detail }

// ListClues returns a page of the clues within reach.
func (a *api) ListClues(ctx context.Context, in ListCluesRequestObject) (ListCluesResponseObject, error) {
	state := string(in.Params.State)
	var from int
	if err := readCursor(in.Params.After, "clues", state, &from); err != nil {
		return nil, err
	}
	items, more, err := a.Clues.Clues(ctx, state, max(0, from), in.Params.Limit)
	if err != nil {
		return nil, err
	}
	page := CluePage{Items: items}
	if more {
		if page.Next, err = cursorOf("clues", state, from+len(items)); err != nil {
			return nil, err
		}
	}
	return ListClues200JSONResponse(page), nil
}

// GetClue returns a clue and what people did about it.
func (a *api) GetClue(ctx context.Context, in GetClueRequestObject) (GetClueResponseObject, error) {
	detail, err := a.Clues.Clue(ctx, in.ID)
	return GetClue200JSONResponse(detail), err
}

// staleType is the type of the problem that a StaleError is.
const staleType = "urn:ganlin:problem:clue-moved-on"

// ActOnClue keeps what a person did about a clue.
func (a *api) ActOnClue(ctx context.Context, in ActOnClueRequestObject) (ActOnClueResponseObject, error) {
	clue, err := a.Clues.ActOnClue(ctx, in.ID, in.Act, *in.Body)
	if stale, ok := errors.AsType[StaleError](err); ok {
		return ActOnClue409ApplicationProblemPlusJSONResponse{
			Type: staleType, Title: "the clue has moved on", Status: http.StatusConflict, Detail: stale.Detail, Clue: stale.Clue,
		}, nil
	}
	return ActOnClue200JSONResponse(clue), err
}
