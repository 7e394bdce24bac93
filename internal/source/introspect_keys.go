package source

import (
	"context"
	"database/sql"
	"regexp"
	"strings"

	"leap/internal/schema"
)

func (in *introspection) readIndexes(ctx context.Context) error {
	expression := "NULL"
	if in.hasFunctionalKeys() {
		expression = "EXPRESSION"
	}
	query := `SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, INDEX_TYPE, COALESCE(INDEX_COMMENT, ''),
		COALESCE(COLUMN_NAME, ''), COALESCE(SUB_PART, 0), COALESCE(COLLATION, ''), COALESCE(` + expression + `, ''),
		` + in.ignoredIndex() + `
		FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`
	return in.each(ctx, query, func(rows *sql.Rows) error {
		var table, collation string
		var notUnique int
		var index schema.Index
		var part schema.KeyPart
		if err := rows.Scan(&table, &index.Name, &notUnique, &index.Type, &index.Comment,
			&part.Column, &part.Prefix, &collation, &part.Expression, &index.Ignored); err != nil {
			return err //nolint:wrapcheck // Introspect says what it was reading
		}
		index.Unique = notUnique == 0
		part.Descending = collation == "D"
		part.Expression = unescape(part.Expression)
		if index.Type == "SPATIAL" || index.Type == "FULLTEXT" {
			part.Prefix = 0 // the catalog gives the size of the index entry there
		}
		if t := in.tables[table]; t != nil {
			addKeyPart(t, index, part)
		}
		return nil
	})
}

// hasFunctionalKeys: the column EXPRESSION came with MySQL 8.0.13.
func (in *introspection) hasFunctionalKeys() bool {
	return in.info.Product == MySQL && in.info.version.atLeast(8, 0, 13)
}

// ignoredIndex tells of a row of STATISTICS whether the optimizer ignores its index.
func (in *introspection) ignoredIndex() string {
	v := in.info.version
	switch {
	case in.info.Product == MariaDB && v.atLeast(10, 6, 0):
		return "IGNORED = 'YES'"
	case in.info.Product == MySQL && v.atLeast(8, 0, 0):
		return "IS_VISIBLE = 'NO'"
	}
	return "FALSE"
}

// addKeyPart appends the part to its index, which the rows before it may have begun.
func addKeyPart(t *schema.Table, index schema.Index, part schema.KeyPart) {
	if index.Name == "PRIMARY" {
		if t.PrimaryKey == nil {
			t.PrimaryKey = &index
		}
		t.PrimaryKey.Parts = append(t.PrimaryKey.Parts, part)
		return
	}
	for i := range t.Indexes {
		if t.Indexes[i].Name == index.Name {
			t.Indexes[i].Parts = append(t.Indexes[i].Parts, part)
			return
		}
	}
	index.Parts = []schema.KeyPart{part}
	t.Indexes = append(t.Indexes, index)
}

// readForeignKeys takes the columns from KEY_COLUMN_USAGE and the rules from
// REFERENTIAL_CONSTRAINTS. MariaDB hides the latter from accounts that hold
// nothing but SELECT: a join would make the foreign keys vanish without a word.
// The table's own definition fills the gap.
func (in *introspection) readForeignKeys(ctx context.Context) error {
	if err := in.readKeyColumns(ctx); err != nil {
		return err
	}
	if err := in.readRules(ctx); err != nil {
		return err
	}
	for _, t := range in.out.Tables {
		for i := range t.ForeignKeys {
			if t.ForeignKeys[i].OnDelete == "" {
				if err := in.readRulesFromDefinition(ctx, t); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

func (in *introspection) readKeyColumns(ctx context.Context) error {
	const query = `SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME,
		REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
		FROM information_schema.KEY_COLUMN_USAGE
		WHERE TABLE_SCHEMA = ? AND REFERENCED_TABLE_NAME IS NOT NULL
		ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`
	return in.each(ctx, query, func(rows *sql.Rows) error {
		var table, column, refColumn string
		var key schema.ForeignKey
		if err := rows.Scan(&table, &key.Name, &column, &key.RefSchema, &key.RefTable, &refColumn); err != nil {
			return err //nolint:wrapcheck // Introspect says what it was reading
		}
		t := in.tables[table]
		if t == nil {
			return nil
		}
		if key.RefSchema == in.out.Name {
			key.RefSchema = ""
		}
		if n := len(t.ForeignKeys); n == 0 || t.ForeignKeys[n-1].Name != key.Name {
			t.ForeignKeys = append(t.ForeignKeys, key)
		}
		last := &t.ForeignKeys[len(t.ForeignKeys)-1]
		last.Columns = append(last.Columns, column)
		last.RefColumns = append(last.RefColumns, refColumn)
		return nil
	})
}

func (in *introspection) readRules(ctx context.Context) error {
	const query = `SELECT TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE, UPDATE_RULE
		FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ?`
	return in.each(ctx, query, func(rows *sql.Rows) error {
		var table, name, onDelete, onUpdate string
		if err := rows.Scan(&table, &name, &onDelete, &onUpdate); err != nil {
			return err //nolint:wrapcheck // Introspect says what it was reading
		}
		if t := in.tables[table]; t != nil {
			setRules(t, name, onDelete, onUpdate)
		}
		return nil
	})
}

func setRules(t *schema.Table, name, onDelete, onUpdate string) {
	for i := range t.ForeignKeys {
		if t.ForeignKeys[i].Name == name {
			t.ForeignKeys[i].OnDelete, t.ForeignKeys[i].OnUpdate = onDelete, onUpdate
		}
	}
}

// foreignKeyLine is a foreign key as SHOW CREATE TABLE prints it, one a line.
var foreignKeyLine = regexp.MustCompile("(?m)^  CONSTRAINT `((?:[^`]|``)+)` FOREIGN KEY .*$")

const rules = "(RESTRICT|CASCADE|SET NULL|NO ACTION|SET DEFAULT)"

var (
	deleteRule = regexp.MustCompile(" ON DELETE " + rules)
	updateRule = regexp.MustCompile(" ON UPDATE " + rules)
)

func (in *introspection) readRulesFromDefinition(ctx context.Context, t *schema.Table) error {
	definition, err := in.definition(ctx, t)
	if err != nil {
		return err
	}
	for _, line := range foreignKeyLine.FindAllStringSubmatch(definition, -1) {
		// The rules end the line; a quoted name before them could contain anything.
		tail := line[0][strings.LastIndexByte(line[0], '`'):]
		rule := func(re *regexp.Regexp) string {
			if m := re.FindStringSubmatch(tail); m != nil {
				return m[1]
			}
			return "RESTRICT" // the default, which is not printed
		}
		setRules(t, strings.ReplaceAll(line[1], "``", "`"), rule(deleteRule), rule(updateRule))
	}
	return nil
}

// definition returns what SHOW CREATE TABLE prints.
func (in *introspection) definition(ctx context.Context, t *schema.Table) (string, error) {
	var name, text string
	err := in.conn.QueryRowContext(ctx, "SHOW CREATE TABLE "+quote(in.out.Name)+"."+quote(t.Name)).Scan(&name, &text)
	return text, err //nolint:wrapcheck // Introspect says what it was reading
}

func (in *introspection) readChecks(ctx context.Context) error {
	query := in.checkQuery()
	if query == "" {
		return nil
	}
	return in.each(ctx, query, func(rows *sql.Rows) error {
		var table, enforced string
		var check schema.Check
		if err := rows.Scan(&table, &check.Name, &check.Expression, &enforced); err != nil {
			return err //nolint:wrapcheck // Introspect says what it was reading
		}
		check.Enforced = enforced == "YES"
		if in.info.Product == MySQL {
			check.Expression = unescape(check.Expression)
		}
		if t := in.tables[table]; t != nil && !foldJSON(t, check) {
			t.Checks = append(t.Checks, check)
		}
		return nil
	})
}

// checkQuery: MariaDB names the table in CHECK_CONSTRAINTS, since names are
// unique within a table there; MySQL has them unique within the database and
// keeps the table in TABLE_CONSTRAINTS. Versions without checks give "".
func (in *introspection) checkQuery() string {
	v := in.info.version
	switch {
	case in.info.Product == MySQL && v.atLeast(8, 0, 16):
		return `SELECT t.TABLE_NAME, t.CONSTRAINT_NAME, c.CHECK_CLAUSE, t.ENFORCED
			FROM information_schema.TABLE_CONSTRAINTS t JOIN information_schema.CHECK_CONSTRAINTS c
			ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME
			WHERE t.CONSTRAINT_SCHEMA = ? AND t.CONSTRAINT_TYPE = 'CHECK' ORDER BY t.TABLE_NAME, t.CONSTRAINT_NAME`
	case in.info.Product == MariaDB && (v.atLeast(10, 3, 10) || (v.atLeast(10, 2, 22) && !v.atLeast(10, 3, 0))):
		return `SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE, 'YES'
			FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ?
			ORDER BY TABLE_NAME, CONSTRAINT_NAME`
	}
	return ""
}

// foldJSON recognizes the check that makes a LONGTEXT of MariaDB a JSON column
// and turns it into the column's type.
func foldJSON(t *schema.Table, check schema.Check) bool {
	for i := range t.Columns {
		c := &t.Columns[i]
		if (c.Type.Base == "longtext" || c.Type.Base == "json") &&
			check.Expression == "json_valid("+quote(c.Name)+")" {
			c.Type.Base = "json"
			return true
		}
	}
	return false
}
