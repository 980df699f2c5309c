package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"github.com/minio/highwayhash"
)

// The block files of nats-server hold one frame a record:
//
//	length(4) sequence(8) time(8) subject length(2) subject [header length(4) header] record hash(8)
//
// The high bit of the length tells of a header, the two of the sequence that
// the frame only marks a deletion. The hash covers all but the lengths. When
// the server meets a frame that is not right it cuts the file off there, so we
// look before it does. (nats-server v2.15, server/filestore.go.)

const (
	frameHead     = 22
	frameTail     = highwayhash.Size64
	frameMax      = 32 << 20
	frameHasHead  = 1 << 31
	frameDeletion = 3 << 62
)

var (
	errTornFrame = errors.New("the frame ends before its time")
	errBadFrame  = errors.New("the frame is damaged")
)

// frameHash returns the hash of the frames of one block.
func frameHash(stream string, block int) (hash.Hash64, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, block))
	return highwayhash.New64(key[:])
}

// parseFrame reads the frame at the start of b: its record, nil when it marks a
// deletion, and its size.
func parseFrame(b []byte, h hash.Hash64) (record []byte, size int, err error) {
	if len(b) < frameHead {
		return nil, 0, errTornFrame
	}
	length := binary.LittleEndian.Uint32(b)
	hasHead := length&frameHasHead != 0
	length &^= frameHasHead
	subject := int(binary.LittleEndian.Uint16(b[20:]))
	if length > frameMax || int(length) < frameHead+subject+frameTail {
		return nil, 0, errBadFrame
	}
	size = int(length)
	if size > len(b) {
		return nil, 0, errTornFrame
	}
	content, want := b[frameHead:size-frameTail], b[size-frameTail:size]
	h.Reset()
	h.Write(b[4:20])
	h.Write(content[:subject])
	content = content[subject:]
	head := 0
	if hasHead {
		if len(content) < 4 {
			return nil, 0, errBadFrame
		}
		n := binary.LittleEndian.Uint32(content)
		content = content[4:]
		if n > uint32(len(content)) { //nolint:gosec // below frameMax
			return nil, 0, errBadFrame
		}
		head = int(n)
	}
	h.Write(content)
	if !bytes.Equal(h.Sum(nil), want) {
		return nil, 0, errBadFrame
	}
	if binary.LittleEndian.Uint64(b[4:])&frameDeletion != 0 {
		return nil, size, nil
	}
	return content[head:], size, nil
}

// A blockScan is what a walk over one block file found.
type blockScan struct {
	good    []byte   // the frames that are right, when some are not
	bad     []region // the rest
	torn    bool     // the only bad region is a frame at the end that was not written whole
	orphans []*Record
	frames  int
}

// A region is a piece of a block file.
type region struct{ from, to int }

// scanBlock walks the frames of a block and calls found with the record of each
// that is right. Of those that are not it looks for records that are right
// themselves, the orphans: the server does not have them any more.
func scanBlock(b []byte, subject string, h hash.Hash64, found func(*Record)) blockScan {
	var s blockScan
	for off := 0; off < len(b); {
		record, size, err := parseFrame(b[off:], h)
		if err == nil {
			if r, err := newRecord(record); err == nil { // else a deletion, or not ours
				found(r)
			}
			s.frames++
			off += size
			continue
		}
		end := nextFrame(b, off, subject, h)
		s.bad = append(s.bad, region{off, end})
		orphans := orphans(b[off:end])
		s.orphans = append(s.orphans, orphans...)
		s.torn = len(s.bad) == 1 && end == len(b) && len(orphans) == 0 && errors.Is(err, errTornFrame)
		off = end
	}
	if len(s.bad) > 0 {
		off := 0
		for _, r := range s.bad {
			s.good = append(s.good, b[off:r.from]...)
			off = r.to
		}
		s.good = append(s.good, b[off:]...)
	}
	return s
}

// nextFrame returns where the next right frame after off begins, or the end.
func nextFrame(b []byte, off int, subject string, h hash.Hash64) int {
	for at := off + 1 + frameHead; at < len(b); at++ {
		i := bytes.Index(b[at:], []byte(subject))
		if i < 0 {
			break
		}
		at += i
		if _, _, err := parseFrame(b[at-frameHead:], h); err == nil {
			return at - frameHead
		}
	}
	return len(b)
}

// orphans returns the whole records in a piece of a block.
func orphans(b []byte) (found []*Record) {
	for {
		i := bytes.Index(b, []byte(magic))
		if i < 0 {
			return found
		}
		b = b[i:]
		if r := recordAt(b); r != nil {
			found = append(found, r)
		}
		b = b[len(magic):]
	}
}

// recordAt returns the record at the start of b, or nil.
func recordAt(b []byte) *Record {
	const most = 4096 // of a header
	line := bytes.IndexByte(b[:min(most, len(b))], '\n')
	if line < magicLength {
		return nil
	}
	h, err := parseHeader(string(b[magicLength:line]))
	if size := line + 1 + h.bytes; err == nil && h.bytes >= 0 && size <= len(b) {
		if r, err := newRecord(b[:size]); err == nil {
			return r
		}
	}
	return nil
}
