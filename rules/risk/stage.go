package risk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Stage is how far people have come with a clue. What the rules say of it
// goes on beside: they raise clues, and only people end them.
type Stage string

// The stages, in their order; the last two are ends.
const (
	Waiting    Stage = "open" // nobody has done anything yet
	Dispatched Stage = "dispatched"
	Visited    Stage = "visited"
	Verified   Stage = "verified"  // the household needs help, says who was there
	Dismissed  Stage = "dismissed" // it does not
)

// Why a person verified or dismissed a clue. A code says enough to count by and
// nothing personal.
const (
	CropsDamaged   = "crops_damaged"
	NoWater        = "no_water"
	CropsFine      = "crops_fine"
	AlreadyWatered = "already_watered"
	NotFarmed      = "not_farmed"
	WrongData      = "wrong_data"
	OtherReason    = "other"
)

// Reasons returns the codes of which an act has to name one; none: it needs no reason.
func (s Stage) Reasons() []string {
	switch s {
	case Verified:
		return []string{CropsDamaged, NoWater, OtherReason}
	case Dismissed:
		return []string{CropsFine, AlreadyWatered, NotFarmed, WrongData, OtherReason}
	case Waiting, Dispatched, Visited:
	}
	return nil
}

// Next returns the stages that a person may bring a clue to. One that the rules
// have withdrawn needs no first visit; one that is under way goes on to its end.
func (s Stage) Next(withdrawn bool) []Stage {
	switch s {
	case Waiting:
		if withdrawn {
			return nil
		}
		return []Stage{Dispatched}
	case Dispatched:
		return []Stage{Visited}
	case Visited:
		return []Stage{Verified, Dismissed}
	case Verified, Dismissed:
	}
	return nil
}

var (
	// ErrOrder says that a clue is not where an act would begin.
	ErrOrder = errors.New("the clue is at another stage")
	// ErrReason says that an act names no reason, or one that is not its own.
	ErrReason = errors.New("the reason is missing or unknown")
)

// Check reports why a person may not bring a clue of this stage to another one.
func (s Stage) Check(to Stage, reason string, withdrawn bool) error {
	if own := to.Reasons(); own == nil && reason != "" || own != nil && !slices.Contains(own, reason) {
		if own == nil {
			return fmt.Errorf("%w: %s takes none", ErrReason, to)
		}
		return fmt.Errorf("%w: give one of %s", ErrReason, strings.Join(own, ", "))
	}
	if next := s.Next(withdrawn); !slices.Contains(next, to) {
		switch {
		case len(next) > 0:
			return fmt.Errorf("%w: it is %s and can become %s", ErrOrder, s, next)
		case withdrawn && s == Waiting:
			return fmt.Errorf("%w: the rules have withdrawn it, so nobody needs to go", ErrOrder)
		}
		return fmt.Errorf("%w: it is %s, and that is never changed", ErrOrder, s)
	}
	return nil
}
