package endpoint

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every way of printing a Secret gives, also for an empty
// one: whether a password exists is nobody's business either.
const redacted = "[redacted]"

// Secret is a password. No way of printing, logging or encoding shows it; only
// Reveal does.
type Secret struct{ value string }

// NewSecret returns the secret that hides value.
func NewSecret(value string) Secret { return Secret{value: value} }

// Reveal returns the secret itself. Only code that opens a connection calls it.
func (s Secret) Reveal() string { return s.value }

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return s.value == "" }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON gives "[redacted]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText gives "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue gives "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
