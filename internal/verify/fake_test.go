package verify

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"leap/internal/row"
	"leap/internal/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeEnd serves rows whose key columns are integers or text, in the order in
// which they are given.
type fakeEnd struct {
	rows map[string][]row.Row
	// connection, if set, admits one scan at a time, like a snapshot that has
	// a single connection.
	connection chan struct{}
	// onScan, if set, is told of every scan and may fail it.
	onScan func(n int) error
	scans  chan int // counts the scans

	drift      []string
	incomplete bool // the tables cannot be compared
}

func newEnd(rows ...row.Row) *fakeEnd {
	scans := make(chan int, 1)
	scans <- 0
	return &fakeEnd{rows: map[string][]row.Row{"t": rows}, scans: scans}
}

func (e *fakeEnd) Drift(context.Context, *schema.Mapping) ([]string, bool, error) {
	return e.drift, !e.incomplete, nil
}

// Scan overwrites the memory of a row as soon as fn has returned.
func (e *fakeEnd) Scan(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error {
	if e.connection != nil {
		select {
		case e.connection <- struct{}{}:
			defer func() { <-e.connection }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	n := <-e.scans + 1
	e.scans <- n
	if e.onScan != nil {
		if err := e.onScan(n); err != nil {
			return err
		}
	}
	keys := row.NewKeyReader(m.Columns, m.KeyColumns())
	cells := make(row.Row, len(m.Columns))
	var buffer []byte
	for _, from := range e.rows[m.SourceName] {
		if err := ctx.Err(); err != nil {
			return err
		}
		if key := keys.Key(from); r.After != nil && compareKeys(key, r.After) <= 0 || r.UpTo != nil && compareKeys(key, r.UpTo) > 0 {
			continue
		}
		buffer = slices.Grow(buffer[:0], 1<<10)
		for i, cell := range from {
			cells[i] = nil
			if cell != nil {
				buffer = append(buffer, cell...)
				cells[i] = buffer[len(buffer)-len(cell) : len(buffer) : len(buffer)]
			}
		}
		err := fn(cells)
		for i := range buffer {
			buffer[i] = '#'
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func compareKeys(a, b row.Key) int {
	return slices.CompareFunc(a, b, func(x, y string) int {
		m, errX := strconv.ParseInt(x, 10, 64)
		n, errY := strconv.ParseInt(y, 10, 64)
		if errX != nil || errY != nil {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(m, n)
	})
}

// The mappings of the three methods: id is the key where there is one.
func mapping(method Method) *schema.Mapping {
	m := &schema.Mapping{SourceName: "t", Name: "t", Key: []int{0}, KeyIndex: "PRIMARY", Columns: []schema.ColumnMapping{
		{Name: "id", Kind: schema.Int}, {Name: "amount", Kind: schema.Decimal}, {Name: "note", Kind: schema.Text},
	}}
	switch method {
	case Ranges:
	case Buckets:
		m.Columns[0].Kind = schema.Text
	case Multiset:
		m.Key, m.KeyIndex = nil, ""
	}
	return m
}

// cells makes a row; "NULL" is NULL.
func cells(texts ...string) row.Row {
	r := make(row.Row, len(texts))
	for i, s := range texts {
		if s != "NULL" {
			r[i] = []byte(s)
		}
	}
	return r
}

// numbered makes rows with ids from first to last.
func numbered(first, last int) []row.Row {
	var out []row.Row
	for i := first; i <= last; i++ {
		out = append(out, cells(strconv.Itoa(i), strconv.Itoa(i)+".50", "note"))
	}
	return out
}
