package seen

import (
	"container/list"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"ganlin/devices"
)

// horizonDays is how far back a reading may lie: 30 days by the contract, and the odd hours.
const horizonDays = 31

// Open opens the index in the file at path, which is made if need be, and
// returns the journal position that it covers, empty when it knows nothing. A
// file that cannot be read is made anew. budget is in bytes of memory.
func Open(ctx context.Context, path string, budget int, log *slog.Logger) (*Index, string, error) {
	x := &Index{budget: budget, log: log}
	f, err := openFile(ctx, path)
	if err != nil {
		log.Warn("index of duplicates is unreadable and made anew", "path", path, "error", err)
		if err := removeFile(path); err != nil {
			return nil, "", fmt.Errorf("removing the unreadable index of duplicates: %w", err)
		}
		if f, err = openFile(ctx, path); err != nil {
			return nil, "", fmt.Errorf("opening the index of duplicates: %w", err)
		}
	}
	x.file = f
	x.forget()
	position, err := x.meta(ctx)
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("opening the index of duplicates: %w", err), f.db.Close())
	}
	return x, position, nil
}

func (x *Index) forget() {
	x.devices, x.recent = map[devices.DeviceID]*device{}, list.New()
	x.unsaved, x.size, x.pressed, x.group = nil, 0, false, 1
	x.undo, x.undoParts = nil, nil
}

func (x *Index) meta(ctx context.Context) (position string, err error) {
	rows, err := x.file.db.QueryContext(ctx, "SELECT name, value FROM meta")
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return "", err
		}
		switch name {
		case "position":
			position = value
		case "next_part":
			if x.nextPart, err = strconv.ParseInt(value, 10, 64); err != nil {
				return "", err
			}
		}
	}
	return position, rows.Err()
}

// Reset forgets everything, in memory and in the file.
func (x *Index) Reset(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.forget()
	if err := errors.Join(x.file.db.Close(), removeFile(x.file.path)); err != nil {
		return fmt.Errorf("removing the index of duplicates: %w", err)
	}
	f, err := openFile(ctx, x.file.path)
	if err != nil {
		return fmt.Errorf("making the index of duplicates anew: %w", err)
	}
	x.file = f
	return nil
}

// Close closes the file without saving.
func (x *Index) Close() error { return x.file.db.Close() }

// A Snapshot is what changed since the one before, with the position that it covers.
type Snapshot struct {
	position string
	nextPart int64
	cut      int64 // days before it are dropped
	devices  []deviceRow
	parts    []partRow
}

type deviceRow struct {
	d         *device
	last, seq int64
}

type partRow struct {
	d    *device
	p    *part
	copy part
}

// Snapshot takes what has changed. It is quick; Save writes it. The caller
// takes it between groups, and the next one only after Save of this one.
func (x *Index) Snapshot(position string) *Snapshot {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := &Snapshot{position: position, nextPart: x.nextPart}
	// A clock that ran ahead for one reading must not drop a month.
	s.cut = dayOf(min(x.before, x.received)) - horizonDays
	x.before = x.received
	for _, d := range x.unsaved {
		d.listed = false
		if d.dirty {
			d.dirty, d.saving = false, true
			s.devices = append(s.devices, deviceRow{d, d.last, d.seq})
		}
		for _, p := range d.parts {
			if p.dirty {
				p.dirty, p.saving = false, true
				s.parts = append(s.parts, partRow{d, p, *p})
			}
		}
	}
	x.unsaved = nil
	return s
}

// Save writes a snapshot in one transaction. When it fails, its content is in the next one.
func (x *Index) Save(ctx context.Context, s *Snapshot) error {
	err := x.file.write(ctx, s)
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, row := range s.devices {
		row.d.saving = false
		if err != nil {
			row.d.dirty = true
			x.list(row.d)
		}
	}
	for _, row := range s.parts {
		row.p.saving = false
		if err != nil {
			row.p.dirty = true
			x.list(row.d)
		}
	}
	if len(x.undo) == 0 {
		x.evict()
	}
	if err != nil {
		return fmt.Errorf("saving the index of duplicates: %w", err)
	}
	return nil
}

func (x *Index) list(d *device) {
	if !d.listed {
		d.listed = true
		x.unsaved = append(x.unsaved, d)
	}
}

func (f *file) write(ctx context.Context, s *Snapshot) error {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // without effect after Commit
	if err := s.writeDevices(ctx, tx); err != nil {
		return err
	}
	if err := s.writeParts(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM part WHERE day < ?", s.cut); err != nil {
		return err
	}
	const put = "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
	for _, m := range [][2]string{{"position", s.position}, {"next_part", strconv.FormatInt(s.nextPart, 10)}} {
		if _, err := tx.ExecContext(ctx, put, m[0], m[1]); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *Snapshot) writeDevices(ctx context.Context, tx *sql.Tx) error {
	put, err := tx.PrepareContext(ctx, "INSERT INTO device VALUES (?, ?) ON CONFLICT DO UPDATE SET data = excluded.data")
	if err != nil {
		return err
	}
	defer put.Close()
	for _, row := range s.devices {
		if _, err := put.ExecContext(ctx, string(row.d.id), seal(encodeDevice(row.last, row.seq))); err != nil {
			return err
		}
	}
	return nil
}

func (s *Snapshot) writeParts(ctx context.Context, tx *sql.Tx) error {
	put, err := tx.PrepareContext(ctx, "INSERT INTO part VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data")
	if err != nil {
		return err
	}
	defer put.Close()
	for _, row := range s.parts {
		if _, err := put.ExecContext(ctx, row.copy.day, string(row.d.id), row.copy.kind, row.copy.id, seal(row.copy.encode())); err != nil {
			return err
		}
	}
	return nil
}
