package text

import (
	"strings"
	"testing"

	"leap/internal/loadgen"
)

// TestPercentilesOfFewValues are not printed as if they had been measured.
func TestPercentilesOfFewValues(t *testing.T) {
	s := Summary(&loadgen.Summary{Ops: []loadgen.SummaryOp{{Name: "get", Count: 50, Response: loadgen.Percentiles{P50: new(1.0), Max: new(123.4)}}}})
	if !strings.Contains(s, "1.00 │   - │   - │     - │ 123 │") {
		t.Error(s)
	}
}
