package live

import (
	"io"
	"strings"
	"time"
)

// plain writes a line now and then: each 5 s in the first minute, when people
// look, and each 30 s after that, for a night's log.
type plain struct {
	w    io.Writer
	next time.Duration
}

const (
	early      = time.Minute
	earlyEvery = 5 * time.Second
	lateEvery  = 30 * time.Second
)

func newPlain(w io.Writer) *plain { return &plain{w: w, next: earlyEvery} }

func (p *plain) show(lines []string, f *Frame) {
	if f != nil && f.Elapsed >= p.next {
		every := earlyEvery
		if f.Elapsed >= early {
			every = lateEvery
		}
		p.next = f.Elapsed.Truncate(every) + every
		lines = append(lines, progress(f))
	}
	if len(lines) > 0 {
		// An error has nowhere to go: the writer is where errors are told.
		_, _ = io.WriteString(p.w, strings.Join(lines, "\n")+"\n")
	}
}

func (*plain) close() {}

// progress is the frame in one line.
func progress(f *Frame) string {
	text := f.Phase + gap + clock(f) + gap + status(f)
	if len(f.Rows) > 0 {
		r := f.Rows[0]
		text += gap + "p50 " + latency(r.P50) + gap + "p99 " + latency(r.P99) + gap + "max " + latency(r.Max)
	}
	return text
}
