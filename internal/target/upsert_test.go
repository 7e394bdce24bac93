package target

import (
	"fmt"
	"strings"
	"testing"

	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

func encodeAll(t *testing.T, e *Encoder, rows ...row.Row) []byte {
	t.Helper()
	var data []byte
	for _, r := range rows {
		var err error
		if data, err = e.AppendRow(data, r); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// TestUpsertReplacesAndAdds: more rows than fit into one statement, over some
// that are there and beside some that stay.
func TestUpsertReplacesAndAdds(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, createIntTable, "INSERT INTO t (id, v) VALUES (-1, 'stays'), (3, 'old'), (5001, 'old')")
		m := intTable()
		const n = 5*upsertRows + 1
		var rows []row.Row
		for i := range n {
			rows = append(rows, cells(fmt.Sprint(i), fmt.Sprint("new ", i)))
		}
		if err := db.UpsertChunk(t.Context(), m, encodeAll(t, NewUpsertEncoder(m), rows...), noRecord); err != nil {
			t.Fatal(err)
		}
		got := scanAll(t, db, m, row.Range{})
		if len(got) != n+1 || string(got["-1"][1]) != "stays" {
			t.Fatalf("%d rows, -1 is %q", len(got), got["-1"])
		}
		for i := range n {
			if want := fmt.Sprint("new ", i); string(got[fmt.Sprint(i)][1]) != want {
				t.Fatalf("row %d is %q", i, got[fmt.Sprint(i)])
			}
		}
		if have, err := db.Count(t.Context(), m); err != nil || have != n+1 {
			t.Errorf("count: %d, %v", have, err)
		}
	})
}

// TestUpsertOfKeysAlone: nothing is there to replace, and that is no error.
func TestUpsertOfKeysAlone(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, "CREATE TABLE t (id INT8, v TEXT, PRIMARY KEY (v, id))", "INSERT INTO t VALUES (1, 'a')")
		m := intTable()
		m.Key = []int{0, 1}
		if err := db.UpsertChunk(t.Context(), m, encodeAll(t, NewUpsertEncoder(m), cells("1", "a"), cells("2", "a")), noRecord); err != nil {
			t.Fatal(err)
		}
		if n, err := db.Count(t.Context(), m); err != nil || n != 2 {
			t.Errorf("%d rows, %v", n, err)
		}
	})
}

// TestUpsertIsAtomicAndSaysWhatIsWrong: a row that breaks a unique index rolls
// everything back and is a data error, so that copy can find it.
func TestUpsertIsAtomicAndSaysWhatIsWrong(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, createIntTable, "CREATE UNIQUE INDEX u ON t (v)", "INSERT INTO t (id, v) VALUES (1, 'taken')")
		m := intTable()
		data := encodeAll(t, NewUpsertEncoder(m), cells("2", "free"), cells("3", "taken"))
		for name, put := range map[string]func() error{
			"UpsertChunk": func() error { return db.UpsertChunk(t.Context(), m, data, noRecord) },
			"TryUpsert":   func() error { return db.TryUpsert(t.Context(), m, data) },
		} {
			if err := put(); err == nil || retry.SQLState(err) != "23505" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n, err := db.Count(t.Context(), m); err != nil || n != 1 {
			t.Errorf("%d rows, %v", n, err)
		}
		if err := db.TryUpsert(t.Context(), m, encodeAll(t, NewUpsertEncoder(m), cells("4", "free"))); err != nil {
			t.Error(err)
		}
		if n, err := db.Count(t.Context(), m); err != nil || n != 1 {
			t.Errorf("%d rows after a try, %v", n, err)
		}
	})
}

func TestUpsertNeedsAUniqueKey(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, "CREATE TABLE t (id INT8, v TEXT)")
		m := intTable()
		err := db.UpsertChunk(t.Context(), m, encodeAll(t, NewUpsertEncoder(m), cells("1", "a")), noRecord)
		if err == nil || fault.ClassOf(err) != fault.Refused || fault.HintOf(err) == "" {
			t.Errorf("class %d, hint %q: %v", fault.ClassOf(err), fault.HintOf(err), err)
		}
	})
}

// TestUpsertOfALargeRow: what CockroachDB cannot take is refused by name
// before it cuts the connection.
func TestUpsertOfALargeRow(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, createIntTable)
		m := intTable()
		for size, fits := range map[int]bool{5 << 20: true, 14 << 20: true, messageBytes + 1: db.StandIn()} {
			data := encodeAll(t, NewUpsertEncoder(m), cells("7", strings.Repeat("x", size)), cells("8", strings.Repeat("y", 2<<20)))
			err := db.UpsertChunk(t.Context(), m, data, noRecord)
			if fits != (err == nil) {
				t.Errorf("%d bytes: %v", size, err)
			}
			if err != nil && (fault.ClassOf(err) != fault.Refused || !strings.Contains(err.Error(), "the row of t with key (7)")) {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
	})
}

func TestUnescapeUndoesTheEncoder(t *testing.T) {
	m := &schema.Mapping{Columns: []schema.ColumnMapping{{Name: "v", Kind: schema.Text}}}
	e := NewUpsertEncoder(m)
	for _, text := range []string{"", "a", `\`, `\N`, `\\N`, "a\tb\nc\rd\\e", `\t`, "\x00", "ü\\ü"} {
		line, err := e.AppendRow(nil, cells(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := unescape(line[:len(line)-1]); string(got) != text || got == nil {
			t.Errorf("%q became %q", text, got)
		}
	}
	if line, err := e.AppendRow(nil, row.Row{nil}); err != nil || unescape(line[:len(line)-1]) != nil {
		t.Errorf("NULL became %q, %v", line, err)
	}
}
