package seen_test

import (
	"os"

	"pgregory.net/rapid"
)

func tempDir(t *rapid.T) (string, func()) {
	dir, err := os.MkdirTemp("", "seen")
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
