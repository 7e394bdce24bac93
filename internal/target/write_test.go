package target

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// TestChunkIsAtomic: the record and the rows are there together or not at all.
func TestChunkIsAtomic(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, createIntTable, "CREATE TABLE record (n INT8 PRIMARY KEY)")
		m := intTable()
		record := func(n int) func(*Tx) error {
			return func(tx *Tx) error {
				_, err := tx.Exec(t.Context(), "INSERT INTO record VALUES ($1)", n)
				return err
			}
		}
		var many []byte
		for i := range 5000 {
			many = fmt.Appendf(many, "%d\t%s\n", i, strings.Repeat("x", 50))
		}
		if err := db.WriteChunk(t.Context(), m, append(slices.Clone(many), "0\tagain\n"...), record(1)); retry.SQLState(err) != "23505" {
			t.Errorf("a duplicate in the last row: %v", err)
		}
		if err := db.WriteChunk(t.Context(), m, many, func(*Tx) error { return errors.New("no") }); err == nil || err.Error() != "no" {
			t.Errorf("the record's error is %v", err)
		}
		if err := db.WriteChunk(t.Context(), m, []byte("1\ta\n\\.\n2\tb\n"), record(2)); err == nil {
			t.Error("a COPY that ends early passes")
		}
		ctx, cancel := context.WithCancel(t.Context())
		err := db.WriteChunk(ctx, m, many, func(*Tx) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if got := scanAll(t, db, m, row.Range{}); len(got) != 0 {
			t.Errorf("%d rows stayed", len(got))
		}
		if has, err := db.Has(t.Context(), "SELECT 1 FROM record"); has || err != nil {
			t.Errorf("a record stayed: %v", err)
		}
		if err := db.Try(t.Context(), m, many); err != nil {
			t.Error(err)
		}
		if empty, err := db.Empty(t.Context(), m); !empty || err != nil {
			t.Errorf("Try left rows: %v", err)
		}
		if err := db.WriteChunk(t.Context(), m, many, record(3)); err != nil {
			t.Fatal(err)
		}
		if got := scanAll(t, db, m, row.Range{}); len(got) != 5000 {
			t.Errorf("%d rows of 5000", len(got))
		}
		if err := db.WriteChunk(t.Context(), m, nil, record(4)); err != nil {
			t.Errorf("a chunk without rows: %v", err)
		}
		checkClear(t, db, m)
	})
}

// checkClear: a table is emptied together with its records, or not at all.
func checkClear(t *testing.T, db *DB, m *schema.Mapping) {
	t.Helper()
	nothing := func(*Tx) error { return nil }
	forget := func(tx *Tx) error {
		_, err := tx.Exec(t.Context(), "DELETE FROM record")
		return err
	}
	refused := errors.New("refused")
	refuse := func(*Tx) error { return refused }
	for _, step := range [][2]func(*Tx) error{{refuse, forget}, {nothing, refuse}} {
		if err := db.Clear(t.Context(), m, step[0], step[1]); !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
		if empty, err := db.Empty(t.Context(), m); empty || err != nil {
			t.Errorf("a clearing that was refused emptied the table: %v", err)
		}
	}
	if err := db.Clear(t.Context(), m, nothing, forget); err != nil {
		t.Fatal(err)
	}
	if empty, err := db.Empty(t.Context(), m); !empty || err != nil {
		t.Errorf("Clear left rows: %v", err)
	}
	if has, err := db.Has(t.Context(), "SELECT 1 FROM record"); has || err != nil {
		t.Errorf("a record stayed: %v", err)
	}
}

// TestConcurrentChunks: writers of disjoint rows do not disturb each other;
// what they write while others do is whole.
func TestConcurrentChunks(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, createIntTable)
		m := intTable()
		group, ctx := errgroup.WithContext(t.Context())
		const writers, chunks, size = 6, 5, 20
		for w := range writers {
			group.Go(func() error {
				for c := range chunks {
					var rows []row.Row
					for i := range size {
						rows = append(rows, cells(strconv.Itoa((i*chunks+c)*writers+w), fmt.Sprint(w, c)))
					}
					err := retry.Do(ctx, retry.Policy{For: time.Minute}, func() error { return write(ctx, db, m, rows...) })
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		if got := scanAll(t, db, m, row.Range{}); len(got) != writers*chunks*size {
			t.Errorf("%d rows of %d", len(got), writers*chunks*size)
		}
	})
}

// TestTransactionIsRepeated: increments that read and write the same row, at
// the same time, all count.
func TestTransactionIsRepeated(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, "CREATE TABLE counter (n INT8)", "INSERT INTO counter VALUES (0)")
		var mu sync.Mutex
		attempts := 0
		group, ctx := errgroup.WithContext(t.Context())
		const workers = 5
		barrier := make(chan struct{})
		var once sync.Once
		for range workers {
			group.Go(func() error {
				return db.Transaction(ctx, func(tx *Tx) error {
					mu.Lock()
					attempts++
					if attempts == 2 {
						once.Do(func() { close(barrier) })
					}
					mu.Unlock()
					n := int64(-1)
					err := tx.Each(ctx, "SELECT n FROM counter", nil, func(scan func(...any) error) error { return scan(&n) })
					if err != nil {
						return err
					}
					<-barrier // two have read before one writes: one of them must fail
					_, err = tx.Exec(ctx, "UPDATE counter SET n = $1", n+1)
					return err
				})
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		if all, err := db.Has(t.Context(), "SELECT 1 FROM counter WHERE n = "+strconv.Itoa(workers)); !all || err != nil {
			t.Errorf("an increment is lost: %v", err)
		}
		if attempts == workers {
			t.Log("no attempt met a serialisation failure")
		}
	})
}

func TestTransactionGivesUp(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, createIntTable)
		n := 0
		err := db.Transaction(t.Context(), func(tx *Tx) error {
			n++
			if _, err := tx.Exec(t.Context(), "INSERT INTO t VALUES (1, 'a')"); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), "INSERT INTO t VALUES (1, 'b')")
			return err
		})
		if n != 1 || retry.SQLState(err) != "23505" {
			t.Errorf("%d attempts, %v", n, err)
		}
		if empty, err := db.Empty(t.Context(), intTable()); !empty || err != nil {
			t.Errorf("rows of a failed transaction stayed: %v", err)
		}
	})
}

// TestScanRange reads around bounds of every kind that ranges are made of.
func TestScanRange(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server)
		for name, test := range map[string]struct {
			kind   schema.Kind
			typ    string
			values []string // in order
		}{
			"int":       {schema.Int, "INT8", []string{"-9223372036854775808", "-1", "0", "9", "10", "9223372036854775807"}},
			"decimal":   {schema.Decimal, "DECIMAL(20,0)", []string{"0", "9", "10", "9223372036854775808", "18446744073709551615"}},
			"bytes":     {schema.Bytes, "BYTES", []string{"", "\x00", "\x00\x00", "\x00\x01", "\x01", `\`, "a", "\xff", "\xff\x00"}},
			"date":      {schema.Date, "DATE", []string{"0001-01-01", "1999-12-31", "2000-01-01", "9999-12-31"}},
			"timestamp": {schema.DateTime, "TIMESTAMP(6)", []string{"1999-12-31 23:59:59.999999", "2000-01-01 00:00:00", "2000-01-01 00:00:00.000001"}},
			"tz":        {schema.Timestamp, "TIMESTAMPTZ(6)", []string{"1970-01-01 00:00:01", "2024-10-27 00:30:00", "2024-10-27 01:30:00.000001"}},
		} {
			m := &schema.Mapping{SourceName: "r_" + name, Name: "r_" + name, Key: []int{2, 1}, KeyIndex: "PRIMARY", Columns: []schema.ColumnMapping{
				{Name: "id", Kind: schema.Int}, {Name: "low", Kind: schema.Int}, {Name: "Key k", Kind: test.kind},
			}}
			if err := db.Exec(t.Context(), `CREATE TABLE r_`+name+` (id INT8, low INT8, "Key k" `+typed(db, test.typ)+`, PRIMARY KEY ("Key k", low))`); err != nil {
				t.Fatal(err)
			}
			var rows []row.Row
			for i, v := range test.values {
				for low := range 2 {
					rows = append(rows, cells(strconv.Itoa(2*i+low), strconv.Itoa(low), v))
				}
			}
			if err := write(t.Context(), db, m, rows...); err != nil {
				t.Fatal(err)
			}
			keys := row.NewKeyReader(m.Columns, m.KeyColumns())
			for from := -1; from < len(rows); from++ {
				for to := from + 1; to <= len(rows); to++ {
					var r row.Range
					first, last := 0, len(rows)-1
					if from >= 0 {
						r.After, first = keys.Key(rows[from]), from+1
					}
					if to < len(rows) {
						r.UpTo, last = keys.Key(rows[to]), to
					}
					got := scanAll(t, db, m, r)
					if len(got) != last-first+1 {
						t.Errorf("%s %s: %d rows, want %d", name, r, len(got), last-first+1)
					}
					for i := first; i <= last; i++ {
						if got[strconv.Itoa(i)] == nil {
							t.Errorf("%s %s: row %d is missing", name, r, i)
						}
					}
				}
			}
		}
	})
}

// TestScanStops: fn's error comes back as it is, and the pool still works.
func TestScanStops(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, createIntTable, "INSERT INTO t SELECT n, 'x' FROM generate_series(1, 5000) AS g(n)")
		stop := errors.New("enough")
		for range 20 { // more often than the pool has connections
			n := 0
			err := db.Scan(t.Context(), intTable(), row.Range{}, func(row.Row) error {
				if n++; n == 3 {
					return stop
				}
				return nil
			})
			if !errors.Is(err, stop) || n != 3 {
				t.Fatalf("%d rows, %v", n, err)
			}
		}
		if got := scanAll(t, db, intTable(), row.Range{}); len(got) != 5000 {
			t.Errorf("%d rows", len(got))
		}
		gone := intTable()
		gone.Name = "gone"
		if err := db.Scan(t.Context(), gone, row.Range{}, nil); retry.SQLState(err) != "42P01" {
			t.Errorf("a table that is not there: %v", err)
		}
	})
}

// TestScanSeesStrangeSets: an array that no SET becomes must not be read as one.
func TestScanSeesStrangeSets(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server)
		m := intTable()
		m.Columns[1] = schema.ColumnMapping{Name: "v", Kind: schema.Set, Type: typed(db, "STRING[]"), Labels: []string{"a", "b", "NULL"}}
		if err := db.Exec(t.Context(), "CREATE TABLE t (id INT8 PRIMARY KEY, v "+m.Columns[1].Type+")"); err != nil {
			t.Fatal(err)
		}
		strange := []string{"ARRAY['a,b']", "ARRAY['a',NULL]", "ARRAY['']", "ARRAY[NULL]", "ARRAY['a','b',NULL]", "ARRAY[',']"}
		for i, v := range strange {
			if err := db.Exec(t.Context(), fmt.Sprintf("INSERT INTO t VALUES (%d, %s)", i, v)); err != nil {
				t.Fatal(err)
			}
		}
		for id, r := range scanAll(t, db, m, row.Range{}) {
			if form, err := row.AppendCanonical(nil, &m.Columns[1], r[1]); err == nil {
				t.Errorf("row %s reads %q, which passes for a set: %s", id, r[1], form)
			}
		}
	})
}

// TestScanSeesNetmasks: 10.0.0.1/8 is not 10.0.0.1.
func TestScanSeesNetmasks(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, "CREATE TABLE t (id INT8 PRIMARY KEY, v INET)",
			"INSERT INTO t VALUES (1, '10.0.0.1'), (2, '10.0.0.1/8'), (3, '::1'), (4, '::1/64'), (5, '::1/128')")
		m := intTable()
		m.Columns[1] = schema.ColumnMapping{Name: "v", Kind: schema.INet, Type: "INET"}
		got := scanAll(t, db, m, row.Range{})
		for id, want := range map[string]string{"1": "10.0.0.1", "2": "10.0.0.1/8", "3": "::1", "4": "::1/64", "5": "::1"} {
			if string(got[id][1]) != want {
				t.Errorf("row %s reads %s, want %s", id, got[id][1], want)
			}
		}
	})
}

// TestErrorsAreExplained: what a person meets first has a hint.
func TestErrorsAreExplained(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		_, err := Open(t.Context(), parse(t, server.URL("not_there_at_all")), 2)
		if err == nil || !strings.Contains(fault.HintOf(err), "CREATE DATABASE") {
			t.Errorf("no database: %v, hint %q", err, fault.HintOf(err))
		}
		e := parse(t, server.URL("not_there_at_all"))
		e.Port = 1
		_, err = Open(t.Context(), e, 2)
		if err == nil || !strings.Contains(fault.HintOf(err), "running") || strings.Contains(err.Error(), "\n") {
			t.Errorf("no server: %v, hint %q", err, fault.HintOf(err))
		}
		if retry.Classify(err) != retry.Retryable {
			t.Error("a server that is away is not worth a second attempt")
		}
		db := open(t, server, createIntTable)
		err = db.Exec(t.Context(), "INSERT INTO t VALUES (1, 'a'), (1, 'b')")
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "23505") {
			t.Errorf("a duplicate: %v", err)
		}
	})
	if Explain(nil) != nil {
		t.Error("nil is explained")
	}
}

// openImpatient opens a database of whose idle transactions the server soon has enough.
func openImpatient(t *testing.T, server *sandbox.Server, name string) *DB {
	t.Helper()
	e := parse(t, server.URL(name))
	e.Params = map[string]string{idleLimit: "1s"}
	db, err := Open(t.Context(), e, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// TestFrozenTransaction: what a process has locked that stands still in the
// middle of a transaction is given to others, and it finds its transaction gone.
func TestFrozenTransaction(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db, name := openNamed(t, server, createIntTable, "INSERT INTO t (id, v) VALUES (1, 'before')")
		frozen := openImpatient(t, server, name)
		record := func(tx *Tx) error {
			if _, err := tx.Exec(t.Context(), "UPDATE t SET v = 'frozen' WHERE id = 1"); err != nil {
				return err
			}
			// Without the limit this would wait for ever: we hold the row.
			return db.Exec(t.Context(), "UPDATE t SET v = 'successor' WHERE id = 1")
		}
		m := intTable()
		err := frozen.WriteChunk(t.Context(), m, encodeAll(t, NewEncoder(m, db.Capabilities()), cells("2", "late")), record)
		if err == nil || retry.Classify(err) != retry.Retryable {
			t.Errorf("it should begin its chunk again: %v", err)
		}
		got := scanAll(t, db, m, row.Range{})
		if len(got) != 1 || string(got["1"][1]) != "successor" {
			t.Errorf("rows: %q", got)
		}
	})
}

// TestIdleLimit: a transaction that writes has one, and one that reads a view,
// and may wait for the source, has none, though it uses the same connection.
func TestIdleLimit(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		_, name := openNamed(t, server, createIntTable)
		db := openImpatient(t, server, name)
		sleep := func() error {
			<-time.After(2 * time.Second) // longer than the limit
			return nil
		}
		if err := db.Transaction(t.Context(), func(*Tx) error { return nil }); err != nil {
			t.Error(err)
		}
		if err := db.Repair(t.Context(), func(*RepairTx) error { return sleep() }); err != nil {
			t.Errorf("a repair that waits for the source: %v", err)
		}
		v, err := db.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close(t.Context())
		if err = v.with(t.Context(), func(*pgx.Conn) error { return sleep() }); err != nil {
			t.Errorf("a reader that waits for the source: %v", err)
		}
	})
}
