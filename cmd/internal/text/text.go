// Package text writes what loadgen found out for people: the summary of a run,
// which migrate's demonstration prints as well, and tables.
package text

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	align "github.com/jedib0t/go-pretty/v6/text"

	"leap/internal/loadgen"
	"leap/internal/record"
)

// Table returns a table whose columns from the given one on are numbers.
func Table(columns, numbersFrom int, header ...any) table.Writer {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format = table.FormatOptions{} // as written
	w.AppendHeader(header)
	var configs []table.ColumnConfig
	for n := numbersFrom; n <= columns; n++ {
		configs = append(configs, table.ColumnConfig{Number: n, Align: align.AlignRight, AlignHeader: align.AlignRight})
	}
	w.SetColumnConfigs(configs)
	return w
}

// Summary is the summary of a run for people.
func Summary(s *loadgen.Summary) string {
	var out strings.Builder
	server := s.Server
	if s.StandIn {
		server += " (stand-in for CockroachDB)"
	}
	rate := s.Rate + "/s"
	if s.Rate == "" {
		rate = "a closed loop"
	}
	fmt.Fprintf(&out, "%s %s  %s  %.0f s\n%s\n%s\n\n", s.Workload, s.Mix, rate, s.Duration, s.Target, server)
	w := Table(10, 2, "operation (ms)", "count", "errors", "retries", "p50", "p90", "p99", "p99.9", "max", "service p99")
	for _, o := range s.Ops {
		w.AppendRow(table.Row{
			o.Name, humanize.Comma(o.Count), humanize.Comma(o.Errors), humanize.Comma(o.Retries),
			Percentile(o.Response.P50), Percentile(o.Response.P90), Percentile(o.Response.P99),
			Percentile(o.Response.P999), Percentile(o.Response.Max), Percentile(o.Service.P99),
		})
	}
	out.WriteString(w.Render() + "\n\n")
	g := Table(4, 3, "gate", "verdict", "measured", "95 % bounds")
	for _, r := range s.Gate {
		g.AppendRow(table.Row{r.Threshold, r.Verdict, r.Value, r.Bounds()})
	}
	out.WriteString(g.Render() + "\n")
	for _, f := range s.Failures {
		if f.Retried {
			fmt.Fprintf(&out, "retried: %s %s %s: %s\n", f.Op, f.State, f.Kind, humanize.Comma(f.Count))
		}
	}
	for _, i := range s.Invariants {
		fmt.Fprintf(&out, "invariant %s: %s (%s checked)\n", i.Name, i.Verdict, humanize.Comma(i.Checked))
	}
	fmt.Fprintf(&out, "\nverdict: %s\n", s.Verdict)
	for _, r := range s.Reasons {
		fmt.Fprintf(&out, "  %s\n", r)
	}
	fmt.Fprintf(&out, "report: %s\n", filepath.Join(s.Dir, record.PageFile))
	return out.String()
}

// Percentile writes one that is known.
func Percentile(v *float64) string {
	if v == nil {
		return "-"
	}
	return Millis(*v)
}

// Millis writes milliseconds with three figures.
func Millis(v float64) string {
	switch {
	case v >= 99.95:
		return humanize.Comma(int64(v + .5))
	case v >= 9.995:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
