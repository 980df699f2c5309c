package influxd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// errLocked says that another process holds a lock.
var errLocked = errors.New("locked by another process")

// A fileLock is held until release, or until the process ends in whatever way.
type fileLock struct{ file *os.File }

// lockNow takes the lock at path or answers errLocked.
func lockNow(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	if err := flock(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return &fileLock{file: f}, nil
}

// lockWaiting takes the lock at path, telling once when it has to wait.
func lockWaiting(ctx context.Context, path string, waiting func()) (*fileLock, error) {
	for first := true; ; first = false {
		lock, err := lockNow(path)
		if !errors.Is(err, errLocked) {
			return lock, err
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the lock %s: %w", path, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// release gives the lock back. The file stays: removing it would let two
// processes hold locks on two files of one name.
func (l *fileLock) release() { _ = l.file.Close() }
