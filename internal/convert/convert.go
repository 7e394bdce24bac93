// Package convert turns a source's schema into a plan for the target: which
// column becomes what, the DDL that creates it, and a finding for everything
// that will not arrive as it was. It is pure: it reads no database and runs no
// statement. One file holds one family of rules. Executing the statements and
// finding out what the target can do are left to others.
package convert

import (
	"leap/internal/schema"
)

// Dialect says what the target can do; the caller fills it from what it found
// out at connect time.
type Dialect struct {
	// Cockroach is false for the PostgreSQL stand-in, where STRING is TEXT and
	// BYTES is BYTEA.
	Cockroach bool
	// MaxIdentifierBytes is the longest name in bytes: 63 on PostgreSQL, 0 for no limit.
	MaxIdentifierBytes int
	// OnUpdate says that a column may have an ON UPDATE expression (CockroachDB 21.2).
	OnUpdate bool
	// ExpressionIndexes says that an index may hold expressions (PostgreSQL, CockroachDB 21.2).
	ExpressionIndexes bool
	// NULInText says that text may hold U+0000.
	NULInText bool
	// ComputedStored is the syntax of a stored computed column, with %s for the
	// expression: "GENERATED ALWAYS AS (%s) STORED" or "AS (%s) STORED". Empty
	// means that the target has none.
	ComputedStored string
	// Schema is the target schema; empty means "public".
	Schema string
	// Regions, if set, makes the tables REGIONAL BY ROW.
	Regions *Regions
}

// Regions is where rows lie in a database of a multi-region cluster.
type Regions struct {
	// Database is the target database's name, Names its regions, the primary one first.
	Database string
	Names    []string
	// Home is the region of all rows, one of Names.
	Home string
}

// text returns the target's name of the unlimited string type.
func (d Dialect) text() string {
	if d.Cockroach {
		return "STRING"
	}
	return "TEXT"
}

// bytes returns the target's name of the byte string type.
func (d Dialect) bytes() string {
	if d.Cockroach {
		return "BYTES"
	}
	return "BYTEA"
}

// Plan is everything to do on the target, and everything that gets lost on the way.
type Plan struct {
	// Database is the source database's name.
	Database string
	Tables   []*TablePlan
	// Before are the statements to run before the rows are copied, in order:
	// the schema, types, sequences, tables.
	Before []Statement
	// After are the statements to run after the rows are copied, in order:
	// indexes, CHECK constraints, foreign keys, sequence values, comments. They
	// come last because they are faster then, and because a row that offends
	// one of them is then named by the constraint and not lost in a copy.
	After []Statement
	// Findings is what will not arrive as it was, in a stable order.
	Findings []schema.Finding
}

// TablePlan is one table of the plan.
type TablePlan struct {
	Mapping schema.Mapping
	// PrimaryKey are the target's primary key columns; empty when the source has none.
	PrimaryKey []string
	// Indexes are the names of the secondary indexes made in After.
	Indexes []string
	// Constraints are the names of the CHECK and foreign key constraints.
	Constraints []string
	// Sequences are the names of the sequences that feed the table's columns.
	Sequences []string
	// Types are the names of the enum types that its columns use.
	Types []string
	// Promise is what has to be there in the end, for the verification.
	Promise schema.Promise
}

// StatementKind names what a Statement makes.
type StatementKind string

// The kinds of statements, in the order in which they run.
const (
	KindRegion     StatementKind = "region"
	KindSchema     StatementKind = "schema"
	KindType       StatementKind = "type"
	KindSequence   StatementKind = "sequence"
	KindTable      StatementKind = "table"
	KindIndex      StatementKind = "index"
	KindUnique     StatementKind = "unique"
	KindCheck      StatementKind = "check"
	KindForeignKey StatementKind = "foreign_key"
	KindSetval     StatementKind = "setval"
	KindComment    StatementKind = "comment"
)

// Statement is one statement of DDL. Running it a second time does no harm,
// provided that it is skipped when Exists returns a row.
type Statement struct {
	// Name identifies it: "index accounts.idx_owner".
	Name string
	Kind StatementKind
	// Table is the target table that it belongs to; empty for the schema.
	Table string
	SQL   string
	// Exists is a query that returns one row when the object is already there,
	// whole and valid; empty when SQL itself may be repeated.
	Exists string
	// Object is the target's name of the index or constraint that it makes.
	Object string
	// Drop takes the object away again; only foreign keys have it.
	Drop string
}

// Table returns the plan of the source table of that exact name, or nil.
func (p *Plan) Table(sourceName string) *TablePlan {
	for _, t := range p.Tables {
		if t.Mapping.SourceName == sourceName {
			return t
		}
	}
	return nil
}

// Blockers returns the findings that forbid the move.
func (p *Plan) Blockers() []schema.Finding {
	var out []schema.Finding
	for _, f := range p.Findings {
		if f.Severity == schema.Blocker {
			out = append(out, f)
		}
	}
	return out
}

// Facts are what a scan of the source found in the data: table name, then
// column name. A nil Facts means that nobody looked; a column that is missing
// from a Facts that is not nil has nothing to report.
type Facts map[string]map[string]ColumnFacts

// ColumnFacts are the facts about one column's values.
type ColumnFacts struct {
	// OutsideDay says that a TIME is negative or 24 hours or more.
	OutsideDay bool `json:"outside_day,omitempty"`
	// ZeroDates counts zero and partial dates.
	ZeroDates int64 `json:"zero_dates,omitempty"`
	// ImpossibleDates counts dates such as 2023-02-31.
	ImpossibleDates int64 `json:"impossible_dates,omitempty"`
	// EmptyEnums counts the '' that MySQL stores for an invalid label.
	EmptyEnums int64 `json:"empty_enums,omitempty"`
	// BeyondInt8 says that an unsigned value is larger than 2^63-1.
	BeyondInt8 bool `json:"beyond_int8,omitempty"`
	// BeyondBool says that a TINYINT(1) is neither 0 nor 1.
	BeyondBool bool `json:"beyond_bool,omitempty"`
	// LossyText counts text values that are not valid in their character set or
	// that do not survive the conversion to UTF-8.
	LossyText int64 `json:"lossy_text,omitempty"`
	// NULs counts text values that hold U+0000.
	NULs int64 `json:"nuls,omitempty"`
}

// of returns the facts about a column, and whether anybody looked.
func (f Facts) of(table, column string) (ColumnFacts, bool) {
	return f[table][column], f != nil
}

// Build makes the plan. A database without tables gives a plan without tables.
// What cannot be moved is a Finding and not an error; an error means that the
// policies are invalid (fault.Usage).
func Build(db *schema.Database, d Dialect, p Policies, facts Facts) (*Plan, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if d.Schema == "" {
		d.Schema = "public"
	}
	b := &builder{
		db: db, d: d, p: p, facts: facts,
		plan:  &Plan{Database: db.Name},
		names: newNamespace(d.MaxIdentifierBytes),
		notes: map[string]*note{},
	}
	b.createRegions()
	b.createSchema()
	b.nameTables()
	for _, step := range []func(*table){
		b.mapColumns, b.chooseKey, b.createTable, b.checkFacts, b.describeTable,
	} {
		for _, t := range b.tables {
			step(t)
		}
	}
	b.nameIndexes()
	for _, step := range []func(*table){
		b.createIndexes, b.createChecks, b.createForeignKeys, b.setSequences, b.createComments,
	} {
		for _, t := range b.tables {
			step(t)
		}
	}
	b.describeObjects()
	b.flushNotes()
	return b.plan, nil
}
