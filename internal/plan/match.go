package plan

import "strings"

// Match reports whether text is what the pattern says; * stands for any
// letters, also none, and every other character for itself.
func Match(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}

// MatchAny reports whether text is what one of the patterns says.
func MatchAny(patterns []string, text string) bool {
	for _, p := range patterns {
		if Match(p, text) {
			return true
		}
	}
	return false
}
