// Package copy moves the rows of planned tables: it reads a segment of a table
// in key order, cuts it into chunks, and writes each chunk and its checkpoint
// record in one target transaction. It owns chunking, value policies, workers
// and resumption; reading, encoding and committing belong to the two ends,
// which it knows by the few methods below.
package copy

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/row"
	"leap/internal/schema"
)

// Source gives views of the tables.
type Source interface {
	// View returns what to read from now: the same view as long as that can be
	// had, a later one after it was lost. An error that retry.Classify calls
	// retryable says that the source is away: ask again.
	View(ctx context.Context) (View, error)
	// OrderKey returns the key columns by which a table can be read in pieces; empty for none.
	OrderKey(m *schema.Mapping) []schema.ColumnMapping
}

// View shows the tables at one moment. Errors of a lost connection are
// retryable; the next View goes on.
type View interface {
	// Position names the moment, for the record. Views of one position are one view.
	Position() string
	// Read streams the copied columns of a range in key order.
	Read(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error
	// Divide returns keys, in order, that cut a table into about so many parts of
	// about the same size; fewer or none where it cannot be cut.
	Divide(ctx context.Context, m *schema.Mapping, parts int) ([]row.Key, error)
}

// Target is where rows and their records go.
type Target interface {
	ChunkWriter
	// Clear empties a table and runs record in the same transaction.
	Clear(ctx context.Context, m *schema.Mapping, record Clearing) error
	// Transaction runs fn in a transaction of its own and repeats it on serialisation failures.
	Transaction(ctx context.Context, fn func(checkpoint.Store) error) error
}

// Clearing is what Clear runs around the emptying: Before may refuse it, After
// forgets what was written.
type Clearing struct {
	Before, After func(checkpoint.Store) error
}

// ChunkWriter writes chunks.
type ChunkWriter interface {
	// Encoder returns the encoder for a table's rows.
	Encoder(m *schema.Mapping) Encoder
	// WriteChunk makes one attempt at one transaction: record, then the rows.
	// Commit errors of unknown outcome are *retry.AmbiguousError.
	WriteChunk(ctx context.Context, m *schema.Mapping, data []byte, record func(checkpoint.Store) error) error
	// Try writes rows in a transaction that is rolled back, to find the row that the server refuses.
	Try(ctx context.Context, m *schema.Mapping, data []byte) error
}

// Encoder appends rows in the form that WriteChunk takes, one line per row.
type Encoder interface {
	AppendRow(dst []byte, cells row.Row) ([]byte, error)
}

// Config bounds the work. Zero fields take the default.
type Config struct {
	// Lease is the caller's membership in the job. Every transaction that writes
	// rows checks that the segment is claimed by it; a table is divided, and
	// imported, only by the member that leads.
	Lease checkpoint.Lease
	// Workers is how many segments are copied at once; each holds one source
	// and one target connection. Default 4.
	Workers int
	// ChunkBytes is the size at which a chunk is cut, as sent to the target.
	// Default 1 MiB: with two buffers per worker it bounds memory, and commits
	// of this size cost the target a few milliseconds in some ten.
	ChunkBytes int
	// ChunkRows cuts chunks of narrow rows. Default 20,000.
	ChunkRows int
	// RetryFor is how long a chunk is tried again while the source or the target is away. Default 1 minute.
	RetryFor time.Duration
	// Puts says that the target puts rows in place of those with their keys. A
	// table whose copy begins again keeps its rows then: the target may hold
	// others, and those of the source are put once more.
	Puts   bool
	Events event.Sink
}

func (c Config) withDefaults() Config {
	if c.Workers <= 0 {
		c.Workers = 4
	}
	if c.ChunkBytes <= 0 {
		c.ChunkBytes = 1 << 20
	}
	if c.ChunkRows <= 0 {
		c.ChunkRows = 20_000
	}
	if c.RetryFor <= 0 {
		c.RetryFor = time.Minute
	}
	if c.Events == nil {
		c.Events = event.Discard
	}
	return c
}

// TableResult says what is in the target after a copy, earlier runs included.
type TableResult struct {
	Table   string // the source's name
	Rows    int64
	Bytes   int64
	Chunks  int
	Changes []checkpoint.Change
	// Positions are the source positions that the chunks were read at, in order of first use.
	Positions []string
	// Copied is how many of Rows this run moved.
	Copied  int64
	Elapsed time.Duration
}

// Run copies the tables, continuing where an earlier run stopped, and returns
// a result for each table that is complete. The job must exist and its
// fingerprints must have been compared by the caller. On error everything
// committed stays recorded; calling Run again continues.
func Run(ctx context.Context, src Source, dst Target, tables []*schema.Mapping, cfg Config) ([]TableResult, error) {
	cfg = cfg.withDefaults()
	j := &job{src: src, dst: dst, cfg: cfg, seals: sealsOf(tables, src.OrderKey)}
	state, err := j.load(ctx)
	if err != nil {
		return nil, err
	}
	work, err := j.plan(ctx, tables, state)
	if err != nil {
		return nil, err
	}
	if err := j.runAll(ctx, work); err != nil {
		return nil, err
	}
	return j.results(ctx, work)
}

// job is one Run.
type job struct {
	src Source
	dst Target
	cfg Config
	// seals hide what the checkpoint is not to show.
	seals seals

	spare buffers
}

// runAll copies the unfinished segments, cfg.Workers at a time. The first
// error stops the others after the chunk they are writing. It returns when all
// of the job is copied, by whichever process.
func (j *job) runAll(ctx context.Context, work []*table) error {
	for _, t := range work {
		t.announce(j.cfg.Events)
	}
	b := newBoard(j, work)
	group, ctx := errgroup.WithContext(ctx)
	for range min(j.cfg.Workers, len(b.tasks)) {
		group.Go(func() error {
			for {
				next, err := b.next(ctx)
				if err != nil || next == nil {
					return err
				}
				if err := j.runTask(ctx, next); err != nil {
					return err
				}
				b.set(next, done)
			}
		})
	}
	return group.Wait()
}

func (j *job) runTask(ctx context.Context, next *task) error {
	t := next.table
	t.begin(j.cfg.Events)
	if err := j.copySegment(ctx, t, next.seg); err != nil {
		t.tellFailed(ctx, j.cfg.Events, err)
		return fmt.Errorf("copy %s: %w", t.mapping.SourceName, err)
	}
	t.segmentDone(j.cfg.Events)
	return nil
}

// tellFailed says that a table failed. One that was only stopped, by Ctrl-C or
// because another failed, did not.
func (t *table) tellFailed(ctx context.Context, events event.Sink, err error) {
	if ctx.Err() == nil {
		events.Emit(event.Event{Kind: event.TableFailed, Phase: phase, Table: t.mapping.SourceName, Message: err.Error()})
	}
}

const phase = "copy"

// results adds up the records of finished tables.
func (j *job) results(ctx context.Context, work []*table) ([]TableResult, error) {
	state, err := j.load(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]TableResult, 0, len(work))
	for _, t := range work {
		r := state.result(t.mapping.SourceName)
		r.Copied = t.moved.Load()
		r.Elapsed = t.elapsed()
		out = append(out, r)
	}
	return out, nil
}

// Recall returns what a finished copy wrote, from its records. Nothing is read
// from the source or from the tables.
func Recall(ctx context.Context, dst Target, id string, tables []*schema.Mapping) ([]TableResult, error) {
	j := &job{dst: dst, cfg: Config{Lease: checkpoint.Lease{Job: id}}.withDefaults()}
	state, err := j.load(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]TableResult, 0, len(tables))
	for _, m := range tables {
		out = append(out, state.result(m.SourceName))
	}
	return out, nil
}

// held runs fn in a transaction of the target in which this process is sure to
// lead the job.
func (j *job) held(ctx context.Context, fn func(checkpoint.Store) error) error {
	return j.dst.Transaction(ctx, func(store checkpoint.Store) error {
		if err := checkpoint.Hold(ctx, store, j.cfg.Lease); err != nil {
			return err
		}
		return fn(store)
	})
}
