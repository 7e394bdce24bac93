package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestUnusualTablesArrive moves what old schemas hold besides plain tables.
func TestUnusualTablesArrive(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		label := strings.Repeat("x", 100)
		var columns []string
		for i := range 150 {
			columns = append(columns, fmt.Sprintf("c%d INT", i))
		}
		statements := []string{
			"CREATE TABLE long_labels (id INT PRIMARY KEY, e ENUM('" + label + "a', '" + label + "b'))", "INSERT INTO long_labels VALUES (1, 1), (2, 2)",
			"CREATE TABLE wide (id INT PRIMARY KEY, " + strings.Join(columns, ", ") + ")", "INSERT INTO wide (id, c0, c149) VALUES (1, 2, 3), (2, NULL, 4)",
			"CREATE TABLE ring_a (id INT PRIMARY KEY, o INT)", "CREATE TABLE ring_b (id INT PRIMARY KEY, o INT, FOREIGN KEY (o) REFERENCES ring_a (id))",
			"ALTER TABLE ring_a ADD FOREIGN KEY (o) REFERENCES ring_b (id), ADD FOREIGN KEY (o) REFERENCES ring_a (id)",
			"INSERT INTO ring_a VALUES (1, NULL), (2, NULL)", "INSERT INTO ring_b VALUES (1, 2), (2, 1)", "UPDATE ring_a SET o = 3 - id",
			"CREATE TABLE long_key (id VARCHAR(600) CHARACTER SET utf8mb4 PRIMARY KEY, v INT)",
			fmt.Sprintf("INSERT INTO long_key VALUES (REPEAT(%s, 600), 1), (REPEAT(%s, 600), 2), ('', 3)", mysqlText("ä"), mysqlText("😀")),
			"CREATE TABLE prefix_key (v TEXT, UNIQUE KEY (v(20)))", "INSERT INTO prefix_key VALUES ('a'), ('a  b'), (NULL), (NULL)",
		}
		own := mariadbTables
		if legacySource(t).Kind() == sandbox.MySQL {
			own = mysqlTables
		}
		m := newMove(t, target, append(statements, own...)...)
		o := m.should(t, exitDone, "run", chunked)
		compareAll(t, m, o)
	})
}

// mariadbTables have what only MariaDB has.
var mariadbTables = []string{
	"CREATE TABLE versioned (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING", "INSERT INTO versioned VALUES (1, 1), (2, 2)", "UPDATE versioned SET v = v + 5",
	"CREATE TABLE compressed (id INT PRIMARY KEY, v VARCHAR(1000) COMPRESSED, w BLOB COMPRESSED)", "INSERT INTO compressed VALUES (1, REPEAT('a', 900), REPEAT('b', 900))",
	"CREATE TABLE computed (id INT PRIMARY KEY, u VARCHAR(40) DEFAULT UUID(), n INT DEFAULT (1 + 2), l VARCHAR(20) DEFAULT CONCAT('a', 'b'))", "INSERT INTO computed (id) VALUES (1), (2)",
	"CREATE TABLE period (id INT, s DATE, e DATE, PERIOD FOR p (s, e), PRIMARY KEY (id, p WITHOUT OVERLAPS))", "INSERT INTO period VALUES (1, '2020-01-01', '2020-02-01')",
}

// TestExtremeJSONArrives has numbers that no float holds.
func TestExtremeJSONArrives(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		for name, document := range map[string]string{
			"huge": "1e400", "tiny": "1e-400", "thousand": "1E+1000", "negative": "-2.5e-310", "deep": strings.Repeat("[", 30) + strings.Repeat("]", 30),
			"scale": "1.000000000000000000000000000000000000000000000000000000000000000000001",
		} {
			t.Run(name, func(t *testing.T) {
				if strings.HasPrefix(document, "1e400") || strings.Contains(document, "E+1000") {
					sandboxtest.MariaDBOnly(t, legacySource(t), "JSON has no number beyond a double")
				}
				m := newMove(t, target, "CREATE TABLE documents (id INT PRIMARY KEY, js JSON)", "INSERT INTO documents VALUES (1, '"+document+"')")
				compareAll(t, m, m.should(t, exitDone, "run"))
			})
		}
	})
}

// TestReservedColumnsArrive uses names that a target keeps for itself: a new
// name is right when the assessment tells it.
func TestReservedColumnsArrive(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		names := []string{"xmin", "ctid", "tableoid", "crdb_internal_mvcc_timestamp"}
		m := newMove(t, target, "CREATE TABLE reserved (id INT PRIMARY KEY, "+strings.Join(names, " INT, ")+" INT)", "INSERT INTO reserved VALUES (1, 2, 3, 4, 5), (6, 7, 8, 9, 10)")
		o := m.must(t, exitDone, "run")
		compareRows(t, m, tablePair{source: "reserved", target: "reserved", renamed: names})
		told := fmt.Sprint(o.report.Assessment)
		for i, c := range m.targetColumns(t, tablePair{target: "reserved"})[1:] {
			if c.name != names[i] && !strings.Contains(told, names[i]) {
				t.Errorf("column %s became %s and the assessment does not say so: %s", names[i], c.name, told)
			}
		}
	})
}

// TestNoConsistentViewIsRefused has a table that no snapshot covers.
func TestNoConsistentViewIsRefused(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, "CREATE TABLE old (id INT PRIMARY KEY, v INT) ENGINE=MyISAM", "INSERT INTO old VALUES (1, 1), (2, 2)")
		o := m.should(t, exitRefused, "run")
		if !strings.Contains(o.stderr, "old") || !strings.Contains(o.stderr, "--snapshot") {
			t.Errorf("the refusal does not name the table and the way out: %s", o)
		}
		m.must(t, exitDone, "run", "--snapshot=none")
		compareTable(t, m, "old", "old")
	})
}

// TestLeftoverTableIsKept finds rows on the target that are not its own.
func TestLeftoverTableIsKept(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 1), (2, 2)")
		m.atTarget(t, "CREATE TABLE t (id INT4 NOT NULL, v INT4, CONSTRAINT t_pkey PRIMARY KEY (id))", "INSERT INTO t VALUES (2, 22), (3, 33)")
		o := m.should(t, exitRefused, "run")
		if !strings.Contains(o.stderr, "t") || o.report == nil || o.report.Verdict == "pass" {
			t.Errorf("want a refusal that says why: %s", o)
		}
		if got := m.targetValue(t, "SELECT string_agg(id::TEXT || '=' || v::TEXT, ' ' ORDER BY id) FROM t"); got != "2=22 3=33" {
			t.Errorf("the rows that were there became %s", got)
		}
	})
}

// TestOneConsistentView moves while money is transferred between two tables
// all the time: the sum on the target is right only when all connections read
// the same instant.
func TestOneConsistentView(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		const rows, balance = 4000, 1000
		m := newMove(t, target,
			"CREATE TABLE left_side (id INT PRIMARY KEY, balance BIGINT NOT NULL)", fmt.Sprintf("INSERT INTO left_side SELECT seq, %d FROM seq_1_to_%d", balance, rows),
			"CREATE TABLE right_side (id INT PRIMARY KEY, balance BIGINT NOT NULL)", fmt.Sprintf("INSERT INTO right_side SELECT seq, %d FROM seq_1_to_%d", balance, rows))
		m.must(t, exitDone, "schema", "--apply")
		stop := transfers(t, m, rows)
		// Let the transfers run before the first snapshot.
		p := m.start(t, "copy", "--chunk-rows=50")
		o := p.outcome(t)
		made := stop()
		if o.code != exitDone {
			t.Fatalf("the copy fails under load: %s", o)
		}
		if made < 20 {
			t.Errorf("only %d transfers were made: the test proves nothing", made)
		}
		want := fmt.Sprint(2 * rows * balance)
		got := m.targetValue(t, "SELECT ((SELECT sum(balance) FROM left_side) + (SELECT sum(balance) FROM right_side))::TEXT")
		if got != want {
			t.Errorf("the balances add up to %s, want %s: not one view", got, want)
		}
	})
}

// transfers moves money from left to right until the returned function is
// called, which gives the number of transfers.
func transfers(t *testing.T, m move, rows int) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	conn, done := sourceSession(t, m)
	var wg sync.WaitGroup
	made, failed := 0, error(nil)
	wg.Go(func() {
		for ctx.Err() == nil {
			id := 1 + made*37%rows
			statement := fmt.Sprintf("START TRANSACTION; UPDATE left_side SET balance = balance - 7 WHERE id = %d; UPDATE right_side SET balance = balance + 7 WHERE id = %d; COMMIT", id, rows+1-id)
			if _, failed = conn.ExecContext(context.WithoutCancel(ctx), statement); failed != nil {
				return
			}
			made++
			pause := time.NewTimer(time.Millisecond)
			select {
			case <-pause.C:
			case <-ctx.Done():
			}
			pause.Stop()
		}
	})
	return func() int {
		cancel()
		wg.Wait()
		done()
		if failed != nil {
			t.Errorf("transfer: %v", failed)
		}
		return made
	}
}
