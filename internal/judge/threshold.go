// Package judge decides about load runs: thresholds with confidence bounds, and
// the comparison of two runs. It is given histograms and counts, and reads and
// writes nothing.
//
// A threshold passes when the bound on the value's worse side keeps to it, fails
// when the one on the better side breaks it, and is inconclusive in between. Each
// bound holds with 95 % confidence. Three things are known for certain and need
// no bounds: the maximum of the run, unresolved outcomes, invariants.
package judge

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"leap/internal/fault"
	"leap/internal/hist"
)

// Threshold is one condition on a run, such as payment_submit.p99<200ms.
type Threshold struct {
	Text string
	// Op is empty for the run as a whole.
	Op string
	// Series is what is compared: a percentile such as "p99", or "mean", "max",
	// "error_rate", "attempts_per_txn", "retries_per_txn", "throughput",
	// "unresolved", "invariants".
	Series     string
	Percentile float64
	// AtLeast is true for >=; otherwise the value must be below the limit, or
	// equal to it where the text says <= or =.
	AtLeast, OrEqual bool
	// Limit is in seconds for times, a fraction for rates.
	Limit float64
}

// Help describes what Parse reads.
const Help = `OP.p99<200ms, OP.p99.9<1s, OP.mean<20ms, OP.max<5s, error_rate<0.5%, OP.error_rate<1%,
attempts_per_txn<1.5, retries_per_txn<0.5, throughput>=95%, unresolved=0, invariants`

const hint = "write a threshold like payment_submit.p99<200ms, error_rate<0.5%, retries_per_txn<0.5, throughput>=95%, unresolved=0 or invariants"

var form = regexp.MustCompile(`^(?:([A-Za-z_][A-Za-z0-9_]*)\.)?(p[0-9]+(?:\.[0-9]+)?|[a-z_]+)\s*(?:(<=|>=|<|=)\s*([0-9.]+)\s*(us|ms|s|m|%)?)?$`)

var percentile = regexp.MustCompile(`^p[0-9]`)

// Parse reads a threshold for a run with operations of those names. A name that
// is not among them is an error of class fault.Usage, as is everything else
// that would make the threshold one that cannot fail.
func Parse(text string, ops []string) (Threshold, error) {
	text = strings.TrimSpace(text)
	bad := func(format string, args ...any) (Threshold, error) {
		return Threshold{}, fault.New(fault.Usage, hint, "threshold %q: %s", text, fmt.Sprintf(format, args...))
	}
	m := form.FindStringSubmatch(text)
	if m == nil {
		return bad("cannot be read")
	}
	t := Threshold{Text: text, Op: m[1], Series: m[2], AtLeast: m[3] == ">=", OrEqual: strings.Contains(m[3], "=")}
	if t.Op != "" && !slices.Contains(ops, t.Op) {
		return bad("the run has no operation %q; it has %s", t.Op, strings.Join(ops, ", "))
	}
	shape, ok := shapes[t.Series]
	if percentile.MatchString(t.Series) {
		shape, ok = timeShape, true
		t.Percentile, _ = strconv.ParseFloat(t.Series[1:], 64) // the form says that it is a number
		if t.Percentile <= 0 || t.Percentile >= 100 {
			return bad("there is no %s", t.Series)
		}
	}
	switch {
	case !ok:
		return bad("there is no %q; there are p50 to p99.999, mean, max, error_rate, attempts_per_txn, retries_per_txn, throughput, unresolved, invariants", t.Series)
	case t.Op != "" && !shape.perOp:
		return bad("%s is of the run as a whole", t.Series)
	case m[3] == "" && !shape.bare || m[3] != "" && !slices.Contains(shape.operators, m[3]):
		return bad("%s needs %s", t.Series, strings.Join(shape.operators, " or "))
	case !slices.Contains(shape.units, m[5]):
		return bad("%s needs a number with %s", t.Series, strings.Join(shape.units, " or "))
	}
	if m[3] != "" {
		limit, err := strconv.ParseFloat(m[4], 64)
		if err != nil {
			return bad("%q is not a number", m[4])
		}
		if t.Limit = limit * units[m[5]]; m[5] == "%" {
			t.Limit = limit / 100 // 95*0.01 is more than 0.95
		}
	}
	if why := t.vain(); why != "" {
		return bad("%s", why)
	}
	return t, nil
}

// vain says why a threshold would hold, or be missed, whatever happened.
func (t Threshold) vain() string {
	longest := hist.Highest.Seconds()
	switch {
	case shapes[t.Series].operators == nil && t.Percentile == 0: // nothing to compare
	case t.Percentile > 0 || t.Series == "mean" || t.Series == "max":
		if t.Limit <= 0 || t.Limit > longest {
			return fmt.Sprintf("times are told apart above 0 and up to %.0f m", longest/60)
		}
	case t.Series == "error_rate" && (t.Limit > 1 || t.keeps(1)):
		return "no rate is above 100 %"
	case t.Series == "throughput" && (t.Limit <= 0 || t.Limit > 1):
		return "throughput is a share of the operations asked for, above 0 % and at most 100 %"
	case t.Series == "attempts_per_txn" && !t.OrEqual && t.Limit <= 1, t.Series == "attempts_per_txn" && t.Limit < 1:
		return "a transaction takes at least one attempt; retries_per_txn counts those after it"
	case !t.AtLeast && !t.keeps(0):
		return "nothing is below 0"
	}
	return ""
}

// shape is what may be written for a series.
type shape struct {
	operators, units []string
	perOp, bare      bool
}

var (
	timeShape = shape{operators: []string{"<", "<="}, units: []string{"us", "ms", "s", "m"}, perOp: true}
	shapes    = map[string]shape{
		"mean": timeShape, "max": timeShape,
		"error_rate":       {operators: []string{"<", "<="}, units: []string{"%"}, perOp: true},
		"attempts_per_txn": {operators: []string{"<", "<="}, units: []string{""}, perOp: true},
		"retries_per_txn":  {operators: []string{"<", "<="}, units: []string{""}, perOp: true},
		"throughput":       {operators: []string{">="}, units: []string{"%"}},
		"unresolved":       {operators: []string{"="}, units: []string{""}},
		"invariants":       {units: []string{""}, bare: true},
	}
	units = map[string]float64{"": 1, "%": 0.01, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}
)

// keeps reports whether a value keeps to the limit.
func (t Threshold) keeps(v float64) bool {
	switch {
	case t.AtLeast:
		return v >= t.Limit
	case t.OrEqual:
		return v <= t.Limit
	}
	return v < t.Limit
}
