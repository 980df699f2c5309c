package records

import (
	"context"
	"database/sql"
	"fmt"
	"time"
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
