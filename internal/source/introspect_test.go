package source

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

func introspect(t *testing.T, db *DB) *schema.Database {
	t.Helper()
	got, err := db.Introspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

const everything = "CREATE TABLE parent (id INT PRIMARY KEY);" +
	"CREATE TABLE t (" + `
	id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, z INT(5) UNSIGNED ZEROFILL DEFAULT 42, n INT DEFAULT -7,
	d DECIMAL(30,10) DEFAULT 1.5, s VARCHAR(20) DEFAULT 'it''s \\ "q" é' COMMENT 'a ''comment''',
	l VARCHAR(20) CHARACTER SET latin1 DEFAULT 'NULL',
	e ENUM('a','b,c','d''e','f\\g','(é)') CHARACTER SET latin1 NOT NULL DEFAULT 'd''e',
	st SET('x','y z','w''w') DEFAULT 'x,y z', b BIT(5) DEFAULT b'101', bn VARBINARY(10) DEFAULT x'00ff41',
	ts TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
	dt DATETIME(3) DEFAULT '2020-01-01 00:00:00.123', tm TIME(2) DEFAULT '-10:00:00', y YEAR DEFAULT 2020,
	f DOUBLE DEFAULT 1e-30, j JSON DEFAULT '{"a":1}', lt LONGTEXT CHECK (json_valid(lt) AND lt <> '1'),
	u UUID DEFAULT uuid(), ip INET6, p POINT NOT NULL, gv INT AS (f + 1) VIRTUAL, gs INT AS (f + 2) PERSISTENT,
	inv INT INVISIBLE DEFAULT 3, ex INT DEFAULT (1 + 2), nul INT DEFAULT NULL, em VARCHAR(3) DEFAULT '', tx TEXT,
	UNIQUE KEY uk (s(5), n), KEY kd (n DESC, d), FULLTEXT KEY ft (tx), SPATIAL KEY sp (p),
	CONSTRAINT ck CHECK (d > 0 AND s <> 'x'),
	CONSTRAINT fk FOREIGN KEY (n) REFERENCES parent (id) ON DELETE SET NULL ON UPDATE CASCADE
	) COMMENT = 'the "table"' AUTO_INCREMENT = 1000;` +
	"CREATE TABLE part (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3;" +
	"CREATE TABLE versioned (id INT PRIMARY KEY) WITH SYSTEM VERSIONING;" +
	"CREATE TABLE myisam (a INT) ENGINE = MyISAM;" +
	"CREATE TABLE `odd ``name` (`co``l'\"` INT, J JSON);" +
	"CREATE VIEW v AS SELECT id FROM parent;" +
	"CREATE TRIGGER tr BEFORE INSERT ON parent FOR EACH ROW SET NEW.id = NEW.id + 1;" +
	"CREATE PROCEDURE pr() SELECT 1; CREATE FUNCTION fu() RETURNS INT DETERMINISTIC RETURN 1;" +
	"CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DO DELETE FROM parent; CREATE SEQUENCE sq"

func TestIntrospectTables(t *testing.T) {
	db, _ := open(t, everythingHere(t))
	got := introspect(t, db)
	var names []string
	for _, table := range got.Tables {
		names = append(names, table.Name)
	}
	if diff := cmp.Diff([]string{"myisam", "odd `name", "parent", "part", "t", "versioned"}, names); diff != "" {
		t.Errorf("tables: -want +got\n%s", diff)
	}
	table := got.Table("t")
	if table.Comment != `the "table"` || table.AutoIncrement != 1000 || table.Engine != "InnoDB" || table.Partitioned {
		t.Errorf("t: %q, next %d, %s, %v", table.Comment, table.AutoIncrement, table.Engine, table.Partitioned)
	}
	if !got.Table("part").Partitioned || got.Table("myisam").Engine != "MyISAM" {
		t.Error("partitions or engine not seen")
	}
	if odd := got.Table("odd `name"); odd.Columns[0].Name != "co`l'\"" || odd.Columns[1].Type.Base != "json" || odd.PrimaryKey != nil {
		t.Errorf("odd table: %+v", odd)
	}
	if got.Charset != "utf8mb4" {
		t.Errorf("charset %q", got.Charset)
	}
}

func TestIntrospectColumns(t *testing.T) {
	if onMySQL(t) {
		t.Skip("the types are MariaDB's; TestIntrospectMySQL has MySQL's")
	}
	db, _ := open(t, everything)
	table := introspect(t, db).Table("t")
	utf8 := func(base, raw string, length int64) schema.Type {
		return schema.Type{Base: base, Raw: raw, Length: length, Charset: "utf8mb4", Collation: "utf8mb4_general_ci"}
	}
	literal := func(s string) *schema.Default { return &schema.Default{Text: s} }
	expression := func(s string) *schema.Default { return &schema.Default{Text: s, Expression: true} }
	s := utf8("varchar", "varchar(20)", 20)
	want := []schema.Column{
		{Name: "id", Type: schema.Type{Base: "bigint", Raw: "bigint(20) unsigned", Unsigned: true, Length: 20}, AutoIncrement: true},
		{Name: "z", Type: schema.Type{Base: "int", Raw: "int(5) unsigned zerofill", Unsigned: true, Zerofill: true, Length: 5}, Nullable: true, Default: literal("42")},
		{Name: "n", Type: schema.Type{Base: "int", Raw: "int(11)", Length: 11}, Nullable: true, Default: literal("-7")},
		{Name: "d", Type: schema.Type{Base: "decimal", Raw: "decimal(30,10)", Precision: 30, Scale: 10}, Nullable: true, Default: literal("1.5000000000")},
		{Name: "s", Type: s, Nullable: true, Default: literal(`it's \ "q" é`), Comment: "a 'comment'"},
		{Name: "l", Type: schema.Type{Base: "varchar", Raw: "varchar(20)", Length: 20, Charset: "latin1", Collation: "latin1_swedish_ci"}, Nullable: true, Default: literal("NULL")},
		{Name: "e", Type: schema.Type{
			Base: "enum", Raw: `enum('a','b,c','d''e','f\\g','(é)')`, Charset: "latin1", Collation: "latin1_swedish_ci",
			Labels: []string{"a", "b,c", "d'e", `f\g`, "(é)"},
		}, Default: literal("d'e")},
		{Name: "st", Type: schema.Type{
			Base: "set", Raw: "set('x','y z','w''w')", Charset: "utf8mb4", Collation: "utf8mb4_general_ci",
			Labels: []string{"x", "y z", "w'w"},
		}, Nullable: true, Default: literal("x,y z")},
		{Name: "b", Type: schema.Type{Base: "bit", Raw: "bit(5)", Length: 5}, Nullable: true, Default: literal("101")},
		{Name: "bn", Type: schema.Type{Base: "varbinary", Raw: "varbinary(10)", Length: 10}, Nullable: true, Default: literal("\x00\xffA")},
		{Name: "ts", Type: schema.Type{Base: "timestamp", Raw: "timestamp(6)", Precision: 6}, Default: expression("current_timestamp(6)"), OnUpdate: "current_timestamp(6)"},
		{Name: "dt", Type: schema.Type{Base: "datetime", Raw: "datetime(3)", Precision: 3}, Nullable: true, Default: literal("2020-01-01 00:00:00.123")},
		{Name: "tm", Type: schema.Type{Base: "time", Raw: "time(2)", Precision: 2}, Nullable: true, Default: literal("-10:00:00.00")},
		{Name: "y", Type: schema.Type{Base: "year", Raw: "year(4)"}, Nullable: true, Default: literal("2020")},
		{Name: "f", Type: schema.Type{Base: "double", Raw: "double"}, Nullable: true, Default: literal("1e-30")},
		{Name: "j", Type: schema.Type{Base: "json", Raw: "longtext", Length: 4294967295, Charset: "utf8mb4", Collation: "utf8mb4_bin"}, Nullable: true, Default: literal(`{"a":1}`)},
		{Name: "lt", Type: utf8("longtext", "longtext", 4294967295), Nullable: true},
		{Name: "u", Type: schema.Type{Base: "uuid", Raw: "uuid"}, Nullable: true, Default: expression("uuid()")},
		{Name: "ip", Type: schema.Type{Base: "inet6", Raw: "inet6"}, Nullable: true},
		{Name: "p", Type: schema.Type{Base: "point", Raw: "point"}},
		{Name: "gv", Type: schema.Type{Base: "int", Raw: "int(11)", Length: 11}, Nullable: true, Generated: &schema.Generated{Expression: "`f` + 1"}},
		{Name: "gs", Type: schema.Type{Base: "int", Raw: "int(11)", Length: 11}, Nullable: true, Generated: &schema.Generated{Expression: "`f` + 2", Stored: true}},
		{Name: "inv", Type: schema.Type{Base: "int", Raw: "int(11)", Length: 11}, Nullable: true, Default: literal("3"), Invisible: true},
		{Name: "ex", Type: schema.Type{Base: "int", Raw: "int(11)", Length: 11}, Nullable: true, Default: expression("(1 + 2)")},
		{Name: "nul", Type: schema.Type{Base: "int", Raw: "int(11)", Length: 11}, Nullable: true},
		{Name: "em", Type: utf8("varchar", "varchar(3)", 3), Nullable: true, Default: literal("")},
		{Name: "tx", Type: utf8("text", "text", 65535), Nullable: true},
	}
	if diff := cmp.Diff(want, table.Columns); diff != "" {
		t.Errorf("columns: -want +got\n%s", diff)
	}
}

func TestIntrospectKeys(t *testing.T) {
	if onMySQL(t) {
		t.Skip("the types are MariaDB's; TestIntrospectMySQL has MySQL's")
	}
	db, _ := open(t, everything)
	table := introspect(t, db).Table("t")
	if diff := cmp.Diff(&schema.Index{Name: "PRIMARY", Unique: true, Type: "BTREE", Parts: []schema.KeyPart{{Column: "id"}}}, table.PrimaryKey); diff != "" {
		t.Errorf("primary key: -want +got\n%s", diff)
	}
	indexes := []schema.Index{
		{Name: "ft", Type: "FULLTEXT", Parts: []schema.KeyPart{{Column: "tx"}}},
		{Name: "kd", Type: "BTREE", Parts: []schema.KeyPart{{Column: "n", Descending: true}, {Column: "d"}}},
		{Name: "sp", Type: "SPATIAL", Parts: []schema.KeyPart{{Column: "p"}}},
		{Name: "uk", Unique: true, Type: "BTREE", Parts: []schema.KeyPart{{Column: "s", Prefix: 5}, {Column: "n"}}},
	}
	if diff := cmp.Diff(indexes, table.Indexes); diff != "" {
		t.Errorf("indexes: -want +got\n%s", diff)
	}
	checks := []schema.Check{
		{Name: "ck", Expression: "`d` > 0 and `s` <> 'x'", Enforced: true},
		{Name: "lt", Expression: "json_valid(`lt`) and `lt` <> '1'", Enforced: true},
	}
	if diff := cmp.Diff(checks, table.Checks); diff != "" {
		t.Errorf("checks: -want +got\n%s", diff)
	}
}

var fk = []schema.ForeignKey{{
	Name: "fk", Columns: []string{"n"}, RefTable: "parent", RefColumns: []string{"id"}, OnDelete: "SET NULL", OnUpdate: "CASCADE",
}}

// TestForeignKeysOfAReader uses an account that holds nothing but SELECT, from
// which MariaDB hides the rules of foreign keys.
func TestForeignKeysOfAReader(t *testing.T) {
	db, server := open(t, everythingHere(t)+`; CREATE TABLE child (a INT, b INT, c INT, KEY (a, b),
		CONSTRAINT`+" `f ON DELETE CASCADE` "+`FOREIGN KEY (c) REFERENCES parent (id))`)
	reader := openAs(t, account(t, server, db.Info().Database, "GRANT SELECT ON %DB%.* TO %A%"))
	for name, db := range map[string]*DB{"administrator": db, "reader": reader} {
		got := introspect(t, db)
		if diff := cmp.Diff(fk, got.Table("t").ForeignKeys); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		for _, rule := range []string{got.Table("child").ForeignKeys[0].OnDelete, got.Table("child").ForeignKeys[0].OnUpdate} {
			if rule != "RESTRICT" && rule != "NO ACTION" {
				t.Errorf("%s: rule %q of a key without rules", name, rule)
			}
		}
	}
}

func TestForeignKeyToAnotherDatabase(t *testing.T) {
	db, server := open(t, "")
	other := sandboxtest.NewDatabase(t, server)
	execute(t, server, other, "CREATE TABLE p (a INT, b INT, PRIMARY KEY (a, b))")
	execute(t, server, db.Info().Database, "CREATE TABLE c (y INT, x INT, CONSTRAINT k FOREIGN KEY (x, y) REFERENCES "+quote(other)+".p (a, b))")
	// Before the other database, which it refers to.
	defer execute(t, server, db.Info().Database, "DROP TABLE c")
	got := introspect(t, db).Table("c").ForeignKeys[0]
	if got.RefSchema != other || strings.Join(got.Columns, ",") != "x,y" || strings.Join(got.RefColumns, ",") != "a,b" {
		t.Errorf("%+v", got)
	}
}

func TestIntrospectObjects(t *testing.T) {
	db, server := open(t, everythingHere(t))
	returns, visible := "int", 1
	var want []schema.Object
	if !onMySQL(t) {
		returns, visible = "int(11)", 2
		want = []schema.Object{{Kind: schema.Sequence, Name: "sq"}}
	}
	want = append(want, []schema.Object{
		{Kind: schema.View, Name: "v", Definition: "select `" + db.Info().Database + "`.`parent`.`id` AS `id` from `" + db.Info().Database + "`.`parent`"},
		{Kind: schema.Trigger, Name: "tr", Table: "parent", Detail: "BEFORE INSERT", Definition: "SET NEW.id = NEW.id + 1"},
		{Kind: schema.Procedure, Name: "pr", Definition: "SELECT 1"},
		{Kind: schema.Function, Name: "fu", Detail: returns, Definition: "RETURN 1"},
		{Kind: schema.Event, Name: "ev", Detail: "EVERY 1 DAY", Definition: "DELETE FROM parent"},
	}...)
	got := introspect(t, db).Objects
	for i := range got { // in one string with others MySQL keeps the semicolon
		got[i].Definition = strings.TrimSuffix(got[i].Definition, ";")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	reader := openAs(t, account(t, server, db.Info().Database, "GRANT SELECT ON %DB%.* TO %A%"))
	if n := len(introspect(t, reader).Objects); n != visible {
		t.Errorf("a reader sees %d objects, want the view, and the sequence where there is one", n)
	}
}

// TestTextsBeyondThreeBytes has labels and defaults that the catalog shows as '?'.
func TestTextsBeyondThreeBytes(t *testing.T) {
	db, server := open(t, `CREATE TABLE t (id INT,
		e ENUM('a','really?','x😀') DEFAULT 'x😀', s SET('😀','b','c'),
		v VARCHAR(10) DEFAULT '😀?', b BINARY(3) DEFAULT x'ff3f', x VARCHAR(9) NOT NULL, `+"`q?`"+` ENUM('😀'))`)
	reader := openAs(t, account(t, server, db.Info().Database, "GRANT SELECT ON %DB%.* TO %A%"))
	for name, db := range map[string]*DB{"administrator": db, "reader": reader} {
		table := introspect(t, db).Table("t")
		if diff := cmp.Diff([]string{"a", "really?", "x😀"}, table.Column("e").Type.Labels); diff != "" {
			t.Errorf("%s: enum: -want +got\n%s", name, diff)
		}
		if diff := cmp.Diff([]string{"😀", "b", "c"}, table.Column("s").Type.Labels); diff != "" {
			t.Errorf("%s: set: -want +got\n%s", name, diff)
		}
		if diff := cmp.Diff([]string{"😀"}, table.Column("q?").Type.Labels); diff != "" {
			t.Errorf("%s: name with a question mark: -want +got\n%s", name, diff)
		}
		for column, want := range map[string]string{"e": "x😀", "v": "😀?", "b": "\xff?\x00"} {
			if got := table.Column(column).Default.Text; got != want {
				t.Errorf("%s: default of %s is %q, want %q", name, column, got, want)
			}
		}
	}
}

// TestScaleOfFloats: FLOAT(M,D) rounds what is written to it, FLOAT does not.
func TestScaleOfFloats(t *testing.T) {
	db, _ := open(t, "CREATE TABLE t (a FLOAT(7,3), b DOUBLE(15,4), c FLOAT, d DOUBLE, e FLOAT(24))")
	var got []int
	for _, c := range introspect(t, db).Table("t").Columns {
		got = append(got, c.Type.Scale)
	}
	if diff := cmp.Diff([]int{3, 4, 0, 0, 0}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestPackages: routines of MariaDB's sql_mode ORACLE come in packages.
func TestPackages(t *testing.T) {
	sandboxtest.MariaDBOnly(t, sandboxtest.Source(t), "MySQL has no packages")
	db, _ := open(t, "SET sql_mode = ORACLE; CREATE PACKAGE p AS FUNCTION f RETURN INT; END")
	var got []string
	for _, o := range introspect(t, db).Objects {
		got = append(got, string(o.Kind)+" "+o.Name)
	}
	if diff := cmp.Diff([]string{"package p"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestPeriods: of a key WITHOUT OVERLAPS the catalog shows three ordinary columns.
func TestPeriods(t *testing.T) {
	sandboxtest.MariaDBOnly(t, sandboxtest.Source(t), "MySQL has no periods")
	db, server := open(t, `CREATE TABLE t (id INT, s DATE, e DATE, PERIOD FOR p (s, e), PRIMARY KEY (id, p WITHOUT OVERLAPS),
		UNIQUE `+"`u``1`"+` (id, p WITHOUT OVERLAPS), UNIQUE plain (id, e, s))`)
	reader := openAs(t, account(t, server, db.Info().Database, "GRANT SELECT ON %DB%.* TO %A%"))
	// Who may only read columns is told so later, with the grant that it takes.
	introspect(t, openAs(t, account(t, server, db.Info().Database, "GRANT SELECT (id, s, e) ON %DB%.t TO %A%")))
	table := introspect(t, reader).Table("t")
	got := map[string]bool{"PRIMARY": table.PrimaryKey.WithoutOverlaps}
	for _, ix := range table.Indexes {
		got[ix.Name] = ix.WithoutOverlaps
	}
	if diff := cmp.Diff(map[string]bool{"PRIMARY": true, "u`1": true, "plain": false}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestNamesDifferInCase has two databases and two tables whose names differ in case only.
func TestNamesDifferInCase(t *testing.T) {
	db, server := open(t, "CREATE TABLE a (x INT); CREATE TABLE A (y INT, KEY k (y)); CREATE TABLE B (z INT)")
	upper := strings.ToUpper(db.Info().Database)
	execute(t, server, "", "CREATE DATABASE "+quote(upper))
	execute(t, server, upper, "CREATE TABLE a (other INT, PRIMARY KEY (other)); CREATE TABLE c (x INT)")
	defer execute(t, server, "", "DROP DATABASE "+quote(upper))
	got := introspect(t, db)
	var text []string
	for _, table := range got.Tables {
		text = append(text, fmt.Sprintf("%s(%s) %d", table.Name, table.Columns[0].Name, len(table.Indexes)))
	}
	if diff := cmp.Diff([]string{"A(y) 1", "B(z) 0", "a(x) 0"}, text); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestColumnsOfMySQL feeds rows of information_schema.COLUMNS as MySQL 8 and 5.7 fill them.
func TestColumnsOfMySQL(t *testing.T) {
	in := &introspection{info: Info{Product: MySQL, version: version{8, 0, 36}}}
	text := func(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }
	for name, c := range map[string]struct {
		row  columnRow
		want schema.Column
	}{
		"literal": {
			columnRow{name: "c", base: "varchar", raw: "varchar(9)", def: text("it's"), charset: text("utf8"), collation: text("utf8_general_ci")},
			schema.Column{Name: "c", Type: schema.Type{Base: "varchar", Raw: "varchar(9)", Charset: "utf8mb3", Collation: "utf8_general_ci"}, Default: &schema.Default{Text: "it's"}},
		},
		"word NULL": {
			columnRow{name: "c", base: "int", raw: "int unsigned", def: text("NULL")},
			schema.Column{Name: "c", Type: schema.Type{Base: "int", Raw: "int unsigned", Unsigned: true}, Default: &schema.Default{Text: "NULL"}},
		},
		"expression": {
			columnRow{name: "c", base: "varchar", raw: "varchar(9)", def: text(`concat(_utf8mb4\'a\',uuid())`), extra: "DEFAULT_GENERATED"},
			schema.Column{Name: "c", Type: schema.Type{Base: "varchar", Raw: "varchar(9)"}, Default: &schema.Default{Text: "concat(_utf8mb4'a',uuid())", Expression: true}},
		},
		"on update": {
			columnRow{name: "c", base: "timestamp", raw: "timestamp(3)", def: text("CURRENT_TIMESTAMP(3)"), extra: "DEFAULT_GENERATED on update CURRENT_TIMESTAMP(3) INVISIBLE", fraction: sql.NullInt64{Int64: 3, Valid: true}},
			schema.Column{Name: "c", Type: schema.Type{Base: "timestamp", Raw: "timestamp(3)", Precision: 3}, Default: &schema.Default{Text: "CURRENT_TIMESTAMP(3)", Expression: true}, OnUpdate: "current_timestamp(3)", Invisible: true},
		},
		"5.7 timestamp": {
			columnRow{name: "c", base: "datetime", raw: "datetime", def: text("CURRENT_TIMESTAMP")},
			schema.Column{Name: "c", Type: schema.Type{Base: "datetime", Raw: "datetime"}, Default: &schema.Default{Text: "CURRENT_TIMESTAMP", Expression: true}},
		},
		"bit": {
			columnRow{name: "c", base: "bit", raw: "bit(3)", def: text("b'101'"), precision: sql.NullInt64{Int64: 3, Valid: true}},
			schema.Column{Name: "c", Type: schema.Type{Base: "bit", Raw: "bit(3)", Length: 3}, Default: &schema.Default{Text: "101"}},
		},
		"generated": {
			columnRow{name: "c", base: "int", raw: "int", extra: "STORED GENERATED", generation: `(char_length(_utf8mb4\'a\\\'b\') + 1)`},
			schema.Column{Name: "c", Type: schema.Type{Base: "int", Raw: "int"}, Generated: &schema.Generated{Expression: `(char_length(_utf8mb4'a\'b') + 1)`, Stored: true}},
		},
		"json": {
			columnRow{name: "c", base: "json", raw: "json"},
			schema.Column{Name: "c", Type: schema.Type{Base: "json", Raw: "json"}},
		},
	} {
		if diff := cmp.Diff(c.want, in.column(c.row)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestCatalogOfVersions(t *testing.T) {
	at := func(product string, v version) *introspection {
		return &introspection{info: Info{Product: product, version: v}}
	}
	for _, c := range []struct {
		in                 *introspection
		functional         bool
		checksMustMention  string
		noChecksInThisCase bool
	}{
		{at(MySQL, version{5, 7, 44}), false, "", true},
		{at(MySQL, version{8, 0, 12}), false, "", true},
		{at(MySQL, version{8, 0, 16}), true, "ENFORCED", false},
		{at(MariaDB, version{10, 2, 21}), false, "", true},
		{at(MariaDB, version{10, 2, 22}), false, "'YES'", false},
		{at(MariaDB, version{10, 3, 9}), false, "", true},
		{at(MariaDB, version{11, 4, 0}), false, "'YES'", false},
	} {
		query := c.in.checkQuery()
		if c.in.hasFunctionalKeys() != c.functional || (query == "") != c.noChecksInThisCase || !strings.Contains(query, c.checksMustMention) {
			t.Errorf("%+v: functional %v, checks %q", c.in.info, c.in.hasFunctionalKeys(), query)
		}
	}
}

func TestParseLabels(t *testing.T) {
	for raw, want := range map[string][]string{
		`enum('')`:               {""},
		`enum('a','b')`:          {"a", "b"},
		`set('a,b','c)d','(')`:   {"a,b", "c)d", "("},
		`enum('it''s','''','x')`: {"it's", "'", "x"},
		`enum('a\\','b\0\n')`:    {`a\`, "b\x00\n"},
		`enum`:                   nil,
		`enum('unfinished`:       nil,
	} {
		if diff := cmp.Diff(want, parseLabels(raw)); diff != "" {
			t.Errorf("%s: -want +got\n%s", raw, diff)
		}
	}
}
