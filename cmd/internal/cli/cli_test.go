package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"leap/internal/fault"
)

// TestInterrupted: after Ctrl-C it is of no interest what failed because of it,
// unless the command says by itself what to do next.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		err  error
		want string
		code int
	}{
		{errors.New("context canceled"), "x: interrupted\nhint: go on\n", 4},
		{fault.New(fault.Refused, "do that", "refused"), "x: interrupted\nhint: go on\n", 4},
		{fault.New(fault.Inconclusive, "begin again", "interrupted"), "x: interrupted\nhint: begin again\n", 4},
		{fault.New(fault.Usage, "see --help", "wrong"), "x: wrong\nhint: see --help\n", 2},
	} {
		var out strings.Builder
		root := &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return test.err }}
		code := Execute(ctx, root, nil, Terminal{Out: io.Discard, Err: &out, Env: os.Getenv}, "go on")
		if code != test.code || out.String() != test.want {
			t.Errorf("%v: exit code %d, %q", test.err, code, out.String())
		}
	}
}

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
