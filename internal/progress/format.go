package progress

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// gap separates the parts of a line.
const gap = "  "

// line joins the parts of a message and makes one printable line of them:
// messages of a server may have several, and names any character.
func line(phase, table, text string) string {
	parts := make([]string, 0, 3)
	for _, part := range []string{phase, table, text} {
		if part = oneLine(part); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, gap)
}

// oneLine replaces line ends and tabs by spaces and other control characters by '?'.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		default:
			return '?'
		}
	}, s))
}

// outcome says how many rows are done and how fast this run was.
func outcome(before, moved int64, took time.Duration) string {
	text := thousands(before+moved) + " rows"
	if before > 0 {
		text += " (" + thousands(before) + " by an earlier run)"
	}
	if took <= 0 {
		return text
	}
	text += " in " + elapsed(took)
	if moved > 0 {
		text += gap + thousands(int64(float64(moved)/took.Seconds())) + " rows/s"
	}
	return text
}

// elapsed writes a time that has passed: 0.4s, 12.3s, 3m20s, 2h05m, 3d04h.
func elapsed(d time.Duration) string {
	if d < time.Minute {
		// Rounded first, lest it become 60.0s.
		if d = d.Round(100 * time.Millisecond); d < time.Minute {
			return fmt.Sprintf("%.1fs", max(d, 0).Seconds())
		}
	}
	return rough(d)
}

// rough writes a time to two units: 12s, 3m20s, 2h05m, 3d04h.
func rough(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	s := int64(d / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 24*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	default:
		return fmt.Sprintf("%dd%02dh", s/(24*3600), s%(24*3600)/3600)
	}
}

func etaText(v view) string {
	left, ok := v.eta()
	if !ok {
		return "-"
	}
	return rough(left)
}

func percentText(v view) string {
	if p := v.percent(); p >= 0 {
		return strconv.Itoa(p) + " %"
	}
	return ""
}

// compact writes a number in at most five characters: 9,999, 182k, 1.8M.
func compact(n float64) string {
	switch {
	case n < 10_000:
		return thousands(int64(n))
	case n < 1e6:
		return fmt.Sprintf("%dk", int64(n/1e3))
	case n < 1e9:
		return fmt.Sprintf("%.1fM", n/1e6)
	default:
		return fmt.Sprintf("%.1fG", n/1e9)
	}
}

// thousands writes n with commas between groups of three digits.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(int64(n)) + " " + noun + "s"
}
