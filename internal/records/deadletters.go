package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"ganlin/devices"
)

// A DeadLetter is what could not be read or stored. Its id is given by whoever
// keeps it, the same whenever the same thing is kept again.
type DeadLetter struct {
	ID       string
	Received time.Time // UTC
	Device   devices.DeviceID
	Topic    string
	Reason   string
	Detail   string
	Codec    string
	Part     bool // only a part of a message
	Length   int  // of the whole, bytes
	SHA256   string
	Payload  []byte // or its beginning, and then SHA256 is of all of it; left out of pages
}

const letterColumns = `id, received_at, device, topic, reason, detail, codec, part, length, sha256`

func insertDeadLetters(ctx context.Context, tx *sql.Tx, letters []DeadLetter) error {
	if len(letters) == 0 {
		return nil
	}
	var number int64
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) FROM dead_letter`).Scan(&number); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO dead_letter (number, `+letterColumns+`, payload)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING`)
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }()
	type sum struct{ letters, bytes int64 }
	fresh := map[string]sum{}
	for _, l := range letters {
		if l.ID == "" {
			return errors.New("a dead letter has no id")
		}
		payload := l.Payload
		if payload == nil {
			payload = []byte{} // nil would be NULL
		}
		part := 0
		if l.Part {
			part = 1
		}
		res, err := insert.ExecContext(ctx, number+1, l.ID, l.Received.UnixMilli(), string(l.Device), l.Topic, l.Reason, l.Detail, l.Codec, part, l.Length, l.SHA256, payload)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		number += n
		fresh[l.Reason] = sum{fresh[l.Reason].letters + n, fresh[l.Reason].bytes + n*int64(len(payload))}
	}
	for reason, n := range fresh {
		_, err := tx.ExecContext(ctx, `INSERT INTO dead_letter_count (reason, number, bytes) VALUES ($1, $2, $3)
			ON CONFLICT (reason) DO UPDATE SET number = dead_letter_count.number + excluded.number, bytes = dead_letter_count.bytes + excluded.bytes`,
			reason, n.letters, n.bytes)
		if err != nil {
			return err
		}
	}
	return nil
}

// DeadLetters returns at most limit letters that were kept before the one
// named, newest first and without payloads; an empty name begins at the newest.
func (s *Store) DeadLetters(ctx context.Context, before string, limit int) ([]DeadLetter, error) {
	letters := []DeadLetter{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var l DeadLetter
		err := scanLetter(rows, &l)
		letters = append(letters, l)
		return err
	}, `SELECT `+letterColumns+` FROM dead_letter
		WHERE $1 = '' OR number < (SELECT number FROM dead_letter WHERE id = $1) ORDER BY number DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("reading dead letters: %w", err)
	}
	return letters, nil
}

// DeadLetter returns one letter with its payload, or ErrNotFound.
func (s *Store) DeadLetter(ctx context.Context, id string) (l DeadLetter, err error) {
	row := s.reader.QueryRowContext(ctx, `SELECT `+letterColumns+`, payload FROM dead_letter WHERE id = $1`, id)
	err = scanLetter(row, &l, &l.Payload)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return l, fmt.Errorf("reading dead letter %q: %w", id, explain(err))
	}
	return l, nil
}

// A LetterCount counts the dead letters of one reason.
type LetterCount struct {
	Came    int64 // ever
	Dropped int64 // of them, to make room
	Emptied int64 // payloads taken, to make room
	Bytes   int64 // of the payloads that are there
}

// DeadLetterCounts counts the dead letters by reason.
func (s *Store) DeadLetterCounts(ctx context.Context) (map[string]LetterCount, error) {
	counts := map[string]LetterCount{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var reason string
		var n LetterCount
		err := rows.Scan(&reason, &n.Came, &n.Dropped, &n.Emptied, &n.Bytes)
		counts[reason] = n
		return err
	}, `SELECT reason, number, dropped, emptied, bytes FROM dead_letter_count`)
	if err != nil {
		return nil, fmt.Errorf("counting dead letters: %w", err)
	}
	return counts, nil
}

func scanLetter(row interface{ Scan(...any) error }, l *DeadLetter, more ...any) error {
	var received int64
	var device string
	if err := row.Scan(append([]any{&l.ID, &received, &device, &l.Topic, &l.Reason, &l.Detail, &l.Codec, &l.Part, &l.Length, &l.SHA256}, more...)...); err != nil {
		return err
	}
	l.Received, l.Device = time.UnixMilli(received).UTC(), devices.DeviceID(device)
	return nil
}
