package source

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"leap/internal/schema"
)

// columnRow is one row of information_schema.COLUMNS, as either product fills it.
type columnRow struct {
	table, name, base, raw          string
	def                             sql.NullString
	nullable, extra, comment        string
	chars, octets, precision, scale sql.NullInt64
	fraction                        sql.NullInt64
	charset, collation              sql.NullString
	generation                      string
}

func (in *introspection) readColumns(ctx context.Context) error {
	const query = `SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COLUMN_DEFAULT, IS_NULLABLE, EXTRA,
		COLUMN_COMMENT, CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE,
		DATETIME_PRECISION, CHARACTER_SET_NAME, COLLATION_NAME, COALESCE(GENERATION_EXPRESSION, '')
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME, ORDINAL_POSITION`
	return in.each(ctx, query, func(rows *sql.Rows) error {
		var r columnRow
		if err := rows.Scan(&r.table, &r.name, &r.base, &r.raw, &r.def, &r.nullable, &r.extra,
			&r.comment, &r.chars, &r.octets, &r.precision, &r.scale,
			&r.fraction, &r.charset, &r.collation, &r.generation); err != nil {
			return err //nolint:wrapcheck // Introspect says what it was reading
		}
		if t := in.tables[r.table]; t != nil { // else a view or a sequence
			t.Columns = append(t.Columns, in.column(r))
		}
		return nil
	})
}

func (in *introspection) column(r columnRow) schema.Column {
	extra := strings.ToLower(r.extra)
	c := schema.Column{
		Name:          r.name,
		Type:          r.columnType(),
		Nullable:      r.nullable == "YES",
		AutoIncrement: strings.Contains(extra, "auto_increment"),
		Comment:       r.comment,
		Invisible:     strings.Contains(extra, "invisible"),
	}
	if _, after, ok := strings.Cut(extra, "on update "); ok {
		// MySQL may list further attributes behind it: "on update CURRENT_TIMESTAMP INVISIBLE".
		c.OnUpdate, _, _ = strings.Cut(after, " ")
	}
	mariadb := in.info.Product == MariaDB
	if r.generation != "" && !isPeriod(r.generation) {
		c.Generated = &schema.Generated{
			Expression: r.generation,
			Stored:     strings.Contains(extra, "stored generated") || strings.Contains(extra, "persistent"),
		}
		if !mariadb {
			c.Generated.Expression = unescape(r.generation)
		}
		return c
	}
	switch {
	case !r.def.Valid:
	case mariadb:
		c.Default = mariaDefault(r.def.String, c.Type)
	default:
		c.Default = mysqlDefault(r.def.String, extra, c.Type)
	}
	return c
}

// isPeriod tells the time columns of a system-versioned table, which MariaDB
// lists as generated: no expression computes them, their values are data.
func isPeriod(expression string) bool {
	return expression == "ROW START" || expression == "ROW END"
}

func (r columnRow) columnType() schema.Type {
	t := schema.Type{
		Base:      strings.ToLower(r.base),
		Raw:       r.raw,
		Charset:   charsetName(r.charset.String),
		Collation: r.collation.String,
	}
	// Attributes follow the arguments; labels of an enum may contain any word.
	attributes := strings.ToLower(r.raw)
	if i := strings.LastIndexByte(attributes, ')'); i >= 0 {
		attributes = attributes[i:]
	}
	switch t.Base {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		t.Length = displayWidth(r.raw)
		t.Unsigned, t.Zerofill = strings.Contains(attributes, "unsigned"), strings.Contains(attributes, "zerofill")
	case "decimal":
		t.Precision, t.Scale = int(r.precision.Int64), int(r.scale.Int64)
		t.Unsigned, t.Zerofill = strings.Contains(attributes, "unsigned"), strings.Contains(attributes, "zerofill")
	case "float", "double":
		t.Scale = int(r.scale.Int64) // of FLOAT(M,D); NULL without
		t.Unsigned, t.Zerofill = strings.Contains(attributes, "unsigned"), strings.Contains(attributes, "zerofill")
	case "bit":
		t.Length = r.precision.Int64
	case "time", "datetime", "timestamp":
		t.Precision = int(r.fraction.Int64)
	case "enum", "set":
		t.Labels = parseLabels(r.raw)
	case "tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob":
		t.Length = r.octets.Int64
	default:
		t.Length = r.chars.Int64
	}
	return t
}

// displayWidth reads the 1 of "tinyint(1)"; 0 where the server prints none.
func displayWidth(raw string) int64 {
	_, after, ok := strings.Cut(raw, "(")
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(after, ")")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// charsetName gives the three-byte UTF-8 its unmistakable name: what "utf8"
// means depends on the server's version.
func charsetName(name string) string {
	if name == "utf8" {
		return "utf8mb3"
	}
	return name
}
