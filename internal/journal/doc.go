// Package journal keeps every message on disk before it is acknowledged, and
// hands it on afterwards, in order, to as many readers as there are. It alone
// knows the bytes: InfluxDB line protocol, with all else in comments, so that a
// record can be read by a person and written to any InfluxDB as it is.
//
// The records lie in one JetStream stream of a NATS server that syncs each
// write. What the server does not notice by itself, lost and damaged records,
// is found by a sequence, a checksum and a chain of hashes of our own; it is
// reported with the first and the last sequence and never handed out.
package journal
