package notify

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"ganlin/devices"
)

// KeyBytes is the length of the key of the contacts.
const KeyBytes = chacha20poly1305.KeySize

// ErrSealed says that an address cannot be read with this key.
var ErrSealed = errors.New("the address was sealed with another key: put the contacts' key back from the backup, or import the contacts again")

// A Seal encrypts addresses for the records store, bound to their contact, so
// that none can be put in the place of another.
type Seal struct {
	aead cipher.AEAD
	id   []byte // key of the ids of contacts
}

// NewSeal makes a seal of a key of KeyBytes.
func NewSeal(key []byte) (*Seal, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("making the seal of contacts: %w", err)
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte("contact ids"))
	return &Seal{aead, h.Sum(nil)}, nil
}

// ID names a contact: the same address of the same household always gets the
// same name, which tells nothing to who does not hold the key.
func (s *Seal) ID(household devices.HouseholdID, channel ChannelName, to Address) string {
	h := hmac.New(sha256.New, s.id)
	h.Write([]byte(strings.Join([]string{string(household), string(channel), to.place}, "\x00")))
	return "c-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// sealed is what an address is before it is encrypted.
type sealed struct {
	Place  string `json:"place"`
	Secret string `json:"secret,omitempty"`
}

// Close encrypts the address of a contact.
func (s *Seal) Close(contact string, to Address) ([]byte, error) {
	text, err := json.Marshal(sealed{to.place, to.secret}) //nolint:gosec // to be encrypted
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(text)+s.aead.Overhead())
	_, _ = rand.Read(nonce)
	return s.aead.Seal(nonce, nonce, text, []byte(contact)), nil
}

// Open decrypts the address of a contact, or returns ErrSealed.
func (s *Seal) Open(contact string, box []byte) (Address, error) {
	n := s.aead.NonceSize()
	if len(box) < n {
		return Address{}, ErrSealed
	}
	text, err := s.aead.Open(nil, box[:n], box[n:], []byte(contact))
	if err != nil {
		return Address{}, ErrSealed
	}
	var v sealed
	if err := json.Unmarshal(text, &v); err != nil {
		return Address{}, ErrSealed
	}
	return NewAddress(v.Place, v.Secret), nil
}
