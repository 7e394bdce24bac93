package target

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"leap/internal/endpoint"
	"leap/internal/fault"
	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

func TestMain(m *testing.M) { sandboxtest.Main(m) }

func parse(t *testing.T, raw string) endpoint.Endpoint {
	t.Helper()
	e, err := endpoint.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// open makes a database, runs the statements in it and opens it.
func open(t *testing.T, server *sandbox.Server, statements ...string) *DB {
	t.Helper()
	db, _ := openNamed(t, server, statements...)
	return db
}

func openNamed(t *testing.T, server *sandbox.Server, statements ...string) (*DB, string) {
	t.Helper()
	name := sandboxtest.NewDatabase(t, server)
	db, err := Open(t.Context(), parse(t, server.URL(name)), 8)
	if err != nil {
		t.Fatalf("%v (%s)", err, fault.HintOf(err))
	}
	t.Cleanup(db.Close)
	for _, s := range statements {
		if err := db.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return db, name
}

// typed writes a type as the server spells it.
func typed(d *DB, name string) string {
	if d.StandIn() {
		return strings.NewReplacer("BYTES", "BYTEA", "STRING", "TEXT").Replace(name)
	}
	return name
}

// noRecord is a chunk's record where the test needs none.
func noRecord(*Tx) error { return nil }

func write(ctx context.Context, d *DB, m *schema.Mapping, rows ...row.Row) error {
	e := NewEncoder(m, d.Capabilities())
	var data []byte
	var err error
	for _, r := range rows {
		if data, err = e.AppendRow(data, r); err != nil {
			return err
		}
	}
	return d.WriteChunk(ctx, m, data, noRecord)
}

// scanAll reads a range; cells are copied, since Scan reuses its memory.
func scanAll(t *testing.T, d *DB, m *schema.Mapping, r row.Range) map[string]row.Row {
	t.Helper()
	out := map[string]row.Row{}
	err := d.Scan(t.Context(), m, r, func(cells row.Row) error {
		kept := make(row.Row, len(cells))
		for i, c := range cells {
			if c != nil {
				kept[i] = append([]byte{}, c...)
			}
		}
		if out[string(kept[0])] != nil {
			return fmt.Errorf("row %s comes twice", kept[0])
		}
		out[string(kept[0])] = kept
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// intTable maps CREATE TABLE t (id INT8 PRIMARY KEY, v STRING).
func intTable() *schema.Mapping {
	return &schema.Mapping{
		SourceName: "t", Name: "t", Key: []int{0}, KeyIndex: "PRIMARY",
		Columns: []schema.ColumnMapping{
			{Source: "id", Name: "id", Kind: schema.Int, Type: "INT8", NotNull: true},
			{Source: "v", Name: "v", Kind: schema.Text, Type: "TEXT"},
		},
	}
}

const createIntTable = "CREATE TABLE t (id INT8 PRIMARY KEY, v TEXT)"

func cells(texts ...string) row.Row {
	r := make(row.Row, len(texts))
	for i, s := range texts {
		r[i] = []byte(s)
	}
	return r
}
