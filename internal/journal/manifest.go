package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
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
	if err := writeFile(dir, manifestFile, append(b, checksumLine(b)...)); err != nil {
		return fmt.Errorf("writing %s: %w", manifestFile, err)
	}
	return nil
}

func checksumLine(b []byte) string {
	return fmt.Sprintf("\n%08x\n", crc32.Checksum(b, castagnoli))
}

// writeFile writes a file whole or not at all, and returns when it is on disk.
func writeFile(dir, name string, content []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	return errors.Join(writeIn(root, name, content), root.Close())
}

func writeIn(root *os.Root, name string, content []byte) error {
	temporary := name + ".ganlin"
	f, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := root.Rename(temporary, name); err != nil {
		return err
	}
	return syncDir(root)
}

func syncDir(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
