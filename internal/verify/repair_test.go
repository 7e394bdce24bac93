package verify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"leap/internal/row"
	"leap/internal/schema"
)

// fakeRepairer repairs fake ends in memory. A transaction that fails leaves
// them as they were.
type fakeRepairer struct {
	end *fakeEnd
	// fail, if set, is asked before each step of a transaction.
	fail func(step, table string) error
	// commit, if set, ends a transaction instead of a commit.
	commit func() error
	// again, if set, is why nobody can look again.
	again error

	conflicts map[error][2]bool // unique, parent
	records   []Repair
	attempts  int
	looks     int
	ended     int
}

func (f *fakeRepairer) Transaction(_ context.Context, fn func(Tx) error) error {
	f.attempts++
	tx := &fakeTx{fakeRepairer: f, work: &fakeEnd{rows: map[string][]row.Row{}, scans: make(chan int, 1)}}
	tx.work.scans <- 0
	for name, rows := range f.end.rows {
		tx.work.rows[name] = slices.Clone(rows)
	}
	if err := fn(tx); err != nil {
		return err
	}
	if f.commit != nil {
		if err := f.commit(); err != nil {
			return err
		}
	}
	f.end.rows = tx.work.rows
	f.records = append(f.records, tx.noted...)
	return nil
}

func (f *fakeRepairer) Again(context.Context) (Target, func(), error) {
	f.looks++
	if f.again != nil {
		return nil, nil, f.again
	}
	return f.end, func() { f.ended++ }, nil
}

func (f *fakeRepairer) Conflict(err error) (unique, parent bool) {
	for cause, kind := range f.conflicts {
		if errors.Is(err, cause) {
			return kind[0], kind[1]
		}
	}
	return false, false
}

func (f *fakeRepairer) step(step, table string) error {
	if f.fail == nil {
		return nil
	}
	return f.fail(step, table)
}

type fakeTx struct {
	*fakeRepairer
	work  *fakeEnd
	noted []Repair
}

func (x *fakeTx) Scan(ctx context.Context, m *schema.Mapping, p row.Part, fn func(row.Row) error) error {
	if err := x.step("scan", m.SourceName); err != nil {
		return err
	}
	return x.work.Scan(ctx, m, p.Range, fn)
}

func (x *fakeTx) remove(m *schema.Mapping, r row.Row) int64 {
	before := len(x.work.rows[m.SourceName])
	x.work.rows[m.SourceName] = slices.DeleteFunc(x.work.rows[m.SourceName], func(have row.Row) bool { return string(have[0]) == string(r[0]) })
	return int64(before - len(x.work.rows[m.SourceName]))
}

func (x *fakeTx) Put(_ context.Context, m *schema.Mapping, r row.Row) error {
	if err := x.step("put", m.SourceName); err != nil {
		return err
	}
	x.remove(m, r)
	x.work.rows[m.SourceName] = append(x.work.rows[m.SourceName], clone(r))
	return nil
}

func (x *fakeTx) Delete(_ context.Context, m *schema.Mapping, r row.Row, count int64) error {
	if err := x.step("delete", m.SourceName); err != nil {
		return err
	}
	if n := x.remove(m, r); n != count {
		return errors.New("another number of rows was there")
	}
	return nil
}

func (x *fakeTx) Record(_ context.Context, m *schema.Mapping, r Repair) error {
	x.noted = append(x.noted, r)
	return x.step("record", m.SourceName)
}

// damaged has a row too many, one too few and one that is another.
func damaged() *fakeEnd {
	rows := numbered(1, 7)
	rows[3] = cells("4", "9", "other")
	return newEnd(append(slices.Delete(rows, 1, 2), cells("12", "1", "extra"))...)
}

// TestRepairFake: what differs is made equal, recorded, and compared again.
func TestRepairFake(t *testing.T) {
	for _, method := range []Method{Ranges, Buckets} {
		end := damaged()
		f := &fakeRepairer{end: end}
		r := mustCompare(t, mapping(method), newEnd(numbered(1, 7)...), end, Config{RangeRows: 3, Repair: f})
		var put, deleted int64
		for _, done := range r.Repairs {
			put, deleted = put+done.Put, deleted+done.Deleted
		}
		if !r.Equal() || put != 2 || deleted != 1 || len(f.records) != len(r.Repairs) || f.looks == 0 || f.ended != f.looks {
			t.Errorf("%s: %+v, %d records, %d looks, %d ended", method, r, len(f.records), f.looks, f.ended)
		}
	}
}

// TestRepairFails: whichever step fails, nothing of the transaction stays, the
// table differs as before, and the result says why.
func TestRepairFails(t *testing.T) {
	broken := errors.New("the server said no")
	for _, step := range []string{"scan", "put", "delete", "record", "commit"} {
		end := damaged()
		before := slices.Clone(end.rows["t"])
		f := &fakeRepairer{end: end, fail: func(at, _ string) error {
			if at == step {
				return broken
			}
			return nil
		}}
		if step == "commit" {
			f.commit = func() error { return broken }
		}
		r := mustCompare(t, mapping(Ranges), newEnd(numbered(1, 7)...), end, Config{Repair: f})
		if r.Equal() || !r.Differs() || r.Total != 3 || len(r.Repairs) > 0 || !strings.Contains(r.RepairFailed, "said no") {
			t.Errorf("%s: %+v", step, r)
		}
		if len(f.records) > 0 || len(end.rows["t"]) != len(before) {
			t.Errorf("%s: something stays: %v, %v", step, f.records, end.rows["t"])
		}
	}
}

// TestRepairProvesNothing: that transactions committed is no success when the
// target cannot be looked at again, or still differs.
func TestRepairProvesNothing(t *testing.T) {
	lost := errors.New("connection lost")
	end := damaged()
	f := &fakeRepairer{end: end, again: lost}
	r := mustCompare(t, mapping(Ranges), newEnd(numbered(1, 7)...), end, Config{Repair: f})
	if r.Equal() || !strings.Contains(r.RepairFailed, "connection lost") {
		t.Errorf("not looked at again: %+v", r)
	}
	end = damaged()
	seen := &elsewhere{&fakeRepairer{end: end}}
	r = mustCompare(t, mapping(Ranges), newEnd(numbered(1, 7)...), end, Config{Repair: seen})
	if r.Equal() || r.Total != 3 {
		t.Errorf("the commit went elsewhere: %+v", r)
	}
}

// elsewhere looks again at a target that the transactions never reached.
type elsewhere struct{ *fakeRepairer }

func (*elsewhere) Again(context.Context) (Target, func(), error) {
	return damaged(), func() {}, nil
}

// forgetful is a target that has its own values again after each commit, as
// computed columns do.
type forgetful struct{ *fakeRepairer }

func (f *forgetful) Transaction(ctx context.Context, fn func(Tx) error) error {
	own := f.end.rows
	defer func() { f.end.rows = own }()
	return f.fakeRepairer.Transaction(ctx, fn)
}

// TestRepairEnds: more rows than a transaction changes, which stay what they were.
func TestRepairEnds(t *testing.T) {
	rows := numbered(1, maxRepair+10)
	others := make([]row.Row, len(rows))
	for i, r := range rows {
		others[i] = row.Row{r[0], r[1], []byte("own")}
	}
	f := &forgetful{&fakeRepairer{end: newEnd(others...)}}
	r := mustCompare(t, mapping(Ranges), newEnd(rows...), f.end, Config{Repair: f})
	if r.Total != int64(len(rows)) || !strings.Contains(r.RepairFailed, "as many differ as before") || len(r.Repairs) != 2 {
		t.Errorf("%d rows differ, %d repairs, %q", r.Total, len(r.Repairs), r.RepairFailed)
	}
}

// TestRepairMovesUniqueValues: when a value must leave one row before another
// can have it, all changed rows are removed first.
func TestRepairMovesUniqueValues(t *testing.T) {
	taken := errors.New("duplicate key value")
	end := damaged()
	removed := false
	f := &fakeRepairer{end: end, conflicts: map[error][2]bool{taken: {true, false}}}
	f.fail = func(step, _ string) error {
		switch {
		case step == "delete":
			removed = true
		case step == "put" && f.attempts == 1:
			return taken
		case step == "put" && !removed:
			return errors.New("a row is written before the changed ones are removed")
		}
		return nil
	}
	r := mustCompare(t, mapping(Ranges), newEnd(numbered(1, 7)...), end, Config{Repair: f})
	if !r.Equal() || f.attempts < 2 {
		t.Errorf("%+v after %d attempts", r, f.attempts)
	}
	f = &fakeRepairer{end: damaged(), conflicts: map[error][2]bool{taken: {true, false}}}
	f.fail = func(step, _ string) error {
		if step == "put" {
			return taken
		}
		return nil
	}
	r = mustCompare(t, mapping(Ranges), newEnd(numbered(1, 7)...), f.end, Config{Repair: f})
	if r.Equal() || !strings.Contains(r.RepairFailed, "duplicate") || f.attempts != 2 {
		t.Errorf("a value that another row keeps: %+v after %d attempts", r, f.attempts)
	}
}

// TestRepairWaitsForReferences: a table whose rows cannot go yet is tried again
// when others were repaired, and given up when that does not help.
func TestRepairWaitsForReferences(t *testing.T) {
	referred := errors.New("rows refer to it")
	parent, child := mapping(Ranges), mapping(Ranges)
	parent.SourceName, parent.Name, child.SourceName, child.Name = "parent", "parent", "child", "child"
	source := &fakeEnd{rows: map[string][]row.Row{"parent": numbered(1, 3), "child": numbered(1, 3)}, scans: make(chan int, 1)}
	source.scans <- 0
	for _, helps := range []bool{true, false} {
		end := &fakeEnd{rows: map[string][]row.Row{"parent": numbered(1, 4), "child": numbered(1, 4)}, scans: make(chan int, 1)}
		end.scans <- 0
		f := &fakeRepairer{end: end, conflicts: map[error][2]bool{referred: {false, true}}}
		f.fail = func(step, table string) error {
			if step == "delete" && table == "parent" && (!helps || len(end.rows["child"]) > 3) {
				return referred
			}
			return nil
		}
		results, err := Run(t.Context(), source, end, []*schema.Mapping{parent, child}, Config{Repair: f})
		if err != nil {
			t.Fatal(err)
		}
		if !results[1].Equal() || results[0].Equal() != helps || (results[0].RepairFailed == "") != helps {
			t.Errorf("helps %v: %+v", helps, results)
		}
	}
}
