package records

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
)

// A LetterRoom is how much of the dead letters may be kept. No bound lets a
// sender push out what others sent: room is made by whoever has the most.
type LetterRoom struct {
	Each    int   // letters of a device and a reason; the newest stay
	Unknown int   // letters of all devices that the registry does not know: of them there are as many as anybody makes up
	Bytes   int64 // of all payloads
}

// trimOnce bounds what is dropped or emptied in one transaction, so that others
// do not wait long for theirs.
const trimOnce = 2000

// unknownDevice is the reason of letters of devices that the registry does not know.
const unknownDevice = "unknown_device"

// The letters that have to go. Each has a place behind the newer ones of its
// sender; whose place is the highest goes first.
const (
	tooManyOfOne = `SELECT number FROM (
			SELECT number, ROW_NUMBER() OVER (PARTITION BY device, reason ORDER BY number DESC) AS place FROM dead_letter
		) AS placed WHERE place > $1 ORDER BY place DESC, number LIMIT $2`
	tooManyUnknown = `SELECT number FROM (
			SELECT number, ROW_NUMBER() OVER (PARTITION BY device ORDER BY number DESC) AS place FROM dead_letter WHERE reason = $1
		) AS placed ORDER BY place DESC, number LIMIT $2`
	mostBytes = `SELECT number FROM (
			SELECT number, LENGTH(payload) AS bytes, SUM(LENGTH(payload)) OVER (PARTITION BY device ORDER BY number DESC) AS place FROM dead_letter
		) AS placed WHERE bytes > 0 ORDER BY place DESC, number LIMIT $1`
)

// TrimDeadLetters makes room: it drops the oldest letters of whoever has too
// many, and takes the payloads, for which length and checksum then stand, of
// whoever has the most. It returns how many of both.
func (s *Store) TrimDeadLetters(ctx context.Context, room LetterRoom) (dropped, emptied int64, err error) {
	for again := true; again && err == nil; {
		var letters, payloads int
		err = s.within(ctx, func(tx *sql.Tx) error {
			var err error
			if letters, err = dropLetters(ctx, tx, room); err == nil {
				payloads, err = emptyLetters(ctx, tx, room.Bytes)
			}
			return err
		})
		if err == nil {
			dropped += int64(letters)
			emptied += int64(payloads)
		}
		again = letters > 0 || payloads == trimOnce
	}
	if err != nil {
		return dropped, emptied, fmt.Errorf("making room among the dead letters: %w", err)
	}
	return dropped, emptied, nil
}

func numbers(ctx context.Context, tx *sql.Tx, query string, args ...any) (all []int64, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, rows.Err()
}

func dropLetters(ctx context.Context, tx *sql.Tx, room LetterRoom) (int, error) {
	gone, err := numbers(ctx, tx, tooManyOfOne, room.Each, trimOnce)
	if err != nil {
		return 0, err
	}
	var unknown int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM dead_letter WHERE reason = $1`, unknownDevice).Scan(&unknown); err != nil {
		return 0, err
	}
	if len(gone) == 0 && unknown > room.Unknown {
		if gone, err = numbers(ctx, tx, tooManyUnknown, unknownDevice, min(unknown-room.Unknown, trimOnce)); err != nil {
			return 0, err
		}
	}
	for _, number := range gone {
		var reason string
		var bytes int64
		err := tx.QueryRowContext(ctx, `DELETE FROM dead_letter WHERE number = $1 RETURNING reason, LENGTH(payload)`, number).Scan(&reason, &bytes)
		if err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE dead_letter_count SET dropped = dropped + 1, bytes = bytes - $1 WHERE reason = $2`, bytes, reason); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

// emptyLetters takes payloads when they are too many bytes, and then some more
// than needed, so that it is not done for every letter that comes.
func emptyLetters(ctx context.Context, tx *sql.Tx, limit int64) (n int, err error) {
	var held int64
	if err := tx.QueryRowContext(ctx, `SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM dead_letter_count`).Scan(&held); err != nil || held <= limit {
		return 0, err
	}
	most, err := numbers(ctx, tx, mostBytes, trimOnce)
	if err != nil {
		return 0, err
	}
	for ; n < len(most) && held > limit-limit/32; n++ {
		bytes, err := emptyLetter(ctx, tx, most[n])
		if err != nil {
			return 0, err
		}
		held -= bytes
	}
	return n, nil
}

// emptyLetter puts a checksum in the place of a payload, and returns how many bytes it had.
func emptyLetter(ctx context.Context, tx *sql.Tx, number int64) (int64, error) {
	var reason, checksum string
	var payload []byte
	if err := tx.QueryRowContext(ctx, `SELECT reason, sha256, payload FROM dead_letter WHERE number = $1`, number).Scan(&reason, &checksum, &payload); err != nil {
		return 0, err
	}
	if checksum == "" {
		sum := sha256.Sum256(payload)
		checksum = hex.EncodeToString(sum[:])
	}
	if _, err := tx.ExecContext(ctx, `UPDATE dead_letter SET payload = $1, sha256 = $2 WHERE number = $3`, []byte{}, checksum, number); err != nil {
		return 0, err
	}
	bytes := int64(len(payload))
	_, err := tx.ExecContext(ctx, `UPDATE dead_letter_count SET emptied = emptied + 1, bytes = bytes - $1 WHERE reason = $2`, bytes, reason)
	return bytes, err
}
