package copy

import (
	"context"
	"sync"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/event"
)

// board hands out the segments of a run to its workers. Other processes may
// work on the same job: a segment is copied by whoever has claimed it in the
// checkpoint, and one that is given back there is free for anybody.
type board struct {
	job *job

	mu    sync.Mutex // guards state
	tasks []*task
	// looking is held by the worker that waits for other processes; one is enough.
	looking chan struct{}
}

// task is a segment on the board.
type task struct {
	table *table
	seg   *segment
	state taskState
}

type taskState int

const (
	open  taskState = iota
	ours            // a worker of this process has it, or is about to claim it
	taken           // another process had it when we looked
	done
)

// lookEvery is how long a worker without work waits before it looks again at
// what other processes have: far below what a segment takes.
const lookEvery = 500 * time.Millisecond

func newBoard(j *job, work []*table) *board {
	b := &board{job: j, looking: make(chan struct{}, 1)}
	for _, t := range work {
		for _, s := range t.segments {
			if !s.done {
				b.tasks = append(b.tasks, &task{table: t, seg: s})
			}
		}
	}
	return b
}

// next claims a segment. It waits while all that are left belong to other
// processes, and returns nil when nothing is left for this worker.
func (b *board) next(ctx context.Context) (*task, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t, others := b.pick()
		if t != nil {
			if ok, err := b.claim(ctx, t); ok || err != nil {
				return t, err
			}
			continue
		}
		if !others {
			return nil, nil //nolint:nilnil // no task and no error: the work is done
		}
		if err := b.await(ctx); err != nil {
			return nil, err
		}
	}
}

// pick chooses the first open task, or says whether other processes have some.
func (b *board) pick() (t *task, others bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.tasks {
		if t.state == open {
			t.state = ours
			return t, false
		}
		others = others || t.state == taken
	}
	return nil, others
}

func (b *board) set(t *task, state taskState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.state = state
}

// claim makes a task this process's own and finds out where to go on; ok is
// false when another process has it or has done it.
func (b *board) claim(ctx context.Context, t *task) (ok bool, err error) {
	id := t.id()
	var found sight
	err = b.job.dst.Transaction(ctx, func(store checkpoint.Store) error {
		if ok, err = checkpoint.Claim(ctx, store, b.job.cfg.Lease, id.Table, id.Segment); err != nil || !ok {
			return err
		}
		found, err = b.job.see(ctx, store, id)
		return err
	})
	if err != nil {
		return false, err
	}
	if !ok {
		b.set(t, taken)
		return false, nil
	}
	b.movedElsewhere(t, found.rows, found.bytes)
	if found.begun && found.last.Final {
		b.doneElsewhere(t)
		return false, nil
	}
	if found.begun {
		t.seg.resume(found.last)
	}
	return true, b.job.clearIfBegun(ctx, t.table, t.seg)
}

// movedElsewhere counts what other processes have moved of a segment since this
// run began.
func (b *board) movedElsewhere(t *task, rows, bytes int64) {
	more := rows - t.seg.before
	if more <= 0 {
		return
	}
	t.seg.before = rows
	t.table.begin(b.job.cfg.Events)
	t.table.elsewhere.Add(more)
	b.job.cfg.Events.Emit(event.Event{
		Kind: event.RowsMoved, Phase: phase, Table: t.table.mapping.SourceName, Rows: more, Bytes: bytes, Elsewhere: true,
	})
}

// doneElsewhere notes that another process has copied a task to its end.
func (b *board) doneElsewhere(t *task) {
	b.set(t, done)
	t.table.begin(b.job.cfg.Events)
	t.table.segmentDone(b.job.cfg.Events)
}

// await looks after a moment at the tasks that other processes have: which are
// free again, and which are done.
func (b *board) await(ctx context.Context) error {
	select {
	case b.looking <- struct{}{}:
		defer func() { <-b.looking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if t, others := b.peek(); t || !others {
		return nil // somebody else has looked meanwhile
	}
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
		return b.look(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// peek reports whether something is open, and whether other processes have something.
func (b *board) peek() (free, others bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.tasks {
		free = free || t.state == open
		others = others || t.state == taken
	}
	return free, others
}

// look asks the checkpoint about the tasks that other processes have.
func (b *board) look(ctx context.Context) error {
	watched := b.taken()
	found := make([]sight, len(watched))
	var claims map[checkpoint.SegmentID]string
	err := b.job.dst.Transaction(ctx, func(store checkpoint.Store) error {
		var err error
		if claims, err = checkpoint.Claims(ctx, store, b.job.cfg.Lease.Job); err != nil {
			return err
		}
		for i, t := range watched {
			if found[i], err = b.job.see(ctx, store, t.id()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, t := range watched {
		b.movedElsewhere(t, found[i].rows, found[i].bytes)
		if found[i].begun && found[i].last.Final {
			b.doneElsewhere(t)
		} else if claims[t.id()] == "" {
			b.set(t, open)
		}
	}
	return nil
}

// sight is what is recorded of a segment.
type sight struct {
	last        checkpoint.Chunk
	begun       bool // last is set
	rows, bytes int64
}

func (j *job) see(ctx context.Context, store checkpoint.Store, id checkpoint.SegmentID) (s sight, err error) {
	if s.last, s.begun, err = checkpoint.Last(ctx, store, j.cfg.Lease.Job, id); err != nil || !s.begun {
		return s, err
	}
	if s.last.Range, err = j.seals.open(id.Table, s.last.Range); err != nil {
		return s, err
	}
	s.rows, s.bytes, err = checkpoint.Moved(ctx, store, j.cfg.Lease.Job, id)
	return s, err
}

func (b *board) taken() []*task {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []*task
	for _, t := range b.tasks {
		if t.state == taken {
			out = append(out, t)
		}
	}
	return out
}

func (t *task) id() checkpoint.SegmentID {
	return checkpoint.SegmentID{Table: t.table.mapping.SourceName, Segment: t.seg.id}
}
