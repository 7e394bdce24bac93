package copy

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
)

// Importer is a target that loads whole tables by a job of its own. The job is
// not part of any transaction of ours, so it is noted before it begins, and
// whoever finds the note settles it first.
type Importer interface {
	Target
	// Import loads the rows that write produces, in the form of Encoder, into an
	// empty table, and returns how many the server counted. mark names the job.
	Import(ctx context.Context, m *schema.Mapping, mark string, write func(context.Context, io.Writer) error) (rows int64, err error)
	// Settle ends the job of that mark, whatever became of it, and waits until
	// it is over and the table is back.
	Settle(ctx context.Context, mark string) error
}

// importTries is how often a table is imported anew after its connection to
// the target was lost: each time costs the whole table.
const importTries = 3

// Import loads tables that are not begun yet, each by one job of the target,
// cfg.Workers at a time, and records each as one chunk. Run takes them for
// finished. A table that the server refuses to import is left empty, for Run to
// copy: servers cannot import every type, and the copy names a row that is to blame.
func Import(ctx context.Context, src Source, dst Importer, tables []*schema.Mapping, cfg Config) ([]TableResult, error) {
	cfg = cfg.withDefaults()
	j := &job{src: src, dst: dst, cfg: cfg}
	state, err := j.load(ctx)
	if err != nil {
		return nil, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(cfg.Workers)
	var work []*table
	for _, m := range tables {
		if state.segments[m.SourceName] != nil {
			continue // a copy has begun it, or an import ended
		}
		t := &table{mapping: m, encoder: dst.Encoder(m)}
		t.open.Store(1)
		t.announce(cfg.Events)
		work = append(work, t)
	}
	for _, t := range work {
		group.Go(func() error {
			if err := groupCtx.Err(); err != nil {
				return err
			}
			t.begin(cfg.Events)
			if err := j.importTable(groupCtx, dst, t); isRefused(err) {
				t.refused.Store(true)
				cfg.Events.Emit(event.Event{
					Kind: event.Warned, Phase: phase, Table: t.mapping.SourceName,
					Message: "the table is copied instead, because the server does not import it: " + err.Error(),
				})
				return nil
			} else if err != nil {
				t.tellFailed(groupCtx, cfg.Events, err)
				return fmt.Errorf("import %s: %w", t.mapping.SourceName, err)
			}
			t.segmentDone(cfg.Events)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	work = slices.DeleteFunc(work, func(t *table) bool { return t.refused.Load() })
	return j.results(ctx, work)
}

// refusedError is the server's own answer to an import, after it was settled.
type refusedError struct{ error }

func (e *refusedError) Unwrap() error { return e.error }

func isRefused(err error) bool {
	_, ok := errors.AsType[*refusedError](err)
	return ok
}

// SettleImports ends and undoes what an interrupted Import left behind.
func SettleImports(ctx context.Context, dst Importer, tables []*schema.Mapping, cfg Config) error {
	j := &job{dst: dst, cfg: cfg.withDefaults()}
	var marks map[string]string
	err := j.held(ctx, func(store checkpoint.Store) error {
		var err error
		marks, err = checkpoint.Imports(ctx, store, j.cfg.Lease.Job)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range tables {
		mark, begun := marks[m.SourceName]
		if !begun {
			continue
		}
		j.cfg.Events.Emit(event.Event{
			Kind: event.Step, Phase: phase, Table: m.SourceName,
			Message: "the import of " + m.SourceName + " was interrupted: the table is emptied and imported again",
		})
		if err := j.settle(ctx, dst, m, mark); err != nil {
			return err
		}
	}
	return nil
}

// settle ends a job, and then empties its table and removes the note in one
// transaction that only the holder of the lease can make: a process that has
// lost it must not empty what its successor has imported meanwhile.
func (j *job) settle(ctx context.Context, dst Importer, m *schema.Mapping, mark string) error {
	err := retry.Do(ctx, retry.Policy{For: j.cfg.RetryFor}, func() error { return dst.Settle(ctx, mark) })
	if err == nil {
		err = dst.Clear(ctx, m, Clearing{
			Before: func(store checkpoint.Store) error { return checkpoint.Hold(ctx, store, j.cfg.Lease) },
			After: func(store checkpoint.Store) error {
				return checkpoint.EndImport(ctx, store, j.cfg.Lease.Job, m.SourceName)
			},
		})
	}
	if err != nil {
		return fmt.Errorf("undo the import of %s: %w", m.SourceName, err)
	}
	return nil
}

// importTable imports one table, from the beginning after each lost connection.
func (j *job) importTable(ctx context.Context, dst Importer, t *table) error {
	for try := 1; ; try++ {
		s := &stream{job: j, table: t}
		mark := "leap-" + strings.ToLower(rand.Text())
		err := j.held(ctx, func(store checkpoint.Store) error {
			return checkpoint.BeginImport(ctx, store, j.cfg.Lease.Job, t.mapping.SourceName, mark)
		})
		if err != nil {
			return err
		}
		rows, err := dst.Import(ctx, t.mapping, mark, s.write)
		if err == nil && (!s.complete || rows != s.rows) {
			err = fmt.Errorf("the server counted %d rows of %d", rows, s.rows)
		}
		if err == nil {
			return j.recordImport(ctx, t, s)
		}
		if ctx.Err() != nil {
			return err // the note stays: the next start settles it
		}
		if settled := j.settle(ctx, dst, t.mapping, mark); settled != nil {
			return errors.Join(err, settled)
		}
		if retry.Classify(err) == retry.Fatal && retry.SQLState(err) != "" {
			return &refusedError{err}
		}
		if try == importTries || retry.Classify(err) == retry.Fatal {
			return err
		}
		t.moved.Store(0)
		j.cfg.Events.Emit(event.Event{Kind: event.Retried, Phase: phase, Table: t.mapping.SourceName, Message: err.Error()})
		j.cfg.Events.Emit(event.Event{Kind: event.TableStarted, Phase: phase, Table: t.mapping.SourceName})
	}
}

// recordImport turns the note into the record of a finished table, in one
// transaction. It may be repeated after a commit of unknown outcome.
func (j *job) recordImport(ctx context.Context, t *table, s *stream) error {
	name := t.mapping.SourceName
	chunk := checkpoint.Chunk{
		Table: name, Final: true, Rows: s.rows, Bytes: s.bytes, Position: s.position, Changes: s.changes,
	}
	return j.held(ctx, func(store checkpoint.Store) error {
		done, err := checkpoint.Committed(ctx, store, j.cfg.Lease.Job, chunk)
		if err != nil || done {
			return err
		}
		if _, err := checkpoint.Divide(ctx, store, j.cfg.Lease.Job, []checkpoint.Segment{{Table: name}}); err != nil {
			return err
		}
		if err := checkpoint.Record(ctx, store, j.cfg.Lease.Job, chunk); err != nil {
			return err
		}
		return checkpoint.EndImport(ctx, store, j.cfg.Lease.Job, name)
	})
}

// stream writes a whole table to a reader.
type stream struct {
	job      *job
	table    *table
	rows     int64
	bytes    int64
	position string
	changes  []checkpoint.Change
	complete bool
}

const (
	// tellRows and tellEvery bound how often the progress of a stream is told.
	tellRows  = 5_000
	tellEvery = 200 * time.Millisecond
	// sendBytes is the size of one write to the network.
	sendBytes = 64 << 10
)

func (s *stream) write(ctx context.Context, to io.Writer) error {
	c := newCutter(s.job, s.table, &segment{whole: true})
	out := bufio.NewWriterSize(to, sendBytes)
	var view View
	err := retry.Do(ctx, s.job.patience(s.table), func() (err error) {
		view, err = s.job.src.View(ctx)
		return err
	})
	if err != nil {
		return err
	}
	s.position = view.Position()
	told, toldBytes, at := int64(0), int64(0), time.Now()
	tell := func() {
		s.table.moved.Store(s.rows)
		s.job.cfg.Events.Emit(event.Event{
			Kind: event.RowsMoved, Phase: phase, Table: s.table.mapping.SourceName, Rows: s.rows - told, Bytes: s.bytes - toldBytes,
		})
		told, toldBytes, at = s.rows, s.bytes, time.Now()
	}
	var line []byte
	err = view.Read(ctx, s.table.mapping, row.Range{}, func(r row.Row) error {
		arriving, bad := c.values.apply(r, c.names)
		if bad == nil {
			line, bad = s.table.encoder.AppendRow(line[:0], arriving)
		}
		if bad != nil {
			return c.refusal(bad, r)
		}
		if _, bad = out.Write(line); bad != nil {
			return fmt.Errorf("send rows: %w", bad)
		}
		s.rows++
		s.bytes += int64(len(line))
		if s.rows-told >= tellRows && time.Since(at) >= tellEvery {
			tell()
		}
		return nil
	})
	if err == nil {
		// The job of a process that has lost its lease must not succeed: its
		// successor may have looked for it before it began. While the stream has
		// no end the job cannot, and whoever takes the lease from now on finds it.
		err = s.job.held(ctx, func(checkpoint.Store) error { return nil })
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return err
	}
	tell()
	s.changes = c.values.takeChanges()
	s.complete = true
	return nil
}
