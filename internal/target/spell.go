package target

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"leap/internal/retry"
	"leap/internal/schema"
)

// spelled is how the server prints the expressions of a promise. A server
// rewrites what it is given (IN becomes = ANY, casts appear), so expressions
// can only be compared in its own words.
type spelled struct {
	columns map[string]catalogColumn
	checks  map[string]catalogCheck
	// parts are the expressions of indexes by name, one for each part.
	parts map[string][]catalogPart
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
func (d *DB) spell(ctx context.Context, m *schema.Mapping, p *schema.Promise) (out spelled, err error) {
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

func (d *DB) spellIn(ctx context.Context, tx pgx.Tx, m *schema.Mapping, p *schema.Promise) (spelled, error) {
	name := "_migrate_spell_" + randomSuffix()
	table := pgx.Identifier{Schema, name}.Sanitize()
	if _, err := tx.Exec(ctx, "CREATE TABLE "+table+" ("+d.spellingColumns(m, p)+")"); err != nil {
		return spelled{}, Explain(err)
	}
	names := map[string]string{}
	for i, ix := range p.Indexes {
		if !expressionIndex(ix) {
			continue
		}
		var parts []string
		for _, part := range ix.Parts {
			sql := part.Expression
			if part.Column != "" {
				sql = Quote(part.Column)
			}
			parts = append(parts, sql)
		}
		index := fmt.Sprintf("%s_%d", name, i) // PostgreSQL keeps indexes beside tables
		names[index] = ix.Name
		if _, err := tx.Exec(ctx, "CREATE INDEX "+Quote(index)+" ON "+table+" ("+strings.Join(parts, ", ")+")"); err != nil {
			return spelled{}, Explain(err)
		}
	}
	c, err := readCatalog(ctx, tx, name)
	if err != nil {
		return spelled{}, err
	}
	t := c[name]
	if t == nil {
		return spelled{}, fmt.Errorf("the catalog does not show the table that was just made")
	}
	out := spelled{columns: t.columns, checks: t.checks, parts: map[string][]catalogPart{}}
	for _, ix := range t.indexes {
		if promised := names[ix.name]; promised != "" {
			out.parts[promised] = ix.parts
		}
	}
	return out, nil
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
