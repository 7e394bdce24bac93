package copy

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
)

// chunk is a piece of a segment on its way from the reader to the writer.
type chunk struct {
	data   []byte
	record checkpoint.Chunk
}

// buffersPerWorker: one is filled from the source while the other is written.
const buffersPerWorker = 2

// copySegment copies what is left of a segment. A segment that cannot be read
// in order is begun again when its view is lost.
func (j *job) copySegment(ctx context.Context, t *table, s *segment) error {
	for {
		again, err := j.pipe(ctx, t, s)
		if err != nil || !again {
			return err
		}
		if err := j.beginAgain(ctx, t, s); err != nil {
			return err
		}
	}
}

// pipe reads what is left of a segment and writes it chunk by chunk. Reader and
// writer work at the same time and share two buffers. Again says that the view
// was lost in a segment that can only be copied whole; what was read before
// that is written all the same, so that nothing is on its way afterwards.
func (j *job) pipe(ctx context.Context, t *table, s *segment) (again bool, err error) {
	group, ctx := errgroup.WithContext(ctx)
	full := make(chan chunk)
	free := make(chan []byte, buffersPerWorker)
	for range buffersPerWorker {
		free <- j.spare.take()
	}
	group.Go(func() error {
		defer close(full)
		c := newCutter(j, t, s)
		c.free, c.full = free, full
		failure := c.read(ctx)
		if errors.Is(failure, errBeginAgain) {
			again, failure = true, nil
		}
		return failure
	})
	group.Go(func() error {
		for c := range full {
			began := time.Now()
			if failure := j.write(ctx, t, c); failure != nil {
				return failure
			}
			t.size.learn(time.Since(began))
			t.moved.Add(c.record.Rows)
			j.cfg.Events.Emit(event.Event{
				Kind: event.RowsMoved, Phase: phase, Table: t.mapping.SourceName,
				Rows: c.record.Rows, Bytes: c.record.Bytes,
			})
			free <- c.data
		}
		return nil
	})
	if err = group.Wait(); err == nil {
		for range len(free) { // nobody uses them any more
			j.spare.put(<-free, 2*j.cfg.ChunkBytes)
		}
	}
	return again, err
}

// buffers are chunk buffers that no segment uses at the moment. Without them
// each segment would make its own, and the collector keeps what is not needed
// any more for about as long again.
type buffers struct {
	mu   sync.Mutex
	idle [][]byte
}

// take returns a buffer; nil when there is none.
func (b *buffers) take() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.idle) == 0 {
		return nil
	}
	last := len(b.idle) - 1
	out := b.idle[last]
	b.idle = b.idle[:last]
	return out
}

// put keeps a buffer, unless one long row has made it larger than most.
func (b *buffers) put(buf []byte, most int) {
	if buf == nil || cap(buf) > most {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle = append(b.idle, buf)
}

// cutter encodes a segment's rows and cuts them into chunks.
type cutter struct {
	job   *job
	table *table
	seg   *segment
	free  <-chan []byte
	full  chan<- chunk

	order  row.KeyReader // the columns that bound ranges
	names  row.KeyReader // the key that names a row in messages
	values *values
	buf    []byte
	rows   int64
	seq    int
	at     string // the view's position
	after  row.Key
	last   row.Key // set once the chunk is full: the key it ends at
}

func newCutter(j *job, t *table, s *segment) *cutter {
	copied := t.mapping.Copied()
	values := newValues(copied)
	values.unnamed = slices.ContainsFunc(t.mapping.KeyColumns(), func(k schema.ColumnMapping) bool { return k.Mask != nil })
	if j.cfg.Puts {
		values.fix(t.mapping.KeyColumns())
	}
	return &cutter{
		job: j, table: t, seg: s,
		order:  row.NewKeyReader(copied, j.src.OrderKey(t.mapping)),
		names:  row.NewKeyReader(copied, t.mapping.KeyColumns()),
		values: values,
		seq:    s.seq,
		after:  s.rng.After,
	}
}

// add appends a row. A full chunk is cut in front of the first row whose order
// key differs from the last one's, so that a bound never divides equal keys.
func (c *cutter) add(ctx context.Context, r row.Row) error {
	if c.last != nil && !c.order.Same(r, c.last) {
		if err := c.send(ctx, c.last, false); err != nil {
			return err
		}
		if err := c.nextBuffer(ctx); err != nil {
			return err
		}
	}
	arriving, err := c.values.apply(r, c.names)
	if err == nil {
		c.buf, err = c.table.encoder.AppendRow(c.buf, arriving)
	}
	if err != nil {
		return c.refusal(err, r)
	}
	c.rows++
	if len(c.buf) < c.table.size.of(c.job.cfg.ChunkBytes) && c.rows < int64(c.table.size.of(c.job.cfg.ChunkRows)) {
		return nil
	}
	if c.seg.whole {
		return c.cutWhole(ctx)
	}
	c.last = c.order.Key(r)
	return nil
}

// cutWhole ends a chunk of a table without a usable key. Its range stays open:
// such a copy is not continued but begun again.
func (c *cutter) cutWhole(ctx context.Context) error {
	if err := c.send(ctx, nil, false); err != nil {
		return err
	}
	return c.nextBuffer(ctx)
}

func (c *cutter) nextBuffer(ctx context.Context) error {
	select {
	case b := <-c.free:
		if b == nil {
			// A chunk is full once it passes ChunkBytes, so it ends a row later.
			b = make([]byte, 0, c.job.cfg.ChunkBytes+c.job.cfg.ChunkBytes/8)
		}
		c.buf = b[:0]
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *cutter) send(ctx context.Context, upTo row.Key, final bool) error {
	name := c.table.mapping.SourceName
	of, err := c.job.seals.close(name, row.Range{After: c.after, UpTo: upTo})
	if err != nil {
		return err
	}
	out := chunk{data: c.buf, record: checkpoint.Chunk{
		Table: name, Segment: c.seg.id, Seq: c.seq, Range: of, Final: final,
		Rows: c.rows, Bytes: int64(len(c.buf)), Position: c.at,
		Changes: c.values.takeChanges(),
	}}
	select {
	case c.full <- out:
		c.seq++
		c.after, c.last, c.rows, c.buf = upTo, nil, 0, nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refusal turns a cell's problem into the error that the user reads.
func (c *cutter) refusal(err error, r row.Row) error {
	var p *row.Problem
	if !errors.As(err, &p) {
		return err
	}
	where := "in a row without key"
	if c.names.Len() > 0 {
		where = "in the row with key " + c.names.Key(r).String()
	}
	return fault.New(fault.Refused, p.Hint, "column %s %s: %s", p.Column, where, p.What)
}

// write commits one chunk exactly once. A repetition after an unknown outcome
// asks the checkpoint first.
func (j *job) write(ctx context.Context, t *table, c chunk) error {
	unknown := false
	err := retry.Do(ctx, j.patience(t), func() error {
		if unknown {
			done, err := j.committed(ctx, c)
			if err != nil || done {
				return err
			}
			unknown = false
		}
		err := j.dst.WriteChunk(ctx, t.mapping, c.data, func(store checkpoint.Store) error {
			if err := checkpoint.Claimed(ctx, store, j.cfg.Lease, c.record.Table, c.record.Segment); err != nil {
				return err
			}
			return checkpoint.Record(ctx, store, j.cfg.Lease.Job, c.record)
		})
		if err != nil && retry.Classify(err) == retry.Ambiguous {
			unknown = true
			return &resolvable{err}
		}
		return err
	})
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case retry.SQLState(err) == "40001":
		return j.orLost(ctx, c, err)
	case isDataError(err):
		return j.locate(ctx, t, c.data, err)
	}
	return err
}

// orLost says why a chunk was not written in time: a process that was asleep
// meets the chunks of the one that has taken its segment over, and the server's
// word for that is a conflict.
func (j *job) orLost(ctx context.Context, c chunk, cause error) error {
	err := j.dst.Transaction(ctx, func(store checkpoint.Store) error {
		return checkpoint.Claimed(ctx, store, j.cfg.Lease, c.record.Table, c.record.Segment)
	})
	if errors.Is(err, checkpoint.ErrLeaseLost) {
		return err
	}
	return cause
}

func (j *job) committed(ctx context.Context, c chunk) (done bool, err error) {
	err = j.dst.Transaction(ctx, func(store checkpoint.Store) error {
		done, err = checkpoint.Committed(ctx, store, j.cfg.Lease.Job, c.record)
		return err
	})
	return done, err
}

// resolvable carries an ambiguous error through retry.Do as one that may be
// repeated: the next attempt begins by finding out.
type resolvable struct{ err error }

func (r *resolvable) Error() string  { return r.err.Error() }
func (*resolvable) SQLState() string { return "40001" }

// isDataError reports whether the server refused a value: SQLSTATE classes 22 and 23.
func isDataError(err error) bool {
	code := retry.SQLState(err)
	return len(code) == 5 && slices.Contains([]string{"22", "23"}, code[:2])
}
