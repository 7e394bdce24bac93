package verify

import (
	"encoding/binary"

	"leap/internal/row"
)

const (
	// batchBytes is how much text of one side is held for the other side to be
	// compared with: 15,000 rows of 130 bytes, beside which asking for a range
	// costs little, and little memory for a handful of them.
	batchBytes = 2 << 20
	// batchStart is where a batch stops to grow by doubling, which would leave
	// as much garbage as it holds, and takes all of its memory.
	batchStart = 256 << 10
)

// batch holds rows of one side, each cell behind its length plus one; 0 is NULL.
type batch struct {
	text []byte
	rows int
}

func (b *batch) reset() {
	if cap(b.text) > 2*batchBytes { // one huge row must not stay in memory
		b.text = nil
	}
	b.text, b.rows = b.text[:0], 0
}

func (b *batch) add(cells row.Row) {
	text := b.text
	for _, cell := range cells {
		switch size := len(cell) + 1; {
		case cell == nil:
			text = append(text, 0)
			continue
		case size < 0x80:
			text = append(text, byte(size))
		default:
			text = binary.AppendUvarint(text, uint64(size))
		}
		text = append(text, cell...)
	}
	b.text = text
	b.rows++
	if len(b.text) > batchStart && cap(b.text) < batchBytes {
		b.text = append(make([]byte, 0, batchBytes+batchStart), b.text...)
	}
}

func (b *batch) full() bool { return len(b.text) >= batchBytes }

// cell takes the next cell off the text of a batch.
func cell(text []byte) (cell, rest []byte) {
	size, n := uint64(text[0]), 1
	if size >= 0x80 {
		size, n = binary.Uvarint(text)
	}
	text = text[n:]
	if size == 0 {
		return nil, text
	}
	return text[: size-1 : size-1], text[size-1:]
}
