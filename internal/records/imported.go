package records

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ganlin/devices"
)

// An Imported is a registry file that was imported, whole as a person wrote it.
type Imported struct {
	Name    string
	Content string
}

// Import keeps a registry file; the same name takes the place of the earlier one.
func (s *Store) Import(ctx context.Context, f Imported, now time.Time) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO imported (name, content, imported_at) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET content = excluded.content, imported_at = excluded.imported_at`, f.Name, f.Content, now.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping the imported registry %s: %w", f.Name, err)
	}
	return nil
}

// Imported returns all imported registry files, the one imported last at the end.
func (s *Store) Imported(ctx context.Context) ([]Imported, error) {
	var files []Imported
	err := s.each(ctx, func(rows *sql.Rows) error {
		var f Imported
		err := rows.Scan(&f.Name, &f.Content)
		files = append(files, f)
		return err
	}, `SELECT name, content FROM imported ORDER BY imported_at, name`)
	if err != nil {
		return nil, fmt.Errorf("reading the imported registry: %w", err)
	}
	return files, nil
}

// Forget drops a registry file that was imported, and makes the secrets of the devices let nobody in.
func (s *Store) Forget(ctx context.Context, name string, ids []devices.DeviceID, now time.Time) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM imported WHERE name = $1`, name); err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, `UPDATE credential SET revoked_at = $1 WHERE device = $2 AND revoked_at IS NULL`, now.UnixMilli(), string(id)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forgetting the imported registry %s: %w", name, err)
	}
	return nil
}
