package journal

import "ganlin/ingest"

// A piece is what of a message goes into one record: nearly always all of it.
type piece struct {
	*ingest.Decoded
	rest bool // the message was counted with the piece before
}

// pieces cuts messages that may not fit into one record between their readings.
// The values of each piece count with it, so that a crash between two records
// leaves no value that is counted and in no record: the message comes again,
// and what is there already is a duplicate.
func pieces(batch []ingest.Decoded, room int) []piece {
	all := make([]piece, 0, len(batch))
	for i := range batch {
		d := &batch[i]
		if estimate(d) <= room {
			all = append(all, piece{Decoded: d})
			continue
		}
		first := *d
		first.Readings = nil
		all = append(all, piece{Decoded: &first})
		for rest := d.Readings; len(rest) > 0; {
			p := all[len(all)-1]
			n := fitting(rest, room-estimate(p.Decoded))
			if p.rest {
				n = max(1, n)
			}
			p.Readings, rest = rest[:n], rest[n:]
			p.Values -= valuesOf(rest)
			if len(rest) > 0 {
				all = append(all, piece{&ingest.Decoded{
					Device: d.Device, Location: d.Location, Received: d.Received, Topic: d.Topic, Payload: d.Payload, Codec: d.Codec,
					Values: valuesOf(rest),
				}, true})
			}
		}
	}
	return all
}

// fitting returns how many of the readings fit into the room.
func fitting(readings []ingest.Reading, room int) (n int) {
	for ; n < len(readings); n++ {
		if room -= readingSize(&readings[n]); room < 0 {
			break
		}
	}
	return n
}

func valuesOf(readings []ingest.Reading) (n int) {
	for i := range readings {
		n += len(readings[i].Values)
	}
	return n
}

// estimate returns at least the bytes that the message takes.
func estimate(d *ingest.Decoded) int {
	n := 512 // presence, report
	for _, dead := range d.Dead {
		n += 512 + 6*(len(dead.Detail)+len(dead.Topic)) + len(dead.Payload)*4/3
	}
	for i := range d.Readings {
		n += readingSize(&d.Readings[i])
	}
	return n
}

// readingSize returns at least the bytes that the reading takes. Of equal keys
// only one becomes a line, and no device has more different ones than that.
func readingSize(r *ingest.Reading) int {
	return 128 + min(len(r.Values), ingest.MaxSeries)*maxLine
}

// maxLine is the size of a line with one value and its flags, and ids as long as they may be.
const maxLine = 420
