// Package risk turns the projected losses of a household's plots into a clue:
// a reason to visit, with a level, a range and its evidence. A clue is never a
// verdict. It knows nothing of what the household lives on, owns or owes; a
// person goes there, and verifies or dismisses it.
//
// Households are opaque ids here, and a clue says nothing that is personal.
package risk
