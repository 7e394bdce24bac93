package migrate

import (
	"encoding/json"
	"fmt"
	"sync"

	"leap/internal/source"
)

// Censuses keeps what the shared tables of one source database hold of every
// tenant, for tenants that move in the same run: one reading serves all whose
// snapshots are of the same moment, by the source's binlog. A source that was
// written to between is counted anew.
type Censuses struct {
	mu      sync.Mutex // guards entries
	entries map[string]*countedTable
}

// countedTable is a table at one moment.
type countedTable struct {
	mu     sync.Mutex // held while somebody counts: the others wait for that
	done   bool
	census source.Census
}

// of returns the census of a table as it is divided, by counting where nobody has
// yet. Without a binlog that has everything nothing says that two moments are the same.
func (c *Censuses) of(table string, sharing source.Sharing, at source.Position, count func() (source.Census, error)) (source.Census, error) {
	division, err := json.Marshal(sharing.Parts)
	if c == nil || at.View == "" || err != nil {
		return count()
	}
	key := fmt.Sprintf("%s\x00%s\x00%v%s", table, at.View, sharing.Nowhere, division)
	c.mu.Lock()
	if c.entries == nil {
		c.entries = map[string]*countedTable{}
	}
	entry := c.entries[key]
	if entry == nil {
		entry = &countedTable{}
		c.entries[key] = entry
	}
	c.mu.Unlock()
	entry.mu.Lock()
	defer entry.mu.Unlock()
	if entry.done {
		return entry.census, nil
	}
	census, err := count()
	if err == nil {
		entry.census, entry.done = census, true
	}
	return census, err
}
