package e2e

import "strings"

// mysqlFamilies are columns of types that only MySQL has, or has in its own way.
func mysqlFamilies() []family {
	return []family{
		{table: "documents_of_mysql", columns: []typed{{"js", "JSON", "jsonb", mysqlDocuments()}}},
		{table: "collated", columns: []typed{
			{"ai", "VARCHAR(100) COLLATE utf8mb4_0900_ai_ci", "character varying(100)", texts4()},
			{"as_cs", "VARCHAR(100) COLLATE utf8mb4_0900_as_cs", "character varying(100)", texts4()},
			{"bin", "VARCHAR(100) COLLATE utf8mb4_0900_bin", "character varying(100)", texts4()},
			{"ja", "TEXT COLLATE utf8mb4_ja_0900_as_cs_ks", "text", texts4()},
			{"ch", "CHAR(100) COLLATE utf8mb4_0900_ai_ci", "character varying(100)", texts4()},
		}},
	}
}

func texts4() []string {
	var values []string
	for _, text := range awkwardTexts {
		values = append(values, mysqlText(text))
	}
	return values
}

// mysqlDocuments have what the binary form of JSON keeps and text does not have:
// SQL values of other types, the decimals among them, and what is long or deep.
func mysqlDocuments() []string {
	return []string{
		"CAST(CAST(12345678901234567890.123456789012345678 AS DECIMAL(65,30)) AS JSON)",
		"CAST(CAST('99999999999999999999999999999999999.000000000000000000000000000001' AS DECIMAL(65,30)) AS JSON)",
		"CAST(CAST(18446744073709551615 AS UNSIGNED) AS JSON)", "CAST(CAST(-9223372036854775808 AS SIGNED) AS JSON)",
		"CAST(TIMESTAMP('2020-02-29 23:59:59.999999') AS JSON)", "CAST(DATE('2020-02-29') AS JSON)", "CAST(TIME('23:59:59.5') AS JSON)",
		"JSON_OBJECT('a', CAST(X'00FF' AS BINARY), 'b', b'101', 'c', 1.50, 'd', 1e0, 'e', 0.1e0, 'f', 1e300, 'g', -0e0)",
		"JSON_ARRAY(1, 1.0, 1.00, '1', TRUE, NULL, 0, -1, 1e-320, 123456789.123456789e0)",
		"JSON_OBJECT('', '', ' ', ' ', 'é', 'e\u0301', '😀', '😀', 'quote\"d', 'back\\\\slash')",
		"CAST(CONCAT(REPEAT('[', 90), REPEAT(']', 90)) AS JSON)", "JSON_QUOTE(REPEAT('ä', 30000))",
		"CAST('{\"b\":1,\"a\":2,\"aa\":3,\"b\":4}' AS JSON)", "JSON_ARRAY(ST_GeomFromText('POINT(1 2)'))",
		"'1e308'", "'-1.7976931348623157e308'", "'4.9e-324'", "'123456789012345678901234567890'", "'0.1234567890123456789012345'",
	}
}

// mysqlKeys are keys under collations that only MySQL has.
func mysqlKeys(padded []string) []keyType {
	folded := without(padded, "z", "ä", "é", "ß", "Ä", "É", "e\u0301", "\x01")
	folded = without(folded, "a b")
	folded = dropped(folded, "'a'", "'AA'", "'aA'", "'b'")
	return []keyType{
		{"k_0900_bin", "VARCHAR(20) COLLATE utf8mb4_0900_bin", padded},
		{"k_0900_as_cs", "VARCHAR(20) COLLATE utf8mb4_0900_as_cs", dropped(without(padded, "\x01", "é"))},
		{"k_0900_ai_ci", "VARCHAR(20) COLLATE utf8mb4_0900_ai_ci", folded},
		{"k_0900_char", "CHAR(20) COLLATE utf8mb4_0900_ai_ci", dropped(folded, "'a '", "'a  '", "' '")},
	}
}

// dropped leaves out literals.
func dropped(values []string, literals ...string) []string {
	var kept []string
	for _, value := range values {
		if !strings.Contains(" "+strings.Join(literals, " , ")+" ", " "+value+" ") {
			kept = append(kept, value)
		}
	}
	return kept
}

// mysqlTables have what only MySQL has.
var mysqlTables = []string{
	"CREATE TABLE computed (id INT PRIMARY KEY, u VARCHAR(40) DEFAULT (UUID()), n INT DEFAULT (1 + 2), l VARCHAR(20) DEFAULT (CONCAT('a', 'b')))", "INSERT INTO computed (id) VALUES (1), (2)",
	// A key that the server makes and hides, above a gap.
	"SET sql_generate_invisible_primary_key = ON", "CREATE TABLE keyed (a INT, b VARCHAR(20)) AUTO_INCREMENT = 40", "SET sql_generate_invisible_primary_key = OFF",
	"INSERT INTO keyed SELECT seq % 3, 'same' FROM seq_1_to_12", "INSERT INTO keyed (my_row_id, a) VALUES (7, 7)",
	// Indexes and checks on expressions, several values of a document among them.
	`CREATE TABLE indexed (id INT PRIMARY KEY, v VARCHAR(20) COLLATE utf8mb4_0900_ai_ci, n INT, j JSON, h INT INVISIBLE DEFAULT 7,
		g BIGINT AS (j->>'$.id') STORED, w INT AS (n + 1) VIRTUAL, UNIQUE KEY (v), KEY lowered ((LOWER(v)), n DESC), KEY sums ((n + 1), (n * 2)),
		KEY many ((CAST(j->'$.tags' AS UNSIGNED ARRAY))), UNIQUE KEY cased ((CASE WHEN v = 'x' THEN id END)), KEY hidden (n) INVISIBLE, KEY (g), KEY (w DESC),
		CHECK (n > -100), CHECK (JSON_VALID(j)), CHECK (v REGEXP '^.*$') NOT ENFORCED)`,
	`INSERT INTO indexed (id, v, n, j) SELECT seq, CONCAT(IF(seq % 2, 'Ä ', 'b'), seq), seq - 5, JSON_OBJECT('id', seq, 'tags', JSON_ARRAY(seq, 2)) FROM seq_1_to_12`,
	"INSERT INTO indexed (id, v, h) VALUES (90, 'x', NULL), (91, 'x ', 3), (92, NULL, 4)",
	"CREATE TABLE downwards (a INT, b VARCHAR(9) COLLATE utf8mb4_0900_as_cs, v INT, PRIMARY KEY (a DESC, b))",
	"INSERT INTO downwards SELECT x.seq, CONCAT('k', y.seq), x.seq FROM seq_1_to_4 x, seq_1_to_4 y",
	"CREATE TABLE parted (id INT, d DATE, PRIMARY KEY (id, d)) PARTITION BY RANGE COLUMNS (d) (PARTITION a VALUES LESS THAN ('2020-01-01'), PARTITION b VALUES LESS THAN (MAXVALUE))",
	"INSERT INTO parted SELECT seq, '2019-12-20' + INTERVAL seq DAY FROM seq_1_to_20",
	"CREATE TABLE pictured (id INT PRIMARY KEY, n INT)", "INSERT INTO pictured SELECT seq, seq % 5 FROM seq_1_to_20", "ANALYZE TABLE pictured UPDATE HISTOGRAM ON n",
}
