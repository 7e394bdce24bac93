package schema

import (
	"fmt"
	"io"
	"log/slog"
)

// MaskKind names a function that replaces values for rehearsals, the same value
// by the same one wherever it stands. docs/decisions/masking.md defines them.
type MaskKind string

// The masks. All leave NULL and the empty text as they are.
const (
	MaskHash  MaskKind = "hash"  // 32 hex digits
	MaskEmail MaskKind = "email" // an address at example.com
	MaskIBAN  MaskKind = "iban"  // an IBAN of the same country and length, with right check digits
	MaskName  MaskKind = "name"  // letters by letters and digits by digits of the same kind, all else as it is
)

// MaskKinds are all masks.
var MaskKinds = []MaskKind{MaskEmail, MaskHash, MaskIBAN, MaskName}

// maskedLength is how many characters the results of hash and email have.
const maskedLength = 32

// Length is how many characters a column must have room for; 0 where the result
// is as long as the value.
func (k MaskKind) Length() int64 {
	if k == MaskHash || k == MaskEmail {
		return maskedLength
	}
	return 0
}

// Mask says that a column's values are replaced on the way, after policies.
type Mask struct {
	As MaskKind `json:"as"`
	// KeyID tells keys apart without giving anything of them away: a copy that
	// was begun with one key is not continued with another.
	KeyID string  `json:"key_id"`
	Key   MaskKey `json:"-"`
}

// MaskKey is the secret of the masks. It prints as [redacted].
type MaskKey struct{ secret string }

// NewMaskKey returns the key that hides a secret.
func NewMaskKey(secret string) MaskKey { return MaskKey{secret} }

// Reveal returns the secret. Only code that masks calls it.
func (k MaskKey) Reveal() []byte { return []byte(k.secret) }

// Empty reports whether there is no key.
func (k MaskKey) Empty() bool { return k.secret == "" }

const redacted = "[redacted]"

// Format writes "[redacted]" whatever the verb.
func (MaskKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText gives "[redacted]".
func (MaskKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue gives "[redacted]".
func (MaskKey) LogValue() slog.Value { return slog.StringValue(redacted) }
