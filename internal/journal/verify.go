package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"ganlin/internal/file"
)

// Verify reads all blocks of the store once, no faster than a rate, and reports
// what is damaged as Losses; damaged blocks are copied to a folder beside the
// manifest. The server need not have noticed: it looks at a block only when
// somebody reads it.
func (j *Journal) Verify(ctx context.Context, storeDir string, bytesPerSecond int64) error {
	root, blocks, err := openBlocks(storeDir)
	if err != nil || root == nil {
		return err
	}
	defer root.Close()
	until := j.State().End.Sequence // later frames may be half written
	c := chain{}
	folder := ""
	for _, block := range blocks {
		start := time.Now()
		b, err := root.ReadFile(blockFile(block))
		if errors.Is(err, fs.ErrNotExist) { // purged meanwhile
			continue
		}
		if err != nil {
			return fmt.Errorf("verifying the journal: %w", err)
		}
		h, err := frameHash(StreamName, block)
		if err != nil {
			return err
		}
		s := scanBlock(b, Subject, h, func(r *Record) {
			if r.sequence > until {
				return
			}
			if c.last.Sequence == 0 {
				j.startAt(r)
			}
			if loss, ok := c.next(r); !ok {
				j.lose(loss)
			}
		})
		if len(s.bad) > 0 && (s.bad[0].to < len(b) || c.last.Sequence < until) {
			j.log.Error("the journal is damaged on disk", "block", block, "from_byte", s.bad[0].from)
			if folder == "" {
				if folder, err = damagedFolder(j.options.Dir, j.log); err != nil {
					return err
				}
			}
			if err := file.Replace(filepath.Join(folder, blockFile(block)), b); err != nil {
				return fmt.Errorf("keeping a damaged block of the journal: %w", err)
			}
		}
		pause := time.Duration(int64(len(b))*int64(time.Second)/bytesPerSecond) - time.Since(start)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if c.last.Sequence < until {
		j.lose(Loss{First: c.last.Sequence + 1, Last: until, Values: unknownValues, Reason: Missing})
	}
	return nil
}
