package record

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leap/internal/fault"
	"leap/internal/hist"
	"leap/workloads"
)

// written is a run of three seconds with 30 payments, of which 3 failed.
func written(t *testing.T, finish bool) string { //nolint:revive // tests read better with it
	t.Helper()
	dir := filepath.Join(t.TempDir(), "runs", "one")
	w, err := Create(dir, map[string]int{"seed": 1}, map[string]string{"server": "x"})
	if err != nil {
		t.Fatal(err)
	}
	c := hist.NewCollector(hist.Options{Ops: []string{"pay", "look"}})
	r := c.Recorder()
	for n := range 30 {
		due := time.Duration(n) * 100 * time.Millisecond
		s := hist.Sample{Attempts: 1, Due: due, Start: due, End: due + time.Duration(n+1)*time.Millisecond}
		outcome := workloads.Committed
		if n%10 == 5 {
			s.Outcome, s.Code, outcome = hist.Errored, "57P01", workloads.RolledBack
		}
		r.Record(s)
		w.Receipt(workloads.Receipt{Seq: uint64(n), Op: "pay", Outcome: outcome})
	}
	for _, i := range c.Finish(3 * time.Second) {
		w.Interval(i)
		w.State(State{From: i.Start.Seconds(), To: i.End.Seconds(), Due: 10, Done: 10})
	}
	w.Event("step", "hello")
	if !finish {
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		w.Abort()
		return dir
	}
	if err := w.Finish(map[string]bool{"done": true}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRead(t *testing.T) {
	r, err := Read(written(t, true))
	if err != nil {
		t.Fatal(err)
	}
	pay := r.Ops[1]
	if r.Ops[0].Name != "look" || pay.Name != "pay" || pay.Counts.Done != 27 || pay.Counts.Errored != 3 || pay.Counts.Codes["57P01"] != 3 {
		t.Errorf("counts %+v", pay.Counts)
	}
	if got := pay.Series[hist.Response].Percentile(100).Round(time.Millisecond); got != 30*time.Millisecond {
		t.Errorf("max %v", got)
	}
	if got := pay.Series[hist.Failed].Count(); got != 3 {
		t.Errorf("%d failed", got)
	}
	if len(r.Intervals) != 3 || r.Intervals[1].Ops[1].Series[hist.Response].Count() != 9 || len(r.States) != 3 || len(r.Events) != 1 || len(r.Torn) != 0 {
		t.Errorf("%d intervals, %d states, %d events, torn %v", len(r.Intervals), len(r.States), len(r.Events), r.Torn)
	}
	var n, committed int
	for receipt, err := range Journal(r.Dir) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if receipt.Outcome == workloads.Committed {
			committed++
		}
	}
	if n != 30 || committed != 27 {
		t.Errorf("%d receipts, %d committed", n, committed)
	}
}

// TestReadAfterACrash: no end, and lines that are not whole.
func TestReadAfterACrash(t *testing.T) {
	dir := written(t, false)
	for _, name := range []string{intervalsFile, journalFile, "hist/pay.response.hlog"} {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"st`); err != nil || f.Close() != nil {
			t.Fatal(err)
		}
	}
	r, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{intervalsFile, "hist/pay.response.hlog"}, r.Torn); diff != "" || r.End != nil || len(r.Intervals) != 3 {
		t.Errorf("torn %s, end %s, %d intervals", diff, r.End, len(r.Intervals))
	}
}

// TestReadAHistogramAhead: a crash may come between a histogram and the line of
// its interval. Then neither is counted.
func TestReadAHistogramAhead(t *testing.T) {
	dir := written(t, false)
	name := filepath.Join(dir, intervalsFile)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	if err = os.WriteFile(name, []byte(strings.Join(lines[:len(lines)-2], "")), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	pay := r.Ops[1]
	if n := pay.Series[hist.Response].Count(); len(r.Intervals) != 2 || n != pay.Counts.Answered() || n != 18 || len(r.Torn) == 0 {
		t.Errorf("%d intervals, %d response times of %d, torn %v", len(r.Intervals), n, pay.Counts.Answered(), r.Torn)
	}
}

func TestReadRefuses(t *testing.T) {
	_, err := Read(t.TempDir())
	if err == nil || fault.ClassOf(err) != fault.Usage {
		t.Errorf("an empty directory: %v", err)
	}
	dir := written(t, true)
	files, err := filepath.Glob(filepath.Join(dir, "hist", "*.hlog"))
	if err != nil || len(files) != int(hist.NumSeries) {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if err := os.Rename(file, file+"x"); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "pay has 0 values of ") {
			t.Errorf("without %s: %v", file, err)
		}
		if err := os.Rename(file+"x", file); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Create(dir, 1, 1); err == nil || fault.ClassOf(err) != fault.Usage {
		t.Errorf("a directory that is there: %v", err)
	}
}
