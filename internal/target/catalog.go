package target

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// catalog is what the server's catalogs say of the tables of a schema, beyond
// columns and types.
type catalog map[string]*catalogTable

type catalogTable struct {
	names       map[string]string // of columns by attribute number
	columns     map[string]catalogColumn
	indexes     []catalogIndex // the primary key's included
	foreignKeys []catalogForeignKey
	checks      map[string]catalogCheck
}

type catalogColumn struct{ defaults, computed string }

type catalogIndex struct {
	name                   string
	unique, primary, valid bool
	parts                  []catalogPart
	only                   string // the condition of a partial index
}

// catalogPart is a column, or an expression as the server prints it.
type catalogPart struct {
	column, expression string
	descending         bool
}

type catalogForeignKey struct {
	name       string
	columns    []string
	refTable   string
	refColumns []string
	onDelete   string
	onUpdate   string
	full       bool // MATCH FULL
	valid      bool
}

type catalogCheck struct {
	condition string
	valid     bool
}

// readCatalog reads all tables of a schema, or one: a query for each would ask
// CockroachDB to make up its whole catalog each time.
func readCatalog(ctx context.Context, q querier, table string) (catalog, error) {
	c := catalog{}
	for _, step := range []func(context.Context, querier, string) error{c.readNames, c.readColumns, c.readIndexes, c.readConstraints} {
		if err := step(ctx, q, table); err != nil {
			return nil, fmt.Errorf("read the target's catalog: %w", Explain(err))
		}
	}
	return c, nil
}

// of selects the tables that a catalog query is about.
const of = ` WHERE n.nspname = $1 AND ($2::TEXT = '' OR c.relname::TEXT = $2::TEXT)`

func (c catalog) readNames(ctx context.Context, q querier, table string) error {
	const query = `SELECT c.relname::TEXT, a.attnum::TEXT, a.attname::TEXT FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid` + of + ` AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped`
	return each(ctx, q, query, table, func(scan func(...any) error) error {
		var name, number, column string
		err := scan(&name, &number, &column)
		t := c[name]
		if t == nil {
			t = &catalogTable{names: map[string]string{}, columns: map[string]catalogColumn{}, checks: map[string]catalogCheck{}}
			c[name] = t
		}
		t.names[number] = column
		return err
	})
}

func (c catalog) readColumns(ctx context.Context, q querier, table string) error {
	const query = `SELECT table_name::TEXT, column_name::TEXT, COALESCE(column_default, '')::TEXT, COALESCE(generation_expression, '')::TEXT
		FROM information_schema.columns WHERE table_schema = $1 AND ($2::TEXT = '' OR table_name::TEXT = $2::TEXT)`
	return each(ctx, q, query, table, func(scan func(...any) error) error {
		var name, column string
		var is catalogColumn
		err := scan(&name, &column, &is.defaults, &is.computed)
		if t := c[name]; t != nil {
			t.columns[column] = is
		}
		return err
	})
}

func (c catalog) readIndexes(ctx context.Context, q querier, table string) error {
	const query = `SELECT c.relname::TEXT, x.relname::TEXT, i.indisunique, i.indisprimary, i.indisvalid,
		i.indkey::TEXT, i.indoption::TEXT, COALESCE(pg_get_expr(i.indpred, i.indrelid), '')::TEXT, i.indexrelid::INT8
		FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
		JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace` + of
	type expression struct {
		part *catalogPart
		oid  int64
		at   int
	}
	var expressions []expression
	err := each(ctx, q, query, table, func(scan func(...any) error) error {
		var name, keys, options string
		var ix catalogIndex
		var oid int64
		if err := scan(&name, &ix.name, &ix.unique, &ix.primary, &ix.valid, &keys, &options, &ix.only, &oid); err != nil {
			return err
		}
		t := c[name]
		if t == nil {
			return nil
		}
		// There are options for the key's columns only, not for those that an
		// index carries along.
		numbers := strings.Fields(keys)
		for i, option := range strings.Fields(options) {
			bits, err := strconv.Atoi(option)
			if err != nil || i >= len(numbers) {
				return fmt.Errorf("index %s: options %q of columns %q", ix.name, options, keys)
			}
			ix.parts = append(ix.parts, catalogPart{column: t.names[numbers[i]], descending: bits&1 == 1})
		}
		for i := range ix.parts {
			if ix.parts[i].column == "" {
				expressions = append(expressions, expression{&ix.parts[i], oid, i + 1})
			}
		}
		t.indexes = append(t.indexes, ix)
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range expressions {
		err := (&Tx{q}).Each(ctx, "SELECT pg_get_indexdef($1::INT8::OID, $2::INT4, false)", []any{e.oid, e.at},
			func(scan func(...any) error) error { return scan(&e.part.expression) })
		if err != nil {
			return fmt.Errorf("expression of an index: %w", err)
		}
	}
	return nil
}

func (c catalog) readConstraints(ctx context.Context, q querier, table string) error {
	const query = `SELECT c.relname::TEXT, k.conname::TEXT, k.contype::TEXT, k.convalidated, COALESCE(k.conkey::TEXT, ''),
		COALESCE(f.relname::TEXT, ''), COALESCE(k.confkey::TEXT, ''), COALESCE(k.confdeltype::TEXT, ''), COALESCE(k.confupdtype::TEXT, ''),
		COALESCE(k.confmatchtype::TEXT, ''), COALESCE(pg_get_constraintdef(k.oid), '')
		FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid` + of + ` AND k.contype IN ('f', 'c')`
	return each(ctx, q, query, table, func(scan func(...any) error) error {
		var name, constraint, kind, columns, refTable, refColumns, onDelete, onUpdate, match, definition string
		var valid bool
		if err := scan(&name, &constraint, &kind, &valid, &columns, &refTable, &refColumns, &onDelete, &onUpdate, &match, &definition); err != nil {
			return err
		}
		t := c[name]
		switch {
		case t == nil:
		case kind == "c":
			t.checks[constraint] = catalogCheck{condition: strings.TrimSuffix(definition, " NOT VALID"), valid: valid}
		default:
			fk := catalogForeignKey{
				name: constraint, columns: c.named(name, columns), refTable: refTable, refColumns: c.named(refTable, refColumns),
				onDelete: actionOf(onDelete), onUpdate: actionOf(onUpdate), full: match == "f", valid: valid,
			}
			t.foreignKeys = append(t.foreignKeys, fk)
		}
		return nil
	})
}

// named turns "{2,3}" into names. Of a table outside the schema only the
// numbers are known; they equal no promised name.
func (c catalog) named(table, numbers string) []string {
	out := strings.Split(strings.Trim(numbers, "{}"), ",")
	for i, n := range out {
		if t := c[table]; t != nil && t.names[n] != "" {
			out[i] = t.names[n]
		}
	}
	return out
}

func actionOf(letter string) string {
	switch letter {
	case "a":
		return "NO ACTION"
	case "r":
		return "RESTRICT"
	case "c":
		return "CASCADE"
	case "n":
		return "SET NULL"
	case "d":
		return "SET DEFAULT"
	}
	return "action " + letter
}

// each runs a catalog query over the target schema.
func each(ctx context.Context, q querier, query, table string, fn func(scan func(...any) error) error) error {
	return (&Tx{q}).Each(ctx, query, []any{Schema, table}, fn)
}

// primaryKey returns the columns of the primary key; none for the hidden one
// that CockroachDB adds.
func (t *catalogTable) primaryKey(hidden map[string]bool) []string {
	for _, ix := range t.indexes {
		if ix.primary && !slices.ContainsFunc(ix.parts, func(p catalogPart) bool { return hidden[p.column] }) {
			return ix.columns()
		}
	}
	return nil
}

func (ix *catalogIndex) columns() []string {
	var out []string
	for _, p := range ix.parts {
		out = append(out, p.column)
	}
	return out
}
