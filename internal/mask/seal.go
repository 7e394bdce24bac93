package mask

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"leap/internal/schema"
)

// Seal hides texts that must come back as they are: the keys at which a copy
// goes on, which the target keeps. Equal texts are sealed alike, so that a record
// can be compared with what should be in it.
type Seal struct {
	aead  cipher.AEAD
	nonce []byte // the key of nonces
}

// NewSeal returns the seal of a key.
func NewSeal(key schema.MaskKey) *Seal {
	block, err := aes.NewCipher(derive(key, "seal"))
	if err != nil {
		panic("mask: " + err.Error()) // the key is as long as a hash
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("mask: " + err.Error()) // the block is AES's
	}
	return &Seal{aead, derive(key, "seal/nonce")}
}

// Close hides a text.
func (s *Seal) Close(text []byte) string {
	m := hmac.New(sha256.New, s.nonce)
	m.Write(text)
	nonce := m.Sum(nil)[:s.aead.NonceSize()]
	return base64.RawStdEncoding.EncodeToString(s.aead.Seal(nonce, nonce, text, nil))
}

// Open returns the text again; an error when it was sealed with another key.
func (s *Seal) Open(sealed string) ([]byte, error) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	n := s.aead.NonceSize()
	if err != nil || len(raw) < n {
		return nil, errors.New("it was not sealed")
	}
	text, err := s.aead.Open(nil, raw[:n], raw[n:], nil)
	if err != nil {
		return nil, errors.New("it was not sealed with this key")
	}
	return text, nil
}
