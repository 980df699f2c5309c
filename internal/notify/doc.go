// Package notify tells farmers what their plots need: one message when an
// episode of an alert begins and one when it is over, grouped, few a day, and
// not at night unless it is urgent.
//
// A Book plans what one contact is told and knows nothing of clocks, words and
// channels. The Outbox reads the alerts that were decided, keeps books and
// notices in one transaction with its cursor, and hands each notice to its
// Channel under an id that is the same on every try. What is sent is an
// internal notice: only a meteorological office publishes weather warnings.
package notify
