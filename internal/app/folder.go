package app

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"ganlin/internal/file"
)

// A folder is the data folder: everything that outlives the program. One
// process at a time holds it.
type folder struct {
	path string
	lock *os.File
}

// errLocked says that another process holds the data folder.
var errLocked = errors.New("another ganlin process is using this data folder")

// openFolder creates the folder where it is missing and locks it.
func openFolder(path string) (*folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("creating the data folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the data folder: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s; stop it first, or choose another folder", errLocked, path)
		}
		return nil, fmt.Errorf("locking the data folder %s: %w", path, err)
	}
	return &folder{path: path, lock: lock}, nil
}

func (f *folder) close() error {
	err := os.Remove(f.file(runFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, f.lock.Close())
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// token returns the operator's bearer token, made at the first start.
func (f *folder) token() (string, error) {
	name := f.file("operator.token")
	b, err := os.ReadFile(name)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the operator's token: %w", err)
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	token := hex.EncodeToString(secret)
	if err := file.Replace(name, []byte(token+"\n")); err != nil {
		return "", fmt.Errorf("keeping the operator's token: %w", err)
	}
	return token, nil
}

// key reads a key of the data folder, or makes one where nothing was sealed
// with it yet. It returns nil when it is lost: a new one would read nothing.
func (f *folder) key(name string, length int, used func() (bool, error)) ([]byte, error) {
	name = f.file(name)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if is, err := used(); err != nil || is {
			return nil, err
		}
		fresh := make([]byte, length)
		_, _ = rand.Read(fresh)
		text = []byte(hex.EncodeToString(fresh) + "\n")
		if err := file.Replace(name, text); err != nil {
			return nil, fmt.Errorf("keeping the key %s: %w", name, err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != length {
		return nil, fmt.Errorf("%s is not the key that ganlin made: put it back from the backup", name)
	}
	return key, nil
}

// runFile tells other commands how to reach the running program.
const runFile = "running.json"

// A readiness is what --ready and running.json say of a running program.
type readiness struct {
	HTTP   string          `json:"http"`
	MQTT   string          `json:"mqtt,omitempty"`
	Influx influxReadiness `json:"influx"`
	Token  string          `json:"token"`

	Certificate string `json:"certificate,omitempty"` // the file of the certificate that the pages show
	PID         int    `json:"pid"`
}

type influxReadiness struct {
	URL    string `json:"url"`
	Org    string `json:"org"`
	Bucket string `json:"bucket"`
	Token  string `json:"token"`
}

// writeReadiness writes the file whole and for the owner's eyes only.
func writeReadiness(name string, r readiness) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return file.Replace(name, append(b, '\n'))
}
