package records

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"
)

// Migrations are numbered from 1 without a gap, for each database of its own,
// and never change once they were released. Both come to the same tables.
//
//go:embed migrations/*.sql migrations/postgres/*.sql
var migrations embed.FS

// migrate applies the migrations of a folder that the store does not have yet.
func migrate(ctx context.Context, db *sql.DB, folder string) error {
	names, err := fs.Glob(migrations, folder+"/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	for {
		version, err := migrateOnce(ctx, db, names)
		if err != nil || version == len(names) {
			return err
		}
	}
}

// migrateOnce applies one migration where one is missing, and returns the
// version then. It looks and applies in one transaction: two programs may
// open a new store at once.
func migrateOnce(ctx context.Context, db *sql.DB, names []string) (version int, err error) {
	err = within(ctx, db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY)`); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM migration`).Scan(&version); err != nil {
			return err
		}
		if version > len(names) {
			return fmt.Errorf("it has version %d and this program knows %d: use the newer program that wrote it", version, len(names))
		}
		if version == len(names) {
			return nil
		}
		name := names[version]
		version++
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("applying %s: %w", name, err)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO migration (version) VALUES ($1)`, version)
		return err
	})
	return version, err
}
