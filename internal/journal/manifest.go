package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"ganlin/internal/file"
)

// A manifest is what the journal remembers outside the store, so that a store
// that lost its end can be told from a whole one. It is written now and then,
// and when the journal is closed.
type manifest struct {
	First    uint64   `json:"first"` // the sequence below which all may be purged
	End      string   `json:"end"`   // a Position
	Counters Counters `json:"counters"`
	Clean    bool     `json:"clean"` // the journal was closed, and nothing was written after
	Losses   []Loss   `json:"losses,omitempty"`
	Gone     uint64   `json:"gone,omitempty"` // records of losses that were acknowledged and purged
}

const manifestFile = "manifest.json"

// readManifest returns the zero manifest when there is none. The second line of
// the file is the checksum of the first.
func readManifest(dir string) (m manifest, err error) {
	b, err := os.ReadFile(filepath.Join(filepath.Clean(dir), manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return manifest{}, nil
	}
	if err != nil {
		return m, err
	}
	const tail = 10 // newline, 8 digits, newline
	if len(b) < tail {
		return m, fmt.Errorf("reading %s: it ends early", manifestFile)
	}
	content, sum := b[:len(b)-tail], b[len(b)-tail:]
	if want := checksumLine(content); string(sum) != want {
		return m, fmt.Errorf("reading %s: its checksum is %q, not %q", manifestFile, sum, want)
	}
	if err := json.Unmarshal(content, &m); err != nil {
		return m, fmt.Errorf("reading %s: %w", manifestFile, err)
	}
	return m, nil
}

func writeManifest(dir string, m manifest) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := file.Replace(filepath.Join(dir, manifestFile), append(b, checksumLine(b)...)); err != nil {
		return fmt.Errorf("writing %s: %w", manifestFile, err)
	}
	return nil
}

func checksumLine(b []byte) string {
	return fmt.Sprintf("\n%08x\n", crc32.Checksum(b, castagnoli))
}
