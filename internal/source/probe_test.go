package source

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProbeCounts(t *testing.T) {
	db, _ := open(t, `SET sql_mode = 'ALLOW_INVALID_DATES';
		CREATE TABLE t (id INT PRIMARY KEY, tm TIME(3), d DATE, dt DATETIME, ts TIMESTAMP NULL, e ENUM('', 'a'), b TINYINT(1),
			small TINYINT(4), big BIGINT UNSIGNED, txt TEXT, u16 VARCHAR(9) CHARACTER SET utf16,
			cp VARCHAR(9) CHARACTER SET cp932, plain INT, bin BLOB);
		INSERT INTO t VALUES
		(1, '-00:00:01', '0000-00-00', '0000-00-00 01:02:03', '0000-00-00', 0, 2, 9, 18446744073709551615, 'a\0b', 'a\0b', 'abc', 1, '\0'),
		(2, '24:00:00', '2024-00-15', '0000-05-05 00:00:00', '2024-01-01', 1, -1, 9, 9223372036854775808, '\0', 'ab', 'abc', 1, '\0'),
		(3, '23:59:59.999', '2024-02-31', '2023-02-29 00:00:00', NULL, 2, 1, 9, 9223372036854775807, '', '', '', 1, ''),
		(4, '00:00:00', '2024-02-29', '9999-12-31 23:59:59', NULL, 2, 0, 9, 0, 'x', 'x', 'x', 1, 'x');
		INSERT INTO t (id) VALUES (5);
		UPDATE t SET cp = X'FA54' WHERE id = 1`)
	got, err := db.Probe(t.Context(), introspect(t, db).Table("t"), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	want := TableFacts{Rows: 5, Columns: map[string]ColumnFacts{
		"tm":  {OutsideDay: 2},
		"d":   {ZeroDates: 1, PartialDates: 1, ImpossibleDates: 1},
		"dt":  {ZeroDates: 1, PartialDates: 1, ImpossibleDates: 1},
		"ts":  {ZeroDates: 1},
		"e":   {EmptyEnums: 1},
		"b":   {NotBool: 2},
		"big": {AboveInt64: 2},
		"txt": {NULText: 2},
		"u16": {NULText: 1},
		"cp":  {LossyText: 1}, // FA54 and 81CA are one character of Unicode
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestProbeOfAnEmptyTable(t *testing.T) {
	db, _ := open(t, "CREATE TABLE `odd ``name` (`co``l` TIME, n INT, `d%s` DATE)")
	got, err := db.Probe(t.Context(), introspect(t, db).Table("odd `name"), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(TableFacts{Columns: map[string]ColumnFacts{"co`l": {}, "d%s": {}}}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
