package records

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"ganlin/devices"
)

// A Credential is a device's secret, known only in the moment in which it is made.
type Credential struct {
	Device devices.DeviceID
	Secret string
}

// String keeps the secret out of what is printed and logged.
func (c Credential) String() string { return string(c.Device) }

// LogValue does the same for slog.
func (c Credential) LogValue() slog.Value { return slog.StringValue(string(c.Device)) }

// A CredentialState says what the store knows of a device's credential.
type CredentialState struct {
	Created time.Time
	Revoked time.Time // zero: it lets in
}

// CreateCredentials makes a random 32-byte secret for each of the devices that
// has none that lets in, all or none of them, and returns those it made.
func (s *Store) CreateCredentials(ctx context.Context, ids []devices.DeviceID, now time.Time) ([]Credential, error) {
	var made []Credential
	err := s.within(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if err := id.Validate(); err != nil {
				return err
			}
			raw := make([]byte, 32)
			_, _ = rand.Read(raw)
			secret := base64.RawURLEncoding.EncodeToString(raw)
			res, err := tx.ExecContext(ctx, `INSERT INTO credential (device, sha256, created_at) VALUES ($1, $2, $3)
				ON CONFLICT (device) DO UPDATE SET sha256 = excluded.sha256, created_at = excluded.created_at, revoked_at = NULL
				WHERE credential.revoked_at IS NOT NULL`, string(id), hex.EncodeToString(hashOf(secret)), now.UnixMilli())
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			if n > 0 {
				made = append(made, Credential{id, secret})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("making credentials for %d devices: %w", len(ids), err)
	}
	return made, nil
}

// RevokeCredential makes the device's secret let nobody in. It returns
// ErrNotFound when the device has none that does.
func (s *Store) RevokeCredential(ctx context.Context, id devices.DeviceID, now time.Time) error {
	err := s.within(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE credential SET revoked_at = $1 WHERE device = $2 AND revoked_at IS NULL`, now.UnixMilli(), string(id))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return ErrNotFound
	})
	if err != nil {
		return fmt.Errorf("revoking the credential of %s: %w", id, err)
	}
	return nil
}

// Credentials returns what is known of each device's credential.
func (s *Store) Credentials(ctx context.Context) (map[devices.DeviceID]CredentialState, error) {
	states := map[devices.DeviceID]CredentialState{}
	err := s.eachCredential(ctx, func(id devices.DeviceID, _ string, state CredentialState) { states[id] = state })
	return states, err
}

// Secrets loads the secrets that let in.
func (s *Store) Secrets(ctx context.Context) (*Secrets, error) {
	secrets := &Secrets{hashes: map[devices.DeviceID][]byte{}}
	return secrets, s.LoadSecrets(ctx, secrets)
}

// LoadSecrets replaces what secrets holds by what the store has now.
func (s *Store) LoadSecrets(ctx context.Context, secrets *Secrets) error {
	hashes := map[devices.DeviceID][]byte{}
	var bad error
	err := s.eachCredential(ctx, func(id devices.DeviceID, sum string, state CredentialState) {
		if !state.Revoked.IsZero() {
			return
		}
		hash, err := hex.DecodeString(sum)
		if err != nil {
			bad = fmt.Errorf("reading the credential of %s: %w", id, err)
			return
		}
		hashes[id] = hash
	})
	if err != nil {
		return err
	}
	secrets.mu.Lock()
	defer secrets.mu.Unlock()
	secrets.hashes = hashes
	return bad
}

func (s *Store) eachCredential(ctx context.Context, visit func(devices.DeviceID, string, CredentialState)) error {
	err := s.each(ctx, func(rows *sql.Rows) error {
		var (
			id      devices.DeviceID
			sum     string
			created int64
			revoked sql.NullInt64
		)
		if err := rows.Scan(&id, &sum, &created, &revoked); err != nil {
			return err
		}
		state := CredentialState{Created: time.UnixMilli(created).UTC()}
		if revoked.Valid {
			state.Revoked = time.UnixMilli(revoked.Int64).UTC()
		}
		visit(id, sum, state)
		return nil
	}, `SELECT device, sha256, created_at, revoked_at FROM credential ORDER BY device`)
	if err != nil {
		return fmt.Errorf("reading credentials: %w", err)
	}
	return nil
}

// Secrets are the hashes of all secrets that let in, in memory: a reconnect
// storm asks no disk, and a broken store locks no device out.
type Secrets struct {
	mu     sync.RWMutex
	hashes map[devices.DeviceID][]byte
}

// Check reports whether the secret is the device's. It takes the same time for a wrong secret as for a right one.
func (s *Secrets) Check(id devices.DeviceID, secret string) bool {
	s.mu.RLock()
	want, known := s.hashes[id]
	s.mu.RUnlock()
	if !known {
		want = make([]byte, sha256.Size)
	}
	return subtle.ConstantTimeCompare(hashOf(secret), want) == 1 && known
}

// hashOf is a plain SHA-256: the secrets are 32 random bytes, which nothing guesses.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
