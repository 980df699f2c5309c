// Package seen tells which values the journal holds already. It is exact, and
// a pure function of the journal's order: the first value of a series at an
// instant wins, whatever was kept in memory, saved or replayed in between.
//
// What it knows of a device lies in parts: runs of up to 256 readings of one
// day, a few bytes each. Parts in use are in memory up to a budget; all are in
// a SQLite file, saved now and then together with the journal position that
// they cover. The file only spares a replay: it can be deleted at any time.
package seen
