package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"leap/internal/fault"
	"leap/internal/hist"
	"leap/workloads"
)

// Run is a run directory that was read.
type Run struct {
	Dir string
	// Config, Environment and End are the files as they are; End is nil when
	// the run did not come to its end.
	Config, Environment, End json.RawMessage
	// Ops are the totals by operation, in the order of their names; Intervals
	// has the same second by second.
	Ops       []*hist.OpStats
	Intervals []*hist.Interval
	States    []State
	Events    []Event
	// Torn names files whose last line is not whole, as a crash leaves them.
	Torn []string
}

// Read reads a run directory.
func Read(dir string) (*Run, error) {
	r := &Run{Dir: dir}
	for name, to := range map[string]*json.RawMessage{configFile: &r.Config, environmentFile: &r.Environment, endFile: &r.End} {
		text, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // in the directory that the user named
		if err != nil {
			if name == endFile && errors.Is(err, os.ErrNotExist) {
				continue
			}
			return nil, fault.Wrap(fault.Usage, "give a directory that loadgen run has written", fmt.Errorf("read the run %s: %w", dir, err))
		}
		if !json.Valid(text) {
			return nil, fmt.Errorf("read the run %s: %s is not JSON", dir, name)
		}
		*to = text
	}
	if err := r.readIntervals(); err != nil {
		return nil, fmt.Errorf("read the run %s: %w", dir, err)
	}
	if err := r.readHistograms(); err != nil {
		return nil, fmt.Errorf("read the run %s: %w", dir, err)
	}
	return r, r.check()
}

// lines calls each for every whole line of a JSON lines file.
func (r *Run) lines(name string, each func([]byte) error) error {
	text, err := os.ReadFile(filepath.Join(r.Dir, name)) //nolint:gosec // a run directory
	if err != nil {
		return err
	}
	for l := range bytes.Lines(text) {
		if !bytes.HasSuffix(l, []byte("\n")) {
			r.Torn = append(r.Torn, name)
			break
		}
		if err := each(l); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (r *Run) readIntervals() error {
	index := map[string]int{}
	err := r.lines(intervalsFile, func(text []byte) error {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		if l.State != nil {
			r.States = append(r.States, *l.State)
			return nil
		}
		i := &hist.Interval{Start: duration(l.Start), End: duration(l.End)}
		for _, name := range sortedKeys(l.Ops) {
			if _, ok := index[name]; !ok {
				index[name] = len(r.Ops)
				r.Ops = append(r.Ops, hist.NewOpStats(name))
			}
			o := hist.NewOpStats(name)
			o.Counts = *l.Ops[name]
			i.Ops = append(i.Ops, o)
			r.Ops[index[name]].Counts.Add(&o.Counts)
		}
		r.Intervals = append(r.Intervals, i)
		return nil
	})
	if err != nil {
		return err
	}
	return r.lines(eventsFile, func(text []byte) error {
		var e Event
		err := json.Unmarshal(text, &e)
		r.Events = append(r.Events, e)
		return err
	})
}

func sortedKeys(m map[string]*hist.Counts) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func duration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(time.Microsecond)
}

// readHistograms puts the .hlog files into the totals and the intervals.
func (r *Run) readHistograms() error {
	at := map[time.Duration]*hist.Interval{}
	for _, i := range r.Intervals {
		at[i.Start] = i
	}
	for _, o := range r.Ops {
		for s := range hist.NumSeries {
			name := filepath.Join(histFolder, o.Name+"."+s.String()+".hlog")
			entries, err := r.readLog(name)
			if err != nil {
				return err
			}
			for _, e := range entries {
				i := at[e.Start]
				if i == nil && r.End == nil {
					// A crash between the histogram and its line: the counts
					// do not know of it.
					r.Torn = append(r.Torn, name)
					continue
				}
				o.Series[s].Merge(e.Histogram)
				if i != nil {
					n := slices.IndexFunc(i.Ops, func(x *hist.OpStats) bool { return x.Name == o.Name })
					if n >= 0 {
						i.Ops[n].Series[s].Merge(e.Histogram)
					}
				}
			}
		}
	}
	return nil
}

func (r *Run) readLog(name string) ([]hist.LogEntry, error) {
	f, err := os.Open(filepath.Join(r.Dir, name)) //nolint:gosec // a run directory
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // nothing of that kind happened
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	entries, err := hist.ReadLog(f)
	if errors.Is(err, hist.ErrTorn) {
		r.Torn = append(r.Torn, name)
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return entries, nil
}

// check compares the counts with the histograms: two accounts of one run. A
// crash may leave the last second in one of them only.
func (r *Run) check() error {
	if r.End == nil {
		return nil
	}
	for _, o := range r.Ops {
		answered := o.Counts.Answered()
		failed := o.Counts.Failed() - o.Counts.Shed // what was shed never began
		others := map[hist.Series]int64{hist.Failed: failed, hist.ScheduleLag: answered + failed}
		for s := range hist.NumSeries {
			want, ok := others[s]
			if !ok {
				want = answered
			}
			if have := o.Series[s].Count(); have != want {
				return fault.New(fault.Failed, "the files of the run were changed, or some are missing",
					"%s: %s has %d values of %s, and %d operations that have one", r.Dir, o.Name, have, s, want)
			}
		}
	}
	return nil
}

// Journal reads the journal, from the first line each time it is ranged over.
func Journal(dir string) workloads.Journal {
	return func(yield func(workloads.Receipt, error) bool) {
		f, err := os.Open(filepath.Join(dir, journalFile)) //nolint:gosec // a run directory
		if err != nil {
			yield(workloads.Receipt{}, err)
			return
		}
		defer func() { _ = f.Close() }() // only read
		in := bufio.NewReader(f)
		for {
			text, err := in.ReadString('\n')
			if errors.Is(err, io.EOF) {
				return // a line that is not whole was never acknowledged to anybody
			}
			var r workloads.Receipt
			if err == nil {
				r, err = parseReceipt(strings.TrimSuffix(text, "\n"))
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

func parseReceipt(text string) (workloads.Receipt, error) {
	var r workloads.Receipt
	var outcome string
	if _, err := fmt.Sscanf(text, "%d %s %s", &r.Seq, &r.Op, &outcome); err != nil {
		return r, fmt.Errorf("journal: %q: %w", text, err)
	}
	for _, o := range []workloads.Outcome{workloads.Unknown, workloads.Committed, workloads.Refused, workloads.RolledBack} {
		if o.String() == outcome {
			r.Outcome = o
			return r, nil
		}
	}
	return r, fmt.Errorf("journal: there is no outcome %q", outcome)
}
