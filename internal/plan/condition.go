package plan

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// volatile are the words that make a condition mean another thing each time it
// is asked, or do more than ask: a row that was copied could be gone when the
// copy is verified.
var volatile = []string{
	"now", "sysdate", "curdate", "curtime", "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp",
	"utc_date", "utc_time", "utc_timestamp", "rand", "random_bytes", "uuid", "uuid_v4", "uuid_v7", "uuid_short", "sys_guid", "connection_id", "user", "current_user",
	"session_user", "system_user", "current_role", "last_insert_id", "found_rows", "row_count", "sleep", "benchmark", "get_lock",
	"release_lock", "release_all_locks", "is_free_lock", "is_used_lock", "load_file", "nextval", "setval", "lastval", "into", "lock", "procedure", "union", "limit", "fetch",
}

// volatileBare are those that do so when they are called without arguments: the clock, and
// MariaDB's number of a row among those of one query. With a column, the former is
// a conversion; without parentheses, both may be columns.
var volatileBare = []string{"unix_timestamp", "rownum"}

// conditionProblem says why a text is not one condition that always means the
// same; empty when it is. Whether it is SQL, only the source can tell.
func conditionProblem(text string) string {
	depth, before := 0, "" // the word before
	for i := 0; i < len(text); {
		end := i + 1
		switch c := text[i]; {
		case c == '\'' || c == '`' || c == '"':
			if end = quotedEnd(text, i); end < 0 {
				return fmt.Sprintf("has a %c that nothing closes", c)
			}
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				return "closes a parenthesis that it did not open"
			}
		case isWord(c):
			end = wordEnd(text, i)
			word, ofTable := strings.ToLower(text[i:end]), i > 0 && text[i-1] == '.'
			if !ofTable && (slices.Contains(volatile, word) || slices.Contains(volatileBare, word) && noArguments(text[end:]) || before == "for" && word == "share") {
				return fmt.Sprintf("uses %s, which means another thing each time, or is more than a condition", strings.ToUpper(word))
			}
			before = word
		case endsCondition(text[i:]):
			return "has a comment, a variable or the end of a statement"
		}
		i = end
	}
	if depth > 0 {
		return "opens a parenthesis that it does not close"
	}
	return ""
}

// noArguments reports whether what begins with this text is called without any.
func noArguments(text string) bool {
	text, ok := strings.CutPrefix(strings.TrimSpace(text), "(")
	return ok && strings.HasPrefix(strings.TrimSpace(text), ")")
}

// endsCondition reports whether something else than a condition begins.
func endsCondition(text string) bool {
	return strings.ContainsRune(";#@", rune(text[0])) || strings.HasPrefix(text, "--") || strings.HasPrefix(text, "/*")
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= utf8.RuneSelf || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func wordEnd(text string, i int) int {
	for i < len(text) && (isWord(text[i]) || text[i] >= '0' && text[i] <= '9') {
		i++
	}
	return i
}

// quotedEnd is the place after the quote that closes the one at i; -1 for none.
func quotedEnd(text string, i int) int {
	quote := text[i]
	for j := i + 1; j < len(text); j++ {
		switch {
		case text[j] == '\\' && quote != '`':
			j++
		case text[j] != quote:
		case j+1 < len(text) && text[j+1] == quote:
			j++
		default:
			return j + 1
		}
	}
	return -1
}
