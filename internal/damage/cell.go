package damage

import (
	"bytes"
	"math/rand/v2"
	"slices"

	"leap/internal/row"
	"leap/internal/schema"
)

// change bends one cell; false when the cell cannot take it. A nil result is
// NULL. It must not alter the cell itself.
type change func(c *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool)

// ways are the changes that a column can take.
func ways(c *schema.ColumnMapping) map[Kind]change {
	out := waysOf(c.Kind)
	if !c.NotNull {
		out[NullOrEmpty] = nullOrEmpty
		out[Lost] = lost
	}
	return out
}

func waysOf(kind schema.Kind) map[Kind]change {
	switch kind {
	case schema.Int:
		return map[Kind]change{LastPlace: nextNumber, Sign: flipSign}
	case schema.Decimal:
		return map[Kind]change{LastPlace: nextNumber, Sign: flipSign}
	case schema.Bool:
		return map[Kind]change{LastPlace: flipBool}
	case schema.Float32, schema.Float64:
		return map[Kind]change{ULP: nextFloat, ZeroSign: zeroSign, Sign: flipFloat}
	case schema.Bits:
		return map[Kind]change{Bit: oneBit}
	case schema.Text:
		return map[Kind]change{
			LastPlace: nextLetter, LetterCase: letterCase, TrailingSpace: trailingSpace, CutShort: cutText,
			LookAlike: lookAlike, Normalisation: otherForm,
		}
	case schema.Bytes:
		return map[Kind]change{Bit: oneBit, TrailingZero: trailingZero, CutShort: cutBytes}
	case schema.Date:
		return map[Kind]change{LastPlace: nextDay}
	case schema.DateTime, schema.Timestamp:
		return map[Kind]change{LastPlace: nextInstant, Second: shiftMoment(second), Hour: shiftMoment(hour)}
	case schema.Time, schema.Interval:
		return map[Kind]change{LastPlace: nextTick, Second: shiftClock(second), Hour: shiftClock(hour), Sign: flipInterval}
	case schema.Enum:
		return map[Kind]change{OtherLabel: otherLabel}
	case schema.Set:
		return map[Kind]change{OtherLabel: otherSet}
	case schema.JSON:
		return map[Kind]change{LastPlace: nextJSON, JSONAsText: jsonAsText, JSONScale: jsonScale}
	case schema.UUID:
		return map[Kind]change{LastPlace: nextUUID}
	case schema.INet:
		return map[Kind]change{LastPlace: nextAddress}
	}
	return map[Kind]change{}
}

// lost makes a value NULL.
func lost(_ *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) { return nil, cell != nil }

// nullOrEmpty confuses NULL with the value that programs take for it.
func nullOrEmpty(c *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	empty := ""
	switch c.Kind {
	case schema.Int, schema.Bool, schema.Decimal, schema.Float32, schema.Float64:
		empty = "0"
	case schema.Text, schema.Bytes, schema.Set:
	case schema.JSON:
		empty = "null"
	case schema.Time, schema.Interval:
		empty = "00:00:00"
	case schema.Bits, schema.Date, schema.DateTime, schema.Timestamp, schema.Enum, schema.UUID, schema.INet:
		return nil, false
	}
	if cell == nil {
		return []byte(empty), true
	}
	return nil, string(cell) == empty
}

// oneBit flips a bit.
func oneBit(c *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	bits := 8 * len(cell)
	if c.Kind == schema.Bits {
		bits = min(bits, c.Width)
	}
	if bits == 0 {
		return nil, false
	}
	out, at := slices.Clone(cell), random.IntN(bits) // counted from the end
	out[len(out)-1-at/8] ^= 1 << (at % 8)
	return out, true
}

// trailingZero adds a zero byte, or takes one away.
func trailingZero(_ *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	if cell == nil {
		return nil, false
	}
	if trimmed, ok := bytes.CutSuffix(cell, []byte{0}); ok && random.IntN(2) == 0 {
		return slices.Concat([]byte{}, trimmed), true
	}
	return slices.Concat(cell, []byte{0}), true
}

func cutBytes(_ *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	if len(cell) == 0 {
		return nil, false
	}
	return slices.Concat([]byte{}, cell[:len(cell)-1]), true
}

// otherLabel takes another label of an ENUM.
func otherLabel(c *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	if cell == nil || string(cell) == row.InvalidEnum {
		return nil, false
	}
	others := slices.DeleteFunc(slices.Clone(c.Labels), func(l string) bool { return l == string(cell) || l == "" })
	if len(others) == 0 {
		return nil, false
	}
	return []byte(others[random.IntN(len(others))]), true
}

// otherSet adds a label to a SET or takes one away.
func otherSet(c *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	if cell == nil || len(c.Labels) == 0 {
		return nil, false
	}
	have := map[string]bool{}
	for l := range bytes.SplitSeq(cell, []byte{','}) {
		have[string(l)] = true
	}
	turned := c.Labels[random.IntN(len(c.Labels))]
	have[turned] = !have[turned]
	out := []byte{}
	for _, l := range c.Labels {
		if !have[l] {
			continue
		}
		if len(out) > 0 {
			out = append(out, ',')
		}
		out = append(out, l...)
	}
	return out, true
}
