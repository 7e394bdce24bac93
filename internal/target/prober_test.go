package target

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/fault"
)

// TestProberTellsAnswersFromAccidents: only the server's own "no" is one.
func TestProberTellsAnswersFromAccidents(t *testing.T) {
	for code, answer := range map[string]bool{
		"42601": true, "0A000": true, "42883": true, "22P02": true, "42501": true, // syntax, not supported, no function, text, right
		"42P01": false, "57014": false, "57P01": false, "53300": false, "40001": false, "08006": false,
	} {
		p := prober{}
		if p.answered(&pgconn.PgError{Code: code}) {
			t.Errorf("%s: taken for yes", code)
		}
		if (p.err == nil) != answer {
			t.Errorf("%s: an answer is %v, the error kept %v", code, answer, p.err)
		}
		if code == "42P01" && !strings.Contains(fault.HintOf(p.err), "start the command again") {
			t.Errorf("what to do is not said: %v", p.err)
		}
	}
	for _, err := range []error{io.ErrUnexpectedEOF, context.Canceled} {
		p := prober{}
		if p.answered(err) || p.err == nil {
			t.Errorf("%v is taken for an answer", err)
		}
	}
}
