package verify

import (
	"leap/internal/row"
	"leap/internal/schema"
)

// Done is how far the comparison of a table came: all rows up to After are
// equal on both sides, and Agreed is their digest, which tells how many there were;
// nothing is concluded from its sum. Whole says that it is all rows.
type Done struct {
	After  row.Key    `json:"after,omitempty"`
	Agreed row.Digest `json:"agreed"`
	Whole  bool       `json:"whole,omitempty"`
}

// Progress keeps how far tables were compared. It must forget everything when
// the two sides may have changed since.
type Progress interface {
	// Load returns how far an earlier run came; the zero Done for not at all.
	Load(m *schema.Mapping) Done
	// Save is called now and then, by several goroutines.
	Save(m *schema.Mapping, d Done)
}

// watermark follows ranges that are compared out of order, and knows up to
// where all are equal.
type watermark struct {
	done    Done
	next    int // number of the range that continues done
	waiting map[int]reached
}

// reached is the end of a range that is equal.
type reached struct {
	upTo   row.Key
	digest row.Digest
}

// pass notes that a range is equal and reports whether the mark moved.
func (w *watermark) pass(number int, r reached) bool {
	if w.waiting == nil {
		w.waiting = map[int]reached{}
	}
	w.waiting[number] = r
	moved := false
	for {
		r, ok := w.waiting[w.next]
		if !ok {
			return moved
		}
		delete(w.waiting, w.next)
		w.next++
		w.done.Agreed.Merge(r.digest)
		w.done.After, w.done.Whole = r.upTo, r.upTo == nil
		moved = true
	}
}

// resume begins where an earlier run stopped; the range is what is left.
func (t *table) resume() (left row.Range, whole bool) {
	if t.cfg.Progress == nil {
		return row.Range{}, false
	}
	done := t.cfg.Progress.Load(t.mapping)
	if done.After == nil && !done.Whole {
		return row.Range{}, false
	}
	t.mark.done = done
	t.agreed = done.Agreed
	t.result.Resumed = done.Agreed.Rows
	return row.Range{After: done.After}, done.Whole
}

// pass adds a range that is equal on both sides, and keeps how far all are.
func (t *table) pass(number int, upTo row.Key, d row.Digest) {
	t.agree(d)
	if t.cfg.Progress == nil {
		return
	}
	t.mu.Lock()
	moved := t.mark.pass(number, reached{upTo, d})
	done := t.mark.done
	t.mu.Unlock()
	if moved {
		t.cfg.Progress.Save(t.mapping, done)
	}
}

// keepWhole keeps that a table without ranges is equal.
func (t *table) keepWhole() {
	if t.cfg.Progress != nil && t.result.Equal() && t.result.Method != Ranges {
		t.cfg.Progress.Save(t.mapping, Done{Agreed: t.result.Source, Whole: true})
	}
}
