package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/convert"
	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/schema"
)

// Ingest says how rows get into the target's tables.
type Ingest string

// The ways.
const (
	// IngestCopy streams into empty tables, which stay online.
	IngestCopy Ingest = "copy"
	// IngestUpsert puts rows by key into tables that may hold rows already.
	IngestUpsert Ingest = "upsert"
	// IngestImport has CockroachDB fetch large tables, which are offline meanwhile.
	IngestImport Ingest = "import"
)

// Ingests lists the ways, the default first.
func Ingests() []Ingest { return []Ingest{IngestCopy, IngestUpsert, IngestImport} }

// upsertJob is what the name of a database's upsert ends in: it is a job of its
// own, beside the copy that may have filled the tables before.
const upsertJob = "+upsert"

// way is a job of a database and how it is begun.
type way struct {
	id  string
	way Ingest
}

// jobs are the two jobs that a database can have in a target.
func (s *session) jobs() [2]way {
	return [...]way{{s.database.Name, IngestCopy}, {s.database.Name + upsertJob, IngestUpsert}}
}

// jobID is the name of the job that this run works on.
func (s *session) jobID() string {
	if s.cfg.Ingest == IngestUpsert {
		return s.database.Name + upsertJob
	}
	return s.database.Name
}

// otherJob is the job that must not be under way at the same time.
func (s *session) otherJob() (id string, way Ingest) {
	if s.cfg.Ingest == IngestUpsert {
		return s.database.Name, IngestCopy
	}
	return s.database.Name + upsertJob, IngestUpsert
}

// refuseOther refuses to begin while the other job is unfinished: one would
// take the other's rows for its own.
func (s *session) refuseOther(ctx context.Context) error {
	id, way := s.otherJob()
	job, err := checkpoint.Load(ctx, s.target.Store(), id)
	if errors.Is(err, checkpoint.ErrNoJob) || err == nil && !job.Finished.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	return fault.New(fault.Refused, "finish it first: migrate copy --ingest="+string(way),
		"a copy into this target that was begun with --ingest=%s is not finished", way)
}

// refuseKeys refuses tables whose rows cannot be put by key.
func (s *session) refuseKeys(ctx context.Context) error {
	if err := s.refuseKeyless(); err != nil {
		return err
	}
	return s.refuseChangedKeys(ctx)
}

// refuseKeyless refuses to put rows into tables whose rows nothing identifies.
func (s *session) refuseKeyless() error {
	var without []string
	for _, m := range s.mappings() {
		if len(m.Key) == 0 {
			without = append(without, m.SourceName)
		}
	}
	if len(without) == 0 {
		return nil
	}
	return fault.New(fault.Refused, "add a primary key on the source, or use --ingest=copy into empty tables",
		"rows can only be put by key, and these tables have none: %s", strings.Join(without, ", "))
}

// refuseChangedKeys refuses to put rows by keys of which a policy would change
// some: rows whose keys became equal would become one. It looks before anything
// is begun; a value that comes later is refused by the copy.
func (s *session) refuseChangedKeys(ctx context.Context) error {
	if s.cfg.SkipScan {
		return nil
	}
	var changed []string
	for _, m := range s.mappings() {
		t := s.database.Table(m.SourceName)
		some := *t
		some.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c schema.Column) bool {
			return !slices.ContainsFunc(m.KeyColumns(), func(k schema.ColumnMapping) bool { return k.Source == c.Name && mayChange(k) })
		})
		facts, err := s.probe(ctx, []*schema.Table{&some})
		if err != nil {
			return err
		}
		for _, c := range some.Columns {
			if f := facts[t.Name][c.Name]; f.ZeroDates+f.NULs+f.EmptyEnums > 0 {
				changed = append(changed, m.SourceName+"."+c.Name)
			}
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return fault.New(fault.Refused, "correct the values on the source, or use --ingest=copy into empty tables",
		"rows are put by key, and a policy would change keys of: %s", strings.Join(changed, ", "))
}

// mayChange reports whether a policy may change values of the column. A mask
// may, but makes no two values equal.
func mayChange(c schema.ColumnMapping) bool {
	switch c.Kind {
	case schema.Date, schema.DateTime, schema.Timestamp:
		return c.Policy.ZeroDate != schema.Refuse
	case schema.Text:
		return c.Policy.NUL == schema.Strip
	case schema.Enum:
		return c.Policy.EmptyEnum != schema.Refuse
	case schema.Int, schema.Bool, schema.Decimal, schema.Float32, schema.Float64, schema.Bits, schema.Time,
		schema.Bytes, schema.Interval, schema.Set, schema.UUID, schema.INet, schema.JSON:
	}
	return false
}

// startOver forgets a finished upsert, so that its tables are topped up again.
func (s *session) startOver(ctx context.Context, id string) error {
	return s.target.Transaction(ctx, transaction(func(store checkpoint.Store) error {
		if err := checkpoint.Hold(ctx, store, s.lease); err != nil {
			return err
		}
		return checkpoint.Forget(ctx, store, id)
	}))
}

// makeRoom prepares the target for rows that come in any order and by key: it
// takes away the foreign keys of the plan, which come back, checked, when the
// rows are there, and builds the unique indexes that tables without a primary
// key are put by.
func (s *session) makeRoom(ctx context.Context) error {
	if s.cfg.Ingest != IngestUpsert {
		return nil
	}
	// What an earlier attempt began to add or to take away may come or go later.
	if _, err := s.settleChanges(ctx, s.plannedTables()); err != nil {
		return err
	}
	there, err := s.objects(ctx)
	if err != nil {
		return err
	}
	byIndex := map[string]bool{}
	for _, m := range s.mappings() {
		byIndex[m.Name] = m.KeyIndex != "PRIMARY"
	}
	var keys []convert.Statement
	for _, st := range s.planned.After {
		switch {
		case st.Kind == convert.KindUnique && byIndex[st.Table]:
			keys = append(keys, st)
		case st.Kind == convert.KindForeignKey:
			if _, is := there[objectOf(st)]; !is {
				continue
			}
			s.step("%s is taken away until the rows are there", st.Name)
			if err := s.takeAway(ctx, st); err != nil {
				return err
			}
		}
	}
	return s.build(ctx, keys)
}

// tellOutside counts the rows of the target that the source does not have. They
// stay; the verification names them. fewer is why rows that were put are not
// there: the run ends with it when everything else is in place, so that the
// next one begins from a finished state.
func (s *session) tellOutside(ctx context.Context) (fewer, err error) {
	if s.cfg.Ingest != IngestUpsert {
		return nil, nil
	}
	var missing []string
	for _, m := range s.mappings() {
		have, err := s.target.Count(ctx, m)
		if err != nil {
			return nil, err
		}
		for _, c := range s.copied {
			if c.Table != m.SourceName || have == c.Rows {
				continue
			}
			if have < c.Rows {
				missing = append(missing, fmt.Sprintf("%s holds %d of the %d rows that were put", m.Name, have, c.Rows))
				continue
			}
			s.cfg.Events.Emit(event.Event{
				Kind: event.Warned, At: time.Now(), Phase: string(Copy), Table: m.SourceName,
				Message: fmt.Sprintf("the target holds %d rows, %d of the source were put: the others stay, migrate verify names them", have, c.Rows),
			})
		}
	}
	if len(missing) > 0 {
		fewer = fault.New(fault.Refused, "migrate verify names the rows; if nobody removes rows in the target, their keys became equal there",
			"rows are missing: %s", strings.Join(missing, ", "))
	}
	return fewer, nil
}
