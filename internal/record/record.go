// Package record owns the run directory: the files that a load run leaves
// behind and that everything about it is computed from, offline and again.
//
//	config.json       what was asked for
//	environment.json  where it ran
//	intervals.jsonl   counts per second and operation; the engine's state
//	hist/OP.SERIES.hlog  histograms per second, for any HdrHistogram tool
//	journal           a line for each call that changes data, and its outcome
//	events.jsonl      what happened besides
//	end.json          how it ended; missing after a crash
//	summary.json      the verdict; written by whoever judges
//
// Everything but the last two grows while the run goes on and is whole to the
// last second after a crash.
package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"leap/internal/fault"
	"leap/internal/hist"
	"leap/workloads"
)

// The names of the files.
const (
	configFile      = "config.json"
	environmentFile = "environment.json"
	intervalsFile   = "intervals.jsonl"
	histFolder      = "hist"
	journalFile     = "journal"
	eventsFile      = "events.jsonl"
	endFile         = "end.json"
	// SummaryFile and PageFile are made from the others.
	SummaryFile = "summary.json"
	PageFile    = "report.html"
)

// State is what the engine tells at the end of an interval. Times are seconds
// from the start of the measurement.
type State struct {
	From     float64 `json:"from"`
	To       float64 `json:"to"`
	Due      uint64  `json:"due"`
	Done     uint64  `json:"done"`
	Shed     uint64  `json:"shed"`
	Queue    int     `json:"queue"`
	InFlight int     `json:"in_flight"`
	CPU      float64 `json:"cpu"`
}

// line is one line of intervals.jsonl: either a state or counts.
type line struct {
	State *State                  `json:"state,omitempty"`
	Start float64                 `json:"start,omitempty"`
	End   float64                 `json:"end,omitempty"`
	Ops   map[string]*hist.Counts `json:"ops,omitempty"`
}

// Event is something that happened.
type Event struct {
	At   time.Time `json:"time"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// Writer writes a run directory. Its methods may be called from several
// goroutines; the first error is kept and told by Finish, because a full disk
// must not bend the load.
type Writer struct {
	dir string

	mu        sync.Mutex // guards what follows
	err       error
	files     []*os.File
	intervals *os.File
	events    *os.File
	journal   *bufio.Writer
	logs      map[string]*hist.LogWriter
	began     time.Time
}

// Create makes the directory, which must not be there, and writes what is known
// beforehand. began is the moment from which histograms count.
func Create(dir string, config, environment any) (*Writer, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return nil, fmt.Errorf("make the run directory: %w", err)
	}
	if err := os.Mkdir(dir, 0o750); err != nil {
		if errors.Is(err, os.ErrExist) {
			return nil, fault.New(fault.Usage, "give another --out", "there is something at %s already", dir)
		}
		return nil, fault.Wrap(fault.Usage, "give another --out", fmt.Errorf("make the run directory: %w", err))
	}
	if err := os.Mkdir(filepath.Join(dir, histFolder), 0o750); err != nil {
		return nil, fmt.Errorf("make the run directory: %w", err)
	}
	w := &Writer{dir: dir, logs: map[string]*hist.LogWriter{}, began: time.Now()}
	for name, v := range map[string]any{configFile: config, environmentFile: environment} {
		if err := WriteJSON(filepath.Join(dir, name), v); err != nil {
			return nil, err
		}
	}
	w.intervals = w.create(intervalsFile)
	w.events = w.create(eventsFile)
	if f := w.create(journalFile); f != nil {
		w.journal = bufio.NewWriterSize(f, 1<<16)
	}
	if w.err != nil {
		return nil, errors.Join(w.err, w.close())
	}
	return w, nil
}

// Began sets the moment from which the .hlog files count. It must come before
// the first interval.
func (w *Writer) Began(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = at
}

// create makes one of the files that grow. w.mu is held, or nobody knows w yet.
func (w *Writer) create(name string) *os.File {
	f, err := os.OpenFile(filepath.Join(w.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o640) //nolint:gosec // for the owner's group, as the directory
	if err != nil {
		w.fail(err)
		return nil
	}
	w.files = append(w.files, f)
	return f
}

func (w *Writer) fail(err error) {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("write %s: %w", w.dir, err)
	}
}

// appendLine writes one line of JSON in one write.
func (w *Writer) appendLine(f io.Writer, v any) {
	text, err := json.Marshal(v)
	if err == nil {
		_, err = f.Write(append(text, '\n'))
	}
	w.fail(err)
}

// State writes what the engine told.
func (w *Writer) State(s State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.appendLine(w.intervals, line{State: &s})
}

// Interval writes what ended in an interval, and the journal up to it.
func (w *Writer) Interval(i *hist.Interval) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := line{Start: i.Start.Seconds(), End: i.End.Seconds(), Ops: map[string]*hist.Counts{}}
	for _, o := range i.Ops {
		l.Ops[o.Name] = &o.Counts
		for s := range hist.NumSeries {
			if o.Series[s].Count() > 0 {
				w.log(o.Name, s, i, o.Series[s])
			}
		}
	}
	w.appendLine(w.intervals, l)
	w.fail(w.journal.Flush())
}

// log appends a histogram to its file, which comes into being with it.
func (w *Writer) log(op string, s hist.Series, i *hist.Interval, h *hist.Histogram) {
	name := op + "." + s.String() + ".hlog"
	l := w.logs[name]
	if l == nil {
		f := w.create(filepath.Join(histFolder, name))
		if f == nil {
			return
		}
		var err error
		if l, err = hist.NewLogWriter(f, w.began, s.String()+" of "+op+", ns"); err != nil {
			w.fail(err)
			return
		}
		w.logs[name] = l
	}
	w.fail(l.Write(i.Start, i.End, h))
}

// Receipt writes what became of a call that changes data.
func (w *Writer) Receipt(r workloads.Receipt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := fmt.Fprintf(w.journal, "%d %s %s\n", r.Seq, r.Op, r.Outcome)
	w.fail(err)
}

// Event writes something that happened.
func (w *Writer) Event(kind, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.appendLine(w.events, Event{time.Now().UTC(), kind, text})
}

// Flush writes what is still in memory, so that the directory can be read.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail(w.journal.Flush())
	return w.err
}

// Finish writes how the run ended and closes the files.
func (w *Writer) Finish(end any) error {
	err := w.Flush()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.files {
		err = errors.Join(err, f.Sync())
	}
	if err = errors.Join(err, w.close()); err != nil {
		return err
	}
	return WriteJSON(filepath.Join(w.dir, endFile), end)
}

// Abort closes the files of a run that never began.
func (w *Writer) Abort() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.close() // there is nothing of value in them
}

func (w *Writer) close() error {
	var errs []error
	for _, f := range w.files {
		errs = append(errs, f.Close())
	}
	w.files = nil
	return errors.Join(errs...)
}

// WriteJSON writes a file so that a reader finds either all of it or what was
// there before.
func WriteJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return WriteFile(path, append(text, '\n'))
}

// WriteFile writes a file in the way of WriteJSON.
func WriteFile(path string, text []byte) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".leap-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(temp.Name()))
		}
	}()
	_, err = temp.Write(text)
	if err == nil {
		err = temp.Chmod(0o640)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
