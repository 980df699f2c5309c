package app

import (
	"context"
	"errors"

	"ganlin/devices"
	"ganlin/internal/auth"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
	"ganlin/internal/seal"
)

// notesKeyFile is the key of what people write about clues, in the data folder.
// Whoever holds it and the records store can read that; without it nobody can.
const notesKeyFile = "notes.key"

// openNotes makes ready what seals notes, and seals those of a version that
// left them open. That it cannot is no reason to leave the fields alone.
func (p *program) openNotes(ctx context.Context) {
	key, err := p.folder.key(notesKeyFile, seal.KeyBytes, func() (bool, error) { return p.records.HasSealedNotes(ctx) })
	if err == nil && key == nil {
		err = errors.New(notesKeyFile + " is lost; put it back from the backup")
	}
	if err != nil {
		p.log.Error("no note about a clue can be written or read", "error", err)
		return
	}
	p.notes = seal.New(key)
	switch n, err := p.records.SealNotes(ctx, p.notes.Close); {
	case err != nil:
		p.log.Error("notes of an earlier version still lie open in the records store", "error", err)
	case n > 0:
		p.log.Info("notes of an earlier version are sealed now", "notes", n)
	}
}

// notePlace is where an act says its note.
const notePlace = "#/note"

// sealNote seals what an act about a clue says. Without the key it is refused
// for good, not for now: what waits on a phone would hold up what comes behind it.
func (p *program) sealNote(n httpapi.NewClueAct) ([]byte, error) {
	switch {
	case n.Note == "":
		return nil, nil
	case p.notes == nil:
		return nil, httpapi.Invalid(notePlace, "notes cannot be kept now, because the key that they are sealed with is lost; send it without a note")
	}
	return p.notes.Close(n.ID, n.Note), nil
}

// clueAct is what a person did, as the API shows it: what they wrote is for
// those who act on clues, and for an operator.
func (p *program) clueAct(who auth.Access, a records.ClueAct) httpapi.ClueAct {
	out := httpapi.ClueAct{ID: a.ID, Stage: a.Act, Account: a.Account, At: a.At, Reason: a.Reason}
	if len(a.Sealed) == 0 || who.Role != auth.Operator && !auth.CluesAct.Allows(who.Role) {
		return out
	}
	err := seal.ErrKey
	if p.notes != nil {
		out.Note, err = p.notes.Open(a.ID, a.Sealed)
	}
	out.NoteUnreadable = err != nil
	return out
}

// noteReading writes down who is about to read a decision, where it is one about a household's clue.
func noteReading(ctx context.Context, store *records.Store, account string, d devices.Decision) error {
	if d.Kind != devices.ClueDecision {
		return nil
	}
	return store.NoteClueRead(ctx, records.Reading{Account: account, As: records.ReadAsDecision}, d.Texts["clue"])
}
