package bank

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
)

// dice gives one row its values. It is seeded by the row's place alone, so a
// row does not depend on the rows before it.
type dice struct{ pcg rand.PCG }

// dice returns the dice of a table's row. The index is scattered first:
// neighbouring seeds would give correlated first throws.
func (g *generator) dice(table string, i int) dice {
	h := fnv.New64a()
	_, _ = h.Write([]byte(table)) // a hash.Hash never returns an error
	return dice{pcg: *rand.NewPCG(scatter(g.seed^h.Sum64()), scatter(index(i)))}
}

// scatter is the finaliser of SplitMix64, a bijection.
func scatter(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// index turns a row's index, which is never negative, into a seed.
func index(i int) uint64 { return uint64(max(i, 0)) }

// fate is a fixed choice in [0,n) that several tables must agree on, such as
// whose consent a consent is. The topic keeps choices about one i apart.
func (g *generator) fate(topic uint64, i, n int) int {
	return below(scatter(scatter(g.seed+topic)^scatter(index(i))), n)
}

// below maps x onto [0,n). The bias is about n/2^63 and irrelevant here.
func below(x uint64, n int) int { return int(x>>1) % max(n, 1) }

// n throws a number in [0,n).
func (d *dice) n(n int) int { return below(d.pcg.Uint64(), n) }

// between throws a number in [lo,hi].
func (d *dice) between(lo, hi int) int { return lo + d.n(hi-lo+1) }

// skewed throws a number in [0,n) that favours the small ones, as traffic
// favours a few busy accounts.
func (d *dice) skewed(n int) int { return d.n(d.n(n) + 1) }

// chance is true in percent of the throws.
func (d *dice) chance(percent int) bool { return d.n(100) < percent }

// unit throws a float in [0,1) with 53 random bits.
func (d *dice) unit() float64 { return float64(d.pcg.Uint64()>>11) / (1 << 53) }

// pick throws one of the words.
func (d *dice) pick(words ...string) string { return words[d.n(len(words))] }

// bytes throws n bytes; every byte value occurs.
func (d *dice) bytes(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, d.pcg.Uint64())
	}
	return b[:n]
}

// uuid throws a version 4 UUID.
func (d *dice) uuid() []byte {
	b := d.bytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return b
}

// digits throws n decimal digits.
func (d *dice) digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789"[d.n(10)]
	}
	return string(b)
}
