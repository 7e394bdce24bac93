package judge

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"leap/internal/hist"
)

// Run is one side of a comparison.
type Run struct {
	Ops []*hist.OpStats
	// Intervals are the same operations second by second, in the order of time.
	// With none, operations are taken for independent of each other.
	Intervals [][]*hist.OpStats
}

// independent returns how many independent operations a percentile of o is
// worth, at most as many as there are. A stall makes many slow at once, and the
// next second is like this one: what is known is nearer to the number of stalls
// than to that of operations.
//
// The share of operations above the percentile varies from block to block of
// some seconds; by how much more than that of independent ones would is the
// design effect by which their number is divided (J. N. K. Rao, A. J. Scott, A
// simple method for the analysis of clustered binary data, Biometrics 48, 1992;
// for quantiles R. S. Woodruff, Confidence intervals for medians and other
// position measures, JASA 47, 1952). Blocks are as long as the cube root of
// their number asks for (P. Hall, J. L. Horowitz, B.-Y. Jing, On blocking rules
// for the bootstrap with dependent data, Biometrika 82, 1995). A variance that
// few blocks tell is uncertain itself, which Student's t accounts for.
func (r Run) independent(o *hist.OpStats, p, miss float64) int64 {
	n := o.Counts.Asked()
	if len(r.Intervals) == 0 || n == 0 {
		return n
	}
	length := int(math.Cbrt(float64(len(r.Intervals))) + 1e-9)
	blocks := len(r.Intervals) / length
	if blocks < 2 {
		return 1 // nothing tells one second from another
	}
	above, asked := make([]float64, blocks), make([]float64, blocks)
	slow := slower(o, p)
	for i, ops := range r.Intervals {
		for _, x := range ops {
			if x.Name == o.Name {
				block := min(i/length, blocks-1) // the last one takes the rest
				above[block] += float64(slow(x))
				asked[block] += float64(x.Counts.Asked())
			}
		}
	}
	effect := max(1, design(above, asked))
	t, z := studentT(float64(blocks-1), 1-miss/2), mathext.NormalQuantile(1-miss/2)
	return max(1, int64(float64(n)/(effect*(t/z)*(t/z))))
}

// slower returns a function that counts operations above the percentile of o.
// What was not answered is slower than any answer.
func slower(o *hist.OpStats, p float64) func(*hist.OpStats) int64 {
	edge := hist.Highest
	if _, upTo, ok := o.Series[hist.Response].SlotAtRank(hist.Rank(o.Counts.Asked(), p)); ok {
		edge = upTo
	}
	return func(x *hist.OpStats) int64 { return x.Counts.Asked() - x.Series[hist.Response].CountUpTo(edge) }
}

// design is by how much the numbers above vary more than those of independent
// operations; 0 where nothing, or everything, is above.
func design(above, asked []float64) float64 {
	var n, x float64
	for b := range above {
		n, x = n+asked[b], x+above[b]
	}
	share := x / n
	var variance float64
	for b := range above {
		e := above[b] - share*asked[b]
		variance += e * e
	}
	if expected := n * share * (1 - share); expected > 0 {
		blocks := float64(len(above))
		return variance * blocks / (blocks - 1) / expected
	}
	return 0
}
