// Package valve decides what may be asked of a valve and what is known of it.
//
// Every opening is a lease: it has an end of its own, which the valve keeps
// without us, and only the valve's own word confirms it. What is not known to be
// closed is treated as open, and the next thing done about it is a close.
//
// A Valve is pure. Time is event time: the caller hands over reports and meter
// readings in the order of their times and then calls Tick with the time up to
// which it has handed over everything. A report that only repeats what is known
// changes nothing, so reconnects and answers to questions leave no trace.
package valve
