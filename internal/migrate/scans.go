package migrate

import (
	"strings"
	"sync"

	"leap/internal/convert"
	"leap/internal/schema"
)

// Scans keeps what the tables of one source database hold of values that cannot
// arrive as they are, for tenants that move in the same run: a whole table in
// which there is none has none in any tenant's rows. Like the Censuses, a scan
// serves as long as the source's binlog does not move.
type Scans struct {
	mu      sync.Mutex // guards entries
	entries map[string]*scannedTable
}

// scannedTable is a table, or some columns of it, at one moment.
type scannedTable struct {
	mu    sync.Mutex // held while somebody scans, guards what follows
	done  bool
	facts map[string]convert.ColumnFacts
	// sought is how many rows tenants have looked for by themselves.
	sought int64
}

// of returns the entry of a table's columns at a place of the binlog.
func (s *Scans) of(t *schema.Table, place string) *scannedTable {
	names := []string{place, t.Name}
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	key := strings.Join(names, "\x00")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		s.entries = map[string]*scannedTable{}
	}
	if s.entries[key] == nil {
		s.entries[key] = &scannedTable{}
	}
	return s.entries[key]
}

// soughtCost is how many rows the source passes over in a scan while it finds one
// by an index; see fewRows in source.
const soughtCost = 7

// whole returns what a scan of the whole table says about the rows of a slice, nil
// for a table that moves whole; known is false where that says nothing. The table
// is scanned when the slice is found by a scan anyway, and when tenants have looked
// for so many rows by themselves that one scan would have cost as much: a few
// small tenants never make the source read all of it.
func (t *scannedTable) whole(slice *schema.Slice, rows int64, scan func() (map[string]convert.ColumnFacts, error)) (
	facts map[string]convert.ColumnFacts, known bool, err error,
) {
	few := slice != nil && slice.Access.ByIndex
	if !few {
		t.mu.Lock()
	} else if !t.mu.TryLock() {
		return nil, false, nil // rather than wait for the scan
	}
	defer t.mu.Unlock()
	if !t.done && few && t.sought < rows {
		t.sought += soughtCost * slice.Access.Rows
		return nil, false, nil
	}
	if !t.done {
		if t.facts, err = scan(); err != nil {
			return nil, false, err
		}
		t.done = true
	}
	if slice == nil {
		return t.facts, true, nil
	}
	for _, f := range t.facts {
		if f != (convert.ColumnFacts{}) {
			return nil, false, nil // it may be in other tenants' rows
		}
	}
	return t.facts, true, nil
}
