// Package progress turns events into what a person watches: bars on a
// terminal, plain lines in a log file, or JSON lines for machines. It keeps no
// history and decides nothing; what has to be remembered is in the report.
package progress

import (
	"io"
	"strings"
	"sync"
	"time"

	"leap/internal/event"
)

const (
	// defaultInterval is the time between two progress lines in a log: often
	// enough to see that it is alive, seldom enough for a night's log.
	defaultInterval = 5 * time.Second
	// barRefresh is the time between two pictures on a terminal.
	barRefresh = 200 * time.Millisecond
	// plainRefresh is the time between two samples of the rate without a terminal.
	plainRefresh = time.Second
)

// Options are the choices of a Display. The zero value writes plain lines.
type Options struct {
	// Terminal asks for bars; without it there are only plain lines.
	Terminal bool
	// Width is the terminal's number of columns, for a writer that is not the
	// terminal itself; 80 when it is 0.
	Width int
	// Interval is the least time between two plain progress lines, and between
	// two lines about retries of the same table; 5 s when it is 0.
	Interval time.Duration
	// Now is the clock; time.Now when it is nil.
	Now func() time.Time
}

// Display shows events on a writer. Emit is safe from many goroutines and
// never waits for the writer: when that is slow, counts are gathered and
// surplus messages dropped with a note that says how many.
type Display struct {
	now    func() time.Time
	screen screen
	// refresh is the time between two frames without a new message.
	refresh time.Duration

	mu    sync.Mutex // guards board
	board *board

	wake chan struct{} // holds a token when a message waits
	stop chan struct{}
	done chan struct{}
	once sync.Once
}

// screen is one way to show frames. Its methods are called by one goroutine.
type screen interface {
	show(frame)
	close()
}

// New returns a Display that writes to w until Close.
func New(w io.Writer, opts Options) *Display {
	if opts.Interval <= 0 {
		opts.Interval = defaultInterval
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	d := &Display{
		now:   opts.Now,
		board: newBoard(opts.Interval),
		wake:  make(chan struct{}, 1),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	if opts.Terminal {
		d.screen, d.refresh = newBars(w, opts.Width), barRefresh
	} else {
		d.screen, d.refresh = newPlain(w, opts.Interval), min(plainRefresh, opts.Interval)
	}
	go d.run()
	return d
}

// Emit takes the event in and returns at once. After Close it does nothing.
func (d *Display) Emit(e event.Event) {
	now := d.now()
	if e.Tenant != "" { // several moves side by side: each phase is a tenant's own
		e.Phase = strings.TrimSpace(e.Tenant + " " + e.Phase)
	}
	d.mu.Lock()
	d.board.apply(e, now)
	waiting := len(d.board.lines) > 0
	d.mu.Unlock()
	if !waiting {
		return
	}
	select {
	case d.wake <- struct{}{}:
	default: // a token is there already
	}
}

// Close shows what is still waiting, removes the bars and returns when all of
// it is written. Closing again does nothing.
func (d *Display) Close() {
	d.once.Do(func() { close(d.stop) })
	<-d.done
}

func (d *Display) run() {
	defer close(d.done)
	ticker := time.NewTicker(d.refresh)
	defer ticker.Stop()
	for {
		select {
		case <-d.wake:
		case <-ticker.C:
		case <-d.stop:
			d.mu.Lock()
			d.board.end(d.now())
			d.mu.Unlock()
			d.screen.show(d.frame())
			d.screen.close()
			return
		}
		d.screen.show(d.frame())
	}
}

// frame takes a picture of the board. The writing happens outside the lock, so
// that Emit never waits for it.
func (d *Display) frame() frame {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.board.frame(now)
}
