package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ganlin/internal/config"
	"ganlin/internal/file"
	"ganlin/internal/records"
)

const (
	recordsFile = "ganlin.db"        // the records in SQLite, in the data folder
	recordsMark = "records.postgres" // says that they are in PostgreSQL, and where
)

// recordsPlace is where a configuration has the records: the journal and the
// keys that belong to them are in the data folder either way.
func recordsPlace(cfg *config.Config) string {
	if cfg.Records.URL.IsZero() {
		return filepath.Join(cfg.Data, recordsFile)
	}
	return cfg.Records.URL.Reveal()
}

// openRecords opens the records that belong to a data folder, which is held.
func openRecords(ctx context.Context, cfg *config.Config) (*records.Store, error) {
	if _, err := keepsRecords(cfg); err != nil {
		return nil, err
	}
	where := recordsPlace(cfg)
	s, err := records.Open(ctx, where)
	if err == nil && records.IsPostgres(where) {
		if err = file.Replace(filepath.Join(cfg.Data, recordsMark), []byte(records.Name(where)+"\n")); err != nil {
			err = errors.Join(fmt.Errorf("noting where the records are: %w", err), s.Close())
		}
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// keepsRecords reports whether there are records of a data folder where the
// configuration has them. That they are elsewhere is an error: with others the
// journal would be read from its beginning, and everything decided anew.
func keepsRecords(cfg *config.Config) (bool, error) {
	name, other := recordsFile, recordsMark
	if records.IsPostgres(recordsPlace(cfg)) {
		name, other = other, name
	}
	elsewhere, err := exists(filepath.Join(cfg.Data, other))
	switch {
	case err != nil:
		return false, err
	case elsewhere && other == recordsMark:
		return false, usageError("the records of %s are in PostgreSQL, in the database that its %s names; give the configuration with the records.url of it by --config", cfg.Data, recordsMark)
	case elsewhere:
		return false, usageError("%s holds %s, records in SQLite, and nothing takes them to PostgreSQL; leave records.url out, or begin with another data folder", cfg.Data, recordsFile)
	}
	return exists(filepath.Join(cfg.Data, name))
}

func exists(name string) (bool, error) {
	_, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at the data folder: %w", err)
	}
	return true, nil
}

// haveRecords says of a folder that it is none of Ganlin's.
func haveRecords(cfg *config.Config) error {
	has, err := keepsRecords(cfg)
	if err == nil && !has {
		name := recordsFile
		if records.IsPostgres(recordsPlace(cfg)) {
			name = recordsMark
		}
		err = usageError("%s is no data folder: it holds no %s; look at --data, or at data: in the configuration (ganlin serve, demo and devices import make one)", cfg.Data, name)
	}
	return err
}
