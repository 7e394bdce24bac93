package migrate

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"leap/internal/copy"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
	"leap/internal/target"
)

// taken are the rows that went through the copier, by the table's source name.
type taken struct {
	mu      sync.Mutex // guards byTable
	byTable map[string][]row.Row
}

func newTaken() *taken { return &taken{byTable: map[string][]row.Row{}} }

// maxTaken bounds the cells that are held in memory, in bytes. A sample of
// wider rows is refused.
const maxTaken = 256 << 20

var errTaken = errors.New("the sample does not fit into memory: its rows are too large")

func (t *taken) rows(table string) []row.Row {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byTable[table]
}

// wrap makes an encoder that keeps a copy of every row.
func (t *taken) wrap(m *schema.Mapping, inner copy.Encoder) copy.Encoder {
	return &taking{Encoder: inner, taken: t, table: m.SourceName}
}

type taking struct {
	copy.Encoder
	taken *taken
	table string
	bytes int
}

// AppendRow takes the row along.
func (t *taking) AppendRow(dst []byte, cells row.Row) ([]byte, error) {
	kept := slices.Clone(cells)
	for i, cell := range kept {
		kept[i] = bytes.Clone(cell) // nil stays nil
		if cell != nil && kept[i] == nil {
			kept[i] = []byte{}
		}
		t.bytes += len(cell)
	}
	if t.bytes > maxTaken {
		return dst, errTaken
	}
	t.taken.mu.Lock()
	t.taken.byTable[t.table] = append(t.taken.byTable[t.table], kept)
	t.taken.mu.Unlock()
	return t.Encoder.AppendRow(dst, cells)
}

// spoiledChunk is how many bytes of rows one transaction writes, as the copier's do.
const spoiledChunk = 1 << 20

// write replaces the rows of a scratch table.
func (t *selfTest) write(ctx context.Context, m *schema.Mapping, rows []row.Row) error {
	to := t.scratch.target
	nothing := func(*target.Tx) error { return nil }
	if err := to.Clear(ctx, m, nothing, nothing); err != nil {
		return err
	}
	encoder := target.NewEncoder(m, to.Capabilities())
	var data []byte
	flush := func() error {
		err := retry.Do(ctx, retry.Policy{For: t.cfg.RetryFor}, func() error {
			return to.WriteChunk(ctx, m, data, nothing)
		})
		data = data[:0]
		return err
	}
	for _, r := range rows {
		var err error
		if data, err = encoder.AppendRow(data, r); err != nil {
			return err
		}
		if len(data) >= spoiledChunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
