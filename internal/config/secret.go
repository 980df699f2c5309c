package config

import "log/slog"

// A Secret is text that never shows itself: not in logs, not in printed
// structs, not in JSON. The zero value is no secret at all.
type Secret struct{ text string }

// NewSecret hides a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text, for the one place that needs it.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

// String returns a stand-in.
func (s Secret) String() string {
	if s.IsZero() {
		return "(none)"
	}
	return "(secret)"
}

// GoString returns a stand-in for %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue returns a stand-in for logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns a stand-in for JSON and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
