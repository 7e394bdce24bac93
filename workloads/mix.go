package workloads

import (
	"fmt"
	"math"
	"strings"
)

// Share is an operation's part of a mix.
type Share struct {
	Op      string
	Percent float64
}

// Mix says how often each operation comes. The shares sum to 100.
type Mix []Share

// Pick throws an operation.
func (m Mix) Pick(d *Dice) string {
	left := d.Float64() * 100
	for _, s := range m {
		if left < s.Percent {
			return s.Op
		}
		left -= s.Percent
	}
	return m[len(m)-1].Op // rounding of the last share
}

// Percent returns the share of an operation, 0 when the mix lacks it.
func (m Mix) Percent(op string) float64 {
	for _, s := range m {
		if s.Op == op {
			return s.Percent
		}
	}
	return 0
}

// sumTolerance is what decimal shares such as 33.3 may miss 100 by in a mix:
// far below the share of any operation that would matter.
const sumTolerance = 1e-6

// Validate says what is wrong with the mix for this workload.
func (m Mix) Validate(about About) error {
	if len(m) == 0 {
		return fmt.Errorf("the mix of %s is empty", about.Name)
	}
	sum, seen := 0.0, map[string]bool{}
	for _, s := range m {
		if _, ok := about.Op(s.Op); !ok {
			return fmt.Errorf("%s has no operation %q (it has %s)", about.Name, s.Op, about.opNames())
		}
		if seen[s.Op] {
			return fmt.Errorf("the mix names %s twice", s.Op)
		}
		seen[s.Op] = true
		if !(s.Percent > 0 && s.Percent <= 100) { // also refuses NaN
			return fmt.Errorf("the share of %s is %v %%, not above 0 and at most 100", s.Op, s.Percent)
		}
		sum += s.Percent
	}
	if math.Abs(sum-100) > sumTolerance {
		return fmt.Errorf("the shares of the mix sum to %v, not 100", math.Round(sum*1e6)/1e6)
	}
	return nil
}

func (a About) opNames() string {
	names := make([]string, len(a.Ops))
	for i, op := range a.Ops {
		names[i] = op.Name
	}
	return strings.Join(names, ", ")
}
