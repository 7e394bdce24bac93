package hist

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// encoder writes histograms in HdrHistogram's compressed V2 form. The library
// can do that too, but makes a new compressor each time: 840 kB of garbage and
// 0.4 ms for each of about a hundred histograms a second, in the process whose
// pauses are being measured. This one keeps its compressor. Reading is left to
// the library.
type encoder struct {
	payload []byte
	zip     *zlib.Writer
	into    bytes.Buffer
}

const (
	cookieV2           = 0x1c849303 | 0x10 // one histogram
	cookieV2Compressed = 0x1c849304 | 0x10 // the same through zlib
	headerV2           = 40
)

// encode appends h in base64 to dst.
func (e *encoder) encode(dst []byte, h *Histogram) ([]byte, error) {
	e.payload = append(e.payload[:0], make([]byte, headerV2)...)
	next := 0 // the slot after the last one written
	for v, n := range h.packed.ForEachBucket {
		at := slotIndex(v)
		// A run of empty slots is their negative number; a single one, like
		// every count, is itself.
		switch gap := int64(at - next); {
		case gap == 1:
			e.payload = appendZigZag(e.payload, 0)
		case gap > 1:
			e.payload = appendZigZag(e.payload, -gap)
		}
		e.payload = appendZigZag(e.payload, n)
		next = at + 1
	}
	if next == 0 {
		e.payload = appendZigZag(e.payload, 0) // as others write an empty one
	}
	header := e.payload[:headerV2]
	big := binary.BigEndian
	big.PutUint32(header, cookieV2)
	big.PutUint32(header[4:], uint32(len(e.payload)-headerV2)) //nolint:gosec // at most nine bytes for each of 22,528 slots
	big.PutUint32(header[8:], 0)                               // no rotation of the slots
	big.PutUint32(header[12:], figures)
	big.PutUint64(header[16:], uint64(lowest))
	big.PutUint64(header[24:], uint64(Highest))
	big.PutUint64(header[32:], math.Float64bits(1)) // a count is a count

	e.into.Reset()
	e.into.Write(make([]byte, 8))
	if e.zip == nil {
		e.zip = zlib.NewWriter(&e.into)
	} else {
		e.zip.Reset(&e.into)
	}
	if _, err := e.zip.Write(e.payload); err != nil {
		return dst, fmt.Errorf("encode histogram: %w", err)
	}
	if err := e.zip.Close(); err != nil {
		return dst, fmt.Errorf("encode histogram: %w", err)
	}
	out := e.into.Bytes()
	big.PutUint32(out, cookieV2Compressed)
	big.PutUint32(out[4:], uint32(len(out)-8)) //nolint:gosec // smaller than the payload
	return base64.StdEncoding.AppendEncode(dst, out), nil
}

// appendZigZag appends v as HdrHistogram's variant of LEB128: seven bits a
// byte, the ninth byte holding eight.
func appendZigZag(dst []byte, v int64) []byte {
	u := uint64(v<<1) ^ uint64(v>>63) //nolint:gosec // the bits are what is wanted
	for range 8 {
		if u < 0x80 {
			return append(dst, byte(u))
		}
		dst = append(dst, byte(u)|0x80)
		u >>= 7
	}
	return append(dst, byte(u))
}

// The library's slots: subBuckets of them for each power of two, of which the
// smallest is unit wide.
const (
	unit       = 512  // the power of two below lowest
	subBuckets = 2048 // the power of two above 2 * 10^figures
)

// doublings says how often the width of the slot that holds v has doubled.
// Below unit*subBuckets all slots have the same width; above, it doubles with
// every power of two.
func doublings(v int64) int {
	return bits.Len64(uint64(v)|(unit*subBuckets-1)) - bits.Len64(unit*subBuckets-1) //nolint:gosec // v is not negative
}

// width is the width of the slot that holds v.
func width(v int64) int64 { return unit << doublings(v) }

// slotIndex is the number of the slot that holds v: the first power of two has
// subBuckets of them, every further one its upper half.
func slotIndex(v int64) int {
	d := doublings(v)
	return d*(subBuckets/2) + int(v/(unit<<d))
}

// upperEdge is the largest value of the slot that begins at v.
func upperEdge(v int64) time.Duration { return time.Duration(v + width(v) - 1) }
