// Package live shows a running load to whoever watches: a table on a terminal,
// plain lines in a log file, or JSON lines for machines. It draws what it is
// given, keeps no history and decides nothing.
package live

import (
	"io"
	"sync"
	"time"
)

// Frame is a picture of the load.
type Frame struct {
	// Phase is a word or two, such as "warm-up".
	Phase string
	// Elapsed counts from the start of the measurement; it is negative before.
	Elapsed time.Duration
	// Total is the length of the measurement, 0 without an end.
	Total time.Duration
	// Asked and Done are operations per second in the last second.
	Asked, Done float64
	// Errors, Retries and Shed count since the start of the measurement.
	Errors, Retries, Shed int64
	// Queue operations are due and wait, InFlight of Workers are being answered.
	Queue, InFlight, Workers int
	// CPU is the share of all processors that the generator uses.
	CPU float64
	// Window is the time that Rows speak of.
	Window time.Duration
	// Rows has all operations together first.
	Rows []Row
}

// Row is how one operation does. Times count from when each was due; 0 stands for
// one that too few operations tell.
type Row struct {
	Name                string
	PerSecond           float64
	P50, P99, P999, Max time.Duration
	// Errors and Retries count in the window.
	Errors, Retries int64
}

// Style is a way to show frames.
type Style string

// The styles.
const (
	Table Style = "table" // drawn anew in place
	Plain Style = "plain" // a line now and then
	JSON  Style = "json"  // a line of JSON for each frame
	None  Style = "none"
)

// Options are the choices of a Display.
type Options struct {
	Style Style
	// Title is shown above a table.
	Title string
	// Width and Height of a writer that is not the terminal itself; 80 x 24
	// when 0.
	Width, Height int
}

// Display shows frames on a writer. Its methods never wait for the writer:
// when that is slow, frames are skipped; what was said is not.
type Display struct {
	screen screen

	mu    sync.Mutex // guards what follows
	frame *Frame     // the next one to show
	lines []string

	wake chan struct{} // holds a token when something waits
	stop chan struct{}
	done chan struct{}
	once sync.Once
}

// screen is one way to show frames. One goroutine calls its methods.
type screen interface {
	// show draws the lines and then the frame, each if there is one.
	show(lines []string, f *Frame)
	// close leaves the screen as the next program expects it.
	close()
}

// New returns a Display that writes to w until Close.
func New(w io.Writer, o Options) *Display {
	d := &Display{wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	switch o.Style {
	case Table:
		d.screen = newTable(w, o)
	case JSON:
		d.screen = &jsonLines{w}
	case None:
		d.screen = nothing{}
	case Plain:
		d.screen = newPlain(w)
	default:
		d.screen = newPlain(w)
	}
	go d.run()
	return d
}

// Show replaces the picture.
func (d *Display) Show(f Frame) {
	d.mu.Lock()
	d.frame = &f
	d.mu.Unlock()
	d.nudge()
}

// Say shows a line that stays.
func (d *Display) Say(line string) {
	d.mu.Lock()
	d.lines = append(d.lines, line)
	d.mu.Unlock()
	d.nudge()
}

func (d *Display) nudge() {
	select {
	case d.wake <- struct{}{}:
	default: // a token is there already
	}
}

// Close shows what is still waiting and returns when it is shown. Closing again
// does nothing.
func (d *Display) Close() {
	d.once.Do(func() { close(d.stop) })
	<-d.done
}

func (d *Display) run() {
	defer close(d.done)
	for {
		select {
		case <-d.wake:
			d.show()
		case <-d.stop:
			d.show()
			d.screen.close()
			return
		}
	}
}

func (d *Display) show() {
	d.mu.Lock()
	lines, f := d.lines, d.frame
	d.lines, d.frame = nil, nil
	d.mu.Unlock()
	if len(lines) > 0 || f != nil {
		d.screen.show(lines, f)
	}
}

type nothing struct{}

func (nothing) show([]string, *Frame) {}
func (nothing) close()                {}
