package target

import (
	"slices"
	"strconv"
	"testing"

	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// TestOrderedPart: rows come in the order of the key, by the column's type and
// not by the text that is read.
func TestOrderedPart(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, "CREATE TABLE t (v TEXT, b INT8, id DECIMAL(20, 0), PRIMARY KEY (id, b))",
			"INSERT INTO t SELECT 'v', i % 3, i::DECIMAL FROM generate_series(-12, 120) AS g(i)", "INSERT INTO t SELECT 'w', 7, i::DECIMAL FROM generate_series(1, 30) AS g(i)")
		m := &schema.Mapping{
			SourceName: "t", Name: "t", Key: []int{1, 0}, KeyIndex: "PRIMARY", Columns: []schema.ColumnMapping{
				{Source: "b", Name: "b", Kind: schema.Int, Type: "INT8", NotNull: true},
				{Source: "id", Name: "id", Kind: schema.Decimal, Type: "DECIMAL(20,0)", NotNull: true},
				{Source: "v", Name: "v", Kind: schema.Text, Type: "TEXT"},
			},
		}
		view, err := db.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer view.Close(t.Context())
		var got [][2]int
		part := row.Part{Ordered: true, Range: row.Range{After: row.Key{"-3", "0"}, UpTo: row.Key{"100", "1"}}}
		err = view.ScanPart(t.Context(), m, part, func(r row.Row) error {
			id, _ := strconv.Atoi(string(r[1]))
			b, atoiErr := strconv.Atoi(string(r[0]))
			got = append(got, [2]int{id, b})
			return atoiErr
		})
		if err != nil {
			t.Fatal(err)
		}
		// -2 to 100, and 1 to 30 a second time.
		if len(got) != 103+30 || !slices.IsSortedFunc(got, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }) {
			t.Errorf("%d rows: %v", len(got), got)
		}
	})
}
