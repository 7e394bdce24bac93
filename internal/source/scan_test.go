package source

import (
	"database/sql"
	"fmt"
	"testing"

	"leap/internal/row"
	"leap/internal/schema"
)

// onConnection lends a connection of the database to fn.
func onConnection(t *testing.T, db *DB, fn func(*sql.Conn) error) {
	t.Helper()
	conn, err := db.pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := fn(conn); err != nil {
		t.Fatal(err)
	}
}

// TestFloats: what the copier reads and what the verifier reads is one number,
// to the last bit and the sign of zero.
func TestFloats(t *testing.T) {
	numbers := []string{
		"0", "-0e0", "0.1", "-0.1", "16777216", "3.4028234663852886e38", "1.401298464324817e-45", "0.30000000000000004",
		"1.7976931348623157e308", "5e-324", "2.2250738585072014e-308", "9007199254740993",
	}
	statements := "CREATE TABLE f (id INT PRIMARY KEY, f FLOAT, d DOUBLE);"
	for i, n := range numbers {
		single := n
		if i > 6 {
			single = "NULL"
		}
		statements += fmt.Sprintf("INSERT INTO f VALUES (%d, %s, %s);", i, single, n)
	}
	db, _ := open(t, statements)
	columns := []schema.ColumnMapping{
		{Source: "id", Name: "id", Kind: schema.Int},
		{Source: "f", Name: "f", Kind: schema.Float32, From: schema.Type{Base: "float"}},
		{Source: "d", Name: "d", Kind: schema.Float64, From: schema.Type{Base: "double"}},
	}
	m := &schema.Mapping{SourceName: "f", Name: "f", Columns: columns, Key: []int{0}, KeyIndex: "PRIMARY"}
	var read, scanned []string
	canonical := func(out *[]string) func(row.Row) error {
		return func(cells row.Row) error {
			line := ""
			for i, c := range cells {
				if c == nil {
					line += " NULL"
					continue
				}
				form, err := row.AppendCanonical(nil, &columns[i], c)
				if err != nil {
					return err
				}
				line += fmt.Sprintf(" %x", form)
			}
			*out = append(*out, line)
			return nil
		}
	}
	onConnection(t, db, func(conn *sql.Conn) error { return Read(t.Context(), conn, m, row.Range{}, canonical(&read)) })
	onConnection(t, db, func(conn *sql.Conn) error { return Scan(t.Context(), conn, m, row.Range{}, canonical(&scanned)) })
	if len(read) != len(numbers) || len(scanned) != len(numbers) {
		t.Fatalf("%d and %d rows of %d", len(read), len(scanned), len(numbers))
	}
	for i, n := range numbers {
		want, err := row.AppendCanonical(nil, &columns[2], []byte(n))
		if err != nil {
			t.Fatal(err)
		}
		if read[i] != scanned[i] {
			t.Errorf("%s: read %s, scanned %s", n, read[i], scanned[i])
		}
		if tail := read[i][len(read[i])-16:]; tail != fmt.Sprintf("%x", want) {
			t.Errorf("%s is read as %s", n, tail)
		}
	}
}
