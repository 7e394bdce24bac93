package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestCopyUnderWrites copies while the source is written to all the time and
// loses its connections to the source on the way, so that chunks come from
// several views. A replica is then brought to each recorded position in turn,
// and each chunk must be what the replica holds in the chunk's range.
func TestCopyUnderWrites(t *testing.T) {
	t.Parallel()
	source, err := sandbox.StartSource(t.Context(), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stopAtEnd(t, source)
	target := sandboxtest.Target(t)
	m := move{source: source, target: target, from: "bank", to: sandboxtest.NewDatabase(t, target)}
	if err = source.Exec(t.Context(), "", "CREATE DATABASE bank"); err != nil {
		t.Fatal(err)
	}
	// The rows must not fit into the buffers of the network, or the copy has
	// them all before its connections are cut.
	m.atSource(t,
		"CREATE TABLE single (id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT, v VARCHAR(700))",
		"INSERT INTO single SELECT seq * 3, 0, REPEAT(LEFT(SHA2(seq, 256), 32), 20) FROM seq_1_to_20000",
		"CREATE TABLE pair (a INT, b INT, v VARCHAR(700), PRIMARY KEY (a, b))",
		"INSERT INTO pair SELECT seq DIV 20, seq % 20, REPEAT(LEFT(SHA2(seq, 256), 32), 20) FROM seq_1_to_20000")
	m.must(t, exitDone, "schema", "--apply")
	written := write(t, source)
	p := m.start(t, "copy", "--chunk-rows=300", "--max-rows-per-second=15000")
	const cuts = 3
	for i := range cuts {
		if !p.awaitRows(t, m, "single", 3000*(i+1)) {
			t.Fatalf("the copy ended before its connections could be cut: %s", p.outcome(t))
		}
		cutConnections(t, source)
	}
	if o := p.outcome(t); o.code != exitDone {
		t.Fatalf("the copy fails: %s", o)
	}
	t.Logf("%d transactions were committed during the copy", written())
	chunks := recordedChunks(t, m)
	if len(chunks) < 2 {
		t.Fatalf("%d positions: the cuts were not felt", len(chunks))
	}
	checkChunksAtPositions(t, m, chunks)
}

// write changes the source from several sessions until the returned function
// is called, which gives the number of transactions.
func write(t *testing.T, source *sandbox.Server) (stop func() int64) {
	t.Helper()
	// Without a default database its sessions are told from those of the copy.
	pool, err := source.DB(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var committed atomic.Int64
	var group errgroup.Group
	for w := range 3 {
		group.Go(func() error {
			for i := w; ctx.Err() == nil; i += 3 {
				_, err := pool.ExecContext(ctx, fmt.Sprintf(`BEGIN;
					UPDATE bank.single SET n = n + 1, v = REVERSE(v) WHERE id = %[1]d * 3;
					INSERT INTO bank.single (id, n, v) VALUES (%[1]d * 3 + %[2]d, 1, 'new') ON DUPLICATE KEY UPDATE n = n + 1;
					DELETE FROM bank.single WHERE id = %[3]d * 3;
					UPDATE IGNORE bank.pair SET a = a + 700, b = b + 1 WHERE a = %[4]d AND b = %[2]d;
					COMMIT`, i*7919%20000, i%3, i*104729%20000, i*31%1000))
				deadlock := err != nil && strings.HasPrefix(err.Error(), "Error 1213 ")
				if err != nil && !deadlock && ctx.Err() == nil {
					return err
				}
				committed.Add(1)
			}
			return nil
		})
	}
	end := func() int64 {
		cancel()
		if err := group.Wait(); err != nil {
			t.Errorf("writer: %v", err)
		}
		_ = pool.Close() // nothing is pending
		return committed.Load()
	}
	t.Cleanup(func() { end() })
	return end
}

// cutConnections kills every session of the copy.
func cutConnections(t *testing.T, source *sandbox.Server) {
	t.Helper()
	db := handle(t, source, "")
	rows, err := db.QueryContext(t.Context(), "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = 'bank'")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // Err is asked below
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		_, _ = db.ExecContext(t.Context(), fmt.Sprintf("KILL %d", id)) // it may be gone already
	}
}

// recordedChunk is a chunk of the checkpoint as conditions for SQL.
type recordedChunk struct {
	table, where string
	rows         int
}

// binlogPosition orders positions: the names of files grow in length too.
type binlogPosition struct {
	file   string
	offset int
}

// recordedChunks lists the chunks by the position that they were read at.
func recordedChunks(t *testing.T, m move) map[binlogPosition][]recordedChunk {
	t.Helper()
	rows, err := handle(t, m.target, m.to).QueryContext(t.Context(),
		"SELECT table_name, after_key, up_to_key, row_count, source_position FROM _migrate.chunk")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // Err is asked below
	out := map[binlogPosition][]recordedChunk{}
	for rows.Next() {
		var c recordedChunk
		var after, upTo sql.NullString
		var at string
		if err := rows.Scan(&c.table, &after, &upTo, &c.rows, &at); err != nil {
			t.Fatal(err)
		}
		key := map[string]string{"single": "(id)", "pair": "(a, b)"}[c.table]
		c.where = "TRUE" + bound(t, key, ">", after) + bound(t, key, "<=", upTo)
		at, _, _ = strings.Cut(at, " ")
		file, offset, _ := strings.Cut(at, ":")
		n, err := strconv.Atoi(offset)
		if err != nil {
			t.Fatalf("position %q: %v", at, err)
		}
		p := binlogPosition{file, n}
		out[p] = append(out[p], c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func bound(t *testing.T, key, operator string, value sql.NullString) string {
	t.Helper()
	if !value.Valid {
		return ""
	}
	var cells []string
	if err := json.Unmarshal([]byte(value.String), &cells); err != nil {
		t.Fatal(err)
	}
	return " AND " + key + " " + operator + " (" + strings.Join(cells, ", ") + ")"
}

// checkChunksAtPositions brings a replica to one position after the other.
func checkChunksAtPositions(t *testing.T, m move, chunks map[binlogPosition][]recordedChunk) {
	t.Helper()
	server, err := sandbox.StartSource(t.Context(), sandbox.Options{ExtraArgs: []string{"--server-id=2"}})
	if err != nil {
		t.Fatal(err)
	}
	stopAtEnd(t, server)
	err = server.Exec(t.Context(), "", fmt.Sprintf(replicaWords(server, `CHANGE MASTER TO MASTER_HOST = '%s', MASTER_PORT = %d, MASTER_USER = 'root',
		MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 4`)+usesNoGTID(server), m.source.Host, m.source.Port))
	if err != nil {
		t.Fatal(err)
	}
	var positions []binlogPosition
	for p := range chunks {
		positions = append(positions, p)
	}
	slices.SortFunc(positions, func(a, b binlogPosition) int {
		return slices.Compare([]int{len(a.file), strings.Compare(a.file, b.file), a.offset}, []int{len(b.file), 0, b.offset})
	})
	compared := 0
	for _, p := range positions {
		replay(t, server, p)
		replica := handle(t, server, "bank")
		for _, c := range chunks[p] {
			text := map[string]string{"single": "id, n, v", "pair": "a, b, v"}[c.table]
			var want string
			query := fmt.Sprintf("SELECT CONCAT(COUNT(*), ' ', COALESCE(SUM(%s), 0)) FROM %s WHERE %s", sourceHash(text), c.table, c.where)
			if err := replica.QueryRowContext(t.Context(), query).Scan(&want); err != nil {
				t.Fatalf("%v\n%s", err, query)
			}
			got := m.targetValue(t, fmt.Sprintf("SELECT count(*)::TEXT || ' ' || coalesce(sum(%s), 0)::TEXT FROM %s WHERE %s", m.targetHash(texts(text)), c.table, c.where))
			if got != want || !strings.HasPrefix(want, strconv.Itoa(c.rows)+" ") {
				t.Errorf("chunk of %s where %s at %v: the target holds %s, the source held %s, the record counts %d", c.table, c.where, p, got, want, c.rows)
			}
			compared++
		}
	}
	t.Logf("%d chunks at %d positions are what the source held then", compared, len(positions))
}

// replay runs the replica up to a position of the source.
func replay(t *testing.T, replica *sandbox.Server, p binlogPosition) {
	t.Helper()
	db := handle(t, replica, "")
	until := fmt.Sprintf(replicaWords(replica, "STOP SLAVE; START SLAVE UNTIL MASTER_LOG_FILE = '%s', MASTER_LOG_POS = %d"), p.file, p.offset)
	if _, err := db.ExecContext(t.Context(), until); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	for {
		state := slaveState(t, replica, db)
		switch {
		case state["Last_SQL_Error"] != "":
			t.Fatalf("the replica stopped: %s", state["Last_SQL_Error"])
		case state["Slave_SQL_Running"] == "No" && state["Relay_Master_Log_File"] == p.file && state["Exec_Master_Log_Pos"] == strconv.Itoa(p.offset):
			return
		}
		if !sleep(ctx, 20*time.Millisecond) {
			t.Fatalf("the replica does not reach %v: %v", p, state)
		}
	}
}

// replicaWords speaks of replication as the server does: MySQL 8.4 knows the old words no more.
func replicaWords(server *sandbox.Server, statement string) string {
	if server.Kind() == sandbox.MariaDB {
		return statement
	}
	return strings.NewReplacer("CHANGE MASTER", "CHANGE REPLICATION SOURCE", "MASTER_", "SOURCE_", "SLAVE", "REPLICA").Replace(statement)
}

// usesNoGTID ends CHANGE MASTER so that the position of the binary log counts, as it does
// on MySQL, which gets the source's key for the password instead.
func usesNoGTID(server *sandbox.Server) string {
	if server.Kind() == sandbox.MariaDB {
		return ", MASTER_USE_GTID = no"
	}
	return ", GET_SOURCE_PUBLIC_KEY = 1"
}

// slaveState is the state of a replica under the old names of its columns.
func slaveState(t *testing.T, server *sandbox.Server, db *sql.DB) map[string]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), replicaWords(server, "SHOW SLAVE STATUS"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // Err is asked below
	names, err := rows.Columns()
	if err != nil || !rows.Next() {
		t.Fatalf("the replica has no state: %v, %v", err, rows.Err())
	}
	values := make([]sql.NullString, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for i, name := range names {
		name = strings.NewReplacer("Replica_", "Slave_", "Source_", "Master_").Replace(name)
		out[name] = values[i].String
	}
	return out
}

// sourceHash is 60 bits of the hash of a row's text, for the source.
func sourceHash(columns string) string {
	return "CAST(CONV(LEFT(SHA2(CONCAT_WS('|', " + columns + "), 256), 15), 16, 10) AS UNSIGNED)"
}

// targetHash is the same for the target; the columns are text.
func (m move) targetHash(columns string) string {
	if m.target.StandIn() {
		return "('x' || left(encode(sha256(convert_to(concat_ws('|', " + columns + "), 'UTF8')), 'hex'), 15))::BIT(60)::INT8"
	}
	return "('0x' || left(sha256(concat_ws('|', " + columns + ")), 15))::INT8"
}

// texts casts a list of columns to text.
func texts(columns string) string {
	return strings.ReplaceAll(columns, ",", "::TEXT,") + "::TEXT"
}

// TestPartitionDroppedWhileCopied: the server lets a snapshot read a table that
// lost a partition since, without a word.
func TestPartitionDroppedWhileCopied(t *testing.T) {
	m := newMove(t, sandboxtest.Target(t),
		"CREATE TABLE a_first (id INT PRIMARY KEY, v VARCHAR(200))", "INSERT INTO a_first SELECT seq, REPEAT('x', 200) FROM seq_1_to_6000",
		"CREATE TABLE z_last (id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION old VALUES LESS THAN (50), PARTITION rest VALUES LESS THAN (200))",
		"INSERT INTO z_last SELECT seq FROM seq_1_to_100", "ANALYZE TABLE a_first, z_last") // the largest is copied first
	m.must(t, exitDone, "schema", "--apply")
	p := m.start(t, "copy", "--workers=1", "--chunk-rows=100", "--max-rows-per-second=3000")
	if !p.awaitRows(t, m, "a_first", 500) {
		t.Fatalf("the copy ended before anything was dropped: %s", p.outcome(t))
	}
	m.atSource(t, "ALTER TABLE z_last DROP PARTITION old")
	if o := p.outcome(t); o.code != exitRefused || !strings.Contains(o.stderr, "replaced or altered z_last while it was read") {
		t.Errorf("what is left of a table was copied: %s", o)
	}
	// The next start would see nothing change.
	if o := m.should(t, exitRefused, "copy"); !strings.Contains(o.stderr, "replaced or altered z_last") {
		t.Errorf("and finished by the next start: %s", o)
	}
}
