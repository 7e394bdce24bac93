package source

import (
	"context"
	"fmt"
	"strings"

	"leap/internal/schema"
)

// TableFacts is what the rows of a table hold that its definition does not tell.
type TableFacts struct {
	// Rows is the exact number of rows.
	Rows int64 `json:"rows"`
	// Columns holds the columns about which there was something to ask, by name.
	Columns map[string]ColumnFacts `json:"columns,omitempty"`
}

// ColumnFacts counts the values of a column that may not arrive as they are.
// What does not apply to the column's type is 0.
type ColumnFacts struct {
	// OutsideDay counts TIME values below 00:00:00 or from 24:00:00 on.
	OutsideDay int64 `json:"outside_day,omitempty"`
	// ZeroDates counts 0000-00-00, with any time of day.
	ZeroDates int64 `json:"zero_dates,omitempty"`
	// PartialDates counts dates of which year, month or day is 0, but not all.
	PartialDates int64 `json:"partial_dates,omitempty"`
	// ImpossibleDates counts dates such as 2023-02-31, which ALLOW_INVALID_DATES lets in.
	ImpossibleDates int64 `json:"impossible_dates,omitempty"`
	// EmptyEnums counts ENUM values of index 0, which stand for an invalid label.
	EmptyEnums int64 `json:"empty_enums,omitempty"`
	// NotBool counts values of a TINYINT(1) other than 0 and 1.
	NotBool int64 `json:"not_bool,omitempty"`
	// AboveInt64 counts values of a BIGINT UNSIGNED above 2^63-1.
	AboveInt64 int64 `json:"above_int64,omitempty"`
	// LossyText counts values with a character that does not survive the way to UTF-8 and back.
	LossyText int64 `json:"lossy_text,omitempty"`
	// NULText counts text values that contain U+0000.
	NULText int64 `json:"nul_text,omitempty"`
}

// Probe scans the table, or only a slice of it and the rows that pass a filter,
// once and counts. It reads the rows as they are now, not as a snapshot sees
// them: it is advice before the move.
func (db *DB) Probe(ctx context.Context, table *schema.Table, slice *schema.Slice, filter string) (TableFacts, error) {
	facts := TableFacts{Columns: map[string]ColumnFacts{}}
	expressions := []string{"COUNT(*)"}
	targets := []any{&facts.Rows}
	counted := make([]ColumnFacts, len(table.Columns))
	for i := range table.Columns {
		for _, q := range questions(&table.Columns[i], &counted[i]) {
			expressions = append(expressions, "COUNT(CASE WHEN "+q.condition+" THEN 1 END)")
			targets = append(targets, q.count)
		}
	}
	rows, err := selectAll(quote(db.info.Database)+"."+quote(table.Name), slice)
	if err != nil {
		return TableFacts{}, fmt.Errorf("probe %s: %w", table.Name, err)
	}
	query := "SELECT " + strings.Join(expressions, ", ") + " FROM " + rows.from + " WHERE " + both(rows.where, filtered(filter))
	if err := db.pool.QueryRowContext(ctx, query).Scan(targets...); err != nil {
		return TableFacts{}, fmt.Errorf("probe %s: %w", table.Name, Explain(err))
	}
	for i, c := range table.Columns {
		if len(questions(&c, &ColumnFacts{})) > 0 {
			facts.Columns[c.Name] = counted[i]
		}
	}
	return facts, nil
}

// question counts the rows that meet a condition.
type question struct {
	condition string
	count     *int64
}

// questions lists what to ask about a column; f receives the counts.
func questions(c *schema.Column, f *ColumnFacts) []question {
	name := quote(c.Name)
	switch c.Type.Base {
	case "time":
		return []question{{name + " < '00:00:00' OR " + name + " >= '24:00:00'", &f.OutsideDay}}
	case "date", "datetime", "timestamp":
		return dateQuestions(name, f)
	case "enum":
		return []question{{name + "+0 = 0", &f.EmptyEnums}}
	case "tinyint":
		if c.Type.Length == 1 {
			return []question{{name + " NOT IN (0, 1)", &f.NotBool}}
		}
	case "bigint":
		if c.Type.Unsigned {
			return []question{{name + " > 9223372036854775807", &f.AboveInt64}}
		}
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		return textQuestions(name, c.Type.Charset, f)
	}
	return nil
}

// dateQuestions uses the parts of a date: comparing with a literal zero date is
// an error or not depending on sql_mode and version.
func dateQuestions(name string, f *ColumnFacts) []question {
	parts := []string{"YEAR(" + name + ") = 0", "MONTH(" + name + ") = 0", "DAYOFMONTH(" + name + ") = 0"}
	zero, anyZero := strings.Join(parts, " AND "), strings.Join(parts, " OR ")
	return []question{
		{zero, &f.ZeroDates},
		{"(" + anyZero + ") AND NOT (" + zero + ")", &f.PartialDates},
		// The last day of the month is asked for the month's first day: for an
		// impossible date it would be NULL.
		{
			fmt.Sprintf("NOT (%[2]s) AND DAYOFMONTH(%[1]s) > DAYOFMONTH(LAST_DAY(CONCAT_WS('-', "+
				"LPAD(YEAR(%[1]s), 4, '0'), LPAD(MONTH(%[1]s), 2, '0'), '01')))", name, anyZero),
			&f.ImpossibleDates,
		},
	}
}

func textQuestions(name, charset string, f *ColumnFacts) []question {
	var out []question
	if !completeCharsets[charset] {
		out = append(out, question{
			fmt.Sprintf("CAST(%[1]s AS BINARY) <> CAST(CONVERT(CONVERT(%[1]s USING utf8mb4) USING %[2]s) AS BINARY)", name, charset),
			&f.LossyText,
		})
	}
	bytes := "CAST(" + name + " AS BINARY)"
	switch charset {
	case "ucs2", "utf16", "utf16le", "utf32": // half of ordinary text is zero bytes there
		bytes = "CAST(CONVERT(" + name + " USING utf8mb4) AS BINARY)"
	}
	// On bytes: most collations ignore U+0000.
	return append(out, question{"LOCATE(X'00', " + bytes + ") > 0", &f.NULText})
}
