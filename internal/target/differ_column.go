package target

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
)

// column compares what a column does by itself.
func (c *comparison) column(ctx context.Context, m *schema.ColumnMapping, p schema.PromisedColumn) error {
	have, ok := c.found.columns[m.Name]
	if !ok {
		return nil // Drift says so
	}
	object := "column " + Quote(m.Name)
	switch {
	case p.Computed == "" && have.computed != "":
		c.changed(object, "an ordinary column", "computed: "+have.computed, "create the column anew and copy again")
		return nil
	case p.Computed != "" && have.computed == "":
		c.changed(object, "computed: "+p.Computed, "an ordinary column", "create the column anew: migrate schema prints it")
		return nil
	case p.Computed != "":
		if expected := c.words.Computed[m.Name]; !c.mute && expected != have.computed {
			c.changed(object, "computed: "+expected, "computed: "+have.computed, "create the column anew: migrate schema prints it")
		}
		return nil
	}
	return c.defaults(ctx, m, p.Default, have.defaults)
}

// defaults compares a constant by its value, a sequence by its name, and any
// other default in the server's words.
func (c *comparison) defaults(ctx context.Context, m *schema.ColumnMapping, p schema.PromisedDefault, have string) error {
	object, set := "default of "+Quote(m.Name), "ALTER TABLE "+qualified(c.m)+" ALTER COLUMN "+Quote(m.Name)
	var expected string
	same := false
	switch {
	case p.Sequence != "":
		expected = "the next value of the sequence " + Quote(p.Sequence)
		name, err := c.db.nextvalOf(ctx, have)
		if err != nil {
			return err
		}
		same = name == p.Sequence
		set += " SET DEFAULT nextval('" + strings.ReplaceAll(pgx.Identifier{Schema, p.Sequence}.Sanitize(), "'", "''") + "')"
	case p.Expression != "":
		expected = p.Expression
		if c.mute {
			same = have != ""
		} else {
			expected = c.words.Defaults[m.Name]
			same = have == expected
		}
		set += " SET DEFAULT " + p.Expression
	case p.Value != nil:
		expected = "the value " + literalText(*p.Value)
		set += " SET DEFAULT .., as migrate schema prints it"
		if have != "" {
			var err error
			if same, err = c.sameValue(ctx, m, *p.Value, have); err != nil {
				return err
			}
		}
	case have == "":
		return nil
	default:
		c.extra(object, have, set+" DROP DEFAULT")
		return nil
	}
	switch {
	case have == "":
		c.missing(object, expected, set)
	case !same:
		c.changed(object, expected, have, set)
	}
	return nil
}

func literalText(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

// sameValue lets the server evaluate the default that it has, and compares the
// value with what the source would store.
func (c *comparison) sameValue(ctx context.Context, m *schema.ColumnMapping, expected, have string) (bool, error) {
	value, err := c.evaluate(ctx, m, have)
	if plain := withoutCasts(have); value == nil && err == nil && plain != have {
		value, err = c.evaluate(ctx, m, plain)
	}
	if value == nil || err != nil {
		return false, err // whatever it is, it is no constant of this type
	}
	text := []byte(*value)
	if m.Kind == schema.Bytes {
		if text, err = hex.DecodeString(*value); err != nil {
			return false, fmt.Errorf("default of %s: %w", m.Name, err)
		}
	}
	found, err := row.AppendCanonical(nil, m, text)
	if err != nil {
		return false, nil //nolint:nilerr // a value of no canonical form equals nothing
	}
	wanted, err := row.AppendCanonical(nil, m, []byte(expected))
	return err == nil && string(found) == string(wanted), nil
}

// evaluate returns the value of an expression as a column's, in a transaction that
// cannot write; nil where it has none.
func (c *comparison) evaluate(ctx context.Context, m *schema.ColumnMapping, expression string) (*string, error) {
	tx, err := c.db.pool.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("begin: %w", Explain(err))
	}
	defer rollback(ctx, tx)
	var value *string
	query := "SELECT " + scanExpression(*m) + " FROM (SELECT CAST((" + expression + ") AS " + m.Type + ") AS " + Quote(m.Name) + ") AS d"
	if err = tx.QueryRow(ctx, query).Scan(&value); err != nil && ctx.Err() != nil {
		return nil, err
	}
	return value, nil
}

// withoutCasts takes away the casts that CockroachDB adds to its constants: it
// does not quote the names of types in them, so that it could not read again what it
// printed. The constant is cast to the column's type anyway.
func withoutCasts(text string) string {
	var out strings.Builder
	quote, escapes := byte(0), false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case quote != 0:
			if b == '\\' && escapes && i+1 < len(text) {
				out.WriteByte(b)
				i++
			} else if b == quote {
				quote = 0
			}
			out.WriteByte(text[i])
		case strings.HasPrefix(text[i:], ":::"):
			for i += 2; i+1 < len(text) && !strings.ContainsRune("()[], ", rune(text[i+1])); i++ {
			}
			for strings.HasPrefix(text[i+1:], "[]") {
				i += 2
			}
		default:
			if b == '\'' || b == '"' {
				quote, escapes = b, i > 0 && (text[i-1] == 'e' || text[i-1] == 'E')
			}
			out.WriteByte(b)
		}
	}
	return out.String()
}

// nextvalCall is a default that takes the next value of a sequence, up to the
// end of the literal that names it.
var nextvalCall = regexp.MustCompile(`^\(*nextval\(([eE]?'(?:[^'\\]|\\.|'')*')`)

// nextvalOf returns the name of the sequence in a default, without schema and
// quotes; empty for any other default. The server reads the literal, which it
// may have written with escapes of its own.
func (d *DB) nextvalOf(ctx context.Context, text string) (string, error) {
	found := nextvalCall.FindStringSubmatch(text)
	if found == nil {
		return "", nil
	}
	var inside string
	if err := d.pool.QueryRow(ctx, "SELECT "+found[1]+"::TEXT").Scan(&inside); err != nil {
		return "", Explain(err)
	}
	return lastName(inside), nil
}

// lastName returns the last part of a name with dots, without its quotes.
func lastName(inside string) string {
	var name []byte
	quoted := false
	for i := 0; i < len(inside); i++ {
		switch b := inside[i]; {
		case b == '"' && quoted && i+1 < len(inside) && inside[i+1] == '"':
			name = append(name, b)
			i++
		case b == '"':
			quoted = !quoted
		case b == '.' && !quoted:
			name = nil
		default:
			name = append(name, b)
		}
	}
	return string(name)
}

// sequences compares where each sequence goes on with the values in use.
func (c *comparison) sequences(ctx context.Context) error {
	for _, p := range c.promise.Sequences {
		if err := c.sequence(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// unread leaves open what this account may not read; any other error remains one.
func (c *comparison) unread(object string, err error) error {
	if retry.SQLState(err) != privilege {
		return Explain(err)
	}
	if c.out.Unchecked != "" {
		c.out.Unchecked += "; "
	}
	c.out.Unchecked += object + ", which takes GRANT SELECT: " + Explain(err).Error()
	return nil
}

func (c *comparison) sequence(ctx context.Context, p schema.PromisedSequence) error {
	object, name := "sequence "+Quote(p.Name), pgx.Identifier{Schema, p.Name}.Sanitize()
	// In the pool, not in a transaction: last_value is not transactional.
	const exists = `SELECT increment::TEXT, maximum_value::TEXT FROM information_schema.sequences WHERE sequence_schema = $1 AND sequence_name::TEXT = $2::TEXT`
	step, end := "", ""
	err := each(ctx, c.db.pool, exists, p.Name, func(scan func(...any) error) error { return scan(&step, &end) })
	if err != nil {
		return Explain(err)
	}
	if step == "" {
		// The catalog leaves out what this account has no right to as well.
		if _, err := c.db.pool.Exec(ctx, "SELECT 1 FROM "+name+" LIMIT 0"); err != nil && retry.SQLState(err) != noTable {
			return c.unread(object, err)
		}
		c.missing(object, "a sequence that feeds "+Quote(p.Column), adviceCreate)
		return nil
	}
	if step != "1" {
		c.changed(object, "counting by 1", "counting by "+step, "ALTER SEQUENCE "+name+" INCREMENT BY 1")
	}
	if most := c.mostOf(p.Column); endsBelow(end, most) {
		c.changed("end of "+object, most, end, "ALTER SEQUENCE "+name+" MAXVALUE "+most)
	}
	if _, ok := c.found.columns[p.Column]; !ok {
		return nil // Drift says so
	}
	var last string
	var called bool
	if err := c.db.pool.QueryRow(ctx, "SELECT last_value::TEXT, is_called FROM "+name).Scan(&last, &called); err != nil {
		return c.unread(object, err)
	}
	var used string
	query := "SELECT COALESCE(MAX(" + Quote(p.Column) + "), 0)::TEXT FROM " + qualified(c.m)
	if err := c.db.pool.QueryRow(ctx, query).Scan(&used); err != nil {
		return Explain(err)
	}
	next, ok := new(big.Int).SetString(last, 10)
	most, ok2 := new(big.Int).SetString(strings.TrimSuffix(used, ".0"), 10)
	if !ok || !ok2 {
		return fmt.Errorf("sequence %s: last value %q, largest value in use %q", p.Name, last, used)
	}
	one := big.NewInt(1)
	if called {
		next.Add(next, one)
	}
	least, source := most.Add(most, one), new(big.Int).SetUint64(p.Next)
	var expected string
	// What the source handed out and took back is in use nowhere.
	harmless := next.Cmp(least) >= 0
	switch {
	case !harmless:
		expected = "beyond every value in use"
	case next.Cmp(source) < 0:
		least, expected = source, "where the source goes on"
	default:
		return nil
	}
	if least.Cmp(source) < 0 {
		least = source
	}
	c.add(schema.Difference{
		Kind: schema.IsChanged, Object: object, Expected: "at " + least.String() + " or later, " + expected, Found: "at " + next.String(),
		Advice: "SELECT setval(" + literalText(name) + ", " + least.String() + ", false), before anybody writes", Harmless: harmless,
	})
	return nil
}

// mostOf is the largest value that a column and its sequence can have.
func (c *comparison) mostOf(column string) string {
	for _, m := range c.m.Columns {
		if m.Name != column {
			continue
		}
		switch m.Type {
		case "INT2":
			return strconv.Itoa(math.MaxInt16)
		case "INT4":
			return strconv.Itoa(math.MaxInt32)
		}
	}
	return strconv.Itoa(math.MaxInt64)
}

func endsBelow(end, most string) bool {
	a, okA := new(big.Int).SetString(end, 10)
	b, okB := new(big.Int).SetString(most, 10)
	return okA && okB && a.Cmp(b) < 0
}
