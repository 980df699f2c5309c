//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package influxd

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// flock takes the lock on an open file without waiting. A child process does
// not inherit it, because Go opens files close-on-exec.
func flock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	if err != nil {
		return fmt.Errorf("locking %s: %w", f.Name(), err)
	}
	return nil
}
