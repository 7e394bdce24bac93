package live

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8/cwriter"
)

const (
	defaultWidth  = 80
	defaultHeight = 24
	// nameWidth fits the longest name of an operation that we ship.
	nameWidth = 19
	// columns fit 79 with the name.
	columns = "%-*s %7s %8s %8s %8s %8s %6s %7s"
)

// table draws each frame over the last one; lines scroll away above it.
type table struct {
	out   *cwriter.Writer
	title string
	// width and height are of a writer that cannot tell its own.
	width, height int
	last          *Frame
}

func newTable(w io.Writer, o Options) *table {
	t := &table{out: cwriter.New(w), title: o.Title, width: o.Width, height: o.Height}
	if t.width <= 0 {
		t.width = defaultWidth
	}
	if t.height <= 0 {
		t.height = defaultHeight
	}
	return t
}

func (t *table) show(lines []string, f *Frame) {
	if f == nil {
		f = t.last
	}
	t.last = f
	width, height := t.width, t.height
	if w, h, err := t.out.GetTermSize(); err == nil && w > 0 && h > 0 {
		width, height = w, h
	}
	// Writing to the buffer cannot fail; Flush can, and then there is nobody to tell.
	for _, line := range lines {
		_, _ = t.out.WriteString(line + "\n")
	}
	var drawn []string
	if f != nil {
		drawn = t.draw(f, height-1)
	}
	for _, line := range drawn {
		_, _ = t.out.WriteString(runewidth.Truncate(line, width-1, "…") + "\n")
	}
	_ = t.out.Flush(len(drawn))
}

// close keeps the last picture on the screen.
func (*table) close() {}

// draw returns the frame in at most height lines.
func (t *table) draw(f *Frame, height int) []string {
	lines := []string{
		strings.TrimSpace(t.title + gap + f.Phase + gap + clock(f)),
		status(f),
		"",
		fmt.Sprintf(columns, nameWidth, "last "+short(f.Window), "per s", "p50", "p99", "p99.9", "max", "errors", "retries"),
	}
	for i, r := range f.Rows {
		if len(lines) == height-1 && i < len(f.Rows)-1 {
			lines = append(lines, fmt.Sprintf("… and %d more operations", len(f.Rows)-i))
			break
		}
		lines = append(lines, fmt.Sprintf(columns, nameWidth, runewidth.Truncate(r.Name, nameWidth, "…"),
			rate(r.PerSecond), latency(r.P50), latency(r.P99), latency(r.P999), latency(r.Max), count(r.Errors), count(r.Retries)))
	}
	return lines
}
