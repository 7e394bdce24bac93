package convert

import (
	"fmt"
	"slices"
	"strings"

	"leap/internal/schema"
)

// builder is the state of one Build.
type builder struct {
	db     *schema.Database
	d      Dialect
	p      Policies
	facts  Facts
	plan   *Plan
	names  *namespace // tables, sequences, types and, on PostgreSQL, indexes
	tables []*table
	notes  map[string]*note
	order  []string // keys of notes as they came
}

// table is the working state of one table.
type table struct {
	src  *schema.Table
	plan *TablePlan
	name string // on the target
	ref  string // quoted, with the schema
	// constraints holds the names of constraints and unique indexes:
	// CockroachDB keeps them in one namespace per table.
	constraints *namespace
	// columns finds a column in Mapping.Columns by its source name in lower
	// case: MySQL's column names ignore case.
	columns map[string]int
	// indexed are the source columns, in lower case, that any key uses.
	indexed map[string]bool
	defs    []string // column definitions of CREATE TABLE
	checks  []string // constraint definitions of CREATE TABLE
	// formulas are the target's expressions of computed columns by target name:
	// neither target lets one computed column read another, so they are inlined.
	formulas map[string]value
	// decided are the generated columns, by target name, that have been looked at.
	decided map[string]bool
	indexes []indexName
	primary string // the name of the primary key
	// keys are the column lists that the target keeps unique, for foreign keys.
	keys [][]string
}

// object names a column of the table for a finding.
func (t *table) object(column string) string { return t.src.Name + "." + column }

// column returns the mapping of a source column, in any case, or nil.
func (t *table) column(source string) *schema.ColumnMapping {
	if i, ok := t.columns[strings.ToLower(source)]; ok {
		return &t.plan.Mapping.Columns[i]
	}
	return nil
}

func (b *builder) before(s Statement) { b.plan.Before = append(b.plan.Before, s) }
func (b *builder) after(s Statement)  { b.plan.After = append(b.plan.After, s) }

func (b *builder) find(s schema.Severity, rule, object, problem, advice string) {
	b.plan.Findings = append(b.plan.Findings, schema.Finding{
		Rule: rule, Severity: s, Object: object, Problem: problem, Advice: advice,
	})
}

func (b *builder) info(rule, object, problem, advice string) {
	b.find(schema.Info, rule, object, problem, advice)
}

func (b *builder) warn(rule, object, problem, advice string) {
	b.find(schema.Warning, rule, object, problem, advice)
}

func (b *builder) block(rule, object, problem, advice string) {
	b.find(schema.Blocker, rule, object, problem, advice)
}

// note is a finding that is reported once although many objects have it.
type note struct {
	finding schema.Finding
	members []string
}

// gather adds a member to the finding of that rule and object; problem holds
// one %s for the list of members. A hundred tables with one habit are one line.
func (b *builder) gather(f schema.Finding, member string) {
	key := f.Rule + "\x00" + f.Object
	n, ok := b.notes[key]
	if !ok {
		n = &note{finding: f}
		b.notes[key] = n
		b.order = append(b.order, key)
	}
	if !slices.Contains(n.members, member) {
		n.members = append(n.members, member)
	}
}

func (b *builder) flushNotes() {
	for _, key := range b.order {
		n := b.notes[key]
		n.finding.Problem = fmt.Sprintf(n.finding.Problem, some(n.members))
		b.plan.Findings = append(b.plan.Findings, n.finding)
	}
}

// shownMembers is how many names a gathered finding lists: enough to recognise
// the habit, few enough for one line of a terminal.
const shownMembers = 6

// some lists the members, the first few when there are many.
func some(members []string) string {
	if len(members) <= shownMembers {
		return strings.Join(members, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(members[:shownMembers], ", "), len(members)-shownMembers)
}

func (b *builder) createSchema() {
	if b.d.Schema == "public" {
		return
	}
	b.before(Statement{
		Name: "schema " + b.d.Schema,
		Kind: KindSchema,
		SQL:  "CREATE SCHEMA IF NOT EXISTS " + quote(b.d.Schema),
		// The stand-in checks the right to create before it looks whether it has to.
		Exists: "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = " + literal(b.d.Schema),
	})
}

// qualify returns the quoted name with the target schema in front.
func (b *builder) qualify(name string) string {
	return quote(b.d.Schema) + "." + quote(name)
}

// constraintExists is the Exists query of a table constraint. One that the
// server still checks the rows for, or is about to take away, is there and may
// be gone in the end: it does not count.
func (b *builder) constraintExists(table, constraint string) string {
	return "SELECT 1 FROM pg_catalog.pg_constraint AS c" +
		" JOIN pg_catalog.pg_class AS t ON t.oid = c.conrelid" +
		" JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace" +
		" WHERE n.nspname = " + literal(b.d.Schema) +
		" AND t.relname = " + literal(table) +
		" AND c.conname = " + literal(constraint) +
		" AND c.convalidated"
}

// indexExists is the Exists query of an index, which does not count while it is
// being built. It takes the place of IF NOT EXISTS, which is content with one
// that is.
func (b *builder) indexExists(table, index string) string {
	return "SELECT 1 FROM pg_catalog.pg_index AS x" +
		" JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid" +
		" JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid" +
		" JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace" +
		" WHERE n.nspname = " + literal(b.d.Schema) +
		" AND t.relname = " + literal(table) +
		" AND i.relname = " + literal(index) +
		" AND x.indisvalid"
}

// typeExists is the Exists query of a user-defined type.
func (b *builder) typeExists(name string) string {
	return "SELECT 1 FROM pg_catalog.pg_type AS t" +
		" JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace" +
		" WHERE n.nspname = " + literal(b.d.Schema) +
		" AND t.typname = " + literal(name)
}
