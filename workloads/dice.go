package workloads

import "math"

// Dice is a counter-based generator: what it throws follows from the seed, the
// sequence number and how often it was thrown, so that call 1,000,000 can be
// made without the calls before it. It is SplitMix64 (Steele, Lea, Flood,
// OOPSLA 2014). Copies throw the same.
type Dice struct{ state uint64 }

// NewDice returns the dice of a sequence number.
func NewDice(seed, seq uint64) Dice { return Dice{state: Scatter(Scatter(seed) ^ Scatter(seq^0x5eed))} }

// Scatter is the finaliser of SplitMix64: a bijection without visible pattern.
func Scatter(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Uint64 throws 64 random bits.
func (d *Dice) Uint64() uint64 {
	x := Scatter(d.state)
	d.state += 0x9e3779b97f4a7c15
	return x
}

// IntN throws a number in [0,n); n must be positive. The bias is below n/2^63.
func (d *Dice) IntN(n int) int {
	return int(d.Uint64()>>1) % n
}

// Between throws a number in [low,high].
func (d *Dice) Between(low, high int) int { return low + d.IntN(high-low+1) }

// Float64 throws a number in [0,1) with 53 random bits.
func (d *Dice) Float64() float64 { return float64(d.Uint64()>>11) / (1 << 53) }

// Chance is true with the given probability.
func (d *Dice) Chance(probability float64) bool { return d.Float64() < probability }

// Zipf throws ranks with a Zipf distribution: rank 0 is the most frequent, and
// rank k comes in proportion to 1/(k+1)^theta. It is the method of Gray et al.,
// "Quickly generating billion-record synthetic databases" (SIGMOD 1994), which
// YCSB made the usual one. A Zipf is read-only and may be shared.
type Zipf struct {
	n                         int
	theta, alpha, zetaN, half float64
	eta                       float64
}

// NewZipf prepares throws in [0,n) with an exponent of 0 < theta < 1. It costs
// n steps once.
func NewZipf(n int, theta float64) *Zipf {
	n = max(n, 1)
	var zetaN float64
	for i := 1; i <= n; i++ {
		zetaN += math.Pow(float64(i), -theta)
	}
	zeta2 := 1 + math.Pow(0.5, theta)
	return &Zipf{
		n: n, theta: theta, alpha: 1 / (1 - theta), zetaN: zetaN, half: zeta2,
		eta: (1 - math.Pow(2/float64(n), 1-theta)) / (1 - zeta2/zetaN),
	}
}

// Rank throws a rank.
func (z *Zipf) Rank(d *Dice) int {
	u := d.Float64()
	switch uz := u * z.zetaN; {
	case uz < 1 || z.n == 1:
		return 0
	case uz < z.half || z.n == 2:
		return 1
	}
	return min(int(float64(z.n)*math.Pow(z.eta*u-z.eta+1, z.alpha)), z.n-1)
}
