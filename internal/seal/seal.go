// Package seal encrypts what people wrote, so that a copy of the records store
// alone tells nothing of it.
package seal

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeyBytes is the length of a key.
const KeyBytes = chacha20poly1305.KeySize

// ErrKey says that a text cannot be read with this key.
var ErrKey = errors.New("it was sealed with another key: put that key back from the backup")

// A Seal encrypts texts, each bound to what it belongs to, so that none can be
// put in the place of another. The same text of the same thing is sealed alike
// each time: that it was sent again shows without reading it. Its nonce follows
// from both and the key, so no two texts ever share one.
type Seal struct {
	aead   cipher.AEAD
	nonces []byte // key
}

// New makes a seal of a key of KeyBytes.
func New(key []byte) *Seal {
	aead, _ := chacha20poly1305.NewX(derive(key, "texts")) // what is derived has the length that it wants
	return &Seal{aead, derive(key, "nonces")}
}

func derive(key []byte, use string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(use))
	return h.Sum(nil)
}

// Close encrypts a text that belongs to something.
func (s *Seal) Close(of, text string) []byte {
	nonce := derive(s.nonces, fmt.Sprintf("%d %s%s", len(of), of, text))[:s.aead.NonceSize()]
	return s.aead.Seal(nonce, nonce, []byte(text), []byte(of))
}

// Open decrypts a text, or returns ErrKey.
func (s *Seal) Open(of string, box []byte) (string, error) {
	n := s.aead.NonceSize()
	if len(box) < n {
		return "", ErrKey
	}
	text, err := s.aead.Open(nil, box[:n], box[n:], []byte(of))
	if err != nil {
		return "", ErrKey
	}
	return string(text), nil
}
