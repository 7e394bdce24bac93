package cli

import (
	"io"
	"os"
	"testing"
)

// TestTerminal: colours and lines that are drawn again are for a terminal that
// can, and whose user wants them.
func TestTerminal(t *testing.T) {
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	defer func() { _ = tty.Close() }() // nothing was written
	for _, test := range []struct {
		name              string
		w                 io.Writer
		env               map[string]string
		colored, animated bool
	}{
		{"terminal", tty, map[string]string{"TERM": "xterm"}, true, true},
		{"terminal of an unknown kind", tty, nil, true, true},
		{"NO_COLOR", tty, map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, false, true},
		{"empty NO_COLOR", tty, map[string]string{"NO_COLOR": ""}, true, true},
		{"dumb terminal", tty, map[string]string{"TERM": "dumb"}, false, false},
		{"no terminal", io.Discard, map[string]string{"TERM": "xterm"}, false, false},
	} {
		term := Terminal{Out: test.w, Err: test.w, Env: func(name string) string { return test.env[name] }}
		if term.Colored() != test.colored || term.Animated() != test.animated {
			t.Errorf("%s: colours %t, animation %t", test.name, term.Colored(), term.Animated())
		}
	}
}
