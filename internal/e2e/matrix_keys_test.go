package e2e

import (
	"fmt"
	"strings"

	"leap/internal/sandbox"
)

// keyTables are tables whose key is of every type that a key can have, with
// the values that lie at borders or sort differently on the two sides.
func keyTables(source *sandbox.Server) []string {
	mixed := make([]string, 0, 40)
	for _, text := range []string{
		"", "!", "0", "10", "9", "A", "B", "Z", "a b", "aa", "ab", "z", "ä", "é", "ß", "數", "😀", "\\", "'", "\"", "\tx", "\x01", "_", "~", `\N`, "%", "zz", "Ω", "я",
	} {
		mixed = append(mixed, mysqlText(text))
	}
	// Only where case tells rows apart.
	cased := append([]string{"'a'", "'b'", "'AA'", "'aA'", mysqlText("Ä"), mysqlText("É"), mysqlText("e\u0301")}, mixed...)
	keys := []keyType{
		{"k_int", "INT", []string{"-2147483648", "2147483647", "0", "-1", "1", "-5", "5", "100", "99", "-100", "7"}},
		{"k_tinyint_u", "TINYINT UNSIGNED", []string{"0", "255", "127", "128", "129", "1", "2"}},
		{"k_bigint_u", "BIGINT UNSIGNED", []string{"0", "18446744073709551615", "9223372036854775807", "9223372036854775808", "9223372036854775809", "18446744073709551614", "1", "10000000000000000000"}},
		{"k_bigint", "BIGINT", []string{"-9223372036854775808", "9223372036854775807", "0", "-1", "1", "9007199254740993", "9007199254740992"}},
		{"k_decimal", "DECIMAL(20,5)", []string{"-999999999999999.99999", "999999999999999.99999", "0", "-0.00001", "0.00001", "1.5", "1.50001", "10"}},
		{"k_float", "FLOAT", []string{"0.1", "16777216", "-3.4028235e38", "1e-45", "3.25", "123456.7", "0.30000001", "123456.71"}},
		{"k_double", "DOUBLE", []string{"0.1", "0.30000000000000004", "0.3", "-1e308", "5e-324", "1e21", "0"}},
		{"k_varchar_bin", "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", cased},
		{"k_varchar_ci", "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", without(mixed, "z", "ä", "é", "ß")},
		{"k_varchar_unicode", "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", without(mixed, "\x01", "z", "ä")},
		{"k_latin1", "VARCHAR(20) CHARACTER SET latin1", []string{"'a'", "'b'", "'z'", "X'E4'", "X'F6'", "X'80'", "X'DF'", "'0'", "''", "'_'"}},
		{"k_gbk", "VARCHAR(20) CHARACTER SET gbk", []string{"'a'", "X'815C'", "X'8140'", "X'C4E3'", "X'BAC3'", "'z'", "'5'"}},
		{"k_ucs2", "VARCHAR(20) CHARACTER SET ucs2", []string{"'a'", "'b'", mysqlText("ж"), mysqlText("数"), "'1'", "'11'"}},
		{"k_char", "CHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", []string{"'a'", "'A'", "''", "'10'", "'9'", mysqlText("ü"), "'zz'"}},
		{"k_varbinary", "VARBINARY(8)", []string{"''", "X'00'", "X'0000'", "X'61'", "X'6100'", "X'41'", "X'FF'", "X'FFFFFFFFFFFFFFFF'", "X'80'", "X'7F80'", "X'5C'", "X'27'", "X'0A'"}},
		{"k_binary", "BINARY(4)", []string{"X'00'", "X'00000001'", "X'61'", "X'61000001'", "X'FF'", "X'20'", "X'FFFFFFFF'"}},
		{"k_uuid", "UUID", []string{
			"'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'10000000-0000-1000-8000-000000000001'",
			"'00000000-0000-1000-9000-000000000002'", "'00000001-0000-1000-8000-000000000000'", "'01234567-89ab-4def-8123-456789abcdef'", "'f1234567-89ab-1def-8123-456789abcd00'",
		}},
		{"k_inet6", "INET6", []string{"'::'", "'::1'", "'2001:db8::1'", "'fe80::1'", "'ffff::'", "'10::'"}},
		{"k_date", "DATE", []string{"'1000-01-01'", "'9999-12-31'", "'1969-12-31'", "'1970-01-01'", "'2000-02-29'", "'2026-11-23'"}},
		{"k_datetime", "DATETIME(6)", []string{"'1000-01-01 00:00:00'", "'2021-03-28 02:30:00'", "'2021-03-28 02:30:00.000001'", "'2021-03-28 02:30:00.999999'", "'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.5'", "'1970-01-01 00:00:00'"}},
		{"k_timestamp", "TIMESTAMP(3)", []string{"'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999'", "'2021-10-31 00:30:00'", "'2021-10-31 01:30:00'", "'2021-10-31 01:30:00.001'", "'2000-01-01 00:00:00'"}},
		{"k_time", "TIME(2)", []string{"'00:00:00'", "'23:59:59.99'", "'12:00:00'", "'12:00:00.01'", "'09:00:00'", "'10:00:00'"}},
		{"k_wide_time", "TIME", []string{"'-838:59:59'", "'838:59:59'", "'-00:00:01'", "'00:00:00'", "'100:00:00'", "'99:00:00'", "'-1:00:00'"}},
		{"k_year", "YEAR", []string{"0", "1901", "2155", "1999", "2000", "2026"}},
		{"k_enum", "ENUM('zebra','apple','mango','Apfel','b','a')", []string{"'zebra'", "'apple'", "'mango'", "'Apfel'", "'b'", "'a'"}},
		{"k_set", "SET('z','y','x')", []string{"''", "'z'", "'y'", "'z,y'", "'x'", "'z,x'", "'y,x'", "'z,y,x'"}},
		{"k_bit", "BIT(9)", []string{"b'0'", "b'1'", "b'111111111'", "b'100000000'", "b'10'", "b'11'", "b'10000000'"}},
	}
	padded := append([]string{"'a '", "'a  '", "' a'", "' '"}, cased...) // where spaces at the end tell rows apart
	if source.Kind() == sandbox.MySQL {
		keys = append(keys, mysqlKeys(padded)...)
	} else {
		keys = append(keys, keyType{"k_varchar_nopad", "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin", padded})
	}
	var tables []string
	for _, k := range keys {
		tables = append(tables,
			fmt.Sprintf("CREATE TABLE %s (k %s NOT NULL PRIMARY KEY, v VARCHAR(60) CHARACTER SET utf8mb4)", k.name, k.ddl),
			fmt.Sprintf("INSERT INTO %s VALUES (%s)", k.name, strings.Join(numbered(k.values), "), (")))
	}
	return append(tables, compositeKeys()...)
}

// keyType is a type of key and the values of a table that has it.
type keyType struct {
	name, ddl string
	values    []string
}

// numbered adds a second value, so that a row that lands under another's key shows.
func numbered(values []string) []string {
	rows := make([]string, len(values))
	for i, value := range values {
		rows[i] = fmt.Sprintf("%s, 'row %d'", value, i)
	}
	return rows
}

func without(values []string, texts ...string) []string {
	var kept []string
	for _, value := range values {
		drop := false
		for _, text := range texts {
			drop = drop || value == mysqlText(text)
		}
		if !drop {
			kept = append(kept, value)
		}
	}
	return kept
}

func compositeKeys() []string {
	return []string{
		"CREATE TABLE k_composite (v INT, c DATE, b VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, a INT, PRIMARY KEY (a, b, c))",
		`INSERT INTO k_composite SELECT x.seq * 100 + y.seq * 10 + z.seq, '2020-01-01' + INTERVAL z.seq DAY, ELT(y.seq, 'b', 'B', '', 'a,b'), CAST(x.seq AS SIGNED) - 3
			FROM seq_1_to_5 x, seq_1_to_4 y, seq_1_to_3 z`,
		"CREATE TABLE k_ci_composite (tenant CHAR(3), code VARCHAR(10) COLLATE utf8mb4_general_ci, n INT UNSIGNED, v TEXT, PRIMARY KEY (tenant, code, n))",
		"INSERT INTO k_ci_composite SELECT ELT(x.seq, 'aaa', 'BBB', 'ccc'), ELT(y.seq, 'x', 'Y', '_'), 4294967295 - z.seq, CONCAT(x.seq, y.seq) FROM seq_1_to_3 x, seq_1_to_3 y, seq_1_to_4 z",
		"CREATE TABLE k_none (a INT, b VARCHAR(20) CHARACTER SET utf8mb4, f FLOAT, j JSON, x BLOB)",
		`INSERT INTO k_none VALUES (1, 'same', 0.1, '{"a":1}', X'00'), (1, 'same', 0.1, '{"a":1}', X'00'), (1, 'same', 0.1, '{"a":1}', X'00'), (2, 'once', NULL, DEFAULT, '')`,
		"INSERT INTO k_none () VALUES (), ()",
		"INSERT INTO k_none SELECT seq % 7, CONCAT('r', seq % 5), seq % 3 + 0.1, NULL, NULL FROM seq_1_to_200",
		"CREATE TABLE k_empty (id INT PRIMARY KEY, v TEXT)",
		"CREATE TABLE k_empty_none (v TEXT)",
		"CREATE TABLE k_one (id BIGINT UNSIGNED PRIMARY KEY)",
		"INSERT INTO k_one VALUES (18446744073709551615)",
		// The trap of SELECT *, and values that the target computes again.
		"CREATE TABLE k_hidden (id INT PRIMARY KEY, secret INT INVISIBLE DEFAULT 7, shown INT)",
		"INSERT INTO k_hidden (id, secret, shown) SELECT seq, seq * 10, -seq FROM seq_1_to_12",
		"CREATE TABLE k_generated (id INT PRIMARY KEY, a INT, s VARCHAR(10), twice INT AS (a * 2) STORED, less INT AS (a - 1) VIRTUAL, joined VARCHAR(30) AS (CONCAT(s, '-x')) STORED)",
		"INSERT INTO k_generated (id, a, s) SELECT seq, seq * 3, CONCAT('s', seq) FROM seq_1_to_12",
		"INSERT INTO k_generated (id, a, s) VALUES (99, NULL, NULL)",
		"CREATE TABLE k_parted (id INT PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 3",
		"INSERT INTO k_parted SELECT seq, seq FROM seq_1_to_20",
	}
}

// nameTables are tables and columns whose names need quoting or collide when
// cut or folded.
func nameTables() []string {
	long := strings.Repeat("n", 63)
	var statements []string
	for i, name := range []string{
		"order", "select", "user", "Table", "MixedCase", "Twin", "twin", "TWIN", "tábla_数据", `we"ird`, "back`tick", "semi;colon", "with space",
		"per%cent", "it's", "a.b", "public", "1digit", "$dollar", "new", "pg_class", "crdb_internal", `back\slash`, long + "a", long + "b",
	} {
		statements = append(statements,
			fmt.Sprintf("CREATE TABLE %s (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20), UNIQUE KEY `u` (v))", mysqlName(name)),
			fmt.Sprintf("INSERT INTO %s VALUES (1, 'table %d'), (2, 'x'), (3, NULL)", mysqlName(name), i))
	}
	columns := []string{
		"col umn", `quo"te`, "select", "Ünï", "a.b", "ba`ck", "per%cent", "q?mark", "$1", `back\slash`, "MixedCase", "order", "user", "'", "tableoid_", "a,b", "(x)",
		strings.Repeat("c", 63) + "1", strings.Repeat("c", 63) + "2",
	}
	var create, values []string
	for i, name := range columns {
		create = append(create, mysqlName(name)+" VARCHAR(10)")
		values = append(values, fmt.Sprintf("'v%d'", i))
	}
	return append(statements,
		"CREATE TABLE columns (`key` INT, `Value Of` INT, "+strings.Join(create, ", ")+", PRIMARY KEY (`key`, `Value Of`), INDEX `in\"dex` (`quo\"te`))",
		"INSERT INTO columns VALUES (1, 1, "+strings.Join(values, ", ")+"), (1, 2, "+strings.Join(repeated("NULL", len(columns)), ", ")+")",
		"CREATE TABLE `enum names` (`the \"enum\"` ENUM('a','b') PRIMARY KEY, `Enum` ENUM('b','a'))",
		"INSERT INTO `enum names` VALUES ('a', 'a'), ('b', 'b')")
}
