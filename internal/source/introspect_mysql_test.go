package source

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// everythingOfMySQL is everything in what MySQL 8 and later take.
const everythingOfMySQL = "SET NAMES utf8mb4; SET GLOBAL log_bin_trust_function_creators = ON; CREATE TABLE parent (id INT PRIMARY KEY);" +
	"CREATE TABLE t (" + `
	id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, z INT(5) UNSIGNED ZEROFILL DEFAULT 42, n INT DEFAULT -7,
	d DECIMAL(30,10) DEFAULT 1.5, s VARCHAR(20) DEFAULT 'it''s \\ "q" é' COMMENT 'a ''comment''',
	l VARCHAR(20) CHARACTER SET latin1 DEFAULT 'NULL',
	e ENUM('a','b,c','d''e','f\\g','(é)') CHARACTER SET latin1 NOT NULL DEFAULT 'd''e',
	st SET('x','y z','w''w') DEFAULT 'x,y z', b BIT(5) DEFAULT b'101', bn VARBINARY(10) DEFAULT x'00ff41',
	ts TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
	dt DATETIME(3) DEFAULT '2020-01-01 00:00:00.123', tm TIME(2) DEFAULT '-10:00:00', y YEAR DEFAULT 2020,
	f DOUBLE DEFAULT 1e-30, j JSON DEFAULT ('{"a":1}'), lt LONGTEXT CHECK (json_valid(lt) AND lt <> '1é'),
	u CHAR(36) DEFAULT (uuid()), p POINT NOT NULL SRID 0, gv INT AS (f + 1) VIRTUAL, gs INT AS (f + 2) STORED,
	inv INT DEFAULT 3 INVISIBLE, ex INT DEFAULT (1 + 2), te VARCHAR(9) DEFAULT (concat('é😀€', '''')),
	nul INT DEFAULT NULL, em VARCHAR(3) DEFAULT '', tx TEXT,
	UNIQUE KEY uk (s(5), n), KEY kd (n DESC, d), KEY fx ((concat(s, 'é''\\'))), KEY hid (d) INVISIBLE, FULLTEXT KEY ft (tx), SPATIAL KEY sp (p),
	CONSTRAINT ck CHECK (d > 0 AND s <> 'x'), CONSTRAINT soft CHECK (d <> 5) NOT ENFORCED,
	CONSTRAINT fk FOREIGN KEY (n) REFERENCES parent (id) ON DELETE SET NULL ON UPDATE CASCADE
	) COMMENT = 'the "table"' AUTO_INCREMENT = 1000;` +
	"CREATE TABLE part (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3;" +
	"SET sql_generate_invisible_primary_key = ON; CREATE TABLE versioned (a INT); SET sql_generate_invisible_primary_key = OFF;" +
	"CREATE TABLE myisam (a INT) ENGINE = MyISAM;" +
	"CREATE TABLE `odd ``name` (`co``l'\"` INT, J JSON);" +
	"CREATE VIEW v AS SELECT id FROM parent;" +
	"CREATE TRIGGER tr BEFORE INSERT ON parent FOR EACH ROW SET NEW.id = NEW.id + 1;" +
	"CREATE PROCEDURE pr() SELECT 1; CREATE FUNCTION fu() RETURNS INT DETERMINISTIC RETURN 1;" +
	"CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DO DELETE FROM parent"

// onMySQL reports whether that is what the tests' source is.
func onMySQL(t *testing.T) bool {
	t.Helper()
	return sandboxtest.Source(t).Kind() == sandbox.MySQL
}

// everythingHere is a database of everything that the source knows.
func everythingHere(t *testing.T) string {
	t.Helper()
	if onMySQL(t) {
		return everythingOfMySQL
	}
	return everything
}

func TestIntrospectMySQL(t *testing.T) {
	if !onMySQL(t) {
		t.Skip("the source is not MySQL")
	}
	db, _ := open(t, everythingOfMySQL)
	got := introspect(t, db)
	utf8 := func(base, raw string, length int64) schema.Type {
		return schema.Type{Base: base, Raw: raw, Length: length, Charset: "utf8mb4", Collation: "utf8mb4_0900_ai_ci"}
	}
	literal := func(s string) *schema.Default { return &schema.Default{Text: s} }
	expression := func(s string) *schema.Default { return &schema.Default{Text: s, Expression: true} }
	integer := schema.Type{Base: "int", Raw: "int"}
	want := []schema.Column{
		{Name: "id", Type: schema.Type{Base: "bigint", Raw: "bigint unsigned", Unsigned: true}, AutoIncrement: true},
		{Name: "z", Type: schema.Type{Base: "int", Raw: "int(5) unsigned zerofill", Unsigned: true, Zerofill: true, Length: 5}, Nullable: true, Default: literal("42")},
		{Name: "n", Type: integer, Nullable: true, Default: literal("-7")},
		{Name: "d", Type: schema.Type{Base: "decimal", Raw: "decimal(30,10)", Precision: 30, Scale: 10}, Nullable: true, Default: literal("1.5000000000")},
		{Name: "s", Type: utf8("varchar", "varchar(20)", 20), Nullable: true, Default: literal(`it's \ "q" é`), Comment: "a 'comment'"},
		{Name: "l", Type: schema.Type{Base: "varchar", Raw: "varchar(20)", Length: 20, Charset: "latin1", Collation: "latin1_swedish_ci"}, Nullable: true, Default: literal("NULL")},
		{Name: "e", Type: schema.Type{
			Base: "enum", Raw: `enum('a','b,c','d''e','f\\g','(é)')`, Charset: "latin1", Collation: "latin1_swedish_ci",
			Labels: []string{"a", "b,c", "d'e", `f\g`, "(é)"},
		}, Default: literal("d'e")},
		{Name: "st", Type: schema.Type{
			Base: "set", Raw: "set('x','y z','w''w')", Charset: "utf8mb4", Collation: "utf8mb4_0900_ai_ci",
			Labels: []string{"x", "y z", "w'w"},
		}, Nullable: true, Default: literal("x,y z")},
		{Name: "b", Type: schema.Type{Base: "bit", Raw: "bit(5)", Length: 5}, Nullable: true, Default: literal("101")},
		{Name: "bn", Type: schema.Type{Base: "varbinary", Raw: "varbinary(10)", Length: 10}, Nullable: true, Default: literal("\x00\xffA")},
		{Name: "ts", Type: schema.Type{Base: "timestamp", Raw: "timestamp(6)", Precision: 6}, Default: expression("CURRENT_TIMESTAMP(6)"), OnUpdate: "current_timestamp(6)"},
		{Name: "dt", Type: schema.Type{Base: "datetime", Raw: "datetime(3)", Precision: 3}, Nullable: true, Default: literal("2020-01-01 00:00:00.123")},
		{Name: "tm", Type: schema.Type{Base: "time", Raw: "time(2)", Precision: 2}, Nullable: true, Default: literal("-10:00:00.00")},
		{Name: "y", Type: schema.Type{Base: "year", Raw: "year"}, Nullable: true, Default: literal("2020")},
		{Name: "f", Type: schema.Type{Base: "double", Raw: "double"}, Nullable: true, Default: literal("1e-30")},
		{Name: "j", Type: schema.Type{Base: "json", Raw: "json"}, Nullable: true, Default: expression(`_utf8mb4'{"a":1}'`)},
		{Name: "lt", Type: utf8("longtext", "longtext", 4294967295), Nullable: true},
		{Name: "u", Type: utf8("char", "char(36)", 36), Nullable: true, Default: expression("uuid()")},
		{Name: "p", Type: schema.Type{Base: "point", Raw: "point"}},
		{Name: "gv", Type: integer, Nullable: true, Generated: &schema.Generated{Expression: "(`f` + 1)"}},
		{Name: "gs", Type: integer, Nullable: true, Generated: &schema.Generated{Expression: "(`f` + 2)", Stored: true}},
		{Name: "inv", Type: integer, Nullable: true, Default: literal("3"), Invisible: true},
		{Name: "ex", Type: integer, Nullable: true, Default: expression("(1 + 2)")},
		{Name: "te", Type: utf8("varchar", "varchar(9)", 9), Nullable: true, Default: expression(`concat(_utf8mb4'é😀€',_utf8mb4'\'')`)},
		{Name: "nul", Type: integer, Nullable: true},
		{Name: "em", Type: utf8("varchar", "varchar(3)", 3), Nullable: true, Default: literal("")},
		{Name: "tx", Type: utf8("text", "text", 65535), Nullable: true},
	}
	table := got.Table("t")
	if diff := cmp.Diff(want, table.Columns); diff != "" {
		t.Errorf("columns: -want +got\n%s", diff)
	}
	indexes := []schema.Index{
		{Name: "fk", Type: "BTREE", Parts: []schema.KeyPart{{Column: "n"}}}, // made by the server
		{Name: "ft", Type: "FULLTEXT", Parts: []schema.KeyPart{{Column: "tx"}}},
		{Name: "fx", Type: "BTREE", Parts: []schema.KeyPart{{Expression: "concat(`s`,_utf8mb4'é\\'\\\\')"}}},
		{Name: "hid", Type: "BTREE", Parts: []schema.KeyPart{{Column: "d"}}, Ignored: true},
		{Name: "kd", Type: "BTREE", Parts: []schema.KeyPart{{Column: "n", Descending: true}, {Column: "d"}}},
		{Name: "sp", Type: "SPATIAL", Parts: []schema.KeyPart{{Column: "p"}}},
		{Name: "uk", Unique: true, Type: "BTREE", Parts: []schema.KeyPart{{Column: "s", Prefix: 5}, {Column: "n"}}},
	}
	if diff := cmp.Diff(indexes, table.Indexes); diff != "" {
		t.Errorf("indexes: -want +got\n%s", diff)
	}
	checks := []schema.Check{
		{Name: "ck", Expression: "((`d` > 0) and (`s` <> _utf8mb4'x'))", Enforced: true},
		{Name: "soft", Expression: "(`d` <> 5)"},
		{Name: "t_chk_1", Expression: "(json_valid(`lt`) and (`lt` <> _utf8mb4'1é'))", Enforced: true},
	}
	if diff := cmp.Diff(checks, table.Checks); diff != "" {
		t.Errorf("checks: -want +got\n%s", diff)
	}
	hidden := got.Table("versioned")
	if c := hidden.Columns[0]; c.Name != "my_row_id" || !c.Invisible || !c.AutoIncrement || hidden.PrimaryKey == nil {
		t.Errorf("the primary key that the server made: %+v", hidden)
	}
}
