package target

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"leap/internal/row"
	"leap/internal/schema"
)

// ErrNoPath says that the target cannot be asked whose rows a table holds: a
// table or a column on the way to the tenant column is not there.
var ErrNoPath = errors.New("the target does not hold what tells tenants apart")

// Foreign is what the target holds of others in one table.
type Foreign struct {
	// Rows is the number of rows, Wrong how many of them do not lead to one of
	// the tenant's values.
	Rows, Wrong int64
	Keys        []row.Key // of some of them
}

// maxForeign is how many keys are listed.
const maxForeign = 20

// Foreign asks the target which rows of a table lead to none of the tenant's
// values, by a query of its own over the moved tables; byName has their
// mappings by source name.
func (v *View) Foreign(ctx context.Context, m *schema.Mapping, byName map[string]*schema.Mapping) (out Foreign, err error) {
	mine, args, err := leads(m, byName)
	if err != nil {
		return out, fmt.Errorf("look for rows of others in %s: %w", m.Name, err)
	}
	err = v.with(ctx, func(conn *pgx.Conn) (failure error) {
		if failure = conn.QueryRow(ctx, "SELECT count(*) FROM "+qualified(m)).Scan(&out.Rows); failure != nil {
			return failure
		}
		from := " FROM " + qualified(m) + " AS leap_t WHERE NOT " + mine
		if failure = conn.QueryRow(ctx, "SELECT count(*)"+from, args...).Scan(&out.Wrong); failure != nil || out.Wrong == 0 {
			return failure
		}
		out.Keys, failure = foreignKeys(ctx, conn, m, from, args)
		return failure
	})
	if err != nil {
		return out, fmt.Errorf("look for rows of others in %s: %w", m.Name, err)
	}
	return out, nil
}

// Elsewhere counts the rows of a table that is REGIONAL BY ROW, and those of them
// that are at home in another region than the plan's.
func (v *View) Elsewhere(ctx context.Context, m *schema.Mapping) (out Foreign, err error) {
	err = v.with(ctx, func(conn *pgx.Conn) (failure error) {
		column := "leap_t." + Quote(schema.RegionColumn) + "::TEXT"
		query := "SELECT count(*), count(CASE WHEN " + column + " = $1 THEN NULL ELSE 1 END) FROM " + qualified(m) + " AS leap_t"
		if failure = conn.QueryRow(ctx, query, m.Region).Scan(&out.Rows, &out.Wrong); failure != nil || out.Wrong == 0 {
			return failure
		}
		from := " FROM " + qualified(m) + " AS leap_t WHERE " + column + " IS DISTINCT FROM $1"
		out.Keys, failure = foreignKeys(ctx, conn, m, from, []any{m.Region})
		return failure
	})
	if err != nil {
		return out, fmt.Errorf("look for rows of other regions in %s: %w", m.Name, err)
	}
	return out, nil
}

func foreignKeys(ctx context.Context, conn *pgx.Conn, m *schema.Mapping, from string, args []any) ([]row.Key, error) {
	key := m.KeyColumns()
	columns := make([]string, 0, len(key)+1)
	for _, c := range key {
		columns = append(columns, scanExpression(c))
	}
	if len(key) == 0 {
		columns = append(columns, "''")
	}
	rows, err := conn.Query(ctx, "SELECT "+strings.Join(columns, ", ")+from+" LIMIT "+strconv.Itoa(maxForeign), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []row.Key
	for rows.Next() {
		k := make(row.Key, len(columns))
		targets := make([]any, len(columns))
		for i := range k {
			targets[i] = &k[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		if len(key) == 0 {
			k = nil
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// leads is the condition that a row of leap_t leads to one of the tenant's
// values, with its parameters. It is never NULL.
func leads(m *schema.Mapping, byName map[string]*schema.Mapping) (string, []any, error) {
	s := m.Slice
	at, alias, from := m, "leap_t", ""
	var conditions []string
	for i, hop := range s.Path {
		next := byName[hop.Table]
		if next == nil {
			return "", nil, fmt.Errorf("%w: the table %s is not moved", ErrNoPath, hop.Table)
		}
		name := "leap_p" + strconv.Itoa(i+1)
		if i > 0 {
			from += ", "
		}
		from += qualified(next) + " AS " + name
		for j := range hop.Columns {
			a, b := columnNamed(at, hop.Columns[j]), columnNamed(next, hop.Parent[j])
			if a == nil || b == nil {
				return "", nil, fmt.Errorf("%w: a column of %s -> %s is not moved", ErrNoPath, at.SourceName, hop.Table)
			}
			conditions = append(conditions, alias+"."+Quote(a.Name)+" = "+name+"."+Quote(b.Name))
		}
		at, alias = next, name
	}
	owner := columnNamed(at, s.Column)
	if owner == nil {
		return "", nil, fmt.Errorf("%w: the column %s.%s is not moved", ErrNoPath, at.SourceName, s.Column)
	}
	var args []any
	var values []string
	for _, v := range s.Values {
		args = append(args, v)
		values = append(values, fmt.Sprintf(valueCast(owner), len(args)))
	}
	column := alias + "." + Quote(owner.Name)
	if owner.Kind == schema.Enum {
		column += "::TEXT"
	}
	mine := column + " IN (" + strings.Join(values, ", ") + ")"
	if len(s.Path) == 0 {
		return "COALESCE(" + mine + ", FALSE)", args, nil
	}
	return "EXISTS (SELECT 1 FROM " + from + " WHERE " + strings.Join(append(conditions, mine), " AND ") + ")", args, nil
}

// valueCast is the parameter of a tenant's value in the column's type.
func valueCast(c *schema.ColumnMapping) string {
	switch c.Kind {
	case schema.Bool:
		return "($%d::TEXT = '1')"
	case schema.UUID:
		return "$%d::TEXT::UUID"
	case schema.Text, schema.Enum:
		return "$%d::TEXT"
	case schema.Int, schema.Decimal, schema.Bytes, schema.Date, schema.DateTime, schema.Timestamp, schema.Float32, schema.Float64,
		schema.Bits, schema.Time, schema.Interval, schema.Set, schema.JSON, schema.INet:
	}
	return boundCast(*c)
}

func columnNamed(m *schema.Mapping, source string) *schema.ColumnMapping {
	for i := range m.Columns {
		if m.Columns[i].Source == source {
			return &m.Columns[i]
		}
	}
	return nil
}
