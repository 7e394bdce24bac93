package fault

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestClassAndHint(t *testing.T) {
	inner := New(Refused, "do this", "table %s: %w", "t", io.EOF)
	for _, test := range []struct {
		err   error
		class Class
		hint  string
		text  string
	}{
		{io.EOF, Failed, "", "EOF"},
		{inner, Refused, "do this", "table t: EOF"},
		{fmt.Errorf("copy: %w", inner), Refused, "do this", "copy: table t: EOF"},
		{Wrap(Usage, "", inner), Usage, "do this", "table t: EOF"}, // the outer class, the first hint that says something
		{Wrap(Usage, "rather that", fmt.Errorf("x: %w", inner)), Usage, "rather that", "x: table t: EOF"},
		{Wrap(Failed, "", fmt.Errorf("x: %w", Wrap(Inconclusive, "", fmt.Errorf("y: %w", inner)))), Failed, "do this", "x: y: table t: EOF"},
		{errors.Join(io.ErrClosedPipe, inner), Refused, "do this", "io: read/write on closed pipe\ntable t: EOF"},
	} {
		if got := ClassOf(test.err); got != test.class {
			t.Errorf("%v: class %d, want %d", test.err, got, test.class)
		}
		if got := HintOf(test.err); got != test.hint {
			t.Errorf("%v: hint %q, want %q", test.err, got, test.hint)
		}
		if test.err.Error() != test.text || !errors.Is(test.err, io.EOF) {
			t.Errorf("got %q, want %q", test.err, test.text)
		}
	}
	if Wrap(Refused, "hint", nil) != nil {
		t.Error("nil became an error")
	}
	if HintOf(nil) != "" {
		t.Error("nil has a hint")
	}
}

// TestExitCodes: the numbers are a contract with scripts.
func TestExitCodes(t *testing.T) {
	if Failed != 1 || Usage != 2 || Refused != 3 || Inconclusive != 4 {
		t.Error("an exit code changed")
	}
}
