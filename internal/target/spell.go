package target

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"leap/internal/retry"
	"leap/internal/schema"
)

// Words is how the server prints the expressions of what a table was promised. A
// server rewrites what it is given (IN becomes = ANY, casts appear), so
// expressions can only be compared in its own words.
type Words struct {
	// Of is a hash of the expressions.
	Of       string            `json:"of"`
	Defaults map[string]string `json:"defaults,omitempty"` // by column
	Computed map[string]string `json:"computed,omitempty"` // by column
	Checks   map[string]string `json:"checks,omitempty"`   // conditions by name
	// Parts are the expressions of indexes by name, one for each part.
	Parts map[string][]string `json:"parts,omitempty"`
}

// Words asks the server for its words about tables, by name. It takes the right
// to create a table.
func (d *DB) Words(ctx context.Context, tables []Promised) (map[string]Words, error) {
	out := map[string]Words{}
	for _, t := range tables {
		if !hasExpressions(t.Promise) {
			continue
		}
		words, err := d.spell(ctx, t.Mapping, t.Promise)
		if err != nil {
			return nil, err
		}
		out[t.Mapping.Name] = words
	}
	return out, nil
}

// Remember gives Differences the words that somebody else asked for, so that an
// account can compare that may create nothing. Words about other expressions than the
// plan's are of no use and not used.
func (d *DB) Remember(words map[string]Words) { d.remembered = words }

// wordsFor are remembered, or asked for.
func (d *DB) wordsFor(ctx context.Context, m *schema.Mapping, p *schema.Promise) (Words, error) {
	if words, ok := d.remembered[m.Name]; ok && words.Of == d.expressionsOf(m, p) {
		return words, nil
	}
	return d.spell(ctx, m, p)
}

// expressionsOf identifies the expressions of a promise.
func (d *DB) expressionsOf(m *schema.Mapping, p *schema.Promise) string {
	parts := []string{d.spellingColumns(m, p)}
	for _, ix := range p.Indexes {
		if expressionIndex(ix) {
			parts = append(parts, ix.Name+" "+spellingParts(ix))
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "; ")))
	return hex.EncodeToString(sum[:])
}

// hasExpressions says whether there is anything to spell.
func hasExpressions(p *schema.Promise) bool {
	for _, c := range p.Columns {
		if c.Computed != "" || c.Default.Expression != "" {
			return true
		}
	}
	return len(p.Checks) > 0 || slices.ContainsFunc(p.Indexes, expressionIndex)
}

func expressionIndex(ix schema.PromisedIndex) bool {
	for _, p := range ix.Parts {
		if p.Expression != "" {
			return true
		}
	}
	return false
}

// spell lets the server read the expressions of a promise and print them: it
// creates an empty table in a transaction that is rolled back, so that nothing
// of it is ever seen by anybody else.
func (d *DB) spell(ctx context.Context, m *schema.Mapping, p *schema.Promise) (out Words, err error) {
	const patience = 30 * time.Second
	err = retry.Do(ctx, retry.Policy{For: patience}, func() error {
		tx, txErr := d.pool.BeginTx(ctx, pgx.TxOptions{})
		if txErr != nil {
			return fmt.Errorf("begin: %w", Explain(txErr))
		}
		defer rollback(ctx, tx)
		out, txErr = d.spellIn(ctx, tx, m, p)
		return txErr
	})
	if err != nil {
		return out, fmt.Errorf("let the target read the expressions of %s: %w", m.Name, err)
	}
	return out, nil
}

func (d *DB) spellIn(ctx context.Context, tx pgx.Tx, m *schema.Mapping, p *schema.Promise) (Words, error) {
	name := "_migrate_spell_" + randomSuffix()
	table := pgx.Identifier{Schema, name}.Sanitize()
	if _, err := tx.Exec(ctx, "CREATE TABLE "+table+" ("+d.spellingColumns(m, p)+")"); err != nil {
		return Words{}, Explain(err)
	}
	names := map[string]string{}
	for i, ix := range p.Indexes {
		if !expressionIndex(ix) {
			continue
		}
		index := fmt.Sprintf("%s_%d", name, i) // PostgreSQL keeps indexes beside tables
		names[index] = ix.Name
		if _, err := tx.Exec(ctx, "CREATE INDEX "+Quote(index)+" ON "+table+" ("+spellingParts(ix)+")"); err != nil {
			return Words{}, Explain(err)
		}
	}
	c, err := readCatalog(ctx, tx, name)
	if err != nil {
		return Words{}, err
	}
	t := c[name]
	if t == nil {
		return Words{}, fmt.Errorf("the catalog does not show the table that was just made")
	}
	out := Words{
		Of: d.expressionsOf(m, p), Defaults: map[string]string{}, Computed: map[string]string{},
		Checks: map[string]string{}, Parts: map[string][]string{},
	}
	for name, is := range t.columns {
		out.Defaults[name], out.Computed[name] = is.defaults, is.computed
	}
	for name, is := range t.checks {
		out.Checks[name] = is.condition
	}
	for _, ix := range t.indexes {
		if promised := names[ix.name]; promised != "" {
			for _, part := range ix.parts {
				out.Parts[promised] = append(out.Parts[promised], part.expression)
			}
		}
	}
	return out, nil
}

// spellingParts are the parts of an index that has expressions.
func spellingParts(ix schema.PromisedIndex) string {
	var parts []string
	for _, part := range ix.Parts {
		sql := part.Expression
		if part.Column != "" {
			sql = Quote(part.Column)
		}
		parts = append(parts, sql)
	}
	return strings.Join(parts, ", ")
}

// spellingColumns are the table's columns with the expressions to spell, and its checks.
func (d *DB) spellingColumns(m *schema.Mapping, p *schema.Promise) string {
	var defs []string
	for i, c := range m.Columns {
		def := Quote(c.Name) + " " + c.Type
		switch is := p.Columns[i]; {
		case is.Computed != "" && d.caps.GeneratedAlways:
			def += " GENERATED ALWAYS AS (" + is.Computed + ") STORED"
		case is.Computed != "":
			def += " AS (" + is.Computed + ") STORED"
		case is.Default.Expression != "":
			def += " DEFAULT " + is.Default.Expression
		}
		defs = append(defs, def)
	}
	for _, c := range p.Checks {
		defs = append(defs, "CONSTRAINT "+Quote(c.Name)+" CHECK ("+c.Condition+")")
	}
	return strings.Join(defs, ", ")
}
