package migrate

import (
	"errors"
	"testing"

	"leap/internal/convert"
	"leap/internal/schema"
)

// TestScans asks for tables at one place of the binlog as tenants of different
// sizes do, and counts who scans what.
func TestScans(t *testing.T) {
	var s Scans
	table := &schema.Table{Name: "t", Columns: []schema.Column{{Name: "a"}}}
	few := func(rows int64) *schema.Slice {
		return &schema.Slice{Access: schema.Access{ByIndex: true, Rows: rows}}
	}
	large := &schema.Slice{}
	const rows = 1000
	clean := map[string]convert.ColumnFacts{"a": {}}
	scans := 0
	ask := func(place string, slice *schema.Slice, facts map[string]convert.ColumnFacts) bool {
		t.Helper()
		found, known, err := s.of(table, place).whole(slice, rows, func() (map[string]convert.ColumnFacts, error) {
			scans++
			return facts, nil
		})
		if err != nil || known && found == nil {
			t.Fatalf("found %v, %v", found, err)
		}
		return known
	}
	if ask("1", few(10), clean) || scans != 0 {
		t.Error("a small tenant alone has the whole table scanned")
	}
	if !ask("1", large, clean) || scans != 1 {
		t.Error("who reads the whole table anyway does not share it")
	}
	if !ask("1", few(10), clean) || !ask("1", large, clean) || scans != 1 {
		t.Error("a clean table is scanned again")
	}
	// Many small ones: seven times 100 rows cost as much as a thousand that are passed over.
	for i, want := range []bool{false, false, true, true} {
		if ask("2", few(100), clean) != want {
			t.Errorf("tenant %d of many small ones: want the scan of all to say it: %v", i, want)
		}
	}
	dirty := map[string]convert.ColumnFacts{"a": {NULs: 1}}
	if ask("3", large, dirty) || ask("3", few(10), dirty) || !ask("3", nil, dirty) || scans != 3 {
		t.Error("what some row of the table holds is taken for what a tenant's rows hold")
	}
	other := &schema.Table{Name: "t", Columns: []schema.Column{{Name: "a"}, {Name: "b"}}}
	if s.of(other, "3") == s.of(table, "3") {
		t.Error("entries are not told apart by their columns")
	}
	failing := s.of(table, "4")
	if _, known, err := failing.whole(nil, rows, func() (map[string]convert.ColumnFacts, error) { return nil, errors.New("gone") }); err == nil || known {
		t.Error("a scan that failed counts")
	}
	failing.mu.Lock()
	defer failing.mu.Unlock()
	if ask("4", few(1000), clean) {
		t.Error("a small tenant waits for another one's scan")
	}
}
