package copy

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/row"
	"leap/internal/schema"
)

// TestEqualOrderKeysStayTogether: where only a prefix of the key orders the
// reads, a range cannot begin between rows that are equal in it.
func TestEqualOrderKeysStayTogether(t *testing.T) {
	var keys [][]int
	for i := range 20 {
		keys = append(keys, []int{i / 7, i})
	}
	m, src, dst := setup(keys...)
	src.order = 1
	dst.beforeCommit = func([]byte) error {
		if dst.writes == 2 {
			return errCrash
		}
		return nil
	}
	if _, err := run(t, m, src, dst, Config{ChunkRows: 2}); !errors.Is(err, errCrash) {
		t.Fatalf("got %v", err)
	}
	if got := len(dst.lines("t")); got != 7 {
		t.Errorf("the first chunk has %d rows, want the 7 with equal order keys", got)
	}
	if _, err := run(t, m, src, dst, Config{ChunkRows: 2}); err != nil {
		t.Fatal(err)
	}
	mustArrive(t, src, dst)
}

// TestPolicyOnKeyColumn: bounds are the source's own values. A bound made of a
// value that a policy changed would leave out the rows between the two.
func TestPolicyOnKeyColumn(t *testing.T) {
	m := &schema.Mapping{
		SourceName: "t", Name: "t", Key: []int{0, 1}, KeyIndex: "PRIMARY",
		Columns: []schema.ColumnMapping{
			{Name: "d", Kind: schema.Date, Policy: schema.ValuePolicy{ZeroDate: schema.Min}}, {Name: "n", Kind: schema.Int},
		},
	}
	src := &fakeSource{order: 1, rows: map[string][]row.Row{}}
	var want []string
	for i, d := range []string{"0000-00-00", "0000-00-00", "0000-01-05", "0000-03-00", "0001-01-01", "2024-05-06"} {
		n := strconv.Itoa(i)
		src.rows["t"] = append(src.rows["t"], row.Row{[]byte(d), []byte(n)})
		want = append(want, strings.Replace(d, "0000", "0001", 1)[:5]+map[bool]string{true: "01-01", false: d[5:]}[d[:4] == "0000"]+"\t"+n)
	}
	for crashAt := 1; crashAt <= 5; crashAt++ {
		dst := newFakeTarget()
		dst.beforeCommit = func([]byte) error {
			if dst.writes == crashAt {
				return errCrash
			}
			return nil
		}
		if _, err := run(t, m, src, dst, Config{ChunkRows: 1}); err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		dst.beforeCommit = nil
		results, err := run(t, m, src, dst, Config{ChunkRows: 1})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, dst.lines("t")); diff != "" {
			t.Errorf("after a crash at chunk %d (-want +got):\n%s", crashAt, diff)
		}
		changes := []checkpoint.Change{{
			Column: "d", Policy: "zero-date", Action: "min", Count: 4,
			Examples: []string{"(0000-00-00, 0)", "(0000-00-00, 1)", "(0000-01-05, 2)", "(0000-03-00, 3)"},
		}}
		if diff := cmp.Diff(changes, results[0].Changes); diff != "" {
			t.Errorf("ledger (-want +got):\n%s", diff)
		}
	}
}

// TestKeyless: a table that cannot be continued is emptied and begun again,
// also when the process dies on the way.
func TestKeyless(t *testing.T) {
	for _, died := range []string{"copying", "clearing", "clearing, with an older version"} {
		t.Run(died, func(t *testing.T) {
			m, src, dst := setup(sequence(10)...)
			m.Key, m.KeyIndex, src.order = nil, "", 0
			dst.beforeCommit = func([]byte) error {
				if dst.writes == 3 {
					return errCrash
				}
				return nil
			}
			if _, err := run(t, m, src, dst, Config{ChunkRows: 3}); !errors.Is(err, errCrash) {
				t.Fatalf("got %v", err)
			}
			dst.beforeCommit = nil
			if got := len(dst.lines("t")); got != 6 {
				t.Fatalf("%d rows are committed", got)
			}
			if died != "copying" {
				dst.onClear = func() error { return errCrash }
				if _, err := run(t, m, src, dst, Config{}); !errors.Is(err, errCrash) {
					t.Fatalf("got %v", err)
				}
				dst.onClear = nil
				if got := len(dst.lines("t")); got != 6 || len(dst.data.chunks) != 2 {
					t.Errorf("%d rows and %d chunks are left: it was all or nothing", got, len(dst.data.chunks))
				}
			}
			if strings.Contains(died, "older") {
				// It removed the rows and then, in another transaction, the chunks.
				delete(dst.data.tables, "t")
				dst.data.clearing["t"] = true
			}
			results, err := run(t, m, src, dst, Config{ChunkRows: 4})
			if err != nil {
				t.Fatal(err)
			}
			mustArrive(t, src, dst)
			if results[0].Rows != 10 || results[0].Chunks != 3 {
				t.Errorf("got %+v", results[0])
			}
			reads := src.reads
			if _, err := run(t, m, src, dst, Config{}); err != nil || src.reads != reads || len(dst.data.clearing) > 0 {
				t.Errorf("the finished table is touched again: %v", err)
			}
		})
	}
}

// TestKeyThatBecameUsable: an older version copied the table without order, and
// its records do not say where to go on.
func TestKeyThatBecameUsable(t *testing.T) {
	m, src, dst := setup(sequence(10)...)
	src.order = 0
	dst.beforeCommit = func([]byte) error {
		if dst.writes == 3 {
			return errCrash
		}
		return nil
	}
	if _, err := run(t, m, src, dst, Config{ChunkRows: 3}); !errors.Is(err, errCrash) {
		t.Fatalf("got %v", err)
	}
	dst.beforeCommit, src.order = nil, 1
	if _, err := run(t, m, src, dst, Config{ChunkRows: 3}); err != nil {
		t.Fatal(err)
	}
	mustArrive(t, src, dst)
}

// TestSegments: a large table is read by several; each continues by itself.
func TestSegments(t *testing.T) {
	m, src, dst := setup(sequence(100)...)
	m.Source = &schema.Table{EstimatedRows: 4 * splitRows}
	src.cuts = []row.Key{{"10"}, {"60"}, {"95"}}
	dst.beforeCommit = func([]byte) error {
		if dst.writes == 9 {
			return errCrash
		}
		return nil
	}
	cfg := Config{ChunkRows: 5, Workers: 4}
	if _, err := run(t, m, src, dst, cfg); !errors.Is(err, errCrash) {
		t.Fatalf("got %v", err)
	}
	if len(dst.data.segments) != 4 {
		t.Fatalf("got %d segments", len(dst.data.segments))
	}
	dst.beforeCommit = nil
	// Another number of workers and other statistics must not divide anew.
	m.Source.EstimatedRows = 0
	results, err := run(t, m, src, dst, Config{ChunkRows: 7, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	mustArrive(t, src, dst)
	if results[0].Rows != 100 {
		t.Errorf("got %+v", results[0])
	}
}

// TestSegmentsOf: enough for all workers to be busy to the end, and fewer where each
// costs more than its rows.
func TestSegmentsOf(t *testing.T) {
	byColumn, byPath := &schema.Slice{Column: "tenant"}, &schema.Slice{Column: "tenant", Path: []schema.Hop{{Table: "accounts"}}}
	for _, c := range []struct {
		rows  int64
		slice *schema.Slice
		want  int
	}{
		{splitRows - 1, nil, 0},
		{10 * splitRows, nil, 10},
		{10 * splitRows, byColumn, 10},
		{10 * splitSlice, byPath, 10},
		{1_000_000_000, nil, mostSegments},
		{1_000_000_000, byPath, mostSegments},
	} {
		m := &schema.Mapping{Source: &schema.Table{EstimatedRows: c.rows}, Slice: c.slice}
		if got := segmentsOf(m); got != c.want {
			t.Errorf("%d rows, slice %+v: %d segments, want %d", c.rows, c.slice, got, c.want)
		}
	}
}

// TestSegmentsRecordedTwice: the transaction that records the division may be
// repeated after a commit of unknown outcome.
func TestSegmentsRecordedTwice(t *testing.T) {
	m, src, dst := setup(sequence(10)...)
	n := 0
	dst.onTransaction = func() error {
		if n++; n == 2 { // the first one loads the state
			return errCrash
		}
		return nil
	}
	if _, err := run(t, m, src, dst, Config{}); err != nil {
		t.Fatal(err)
	}
	if n < 3 || len(dst.data.segments) != 1 {
		t.Errorf("%d transactions, %d segments", n, len(dst.data.segments))
	}
	mustArrive(t, src, dst)
}

// TestUndivided: a table that is worth dividing and cannot be is copied by one
// reader, and a line says so; while the source is away it is waited for.
func TestUndivided(t *testing.T) {
	for name, failure := range map[string]error{"refused": stateError("42000"), "away once": io.ErrUnexpectedEOF, "no place": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, src, dst := setup(sequence(10)...)
				m.Source = &schema.Table{EstimatedRows: 4 * splitRows}
				src.cuts = []row.Key{}
				src.onDivide = func() error {
					if name == "away once" {
						src.onDivide, src.cuts = nil, []row.Key{{"5"}}
					}
					return failure
				}
				told := ""
				_, err := run(t, m, src, dst, Config{Events: event.SinkFunc(func(e event.Event) {
					if e.Kind == event.Warned {
						told = e.Message
					}
				})})
				if err != nil {
					t.Fatal(err)
				}
				mustArrive(t, src, dst)
				want := 1
				if name == "away once" {
					want = 2
				}
				if len(dst.data.segments) != want || strings.Contains(told, "one reader") != (name == "refused") {
					t.Errorf("%d segments, told %q", len(dst.data.segments), told)
				}
			})
		})
	}
}

// TestBetween: segments follow one another, from one end to the other.
func TestBetween(t *testing.T) {
	for n := range 4 {
		var cuts []row.Key
		for i := range n {
			cuts = append(cuts, row.Key{strconv.Itoa(i), "x"})
		}
		segments := between("t", cuts)
		var after row.Key
		for i, s := range segments {
			if s.Table != "t" || s.ID != i || !slices.Equal(s.Range.After, after) || (s.Range.UpTo == nil) != (i == n) {
				t.Errorf("%d cuts: segment %d is %+v", n, i, s)
			}
			after = s.Range.UpTo
		}
		if len(segments) != n+1 {
			t.Errorf("%d cuts make %d segments", n, len(segments))
		}
	}
}

// TestModel copies random tables with random sizes and crashes until it is
// done: every row is there exactly once, whatever happened on the way.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		width := rapid.IntRange(1, 2).Draw(rt, "key columns")
		key := rapid.SliceOfN(rapid.IntRange(-5, 30), width, width)
		keys := rapid.SliceOfNDistinct(key, 1, 60, func(k []int) string { return fmt.Sprint(k) }).Draw(rt, "keys")
		slices.SortFunc(keys, slices.Compare)
		m, src, dst := setup(keys...)
		src.order = rapid.IntRange(0, width).Draw(rt, "order")
		if src.order > 0 && rapid.Bool().Draw(rt, "large") {
			m.Source = &schema.Table{EstimatedRows: 3 * splitRows}
			src.cuts = []row.Key{}
			for _, r := range src.rows["t"] { // any keys in order may be cuts
				cut := row.NewKeyReader(m.Columns, m.Columns[:src.order]).Key(r)
				if rapid.IntRange(0, 9).Draw(rt, "cut") == 0 && (len(src.cuts) == 0 || !slices.Equal(cut, src.cuts[len(src.cuts)-1])) {
					src.cuts = append(src.cuts, cut)
				}
			}
		}
		budget := rapid.IntRange(0, 6).Draw(rt, "crashes")
		var mu sync.Mutex
		fuse := 0
		hook := func() error {
			mu.Lock()
			defer mu.Unlock()
			if fuse--; fuse == 0 {
				return errCrash
			}
			return nil
		}
		switch rapid.IntRange(0, 2).Draw(rt, "where") {
		case 0:
			dst.beforeCommit = func([]byte) error { return hook() }
		case 1:
			dst.afterCommit = func([]byte) error { return hook() }
		case 2:
			src.onRow = func(string, int) error { return hook() }
		}
		for try := 0; ; try++ {
			fuse = 0
			if try < budget {
				fuse = rapid.IntRange(1, 20).Draw(rt, "fuse")
			}
			cfg := Config{
				ChunkRows: rapid.IntRange(1, 10).Draw(rt, "rows"), ChunkBytes: rapid.IntRange(1, 60).Draw(rt, "bytes"),
				Workers: rapid.IntRange(1, 3).Draw(rt, "workers"),
			}
			results, err := run(t, m, src, dst, cfg)
			if err == nil {
				if results[0].Rows != int64(len(keys)) {
					rt.Fatalf("%d rows are recorded, %d are there", results[0].Rows, len(keys))
				}
				break
			}
			if !errors.Is(err, errCrash) {
				rt.Fatal(err)
			}
		}
		if diff := cmp.Diff(wanted(src.rows["t"]), dst.lines("t")); diff != "" {
			rt.Fatalf("(-want +got):\n%s", diff)
		}
	})
}
