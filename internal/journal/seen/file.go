package seen

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// A file keeps the index. Each blob ends in a checksum: SQLite has none.
type file struct {
	path string
	db   *sql.DB
}

// fileFormat is raised whenever older files cannot be read; they are then made anew from the journal.
const fileFormat = 1

const schema = `
CREATE TABLE meta   (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE device (id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE part   (day INTEGER, device TEXT, kind INTEGER, id INTEGER, data BLOB NOT NULL,
	PRIMARY KEY (day, device, kind, id)) WITHOUT ROWID;`

// openFile opens the file or makes it. A file of another format is an error.
func openFile(ctx context.Context, path string) (file, error) {
	query := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(NORMAL)", "busy_timeout(10000)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return file{}, err
	}
	f := file{path: path, db: db}
	var format int
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&format)
	if err == nil && format == 0 {
		_, err = db.ExecContext(ctx, fmt.Sprintf("BEGIN; %s PRAGMA user_version = %d; COMMIT", schema, fileFormat))
		format = fileFormat
	}
	if err == nil && format != fileFormat {
		err = fmt.Errorf("the file has format %d, not %d", format, fileFormat)
	}
	if err != nil {
		return f, errors.Join(err, db.Close())
	}
	return f, nil
}

// removeFile deletes the file. The index is made anew from the journal.
func removeFile(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (f *file) device(ctx context.Context, d *device) (bool, error) {
	var data []byte
	err := f.db.QueryRowContext(ctx, "SELECT data FROM device WHERE id = ?", string(d.id)).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		data, err = unseal(data)
	}
	if err != nil {
		return false, fmt.Errorf("reading what is known of device %s: %w", d.id, err)
	}
	r := reader{buf: data}
	d.last, d.seq = r.varint(), r.varint()
	return true, nil
}

func encodeDevice(last, seq int64) []byte {
	return binary.AppendVarint(binary.AppendVarint(nil, last), seq)
}

// newest returns the part that the device's newest reading is in, or nil.
func (f *file) newest(ctx context.Context, d *device) (*part, error) {
	parts, err := f.query(ctx, "SELECT id, data FROM part WHERE day = ? AND device = ? AND kind = ? ORDER BY id DESC LIMIT 1", d, byTime, dayOf(d.last))
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	return parts[0], nil
}

// day returns all parts of a device's day.
func (f *file) day(ctx context.Context, d *device, k kind, day int64) ([]*part, error) {
	return f.query(ctx, "SELECT id, data FROM part WHERE day = ? AND device = ? AND kind = ? ORDER BY id", d, k, day)
}

func (f *file) query(ctx context.Context, query string, d *device, k kind, day int64) (parts []*part, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("reading the seen readings of device %s: %w", d.id, err)
		}
	}()
	rows, err := f.db.QueryContext(ctx, query, day, string(d.id), k)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		p := &part{kind: k, day: day}
		var data []byte
		if err := rows.Scan(&p.id, &data); err != nil {
			return nil, err
		}
		if data, err = unseal(data); err != nil {
			return nil, err
		}
		if err := p.decode(data); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, rows.Err()
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func seal(data []byte) []byte {
	return binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
}

func unseal(data []byte) ([]byte, error) {
	n := len(data) - 4
	if n < 0 || binary.LittleEndian.Uint32(data[n:]) != crc32.Checksum(data[:n], castagnoli) {
		return nil, errBadPart
	}
	return data[:n:n], nil
}
