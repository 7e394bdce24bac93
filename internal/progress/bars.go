package progress

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

const (
	// maxBars is how many tables have a bar; more would push the messages off
	// a small terminal.
	maxBars = 6
	// nameWidth is the width of the column before a bar.
	nameWidth    = 20
	defaultWidth = 80
)

// bars shows a bar for each of the oldest active tables and below them one for
// each phase; messages scroll away above.
type bars struct {
	pool *mpb.Progress
	open map[tableID]*bar
	next int // priority of the next bar: the order on the screen
}

// bar is one line on the screen. mpb draws it in goroutines of its own, which
// read the view while the next one is made.
type bar struct {
	*mpb.Bar
	label atomic.Pointer[string]
	view  atomic.Pointer[view]
}

func newBars(w io.Writer, width int) *bars {
	if width <= 0 {
		width = defaultWidth
	}
	return &bars{
		open: map[tableID]*bar{},
		// The width counts only where mpb cannot ask the terminal for its own.
		pool: mpb.New(mpb.WithOutput(w), mpb.WithWidth(width), mpb.WithAutoRefresh(), mpb.WithRefreshRate(barRefresh)),
	}
}

func (b *bars) show(f frame) {
	if len(f.lines) > 0 {
		// Fails only after the writer did, and then there is nobody to tell.
		_, _ = io.WriteString(b.pool, strings.Join(f.lines, "\n")+"\n")
	}
	shown := make(map[tableID]bool, len(b.open))
	for _, p := range f.phases {
		for _, v := range p.tables[:min(len(p.tables), maxBars)] {
			b.update(v, "  "+v.table)
			shown[tableID{v.phase, v.table}] = true
		}
		b.update(p.view, p.label())
		shown[tableID{p.phase, ""}] = true
	}
	for id, old := range b.open {
		if !shown[id] {
			old.Abort(true)
			delete(b.open, id)
		}
	}
}

func (b *bars) close() {
	for _, open := range b.open {
		open.Abort(true)
	}
	b.pool.Wait()
}

func (v phaseView) label() string {
	text := v.phase
	if v.all > 0 {
		text = fmt.Sprintf("%s %d/%d", v.phase, v.done, v.all)
	}
	if v.pace != "" {
		text += " " + v.pace
	}
	return text
}

func (b *bars) update(v view, label string) {
	id := tableID{v.phase, v.table}
	open := b.open[id]
	if open == nil {
		if open = b.add(v, label); open == nil {
			return
		}
		b.open[id] = open
	}
	open.set(v, label)
	open.SetTotal(v.total, false)
	open.SetCurrent(min(v.rows, v.total))
}

func (b *bar) set(v view, label string) {
	b.view.Store(&v)
	b.label.Store(&label)
}

// add makes a bar; nil when the writer has failed.
func (b *bars) add(v view, label string) *bar {
	priority := b.next
	b.next++
	if v.table == "" {
		priority += 1 << 30 // phases stay below all tables
	}
	made := &bar{}
	made.set(v, label)
	// A total of 0 tells mpb that it must never decide by itself that a bar is
	// complete: an estimate that was reached is not the end.
	mb, err := b.pool.Add(0, filler(),
		mpb.BarPriority(priority),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return made.left() })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return made.right() })),
	)
	if err != nil {
		return nil
	}
	made.Bar = mb
	return made
}

// filler draws the bar itself, or blanks when the total is unknown.
func filler() mpb.BarFiller {
	style := mpb.BarStyle().Build()
	return mpb.BarFillerFunc(func(w io.Writer, st decor.Statistics) error {
		if st.Total > 0 {
			return style.Fill(w, st)
		}
		_, err := io.WriteString(w, strings.Repeat(" ", max(st.AvailableWidth, 0)))
		return err
	})
}

func (b *bar) left() string {
	name := runewidth.Truncate(oneLabel(*b.label.Load()), nameWidth, "…")
	return runewidth.FillRight(name, nameWidth)
}

// oneLabel is oneLine that keeps the indentation.
func oneLabel(s string) string {
	return strings.Repeat(" ", len(s)-len(strings.TrimLeft(s, " "))) + oneLine(s)
}

// right returns the numbers in columns, so that they do not dance.
func (b *bar) right() string {
	v := *b.view.Load()
	if v.total <= 0 && v.rows == 0 {
		return fmt.Sprintf("%8s", rough(v.elapsed)) + strings.Repeat(" ", len("  ETA 99d23h"))
	}
	progress, eta := percentText(v), "ETA "+etaText(v)
	if v.total <= 0 {
		progress, eta = thousands(v.rows)+" rows", ""
	}
	return fmt.Sprintf("%4s  %5s rows/s  %6s  %-10s", progress, compact(v.rate), rough(v.elapsed), eta)
}
