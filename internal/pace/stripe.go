package pace

import (
	"fmt"
	"strconv"
	"strings"

	"leap/internal/fault"
)

// Stripe is one of several equal parts of a run's operations, so that several
// processes share one schedule and one seed: part Index takes the sequence
// numbers that leave Index when divided by Of. The zero value is the whole.
type Stripe struct {
	Index, Of int
}

// ParseStripe reads "2/4", the second of four parts. Its errors are of class
// fault.Usage.
func ParseStripe(text string) (Stripe, error) {
	part, of, ok := strings.Cut(text, "/")
	i, err := strconv.Atoi(part)
	n, err2 := strconv.Atoi(of)
	if !ok || err != nil || err2 != nil || i < 1 || i > n {
		return Stripe{}, fault.New(fault.Usage, "write it like 1/4, 2/4, 3/4 and 4/4 for four processes",
			"%q is not a part of a whole", text)
	}
	return Stripe{Index: i - 1, Of: n}, nil
}

// String returns the text that [ParseStripe] reads.
func (s Stripe) String() string {
	return fmt.Sprintf("%d/%d", s.Index+1, max(1, s.Of))
}

// Has reports whether the operation belongs to the stripe.
func (s Stripe) Has(seq uint64) bool {
	return s.Of <= 1 || seq%uint64(s.Of) == uint64(s.Index) //nolint:gosec // ParseStripe keeps both small and not negative
}

// Seq returns the sequence number of the stripe's k-th operation.
func (s Stripe) Seq(k uint64) uint64 {
	return k*uint64(max(1, s.Of)) + uint64(s.Index) //nolint:gosec // as above
}
