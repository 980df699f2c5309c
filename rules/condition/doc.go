// Package condition is what a rule is made of: its definition, conditions over
// documented facts of which any may be unknown, and the life of its alerts. It
// reads no clock: time comes in with each step.
package condition
