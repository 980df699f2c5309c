package seen_test

import (
	"os"

	"pgregory.net/rapid"
)

// tempDir makes a folder, in memory where that is possible: no test here is about the disk.
func tempDir(t *rapid.T) (string, func()) {
	dir, err := os.MkdirTemp("/dev/shm", "seen")
	if err != nil {
		dir, err = os.MkdirTemp("", "seen")
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, func() { os.RemoveAll(dir) }
}

func (s *subject) close() {
	if err := s.index.Close(); err != nil {
		s.t.Fatal(err)
	}
}
