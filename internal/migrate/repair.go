package migrate

import (
	"context"
	"errors"
	"slices"
	"strings"

	"leap/internal/checkpoint"
	"leap/internal/fault"
	"leap/internal/schema"
	"leap/internal/target"
	"leap/internal/verify"
)

// holdForRepair keeps copies away while this process repairs: it leads both jobs
// of the database until the returned function is called, and every transaction
// that repairs checks that it still does. A copy that is unfinished must go
// first: it would put rows again that the repair has put before it.
func (s *session) holdForRepair(ctx context.Context) (release func(), err error) {
	store := s.target.Store()
	if err = target.Explain(checkpoint.Ensure(ctx, store)); err != nil {
		return nil, err
	}
	if err = target.Explain(checkpoint.EnsureRepairs(ctx, store)); err != nil {
		return nil, err
	}
	var held []func() bool
	release = func() {
		for _, give := range held {
			give()
		}
		s.repairing = nil
	}
	for _, job := range s.jobs() {
		if err = s.refuseUnfinished(ctx); err != nil {
			break
		}
		h := s.seat(newLease(job.id))
		give, failure := h.take(ctx)
		if err = failure; err != nil {
			break
		}
		held = append(held, give)
		s.repairing = append(s.repairing, h.lease)
	}
	if err == nil {
		err = s.refuseUnfinished(ctx) // one that ended before it was finished, meanwhile
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// refuseUnseen refuses to repair tables when rows of others, which are not compared,
// may go or change with theirs.
func (s *session) refuseUnseen(chosen []*schema.Mapping) error {
	touched := map[string]bool{}
	for _, m := range chosen {
		touched[m.SourceName] = true
	}
	var unseen []string
	for grown := true; grown; {
		grown = false
		for _, m := range s.mappings() {
			if acts := func(fk schema.ForeignKey) bool { return touched[fk.RefTable] && fk.Acts() }; !touched[m.SourceName] &&
				slices.ContainsFunc(m.Source.ForeignKeys, acts) {
				touched[m.SourceName], grown = true, true
				unseen = append(unseen, m.SourceName)
			}
		}
	}
	if len(unseen) == 0 {
		return nil
	}
	return fault.New(fault.Usage, "name them in --tables, too, or repair all tables",
		"a repair may remove or change rows of tables that are not compared, by foreign keys that act: %s", strings.Join(unseen, ", "))
}

// refuseUnfinished refuses to repair what a copy has not finished.
func (s *session) refuseUnfinished(ctx context.Context) error {
	for _, j := range s.jobs() {
		job, err := checkpoint.Load(ctx, s.target.Store(), j.id)
		if errors.Is(err, checkpoint.ErrNoJob) || err == nil && !job.Finished.IsZero() {
			continue
		}
		if err != nil {
			return err
		}
		hint := "finish the copy first: migrate copy"
		if j.way != IngestCopy {
			hint += " --ingest=" + string(j.way)
		}
		return fault.New(fault.Refused, hint, "the copy into this target is not finished, and would meet the rows of a repair")
	}
	return nil
}

// repairer is the target as verify.Repairer.
type repairer struct{ s *session }

func (r repairer) Transaction(ctx context.Context, fn func(verify.Tx) error) error {
	return r.s.target.Repair(ctx, func(tx *target.RepairTx) error {
		for _, l := range r.s.repairing {
			if err := checkpoint.Hold(ctx, tx, l); err != nil {
				return err
			}
		}
		return fn(repairTx{tx, r.s})
	})
}

func (r repairer) Again(ctx context.Context) (verify.Target, func(), error) {
	view, err := r.s.target.View(ctx)
	if err != nil {
		return nil, nil, err
	}
	r.s.repaired = view.Moment()
	return view, func() { view.Close(ctx) }, nil
}

func (repairer) Conflict(err error) (unique, parent bool) { return target.Conflict(err) }

// repairTx records repairs beside the checkpoint.
type repairTx struct {
	*target.RepairTx
	s *session
}

func (t repairTx) Record(ctx context.Context, m *schema.Mapping, r verify.Repair) error {
	return checkpoint.SaveRepair(ctx, t.RepairTx, t.s.database.Name, checkpoint.Repair{
		Table: m.SourceName, Part: r.Part, Put: r.Put, Deleted: r.Deleted, At: r.At,
		Position: positionText(t.s.position),
	})
}
