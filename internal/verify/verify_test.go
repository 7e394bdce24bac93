package verify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leap/internal/event"
	"leap/internal/row"
	"leap/internal/schema"
)

var methods = []Method{Ranges, Buckets, Multiset}

// compare runs one table; a comparison that waits for itself ends in an error.
func compare(t *testing.T, m *schema.Mapping, src, dst *fakeEnd, cfg Config) (TableResult, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	src.connection = make(chan struct{}, 1)
	results, err := Run(ctx, src, dst, []*schema.Mapping{m}, cfg)
	if err != nil {
		return TableResult{}, err
	}
	return results[0], nil
}

func mustCompare(t *testing.T, m *schema.Mapping, src, dst *fakeEnd, cfg Config) TableResult {
	t.Helper()
	r, err := compare(t, m, src, dst, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBoundaries has as many rows as fill ranges, one less and one more.
func TestBoundaries(t *testing.T) {
	for _, method := range methods {
		for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 7} {
			rows := numbered(1, n)
			backwards := slices.Clone(rows)
			slices.Reverse(backwards)
			src, dst := newEnd(rows...), newEnd(backwards...) // the target has no order
			var told int64
			r := mustCompare(t, mapping(method), src, dst, Config{RangeRows: 3, Events: event.SinkFunc(func(e event.Event) {
				if e.Kind == event.RowsMoved {
					told += e.Rows
				}
			})})
			if !r.Equal() || r.Source.Rows != int64(n) || r.Target.Rows != int64(n) || r.Method != method || !r.Compared {
				t.Errorf("%s, %d rows: %+v", method, n, r)
			}
			if told != int64(n) {
				t.Errorf("%s, %d rows: the events tell of %d", method, n, told)
			}
			if scans := <-src.scans; scans != 1 {
				t.Errorf("%s, %d rows: equal tables are read %d times", method, n, scans)
			}
			// One row less on the target, in every place; one more.
			for i := range n {
				r := mustCompare(t, mapping(method), newEnd(rows...), newEnd(slices.Delete(slices.Clone(rows), i, i+1)...), Config{RangeRows: 3})
				if r.Equal() || r.Total != 1 || r.Findings[0].Kind != Missing {
					t.Errorf("%s, row %d of %d missing: %+v", method, i+1, n, r)
				}
				if want := (row.Key{strconv.Itoa(i + 1)}); method != Multiset && !slices.Equal(r.Findings[0].Key, want) {
					t.Errorf("%s: got %v, want %v", method, r.Findings[0].Key, want)
				}
			}
			for _, id := range []string{"-5", "0", "99"} {
				r := mustCompare(t, mapping(method), newEnd(rows...), newEnd(append(slices.Clone(rows), cells(id, "1", "x"))...), Config{RangeRows: 3})
				if r.Equal() || r.Total != 1 || r.Findings[0].Kind != Extra {
					t.Errorf("%s, row %s too many: %+v", method, id, r)
				}
			}
		}
	}
}

// TestModel compares random tables and expects exactly the differences that a
// simple comparison of two maps finds.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		method := rapid.SampledFrom(methods).Draw(rt, "method")
		one := rapid.Custom(func(t *rapid.T) row.Row {
			return cells(strconv.Itoa(rapid.IntRange(0, 12).Draw(t, "id")),
				rapid.SampledFrom([]string{"NULL", "0", "1"}).Draw(t, "amount"), rapid.SampledFrom([]string{"NULL", "", "0"}).Draw(t, "note"))
		})
		id := func(r row.Row) string {
			if method == Multiset {
				return fmt.Sprintf("%#v", r)
			}
			return string(r[0])
		}
		draw := func(label string) []row.Row {
			if method == Multiset {
				return rapid.SliceOfN(one, 0, 12).Draw(rt, label)
			}
			rows := rapid.SliceOfNDistinct(one, 0, 12, func(r row.Row) string { return string(r[0]) }).Draw(rt, label)
			slices.SortFunc(rows, func(a, b row.Row) int { return compareKeys(row.Key{string(a[0])}, row.Key{string(b[0])}) })
			return rows
		}
		source, target := draw("source"), draw("target")
		if rapid.Bool().Draw(rt, "nearly equal") {
			target = slices.Clone(source)
			if len(target) > 0 && rapid.Bool().Draw(rt, "not quite") {
				i := rapid.IntRange(0, len(target)-1).Draw(rt, "which")
				target[i] = cells(string(target[i][0]), "7", "changed")
			}
		}
		count := func(rows []row.Row) (map[string]int, map[string]row.Row) {
			n, last := map[string]int{}, map[string]row.Row{}
			for _, r := range rows {
				n[id(r)]++
				last[id(r)] = r
			}
			return n, last
		}
		inSource, sourceRow := count(source)
		inTarget, targetRow := count(target)
		want := map[FindingKind]int64{}
		for k, n := range inSource {
			switch m := inTarget[k]; {
			case n > m:
				want[Missing] += int64(n - m)
			case n == m && !cmp.Equal(sourceRow[k], targetRow[k]):
				want[Changed]++
			}
		}
		for k, n := range inTarget {
			if m := inSource[k]; n > m {
				want[Extra] += int64(n - m)
			}
		}
		r := mustCompare(t, mapping(method), newEnd(source...), newEnd(target...), Config{RangeRows: rapid.IntRange(1, 5).Draw(rt, "range")})
		got, total := map[FindingKind]int64{}, int64(0)
		for _, f := range r.Findings {
			got[f.Kind] += f.Count
			total += f.Count
			if f.Kind == Changed != (len(f.Columns) > 0) {
				rt.Fatalf("finding %+v", f)
			}
		}
		if !cmp.Equal(got, want) || total != r.Total || r.Equal() != (len(want) == 0) {
			rt.Fatalf("got %v, want %v: %+v", got, want, r)
		}
	})
}

// TestChangedColumns names the columns that differ, and those only.
func TestChangedColumns(t *testing.T) {
	for _, method := range []Method{Ranges, Buckets} {
		for want, target := range map[string]row.Row{
			"amount":      cells("2", "2.51", "note"),
			"note":        cells("2", "2.5", "Note"),
			"amount,note": cells("2", "NULL", ""),
		} {
			r := mustCompare(t, mapping(method), newEnd(numbered(1, 3)...), newEnd(numbered(1, 1)[0], target, numbered(3, 3)[0]), Config{})
			if r.Total != 1 || r.Findings[0].Kind != Changed || strings.Join(r.Findings[0].Columns, ",") != want || r.Findings[0].Key.String() != "(2)" {
				t.Errorf("%s, %s: %+v", method, want, r.Findings)
			}
		}
	}
}

// TestMultiset: without a key only how often a row is there can be compared.
func TestMultiset(t *testing.T) {
	a, b := cells("1", "1", "a"), cells("1", "1", "b")
	r := mustCompare(t, mapping(Multiset), newEnd(a, a, a, b), newEnd(b, a, b, b), Config{})
	want := []Finding{
		{Kind: Missing, Count: 2}, {Kind: Extra, Count: 2},
	}
	if len(r.Findings) != 2 || r.Total != 4 {
		t.Fatalf("got %+v", r)
	}
	for i := range r.Findings {
		if key := r.Findings[i].Key; len(key) != 1 || !strings.HasPrefix(key[0], "row sha256:") {
			t.Errorf("key %v", key)
		}
		r.Findings[i].Key = nil
	}
	slices.SortFunc(r.Findings, func(x, y Finding) int { return -strings.Compare(string(x.Kind), string(y.Kind)) })
	if diff := cmp.Diff(want, r.Findings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r := mustCompare(t, mapping(Multiset), newEnd(a, b, a), newEnd(a, a, b), Config{}); !r.Equal() {
		t.Errorf("equal but for the order: %+v", r)
	}
}

// TestTextKeys: keys that only differ in case are two rows, and the order in
// which a server returns them is irrelevant.
func TestTextKeys(t *testing.T) {
	lower, upper := cells("key", "1", "x"), cells("KEY", "2", "x")
	if r := mustCompare(t, mapping(Buckets), newEnd(lower, upper), newEnd(upper, lower), Config{}); !r.Equal() {
		t.Errorf("%+v", r)
	}
	r := mustCompare(t, mapping(Buckets), newEnd(lower), newEnd(cells("KEY", "1", "x")), Config{})
	if r.Total != 2 || r.Equal() {
		t.Errorf("a key in another case: %+v", r)
	}
}

// TestFindingsLimit: few are listed, all are counted, and two comparisons list
// the same.
func TestFindingsLimit(t *testing.T) {
	for _, method := range methods {
		source, target := numbered(1, 300), numbered(101, 450)
		for i := range 50 {
			target[i] = cells(string(target[i][0]), "0", "changed")
		}
		want := int64(100 + 50 + 150)
		if method == Multiset {
			want += 50 // a changed row is one missing and one extra
		}
		var first TableResult
		for i := range 3 {
			r := mustCompare(t, mapping(method), newEnd(source...), newEnd(target...), Config{RangeRows: 7, MaxFindings: 5})
			if r.Total != want || len(r.Findings) != 5 || r.Source.Rows != 300 || r.Target.Rows != 350 {
				t.Errorf("%s: total %d of %d, %d findings, %s %s", method, r.Total, want, len(r.Findings), r.Source, r.Target)
			}
			if i == 0 {
				first = r
			}
			if diff := cmp.Diff(first.Findings, r.Findings); diff != "" {
				t.Errorf("%s: another run lists others:\n%s", method, diff)
			}
		}
	}
}

// endless is a target with any number of rows that the source does not have.
type endless struct {
	fakeEnd
	rows int
	peak uint64
}

func (e *endless) Scan(_ context.Context, _ *schema.Mapping, _ row.Range, fn func(row.Row) error) error {
	cells := row.Row{nil, []byte("1"), []byte("x")}
	for i := range e.rows {
		cells[0] = strconv.AppendInt(cells[0][:0], int64(i), 10)
		if err := fn(cells); err != nil {
			return err
		}
	}
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	e.peak = max(e.peak, stats.HeapAlloc)
	return nil
}

// TestMemory: rows that only the target has are counted, not held. The
// source's range is empty, so the target may have any number in it.
func TestMemory(t *testing.T) {
	for _, method := range methods {
		dst := &endless{rows: 60_000}
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		results, err := Run(t.Context(), newEnd(), dst, []*schema.Mapping{mapping(method)}, Config{MaxFindings: 10})
		if err != nil {
			t.Fatal(err)
		}
		if r := results[0]; r.Total < int64(dst.rows) || len(r.Findings) != 10 {
			t.Errorf("%s: total %d, %d findings", method, r.Total, len(r.Findings))
		}
		const limit = 4 << 20
		if grown := int64(dst.peak) - int64(stats.HeapAlloc); grown > limit {
			t.Errorf("%s: %d rows of the target took %d bytes", method, dst.rows, grown)
		}
	}
}

// TestForeignValues: what no copy can have written is a difference with a key
// and a column, and does not end the comparison.
func TestForeignValues(t *testing.T) {
	for _, method := range methods {
		target := numbered(1, 5)
		target[2] = cells("3", "NaN", "note")
		r := mustCompare(t, mapping(method), newEnd(numbered(1, 5)...), newEnd(target...), Config{RangeRows: 2})
		if r.Equal() || r.Total == 0 {
			t.Errorf("%s: %+v", method, r)
		}
		if method != Multiset && (r.Total != 1 || r.Findings[0].Key.String() != "(3)" || !slices.Equal(r.Findings[0].Columns, []string{"amount"})) {
			t.Errorf("%s: %+v", method, r.Findings)
		}
		// On the source it means that the query or the mapping is wrong.
		r = mustCompare(t, mapping(method), newEnd(target...), newEnd(target...), Config{RangeRows: 2})
		if r.Equal() || r.Compared || !strings.Contains(r.Unchecked, "amount") {
			t.Errorf("%s: on the source: %+v", method, r)
		}
	}
}

// TestDrift: a table that is not as planned is not equal, compared or not.
func TestDrift(t *testing.T) {
	src, dst := newEnd(numbered(1, 3)...), newEnd(numbered(1, 3)...)
	dst.drift = []string{`column "more" is not in the plan`}
	r := mustCompare(t, mapping(Ranges), src, dst, Config{})
	if r.Equal() || !r.Compared || r.Total != 0 {
		t.Errorf("drift: %+v", r)
	}
	dst.incomplete = true
	var failed string
	r = mustCompare(t, mapping(Ranges), src, dst, Config{Events: event.SinkFunc(func(e event.Event) {
		if e.Kind == event.TableFailed {
			failed = e.Message
		}
	})})
	if r.Equal() || r.Compared || !strings.Contains(failed, "more") {
		t.Errorf("not comparable: %+v, %q", r, failed)
	}
	dst.drift = nil // even if nobody says why
	if r = mustCompare(t, mapping(Ranges), src, dst, Config{}); r.Equal() {
		t.Error("a table that was not compared is equal")
	}
}

// TestErrors: a table that cannot be read is not equal and says why, whichever
// scan meets the error, and nobody waits for ever.
func TestErrors(t *testing.T) {
	broken := errors.New("connection lost")
	for _, method := range methods {
		for at := 1; at <= 3; at++ {
			for _, onSource := range []bool{true, false} {
				src, dst := newEnd(numbered(1, 40)...), newEnd(numbered(2, 41)...)
				fail := func(n int) error {
					if n == at {
						return broken
					}
					return nil
				}
				if onSource {
					src.onScan = fail
				} else {
					dst.onScan = fail
				}
				r := mustCompare(t, mapping(method), src, dst, Config{RangeRows: 2})
				if r.Equal() || r.Compared || !strings.Contains(r.Unchecked, broken.Error()) {
					t.Errorf("%s, scan %d, source %v: %+v", method, at, onSource, r)
				}
			}
		}
	}
}

// TestMovingData: a difference that is gone when it is looked into must not
// pass for equality.
func TestMovingData(t *testing.T) {
	for _, method := range methods {
		dst := newEnd(numbered(1, 3)...)
		dst.onScan = func(n int) error {
			if n == 2 {
				dst.rows["t"] = numbered(1, 4)
			}
			return nil
		}
		r := mustCompare(t, mapping(method), newEnd(numbered(1, 4)...), dst, Config{})
		if r.Equal() || r.Differs() || r.Moving == 0 {
			t.Errorf("%s: %+v", method, r)
		}
	}
}

func TestSeveralTables(t *testing.T) {
	src, dst := newEnd(), newEnd()
	src.connection = make(chan struct{}, 1)
	var mappings []*schema.Mapping
	for i := range 9 {
		m := mapping(methods[i%3])
		m.SourceName = "t" + strconv.Itoa(i)
		mappings = append(mappings, m)
		src.rows[m.SourceName] = numbered(1, 10+i)
		dst.rows[m.SourceName] = numbered(1, 10+i-i%2)
	}
	results, err := Run(t.Context(), src, dst, mappings, Config{Workers: 4, RangeRows: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Table != mappings[i].SourceName || r.Equal() != (i%2 == 0) || r.Total != int64(i%2) {
			t.Errorf("result %d: %+v", i, r)
		}
	}
}
