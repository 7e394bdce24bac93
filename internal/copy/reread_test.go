package copy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
)

var errLost = &retry.LostError{Err: errors.New("the source is lost")}

// TestLostSourceIsWaitedFor: the source is away for a while; then the copy goes
// on after its last chunk and repeats nothing.
func TestLostSourceIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := setup(sequence(10)...)
		away, reads := 0, 0
		src.at = "p1"
		src.onRow = func(_ string, n int) error {
			if reads++; n == 5 && src.at == "p1" {
				away = 7
				return errLost
			}
			return nil
		}
		src.onView = func() error {
			if away > 0 {
				if away--; away == 0 {
					src.at = "p2"
				}
				return errLost
			}
			return nil
		}
		var told []string
		results, err := run(t, m, src, dst, Config{ChunkRows: 3, Events: event.SinkFunc(func(e event.Event) {
			if e.Kind == event.Retried {
				told = append(told, e.Message)
			}
		})})
		if err != nil {
			t.Fatal(err)
		}
		mustArrive(t, src, dst)
		// Rows 4 and 5 were read and not handed over: they are read again.
		if reads != 6+7 || len(told) != 8 {
			t.Errorf("%d rows were read, the user was told of %q", reads, told)
		}
		want := []string{"p1", "p2"}
		if diff := cmp.Diff(want, results[0].Positions); diff != "" || results[0].Rows != 10 || results[0].Copied != 10 {
			t.Errorf("got %+v", results[0])
		}
	})
}

// TestChangesAreCountedOnce: what a policy changed in rows that are read a
// second time is in the ledger once.
func TestChangesAreCountedOnce(t *testing.T) {
	m, src, dst := setup(sequence(4)...)
	m.Columns = append(m.Columns, schema.ColumnMapping{Name: "d", Kind: schema.Date, Policy: schema.ValuePolicy{ZeroDate: schema.Null}})
	for i := range src.rows["t"] {
		src.rows["t"][i] = append(src.rows["t"][i], []byte("0000-00-00"))
	}
	reads := 0
	src.onRow = func(string, int) error {
		if reads++; reads == 4 {
			return errLost
		}
		return nil
	}
	results, err := run(t, m, src, dst, Config{ChunkRows: 10})
	if err != nil {
		t.Fatal(err)
	}
	if changes := results[0].Changes; len(changes) != 1 || changes[0].Count != 4 {
		t.Errorf("the ledger is %+v", changes)
	}
}

// TestLostSourceIsGivenUp: patience has an end, which every chunk puts off.
func TestLostSourceIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := setup(sequence(40)...)
		seen := 0
		src.onRow = func(string, int) error {
			if seen++; seen > 3 {
				seen = 0
				return errLost
			}
			return nil
		}
		begun := time.Now()
		src.onView = func() error {
			if time.Since(begun) < 2*time.Second {
				return errLost
			}
			begun = time.Now()
			if len(dst.lines("t")) > 20 {
				return errLost
			}
			return nil
		}
		started := time.Now()
		_, err := run(t, m, src, dst, Config{ChunkRows: 2, RetryFor: 10 * time.Second})
		if !errors.Is(err, errLost) {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(started); took < 20*time.Second {
			t.Errorf("gave up after %s, though chunks arrived", took)
		}
		if got := len(dst.lines("t")); got <= 20 {
			t.Errorf("%d rows arrived", got)
		}
		src.onRow, src.onView = nil, nil
		if _, err := run(t, m, src, dst, Config{}); err != nil {
			t.Fatal(err)
		}
		mustArrive(t, src, dst)
	})
}

// TestOtherErrorsOfTheSourceEnd: only a loss is worth another try.
func TestOtherErrorsOfTheSourceEnd(t *testing.T) {
	for _, hook := range []func(*fakeSource, func() error){
		func(s *fakeSource, fail func() error) { s.onView = fail },
		func(s *fakeSource, fail func() error) { s.onRow = func(string, int) error { return fail() } },
	} {
		m, src, dst := setup(sequence(10)...)
		calls := 0
		hook(src, func() error { calls++; return errCrash })
		if _, err := run(t, m, src, dst, Config{}); !errors.Is(err, errCrash) || calls != 1 {
			t.Errorf("got %v after %d calls", err, calls)
		}
	}
}

// TestKeylessBeginsAgain: without a key nothing tells what is still to come, so
// the rows of the lost view go, and those of the next one arrive whole.
func TestKeylessBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := setup(sequence(10)...)
		m.Key, m.KeyIndex, src.order = nil, "", 0
		src.at = "p1"
		src.onRow = func(_ string, n int) error {
			if n == 8 && src.at == "p1" {
				src.at = "p2"
				src.rows["t"] = slices.Clone(src.rows["t"][2:]) // they were deleted meanwhile
				return errLost
			}
			return nil
		}
		results, err := run(t, m, src, dst, Config{ChunkRows: 3})
		if err != nil {
			t.Fatal(err)
		}
		mustArrive(t, src, dst)
		if diff := cmp.Diff([]string{"p2"}, results[0].Positions); diff != "" || results[0].Rows != 8 || results[0].Copied != 8 {
			t.Errorf("got %+v", results[0])
		}
	})
}

// TestPutTableKeepsItsRows: what is put by key begins again without emptying
// the table, in which the target may have rows of its own.
func TestPutTableKeepsItsRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := setup(sequence(10)...)
		src.order = 0 // a key that the source cannot read in order
		src.at = "p1"
		src.onRow = func(_ string, n int) error {
			if n == 8 && src.at == "p1" {
				src.at = "p2"
				return errLost
			}
			return nil
		}
		dst.data.tables["t"] = []string{"the target's own"}
		dst.onClear = func() error { return errors.New("the table is emptied") }
		results, err := run(t, m, src, dst, Config{ChunkRows: 3, Puts: true})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(dst.data.tables["t"], "the target's own") || results[0].Rows != 10 || results[0].Chunks == 0 {
			t.Errorf("got %+v, rows %v", results[0], dst.data.tables["t"])
		}
	})
}

// TestChunksAreTrue is the invariant: whatever happens to the source, to the
// target and to this process, a recorded chunk is exactly what the source held
// in the chunk's range at the chunk's position, and the ranges partition the table.
func TestChunksAreTrue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) { checkChunks(t, rt) })
	})
}

func checkChunks(t *testing.T, rt *rapid.T) {
	t.Helper()
	width := rapid.IntRange(1, 2).Draw(rt, "key columns")
	m, _ := numbered("t", make([]int, width))
	src := &fakeSource{order: rapid.IntRange(0, width).Draw(rt, "order")}
	history := map[string][]row.Row{}
	write := func() {
		_, rows := numbered("t", drawKeys(rt, width)...)
		src.at = "p" + strconv.Itoa(len(history))
		history[src.at] = rows
		src.rows = map[string][]row.Row{"t": rows}
	}
	write()
	if src.order == 1 && width == 1 {
		m.Source = &schema.Table{EstimatedRows: 3 * splitRows}
		src.cuts = []row.Key{{"0"}, {"13"}}
	}
	// Something happens after so many rows and commits: the source is lost, the
	// outcome of a commit is, or the process dies.
	var mu sync.Mutex
	var accidents []int
	for range rapid.IntRange(0, 8).Draw(rt, "accidents") {
		accidents = append(accidents, rapid.IntRange(1, 25).Draw(rt, "after"))
	}
	accident := func() bool {
		mu.Lock()
		defer mu.Unlock()
		if len(accidents) == 0 {
			return false
		}
		if accidents[0]--; accidents[0] > 0 {
			return false
		}
		accidents = accidents[1:]
		return true
	}
	dies := rapid.Bool().Draw(rt, "dies")
	src.onRow = func(string, int) error {
		switch {
		case !accident():
			return nil
		case dies:
			return errCrash
		}
		return errLost
	}
	dst := newFakeTarget()
	dst.afterCommit = func([]byte) error {
		if accident() {
			return &retry.AmbiguousError{Err: io.ErrUnexpectedEOF}
		}
		return nil
	}
	src.onView = func() error {
		if rapid.Bool().Draw(rt, "written") {
			write()
		}
		return nil
	}
	for {
		cfg := Config{
			ChunkRows: rapid.IntRange(1, 10).Draw(rt, "rows"), ChunkBytes: rapid.IntRange(1, 60).Draw(rt, "bytes"),
			Workers: 1, RetryFor: time.Hour,
		}
		_, err := run(t, m, src, dst, cfg)
		if err == nil {
			break
		}
		if !errors.Is(err, errCrash) {
			rt.Fatal(err)
		}
	}
	compareChunks(rt, m, src.order, dst, history)
}

func drawKeys(rt *rapid.T, width int) [][]int {
	key := rapid.SliceOfN(rapid.IntRange(-5, 30), width, width)
	keys := rapid.SliceOfNDistinct(key, 1, 40, func(k []int) string { return fmt.Sprint(k) }).Draw(rt, "keys")
	slices.SortFunc(keys, slices.Compare)
	return keys
}

// compareChunks puts together what the records claim and compares it with what arrived.
func compareChunks(rt *rapid.T, m *schema.Mapping, order int, dst *fakeTarget, history map[string][]row.Row) {
	rt.Helper()
	var claimed []string
	last := map[int]row.Key{}
	counted, at := int64(0), map[string]bool{}
	err := checkpoint.Chunks(context.Background(), memStore{c: &dst.data}, "j", func(c checkpoint.Chunk) error {
		counted += c.Rows
		at[c.Position] = true
		if order == 0 {
			return nil
		}
		if c.Seq > 0 && !slices.Equal(last[c.Segment], c.Range.After) {
			return fmt.Errorf("chunk %d.%d begins after %v, the one before ends at %v", c.Segment, c.Seq, c.Range.After, last[c.Segment])
		}
		last[c.Segment] = c.Range.UpTo
		n := int64(0)
		for _, r := range history[c.Position] {
			if (c.Range.After == nil || compareKey(r, c.Range.After) > 0) && (c.Range.UpTo == nil || compareKey(r, c.Range.UpTo) <= 0) {
				claimed = append(claimed, wanted([]row.Row{r})...)
				n++
			}
		}
		if n != c.Rows {
			return fmt.Errorf("chunk %d.%d claims %d rows, there were %d in %v at %s", c.Segment, c.Seq, c.Rows, n, c.Range, c.Position)
		}
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
	if order == 0 {
		if len(at) > 1 {
			rt.Fatalf("a table without order was put together from the views %v", at)
		}
		for p := range at {
			claimed = wanted(history[p])
		}
	}
	slices.Sort(claimed)
	if diff := cmp.Diff(claimed, dst.lines(m.Name)); diff != "" || counted != int64(len(claimed)) {
		rt.Fatalf("%d rows are counted; claimed and arrived (-claimed +arrived):\n%s\n%s", counted, diff, strings.Join(claimed, "; "))
	}
}
