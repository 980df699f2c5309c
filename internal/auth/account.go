package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"ganlin/devices"
)

// An Account is a person or a program that may come in. It holds nothing personal: who stands behind it is known elsewhere.
type Account struct {
	ID        string
	Role      Role
	Sites     []devices.SiteID
	Places    []devices.PlaceCode
	Household devices.HouseholdID // of a farmer
	Receiver  string              // of a monitor
	Language  string              // zh, en or empty
	Created   time.Time
	Revoked   time.Time // zero: in force
}

// BuiltIn is the account of the operator's token in the data folder. It is in no store.
const BuiltIn = "operator"

// Validate reports what is wrong with an account: its reach must fit its role.
func (a Account) Validate() error {
	if err := devices.DeviceID(a.ID).Validate(); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	if !slices.Contains(Roles(), a.Role) {
		return fmt.Errorf("account %s: role %q is none of %v", a.ID, a.Role, Roles())
	}
	if a.Language != "" && a.Language != "zh" && a.Language != "en" {
		return fmt.Errorf("account %s: language %q is neither zh nor en", a.ID, a.Language)
	}
	var errs []error
	for _, s := range a.Sites {
		errs = append(errs, s.Validate())
	}
	for _, p := range a.Places {
		errs = append(errs, checkDivision(p))
	}
	area := len(a.Sites)+len(a.Places) > 0
	switch a.Role {
	case Operator:
		if area {
			errs = append(errs, errors.New("an operator serves the whole program: leave --site and --place out"))
		}
	case Agronomist, GridWorker:
		if !area {
			errs = append(errs, fmt.Errorf("%s without a site or place sees nothing: give --site or --place", a.Role))
		}
	case Farmer:
		if err := a.Household.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("--household: %w", err))
		}
		if area {
			errs = append(errs, errors.New("a farmer sees the plots of the household: leave --site and --place out"))
		}
	case Monitor:
		if a.Receiver != "" {
			errs = append(errs, devices.DeviceID(a.Receiver).Validate())
		}
	}
	if a.Role != Farmer && a.Household != "" {
		errs = append(errs, fmt.Errorf("--household is of a farmer, not of %s", a.Role))
	}
	if a.Role != Monitor && a.Receiver != "" {
		errs = append(errs, fmt.Errorf("a receiver is of a monitor, not of %s", a.Role))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("account %s: %w", a.ID, err)
	}
	return nil
}

// checkDivision checks that a place's code ends where a level does.
func checkDivision(code devices.PlaceCode) error {
	if err := code.Validate(); err != nil {
		return err
	}
	if !slices.Contains([]int{2, 4, 6, 9, 12}, len(code)) {
		return fmt.Errorf("place code %s has %d digits; a province has 2, a city 4, a county 6, a township 9 and a village 12", code, len(code))
	}
	return nil
}

func (a Account) access() Access {
	return Access{Account: a.ID, Role: a.Role, Sites: a.Sites, Places: a.Places, Household: a.Household, Receiver: a.Receiver, Language: a.Language}
}

// A Sum is the SHA-256 of a secret: all that is kept of it.
type Sum [sha256.Size]byte

// SumOf returns the sum of a secret. It is a plain SHA-256: the secrets are 32 random bytes, which nothing guesses.
func SumOf(secret string) Sum { return sha256.Sum256([]byte(secret)) }

// ParseSum reads what String writes.
func ParseSum(text string) (Sum, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != sha256.Size {
		return Sum{}, errors.New("a sum is 64 hexadecimal digits")
	}
	return Sum(b), nil
}

// String returns the sum in hexadecimal.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// A Token is a key of an account. The token itself is known only in the moment in which it is made.
type Token struct {
	Sum     Sum
	Account string
	Created time.Time
	Expires time.Time // zero: never, as the operator's of the data folder
	Revoked time.Time // zero: in force until it expires
}

// A Session is a browser that has signed in with a token. It ends with that token, or when it was not used for SessionLife.
type Session struct {
	Sum     Sum
	Account string
	Token   Sum
	Created time.Time
	Expires time.Time
}

// A Secret is a token or a session's id as its holder knows it. It never shows itself.
type Secret struct{ text string }

// prefix makes a token recognisable where it was left by mistake.
const prefix = "gl_"

// NewSecret returns a new random token.
func NewSecret() Secret { return Secret{prefix + random()} }

func random() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Reveal returns the text, for the one place that hands it over.
func (s Secret) Reveal() string { return s.text }

// Sum returns what is kept of it.
func (s Secret) Sum() Sum { return SumOf(s.text) }

// String returns a stand-in.
func (s Secret) String() string { return "(secret)" }

// GoString returns a stand-in for %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue returns a stand-in for logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns a stand-in for JSON and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
