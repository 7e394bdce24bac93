package sandbox

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// sequence is a table of MariaDB's sequence engine and an alias of one letter.
var sequence = regexp.MustCompile(`\bseq_(\d+)_to_(\d+)\b( [a-z]\b)?`)

// SQL is the statements as this server takes them: the numbers that MariaDB has
// as tables, such as seq_1_to_9 with their column seq, are there on MySQL, too.
func (s *Server) SQL(statements string) string {
	if s.prog.kind != MySQL {
		return statements
	}
	return sequence.ReplaceAllStringFunc(statements, func(found string) string {
		m := sequence.FindStringSubmatch(found)
		alias := strings.TrimSpace(m[3])
		if alias == "" {
			alias = strings.TrimSpace(m[0])
		}
		from, _ := strconv.ParseInt(m[1], 10, 64) // of digits; of too many the server says so
		to, _ := strconv.ParseInt(m[2], 10, 64)
		return numbers(from, to) + " AS " + alias
	})
}

// numbers is a derived table of the whole numbers between two bounds, in the
// order that they have. No version of MySQL is too old for it.
func numbers(from, to int64) string {
	order, first, last := "", from, to
	if from > to {
		order, first, last = " DESC", to, from
	}
	const digits = "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 " +
		"UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	sum, tables := strconv.FormatInt(first, 10), []string(nil)
	for i, unit := 0, int64(1); unit <= last-first || i == 0; i, unit = i+1, unit*10 {
		sum += fmt.Sprintf(" + %d * d%d.d", unit, i)
		tables = append(tables, fmt.Sprintf("%s d%d", digits, i))
	}
	return fmt.Sprintf("(SELECT %s AS seq FROM %s HAVING seq <= %d ORDER BY seq%s)", sum, strings.Join(tables, ", "), last, order)
}
