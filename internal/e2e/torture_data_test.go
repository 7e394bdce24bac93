package e2e

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"leap/internal/sandbox"
)

// tortureTable is one table of the torture: a key of each important shape.
type tortureTable struct {
	name    string
	columns string // and keys, for CREATE TABLE
	values  string // of the row number seq, for INSERT .. SELECT
	share   int    // of the rows, in percent
	// source and target make the same text of a row.
	source, target string
	// unique is an expression that no two rows share.
	unique string
}

var tortureTables = []tortureTable{
	{
		name: "accounts", share: 40, columns: "id BIGINT PRIMARY KEY, v VARCHAR(60), amount INT",
		// A gap that makes one segment hold half of the rows and others none.
		values: "CAST(seq AS SIGNED) * 7 - 20000 + IF(seq % 1000 > 500, 1000000000000, 0), CONCAT('row ', seq, ' ', REPEAT('x', seq % 40)), seq % 977",
		source: "id, v, amount", target: "id::TEXT, v, amount::TEXT", unique: "id",
	},
	{
		name: "ledger", share: 25, columns: "account INT, entry INT, memo VARCHAR(60), PRIMARY KEY (account, entry)",
		values: "seq DIV 37, seq % 37, LEFT(SHA2(seq, 256), 32)", source: "account, entry, memo", target: "account::TEXT, entry::TEXT, memo",
		unique: "account::TEXT || ',' || entry::TEXT",
	},
	{
		name: "devices", share: 15, columns: "id UUID PRIMARY KEY, v INT",
		values: "INSERT(INSERT(INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(CONCAT('device', seq), 256), 32), 13, 1, '4'), 17, 1, '8'), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-'), seq", source: "CAST(id AS CHAR), v", target: "id::TEXT, v::TEXT", unique: "id",
	},
	{
		name: "names", share: 10, columns: "name VARCHAR(60) COLLATE utf8mb4_general_ci PRIMARY KEY, v INT",
		values: "CONCAT(IF(seq % 2, 'Ä', 'b'), LEFT(SHA2(seq, 256), 32), IF(seq % 3, 'Z', 'a')), seq",
		source: "name, v", target: "name, v::TEXT", unique: "name",
	},
	{
		name: "events", share: 8, columns: "at DATETIME, n INT, payload VARBINARY(200), PRIMARY KEY (at, n)",
		values: "'2024-01-01 00:00:00' + INTERVAL seq DIV 5 SECOND, seq % 5, UNHEX(REPEAT(LEFT(SHA2(seq, 256), 32), 1 + seq % 6))",
		source: "CAST(at AS CHAR), n, LOWER(HEX(payload))", target: "at::TEXT, n::TEXT, encode(payload, 'hex')",
		unique: "at::TEXT || ',' || n::TEXT",
	},
	{
		name: "loose", share: 2, columns: "n INT, v VARCHAR(60)", // no key: all or nothing
		values: "seq, 'same'", source: "n, v", target: "n::TEXT, v", unique: "n",
	},
}

// rowsOf is the size of a table in a torture of so many rows.
func (tab tortureTable) rowsOf(all int) int { return all * tab.share / 100 }

func fillTorture(t *testing.T, source *sandbox.Server, database string, rows int) {
	t.Helper()
	if err := source.Exec(t.Context(), "", "CREATE DATABASE "+database); err != nil {
		t.Fatal(err)
	}
	for _, tab := range tortureTables {
		statements := fmt.Sprintf("SET NAMES utf8mb4; CREATE TABLE %s (%s) DEFAULT CHARSET utf8mb4; INSERT INTO %s SELECT %s FROM seq_1_to_%d; ANALYZE TABLE %s",
			tab.name, tab.columns, tab.name, tab.values, tab.rowsOf(rows), tab.name)
		if err := source.Exec(t.Context(), database, onlyTypesOf(source, statements)); err != nil {
			t.Fatal(err)
		}
	}
}

// checkTorture proves that every row arrived once: both sides are counted and
// digested by their own servers, the records are added up, and a key or
// number that is there twice is looked for.
func checkTorture(t *testing.T, m move, rows int) {
	t.Helper()
	for _, tab := range tortureTables {
		want := tab.rowsOf(rows)
		var count int
		var sum string
		query := fmt.Sprintf("SELECT COUNT(*), SUM(%s) FROM %s", sourceHash(tab.source), tab.name)
		conn, done := sourceSession(t, m)
		err := conn.QueryRowContext(t.Context(), query).Scan(&count, &sum)
		done()
		if err != nil {
			t.Fatalf("%v\n%s", err, query)
		}
		if count != want {
			t.Errorf("%s: the source has %d rows instead of %d", tab.name, count, want)
		}
		got := m.targetValue(t, fmt.Sprintf("SELECT count(*)::TEXT || ' ' || sum(%s)::TEXT || ' ' || count(DISTINCT %s)::TEXT FROM %s", m.targetHash(tab.target), tab.unique, tab.name))
		if said := fmt.Sprint(count, " ", sum, " ", count); got != said {
			t.Errorf("%s: the target holds (rows, digest, different keys) %s, the source %s", tab.name, got, said)
		}
	}
	checkRecords(t, m, rows)
}

// checkRecords adds up the checkpoint: the chunks of a segment follow one
// another without a gap, the last one ends it, and all rows are counted once.
func checkRecords(t *testing.T, m move, rows int) {
	t.Helper()
	found, err := handle(t, m.target, m.to).QueryContext(t.Context(), `SELECT c.table_name, c.segment, c.seq, c.after_key, c.up_to_key, c.final,
		c.row_count, s.after_key, s.up_to_key FROM _migrate.chunk c JOIN _migrate.segment s
		ON s.job = c.job AND s.table_name = c.table_name AND s.segment = c.segment ORDER BY c.table_name, c.segment, c.seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }() // Err is asked below
	counted, ends := map[string]int{}, map[string]sql.NullString{}
	finals := map[string]bool{}
	next := map[string]int{}
	for found.Next() {
		var table string
		var segment, seq, n int
		var after, upTo, segmentAfter, segmentUpTo sql.NullString
		var final bool
		if err := found.Scan(&table, &segment, &seq, &after, &upTo, &final, &n, &segmentAfter, &segmentUpTo); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint(table, " segment ", segment)
		if seq == 0 {
			ends[name] = segmentAfter
		}
		if seq != next[name] || finals[name] || after != ends[name] {
			t.Errorf("%s: chunk %d (expected %d) begins after %v, the one before ended at %v (final: %v)", name, seq, next[name], after, ends[name], finals[name])
		}
		if final && upTo != segmentUpTo {
			t.Errorf("%s: the last chunk ends at %v, the segment at %v", name, upTo, segmentUpTo)
		}
		next[name], ends[name], finals[name] = seq+1, upTo, final
		counted[table] += n
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	var open []string
	for name, final := range finals {
		if !final {
			open = append(open, name)
		}
	}
	if len(open) > 0 {
		t.Errorf("not copied to the end: %s", strings.Join(open, ", "))
	}
	for _, tab := range tortureTables {
		if counted[tab.name] != tab.rowsOf(rows) {
			t.Errorf("%s: the records count %d rows of %d", tab.name, counted[tab.name], tab.rowsOf(rows))
		}
	}
}
