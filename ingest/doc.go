// Package ingest turns what devices publish into checked readings and keeps
// the acknowledgement rule: a message is acknowledged only after the journal
// has it on disk. What cannot be read goes to the dead letters with its reason
// and is then acknowledged, so that a bad message never blocks a good one.
package ingest
