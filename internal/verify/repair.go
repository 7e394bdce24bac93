package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"leap/internal/event"
	"leap/internal/row"
	"leap/internal/schema"
)

// Repairer changes the target, and looks at it again afterwards.
type Repairer interface {
	// Transaction runs fn in one serializable transaction of the target and
	// repeats it when the server asks for that.
	Transaction(ctx context.Context, fn func(Tx) error) error
	// Again opens a view of the target as it is now; done ends it.
	Again(ctx context.Context) (dst Target, done func(), err error)
	// Conflict reports whether an error of a transaction is a value that another
	// row holds (unique), or a row that others refer to (parent).
	Conflict(err error) (unique, parent bool)
}

// Tx is a transaction that repairs.
type Tx interface {
	// Scan reads the target as the transaction sees it; see Summer.ScanPart.
	Scan(ctx context.Context, m *schema.Mapping, p row.Part, fn func(row.Row) error) error
	// Put writes a row of the source, in place of one with its key.
	Put(ctx context.Context, m *schema.Mapping, cells row.Row) error
	// Delete removes rows: the one with the key of cells, or without a key
	// count rows that are equal to cells.
	Delete(ctx context.Context, m *schema.Mapping, cells row.Row, count int64) error
	// Record notes the repair; it commits with it.
	Record(ctx context.Context, m *schema.Mapping, r Repair) error
}

// Repair is one part of a table that was made equal in one transaction.
type Repair struct {
	// Part says which rows, for people.
	Part string
	// Put and Deleted count rows written and removed.
	Put, Deleted int64
	At           time.Time
}

// maxRepair is how many rows one transaction changes: CockroachDB keeps an
// intent for each, and other writers wait for all of them.
const maxRepair = 5000

// repairAll repairs the tables that differ, and then those that differ because the
// target acted on a repair.
func repairAll(ctx context.Context, work []*table) error {
	open := work
	for range len(work) + 1 { // one more, since a table may refer to itself
		open = slices.DeleteFunc(slices.Clone(open), func(t *table) bool { return !t.repairable() })
		if len(open) == 0 {
			return nil
		}
		if err := repairEach(ctx, open); err != nil {
			return err
		}
		var err error
		if open, err = recheckDependents(ctx, work, open); err != nil {
			return err
		}
	}
	return nil
}

// repairEach repairs tables and compares the repaired parts again. A table whose
// rows cannot go yet, because rows of another one still refer to them, is tried
// again after the others.
func repairEach(ctx context.Context, open []*table) error {
	open = slices.Clone(open)
	parents(open)
	for len(open) > 0 {
		var later []*table
		for _, t := range open {
			err := t.repair(ctx)
			switch _, parent := t.cfg.Repair.Conflict(err); {
			case ctx.Err() != nil:
				return fmt.Errorf("repair %s: %w", t.result.Table, context.Cause(ctx))
			case err != nil && parent:
				t.failed(err)
				later = append(later, t)
			case err != nil:
				t.failed(err)
			}
		}
		if len(later) == len(open) {
			break // nothing helps
		}
		open = later
	}
	return nil
}

// failed keeps why a table could not be repaired. It differs as before.
func (t *table) failed(err error) {
	t.cfg.Events.Emit(event.Event{
		Kind: event.Step, Phase: phase, Table: t.result.Table, At: time.Now(),
		Message: fmt.Sprintf("%s cannot be repaired: %v", t.result.Table, err),
	})
	t.result.RepairFailed = err.Error()
}

func (t *table) repairable() bool {
	return t.result.Compared && len(t.result.Drift) == 0 && t.result.Unchecked == "" && t.result.Total+t.result.Moving > 0
}

// parents sorts tables so that those come first which others refer to.
func parents(work []*table) {
	depth := map[string]int{}
	for range work {
		for _, t := range work {
			for _, fk := range foreignKeys(t.mapping) {
				if name := t.mapping.SourceName; fk.RefTable != name && depth[name] <= depth[fk.RefTable] && depth[name] < len(work) {
					depth[name] = depth[fk.RefTable] + 1
				}
			}
		}
	}
	slices.SortStableFunc(work, func(a, b *table) int { return depth[a.mapping.SourceName] - depth[b.mapping.SourceName] })
}

func foreignKeys(m *schema.Mapping) []schema.ForeignKey {
	if m.Source == nil {
		return nil
	}
	return m.Source.ForeignKeys
}

// repair makes the suspects equal, one transaction each, and examines them
// again: that a transaction committed proves nothing.
func (t *table) repair(ctx context.Context) error {
	t.result.RepairFailed = ""
	for i := range t.suspects {
		s := &t.suspects[i]
		if !s.differs {
			continue
		}
		if err := t.repairPick(ctx, s.pick); err != nil {
			return errors.Join(err, t.examineAgain(ctx))
		}
	}
	return t.examineAgain(ctx)
}

// examineAgain looks at the suspects in the target as it is now.
func (t *table) examineAgain(ctx context.Context) error {
	dst, done, err := t.cfg.Repair.Again(ctx)
	if err != nil {
		return err
	}
	defer done()
	old := t.dst
	t.dst = dst
	defer func() { t.dst = old }()
	if err := t.examine(ctx); err != nil {
		return err
	}
	t.tell()
	return nil
}

// repairPick repairs a pick in as many transactions as it takes. One after which as
// much differs as before is the last: the target does not keep what is written.
func (t *table) repairPick(ctx context.Context, p pick) error {
	for before := int64(math.MaxInt64); ; {
		differs, more, err := t.repairPart(ctx, p)
		if err != nil || !more {
			return err
		}
		if differs >= before {
			return fmt.Errorf("repair %s %s: rows were written, and as many differ as before: the target computes or changes "+
				"values by itself (computed columns, triggers), or somebody writes to it", t.result.Table, p)
		}
		before = differs
	}
}

// repairPart repairs at most maxRepair rows of a pick in one transaction, in which
// differs rows did; more says that there may be others. When a value has to move from one row to
// another, all changed rows are removed first: the server checks each
// statement by itself.
func (t *table) repairPart(ctx context.Context, p pick) (differs int64, more bool, err error) {
	var done Repair
	attempt := func(removeFirst bool) error {
		return t.cfg.Repair.Transaction(ctx, func(tx Tx) error {
			r := repairing{t: t, tx: tx, pick: p, removeFirst: removeFirst}
			done = Repair{Part: p.String(), At: time.Now().UTC()}
			defer func() { differs = r.differs }()
			return r.run(ctx, &done)
		})
	}
	err = attempt(false)
	if unique, _ := t.cfg.Repair.Conflict(err); unique {
		err = attempt(true)
	}
	if err != nil {
		return differs, false, fmt.Errorf("repair %s %s: %w", t.result.Table, p, err)
	}
	if done.Put+done.Deleted > 0 {
		t.result.Repairs = append(t.result.Repairs, done)
	}
	return differs, done.Put+done.Deleted >= maxRepair, nil
}

// String names the pick for people.
func (p pick) String() string {
	if p.buckets != nil {
		return fmt.Sprintf("%d buckets", len(p.buckets))
	}
	return p.part.String()
}

// recheckDependents compares and returns tables that the repair of others may have
// changed by the way: rows that refer to repaired ones, where the target acts on its
// own, and rows that refer to those.
func recheckDependents(ctx context.Context, work, repaired []*table) ([]*table, error) {
	touched := map[string]bool{}
	for _, t := range repaired {
		touched[t.mapping.SourceName] = len(t.result.Repairs) > 0
	}
	var again []*table
	for grown := true; grown; {
		grown = false
		for _, t := range work {
			acts := slices.ContainsFunc(foreignKeys(t.mapping), func(fk schema.ForeignKey) bool { return touched[fk.RefTable] && fk.Acts() })
			if acts && !slices.Contains(again, t) {
				again, touched[t.mapping.SourceName], grown = append(again, t), true, true
			}
		}
	}
	again = slices.DeleteFunc(again, func(t *table) bool { return !t.result.Compared })
	for _, t := range again {
		if err := t.compareAgain(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("verify %s: %w", t.result.Table, context.Cause(ctx))
			}
			t.result.Unchecked, t.result.Compared = err.Error(), false
		}
		t.tell()
	}
	return again, nil
}

// compareAgain compares the whole table in the target as it is now.
func (t *table) compareAgain(ctx context.Context) error {
	dst, done, err := t.cfg.Repair.Again(ctx)
	if err != nil {
		return err
	}
	defer done()
	old := t.dst
	t.dst = dst
	defer func() { t.dst = old }()
	t.agreed, t.suspects = row.Digest{}, nil
	t.cfg.Progress = nil
	if err := t.digestAll(ctx, row.Range{}); err != nil {
		return err
	}
	return t.examine(ctx)
}

// repairing is one transaction's work. It does not rely on what was found
// before: it compares the rows as the transaction sees them.
type repairing struct {
	t    *table
	tx   Tx
	pick pick
	// removeFirst removes changed rows before any is written.
	removeFirst bool
	rows        map[row.Hash]*pair
	budget      int64
	// differs counts the rows of both sides that have no equal on the other.
	differs int64
}

func (r *repairing) run(ctx context.Context, done *Repair) error {
	r.rows, r.budget = map[row.Hash]*pair{}, maxRepair
	m, source := r.t.mapping, r.t.source()
	err := source.each(ctx, m, r.pick, func(id, whole *row.Hash, _ row.Row) error {
		have := r.rows[*id]
		if have == nil {
			have = &pair{source: *whole}
			r.rows[*id] = have
		}
		have.inSource++
		r.differs++ // until its equal is found
		return nil
	})
	if err != nil {
		return err
	}
	if done.Deleted, err = r.remove(ctx); err != nil {
		return err
	}
	err = source.each(ctx, m, r.pick, func(id, _ *row.Hash, cells row.Row) error {
		have := r.rows[*id]
		if have == nil || have.equal() || r.budget <= 0 {
			return nil
		}
		if have.inTarget < have.inSource {
			have.inTarget++
		}
		have.target = have.source
		r.budget--
		done.Put++
		return r.tx.Put(ctx, m, cells)
	})
	if err != nil || done.Put+done.Deleted == 0 {
		return err
	}
	return r.tx.Record(ctx, m, *done)
}

// doomed is a row of the target that has to go, count times.
type doomed struct {
	cells row.Row
	count int64
}

// remove reads the target and removes what the source does not have.
func (r *repairing) remove(ctx context.Context) (int64, error) {
	extra := map[row.Hash]*doomed{}
	scan := side{scan: r.tx.Scan, hasher: row.NewForeignHasher}
	err := scan.each(ctx, r.t.mapping, r.pick, func(id, whole *row.Hash, cells row.Row) error {
		have := r.rows[*id]
		if have != nil && have.inTarget < have.inSource && *whole == have.source {
			r.differs--
		} else {
			r.differs++
		}
		if have == nil {
			have = &pair{}
			if r.budget <= 0 {
				return nil
			}
			r.rows[*id] = have
		}
		have.inTarget++
		have.target = *whole
		changed := r.removeFirst && have.inTarget == have.inSource && have.target != have.source
		if !changed && (have.inTarget <= have.inSource || r.budget <= 0) {
			return nil
		}
		have.inTarget--
		if !changed {
			r.budget--
		}
		if extra[*id] == nil {
			extra[*id] = &doomed{cells: clone(cells)}
		}
		extra[*id].count++
		return nil
	})
	if err != nil {
		return 0, err
	}
	total := int64(0)
	for _, d := range extra {
		if err := r.tx.Delete(ctx, r.t.mapping, d.cells, d.count); err != nil {
			return 0, err
		}
		total += d.count
	}
	return total, nil
}

func clone(cells row.Row) row.Row {
	out := make(row.Row, len(cells))
	for i, c := range cells {
		out[i] = bytes.Clone(c)
	}
	return out
}
