package text

import (
	"strings"
	"testing"

	"leap/internal/loadgen"
)

// TestPercentilesOfFewValues are not printed as if they had been measured.
func TestPercentilesOfFewValues(t *testing.T) {
	for _, test := range []struct {
		count, errors int64
		p             float64
		want          string
	}{
		{0, 0, 50, "-"},
		{1, 0, 50, "-"},
		{2, 0, 50, "7.00"},
		{99, 0, 99, "-"},
		{100, 0, 99, "7.00"},
		{101, 2, 99, "-"},
		{999, 0, 99.9, "-"},
		{1000, 0, 99.9, "7.00"},
		{1, 0, 0, "7.00"},
		{3, 3, 0, "-"},
	} {
		if got := percentile(loadgen.SummaryOp{Count: test.count, Errors: test.errors}, test.p, 7); got != test.want {
			t.Errorf("p%v of %d with %d errors: %q", test.p, test.count, test.errors, got)
		}
	}
	s := Summary(&loadgen.Summary{Ops: []loadgen.SummaryOp{{Name: "get", Count: 50, Response: loadgen.Percentiles{P50: 1, P99: 123}}}})
	if strings.Contains(s, "123") || !strings.Contains(s, "1.00") {
		t.Error(s)
	}
}
