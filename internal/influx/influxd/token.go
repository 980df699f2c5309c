package influxd

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ganlin/internal/file"
)

// user is the only account of the child's database, an administrator.
const user = "ganlin"

// readToken returns user:password from the folder. At the first start it makes
// a password of 32 random bytes and has it on disk before anyone uses it.
func readToken(dir string) (string, error) {
	path := filepath.Join(dir, "token")
	raw, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(raw)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the password of influxd: %w", err)
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	token := user + ":" + hex.EncodeToString(secret)
	if err := file.Replace(path, []byte(token+"\n")); err != nil {
		return "", fmt.Errorf("keeping the password of influxd: %w", err)
	}
	return token, nil
}
