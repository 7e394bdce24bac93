package copy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeSource serves rows whose first columns are integers in key order.
type fakeSource struct {
	rows  map[string][]row.Row
	order int // number of leading columns that order a table; 0 for none
	// onRow, if set, may fail a read before a row is handed over.
	onRow func(table string, n int) error
	// onView, if set, may refuse a view, or change what the next one shows.
	onView func() error
	at     string // the position of the views
	// cuts is where tables are divided that are worth it; nil: nobody should ask.
	cuts []row.Key
	// onDivide, if set, fails the division.
	onDivide func() error

	mu    sync.Mutex // guards reads
	reads int
}

func (s *fakeSource) OrderKey(m *schema.Mapping) []schema.ColumnMapping { return m.Columns[:s.order] }

func (s *fakeSource) View(context.Context) (View, error) {
	if s.onView != nil {
		if err := s.onView(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *fakeSource) Position() string { return s.at }

func (s *fakeSource) Divide(context.Context, *schema.Mapping, int) ([]row.Key, error) {
	if s.onDivide != nil {
		if err := s.onDivide(); err != nil {
			return nil, err
		}
	}
	if s.cuts == nil {
		return nil, errors.New("nobody should ask")
	}
	return s.cuts, nil
}

// Read hands out rows the way that the driver does: the memory of a row is
// overwritten as soon as fn has returned.
func (s *fakeSource) Read(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error {
	s.mu.Lock()
	s.reads++
	s.mu.Unlock()
	cells := make(row.Row, len(m.Columns))
	buffer := make([]byte, 0, 1<<10)
	for n, from := range s.rows[m.SourceName] {
		if r.After != nil && compareKey(from, r.After) <= 0 || r.UpTo != nil && compareKey(from, r.UpTo) > 0 {
			continue
		}
		if s.onRow != nil {
			if err := s.onRow(m.SourceName, n); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		buffer = buffer[:0]
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

// compareKey compares as many columns as the key has: numbers as numbers,
// dates as text.
func compareKey(r row.Row, key row.Key) int {
	for i, k := range key {
		a, errA := strconv.ParseInt(string(r[i]), 10, 64)
		b, errB := strconv.ParseInt(k, 10, 64)
		c := cmp.Compare(a, b)
		if errA != nil || errB != nil {
			c = cmp.Compare(string(r[i]), k)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// contents is what a transaction sees and changes.
type contents struct {
	tables   map[string][]string
	segments []checkpoint.Segment
	chunks   []storedChunk
	clearing map[string]bool
	imports  map[string]string
	claims   map[checkpoint.SegmentID]string
	gone     map[string]bool // owners that are no members any more
}

type storedChunk struct{ values []any } // in the order of the INSERT

func (c contents) clone() contents {
	out := contents{
		tables: map[string][]string{}, segments: slices.Clone(c.segments),
		chunks: slices.Clone(c.chunks), clearing: maps.Clone(c.clearing), imports: maps.Clone(c.imports),
		claims: maps.Clone(c.claims), gone: maps.Clone(c.gone),
	}
	for name, lines := range c.tables {
		out.tables[name] = slices.Clone(lines)
	}
	return out
}

// fakeTarget keeps rows and checkpoint in memory; a transaction works on a
// copy. The hooks stand for what goes wrong; they may be nil.
type fakeTarget struct {
	mu   sync.Mutex // guards data; held during a transaction, so they are serial
	data contents

	// beforeCommit and afterCommit fail WriteChunk on either side of its commit.
	beforeCommit, afterCommit func(data []byte) error
	// beforeRecord fails WriteChunk before it looks at the checkpoint.
	beforeRecord func() error
	// onTransaction makes Transaction repeat itself after its commit.
	onTransaction func() error
	// onStatement fails statements of Transaction; the error makes it repeat itself.
	onStatement func(query string) error
	// refuses says what the server thinks of a row.
	refuses func(line string) error
	// onClear fails the emptying of a table.
	onClear func() error

	writes, tries int
}

func newFakeTarget() *fakeTarget {
	return &fakeTarget{data: contents{
		tables: map[string][]string{}, clearing: map[string]bool{}, imports: map[string]string{},
		claims: map[checkpoint.SegmentID]string{}, gone: map[string]bool{},
	}}
}

func (*fakeTarget) Encoder(*schema.Mapping) Encoder { return lineEncoder{} }

// lineEncoder writes cells as they are; the tests use none that need escapes.
type lineEncoder struct{}

func (lineEncoder) AppendRow(dst []byte, cells row.Row) ([]byte, error) {
	for i, cell := range cells {
		if i > 0 {
			dst = append(dst, '\t')
		}
		if cell == nil {
			cell = []byte(`\N`)
		}
		if string(cell) == "unwritable" {
			return dst, &row.Problem{Column: "v", What: "cannot be written", Hint: "mend it"}
		}
		dst = append(dst, cell...)
	}
	return append(dst, '\n'), nil
}

func (t *fakeTarget) load(c *contents, m *schema.Mapping, data []byte) error {
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if t.refuses != nil {
			if err := t.refuses(line); err != nil {
				return err
			}
		}
		c.tables[m.Name] = append(c.tables[m.Name], line)
	}
	return nil
}

func (t *fakeTarget) WriteChunk(ctx context.Context, m *schema.Mapping, data []byte, record func(checkpoint.Store) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes++
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.beforeRecord != nil {
		if err := t.beforeRecord(); err != nil {
			return err
		}
	}
	work := t.data.clone()
	if err := record(memStore{c: &work}); err != nil {
		return err
	}
	if err := t.load(&work, m, data); err != nil {
		return err
	}
	if t.beforeCommit != nil {
		if err := t.beforeCommit(bytes.Clone(data)); err != nil {
			return err
		}
	}
	t.data = work
	if t.afterCommit != nil {
		return t.afterCommit(bytes.Clone(data))
	}
	return nil
}

func (t *fakeTarget) Try(_ context.Context, m *schema.Mapping, data []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries++
	work := t.data.clone()
	return t.load(&work, m, data)
}

func (t *fakeTarget) Clear(_ context.Context, m *schema.Mapping, record Clearing) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	work := t.data.clone()
	store := memStore{&work, t.onStatement}
	if err := record.Before(store); err != nil {
		return err
	}
	delete(work.tables, m.Name)
	if t.onClear != nil {
		if err := t.onClear(); err != nil {
			return err
		}
	}
	if err := record.After(store); err != nil {
		return err
	}
	t.data = work
	return nil
}

// Transaction repeats fn after an error of onTransaction, as target.DB does
// after a commit of unknown outcome.
func (t *fakeTarget) Transaction(_ context.Context, fn func(checkpoint.Store) error) error {
	for {
		t.mu.Lock()
		work := t.data.clone()
		store := memStore{&work, t.onStatement}
		err := fn(store)
		if err == nil {
			t.data = work
		}
		t.mu.Unlock()
		if retry.SQLState(err) == "40001" {
			continue
		}
		if err != nil || t.onTransaction == nil || t.onTransaction() == nil {
			return err
		}
	}
}

func (t *fakeTarget) lines(table string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(slices.Values(t.data.tables[table]))
}

// stateError is a server's error.
type stateError string

func (e stateError) Error() string    { return "server error " + string(e) }
func (e stateError) SQLState() string { return string(e) }

// table makes a mapping with integer key columns k0.. and a text column v, and
// rows with those keys.
func numbered(name string, keys ...[]int) (*schema.Mapping, []row.Row) {
	m := &schema.Mapping{SourceName: name, Name: name, KeyIndex: "PRIMARY"}
	var rows []row.Row
	for _, k := range keys {
		var r row.Row
		for _, n := range k {
			r = append(r, []byte(strconv.Itoa(n)))
		}
		rows = append(rows, append(r, []byte("v"+strings.Repeat("x", (k[0]+70)%7))))
	}
	for i := range keys[0] {
		m.Key = append(m.Key, i)
		m.Columns = append(m.Columns, schema.ColumnMapping{Source: "k" + strconv.Itoa(i), Name: "k" + strconv.Itoa(i), Kind: schema.Int})
	}
	m.Columns = append(m.Columns, schema.ColumnMapping{Source: "v", Name: "v", Kind: schema.Text})
	return m, rows
}

func sequence(n int) [][]int {
	var out [][]int
	for i := range n {
		out = append(out, []int{i + 1})
	}
	return out
}

// wanted is the lines that rows must become.
func wanted(rows []row.Row) []string {
	var out []string
	for _, r := range rows {
		line, _ := lineEncoder{}.AppendRow(nil, r) // the rows are writable
		out = append(out, strings.TrimSuffix(string(line), "\n"))
	}
	slices.Sort(out)
	return out
}

// failures gathers which tables are said to have failed.
type failures struct {
	mu     sync.Mutex // guards tables
	tables []string
}

func (f *failures) Emit(e event.Event) {
	if e.Kind == event.TableFailed {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.tables = append(f.tables, e.Table)
	}
}

func (f *failures) list() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tables
}
