package damage

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"leap/internal/schema"
)

const (
	second = time.Second
	hour   = time.Hour
)

// nextDay moves a date by a day, to where there is room.
func nextDay(_ *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	day, err := time.Parse(time.DateOnly, string(cell))
	if err != nil {
		return nil, false
	}
	if day.Year() > 1 {
		return day.AddDate(0, 0, -1).AppendFormat(nil, time.DateOnly), true
	}
	return day.AddDate(0, 0, 1).AppendFormat(nil, time.DateOnly), true
}

// unit is the last place of a time with a column's digits.
func unit(c *schema.ColumnMapping) time.Duration {
	out := time.Second
	for range c.From.Precision {
		out /= 10
	}
	return out
}

// nextInstant moves a moment by the last digit of its fraction.
func nextInstant(c *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	if c.From.Precision == 0 {
		return nil, false // that is a second
	}
	return shiftMoment(unit(c))(c, cell, random)
}

// shiftMoment moves a moment by a duration, to where there is room.
func shiftMoment(by time.Duration) change {
	return func(c *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
		at, err := time.Parse(time.DateTime, string(cell))
		if err != nil {
			return nil, false
		}
		to := at.Add(-by)
		if at.Year() <= 1 {
			to = at.Add(by)
		}
		layout := time.DateTime
		if c.From.Precision > 0 {
			layout += "." + strings.Repeat("0", c.From.Precision)
		}
		return to.AppendFormat(nil, layout), true
	}
}

// nextTick moves a time of day by the last digit of its fraction.
func nextTick(c *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	if c.From.Precision == 0 {
		return nil, false
	}
	return shiftClock(unit(c))(c, cell, random)
}

// shiftClock moves a time of day or a span, towards zero, where it has room.
func shiftClock(by time.Duration) change {
	return func(c *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
		span, ok := readClock(cell)
		if !ok {
			return nil, false
		}
		switch {
		case span >= by:
			span -= by
		case span < 0 && span <= -by:
			span += by
		case c.Kind == schema.Time:
			span += by
		default:
			span -= by
		}
		return printClock(span, c.From.Precision), true
	}
}

func flipInterval(c *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	span, ok := readClock(cell)
	if !ok || span == 0 || c.Kind != schema.Interval {
		return nil, false
	}
	return printClock(-span, c.From.Precision), true
}

// readClock reads [-]hhh:mm:ss[.ffffff].
func readClock(cell []byte) (time.Duration, bool) {
	text, negative := bytes.CutPrefix(cell, []byte("-"))
	var h, m int
	var rest string
	if n, err := fmt.Sscanf(string(text), "%d:%d:%s", &h, &m, &rest); n != 3 || err != nil {
		return 0, false
	}
	s, err := time.ParseDuration(rest + "s")
	if err != nil {
		return 0, false
	}
	span := time.Duration(h*60+m)*time.Minute + s
	if negative {
		span = -span
	}
	return span, true
}

func printClock(span time.Duration, digits int) []byte {
	sign := ""
	if span < 0 {
		sign, span = "-", -span
	}
	text := fmt.Sprintf("%s%02d:%02d:%02d", sign, span/time.Hour, span/time.Minute%60, span/time.Second%60)
	if digits > 0 {
		text += fmt.Sprintf(".%09d", span%time.Second)[:digits+1]
	}
	return []byte(text)
}
