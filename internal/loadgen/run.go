package loadgen

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"leap/internal/bench"
	"leap/internal/hist"
	"leap/internal/judge"
	"leap/internal/page"
	"leap/internal/record"
	"leap/workloads"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Run drives the load, keeps the record in c.Dir, checks the invariants and
// judges. After Ctrl-C the summary is that of an inconclusive run. The summary
// is nil when nothing was run.
func Run(ctx context.Context, c Config) (*Summary, error) {
	s := &session{Config: c}
	defer func() {
		if s.pool != nil {
			s.pool.Close()
		}
	}()
	if err := checkGate(c.Gate, c.Mix); err != nil {
		return nil, err
	}
	server, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	w, err := record.Create(c.Dir, save(c), Environment{Server: server, Client: clientOf(c.Version)})
	if err != nil {
		return nil, err
	}
	s.keeper = &keeping{w: w}
	d, driveErr := s.drive(ctx, func() workloads.Journal {
		_ = w.Flush() // the error is kept for Finish
		return record.Journal(c.Dir)
	})
	end := endOf(d)
	if driveErr != nil {
		end.Error = driveErr.Error()
	}
	if d.late > 0 {
		w.Event("late", fmt.Sprintf("%d samples were recorded a second after their own", d.late))
	}
	if err := w.Finish(end); err != nil || driveErr != nil {
		return nil, errors.Join(driveErr, err)
	}
	return Report(c.Dir)
}

// keeping gives the record what the engine tells.
type keeping struct {
	w     *record.Writer
	began bool
}

// Interval implements keeper.
func (k *keeping) Interval(i bench.Interval, cut []*hist.Interval) {
	if !k.began && i.To != 0 {
		k.w.Began(time.Now().Add(-i.To))
		k.began = true
	}
	for _, c := range cut {
		k.w.Interval(c)
	}
	if i.To > i.From {
		k.w.State(record.State{
			From: i.From.Seconds(), To: i.To.Seconds(), Due: i.Counts.Due, Done: i.Counts.Done, Shed: i.Counts.Shed,
			Queue: i.Queue, InFlight: i.InFlight, CPU: i.CPU,
		})
	}
}

// Receipt implements keeper.
func (k *keeping) Receipt(r workloads.Receipt) { k.w.Receipt(r) }

// Event implements keeper.
func (k *keeping) Event(kind, text string) { k.w.Event(kind, text) }

// checkGate refuses thresholds that could not fail, before anything is run.
func checkGate(gate []string, mix workloads.Mix) error {
	var ops []string
	for _, s := range mix {
		ops = append(ops, s.Op)
	}
	for _, text := range gate {
		if _, err := judge.Parse(text, ops); err != nil {
			return err
		}
	}
	return nil
}

// ForMix leaves out of a workload's own gate what is about operations that a
// mix does not have.
func ForMix(gate []string, mix workloads.Mix) []string {
	var out []string
	for _, text := range gate {
		op, _, ok := strings.Cut(strings.SplitN(text, "<", 2)[0], ".")
		if !ok || mix.Percent(op) > 0 {
			out = append(out, text)
		}
	}
	return out
}

// Report judges a run directory and writes its summary.json and report.html.
func Report(dir string) (*Summary, error) {
	s, p, err := judgeRun([]string{dir}, nil)
	if err != nil {
		return nil, err
	}
	if err := record.WriteJSON(filepath.Join(dir, record.SummaryFile), s); err != nil {
		return nil, err
	}
	var out strings.Builder
	if err := page.Write(&out, p); err != nil {
		return nil, err
	}
	return s, record.WriteFile(filepath.Join(dir, record.PageFile), []byte(out.String()))
}

// Gate judges a run again by the thresholds; none means those of the run. Of a
// run in stripes it takes the directories of all. It writes nothing.
func Gate(dirs, thresholds []string) (*Summary, error) {
	if len(dirs) == 0 {
		return nil, errNoDirectory
	}
	s, _, err := judgeRun(dirs, thresholds)
	return s, err
}

// CheckGate refuses thresholds that could not fail.
func (c Config) CheckGate() error { return checkGate(c.Gate, c.Mix) }
