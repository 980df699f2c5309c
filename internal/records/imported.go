package records

import (
	"context"
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
	_, err := s.db.ExecContext(ctx, `INSERT INTO imported (name, content, imported_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET content = excluded.content, imported_at = excluded.imported_at`, f.Name, f.Content, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("keeping the imported registry %s: %w", f.Name, err)
	}
	return nil
}

// Imported returns all imported registry files in the order of their first import.
func (s *Store) Imported(ctx context.Context) ([]Imported, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, content FROM imported ORDER BY imported_at, name`)
	if err != nil {
		return nil, fmt.Errorf("reading the imported registry: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var files []Imported
	for rows.Next() {
		var f Imported
		if err := rows.Scan(&f.Name, &f.Content); err != nil {
			return nil, fmt.Errorf("reading the imported registry: %w", err)
		}
		files = append(files, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the imported registry: %w", err)
	}
	return files, nil
}
