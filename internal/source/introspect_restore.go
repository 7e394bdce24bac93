package source

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"leap/internal/schema"
)

// restoreTexts repairs labels and literal defaults that the catalog cannot
// show. It prints them in three-byte UTF-8, with '?' for every other character
// and for bytes above 7F of binary defaults; two labels may then even look the
// same. Only texts with a '?', and binary defaults of MySQL, cost a question.
func (in *introspection) restoreTexts(ctx context.Context) error {
	for _, t := range in.out.Tables {
		for i := range t.Columns {
			c := &t.Columns[i]
			if slices.ContainsFunc(c.Type.Labels, garbled) {
				if err := in.restoreLabels(ctx, t, c); err != nil {
					return err
				}
			}
			if c.Default != nil && !c.Default.Expression && (garbled(c.Default.Text) || in.shortened(c.Type)) {
				if err := in.restoreDefault(ctx, t, c); err != nil {
					return err
				}
			}
		}
		if err := in.restoreExpressions(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// shortened: MySQL prints bytes in hex, and no more from the first zero on.
func (in *introspection) shortened(t schema.Type) bool {
	return in.info.Product == MySQL && (t.Base == "binary" || t.Base == "varbinary")
}

func garbled(text string) bool { return strings.Contains(text, "?") }

// restoreDefault reads the value out of the table's default row. The join
// makes one row, whether or not the table has any.
func (in *introspection) restoreDefault(ctx context.Context, t *schema.Table, c *schema.Column) error {
	var value sql.NullString
	query := "SELECT DEFAULT(" + quote(c.Name) + ") FROM " + quote(in.out.Name) + "." + quote(t.Name) +
		" RIGHT JOIN (SELECT 1) one ON FALSE"
	if err := in.conn.QueryRowContext(ctx, query).Scan(&value); err != nil {
		if refusesQuestion(err) {
			return nil
		}
		return err //nolint:wrapcheck // Introspect says what it was reading
	}
	if value.Valid {
		c.Default.Text = value.String
	}
	return nil
}

// refusesQuestion tells that the server or the account cannot answer, which
// leaves the catalog's text in place. A missing grant is reported where the
// rows are to be read, with the grant that it needs.
func refusesQuestion(err error) bool {
	const noDefault, syntax, notAllowed = 1364, 1064, 1295
	return isServerError(err, noDefault, syntax, notAllowed, errTableDenied, errColumnDenied)
}

// restoreLabels asks for the labels one by one.
func (in *introspection) restoreLabels(ctx context.Context, t *schema.Table, c *schema.Column) error {
	if in.info.Product == MariaDB && in.info.version.atLeast(10, 3, 0) {
		return in.restoreLabelsByVariable(ctx, t, c)
	}
	if in.info.Product == MySQL && in.info.version.atLeast(8, 0, 1) {
		return in.restoreLabelsByRecursion(ctx, t, c)
	}
	return in.restoreLabelsByUse(ctx, t, c)
}

// restoreLabelsByVariable gives each label to a variable of the column's type
// in an anonymous block (MariaDB 10.3) and reads it back.
func (in *introspection) restoreLabelsByVariable(ctx context.Context, t *schema.Table, c *schema.Column) error {
	return in.askForLabels(ctx, c, "BEGIN NOT ATOMIC DECLARE label TYPE OF "+quote(in.out.Name)+"."+quote(t.Name)+"."+quote(c.Name)+
		" DEFAULT ", "; SELECT label; END")
}

// restoreLabelsByRecursion gives each label's number to a recursive query (MySQL
// 8.0) whose column has the type of its first part, and reads it back. That part
// makes one row, whether or not the table has any.
func (in *introspection) restoreLabelsByRecursion(ctx context.Context, t *schema.Table, c *schema.Column) error {
	return in.askForLabels(ctx, c, "WITH RECURSIVE labels AS (SELECT t."+quote(c.Name)+" AS label FROM "+quote(in.out.Name)+"."+quote(t.Name)+
		" t RIGHT JOIN (SELECT 1) one ON FALSE UNION ALL SELECT ", " FROM labels WHERE label IS NULL) SELECT label FROM labels WHERE label IS NOT NULL")
}

// askForLabels runs a query for each label that the catalog cannot show. The
// label's number is in the middle of it: a name in it may have a question mark.
func (in *introspection) askForLabels(ctx context.Context, c *schema.Column, before, after string) error {
	for i, label := range c.Type.Labels {
		if !garbled(label) {
			continue
		}
		value := uint64(i) + 1
		if c.Type.Base == "set" {
			value = uint64(1) << i
		}
		query := before + strconv.FormatUint(value, 10) + after
		if err := in.conn.QueryRowContext(ctx, query).Scan(&c.Type.Labels[i]); err != nil {
			c.Type.Labels[i] = label
			if refusesQuestion(err) {
				return nil
			}
			return err //nolint:wrapcheck // Introspect says what it was reading
		}
	}
	return nil
}

// restoreLabelsByUse finds the labels that rows use; the others keep their '?'.
func (in *introspection) restoreLabelsByUse(ctx context.Context, t *schema.Table, c *schema.Column) error {
	for i, label := range c.Type.Labels {
		if !garbled(label) {
			continue
		}
		value := uint64(i) + 1
		if c.Type.Base == "set" {
			value = uint64(1) << i // a row that has this label and no other
		}
		query := "SELECT " + quote(c.Name) + " FROM " + quote(in.out.Name) + "." + quote(t.Name) +
			" WHERE " + quote(c.Name) + " = ? LIMIT 1"
		err := in.conn.QueryRowContext(ctx, query, value).Scan(&c.Type.Labels[i])
		switch {
		case errors.Is(err, sql.ErrNoRows), refusesQuestion(err):
			c.Type.Labels[i] = label
		case err != nil:
			return err //nolint:wrapcheck // Introspect says what it was reading
		}
	}
	return nil
}
