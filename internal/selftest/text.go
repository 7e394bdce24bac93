package selftest

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, c := range r.Cases {
		c.text(&b)
	}
	fmt.Fprintf(&b, "%s\n", r.conclusion())
	_, err := io.WriteString(w, b.String())
	return err
}

// text writes one case.
func (c Case) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %s\n  %s, %d connections, %d operations\n", c.Name, c.Says, asked(c.Rate), c.Connections, c.Count)
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row{"", "reported", "from due times", "server's log", "naive tool"})
	for _, row := range c.Rows {
		t.AppendRow(table.Row{percentile(row.Percentile), show(row.Reported), show(row.Model), show(row.Logged), show(row.Naive)})
	}
	var right []table.ColumnConfig
	for column := 2; column <= 5; column++ {
		right = append(right, table.ColumnConfig{Number: column, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	for line := range strings.SplitSeq(t.Render(), "\n") {
		fmt.Fprintf(b, "  %s\n", strings.TrimRight(line, " "))
	}
	if c.NaiveUnsent > 0 {
		fmt.Fprintf(b, "  the naive tool would not have sent %d operations that were due, and not have said so\n", c.NaiveUnsent)
	}
	fmt.Fprintf(b, "  own lateness: p50 %s, p99 %s, at most %s\n", show(c.Lag.P50), show(c.Lag.P99), show(c.Lag.Max))
	fmt.Fprintf(b, "  %s\n", c.Verdict)
	for _, why := range c.Why {
		fmt.Fprintf(b, "    %s\n", why)
	}
	b.WriteByte('\n')
}

// conclusion is the last line.
func (r Report) conclusion() string {
	switch r.Verdict {
	case Pass:
		return "pass: what is reported is what the server did, counted from when each request was due"
	case Fail:
		return "fail: the measurement is wrong; do not trust it on this machine"
	case Inconclusive:
	}
	return "inconclusive: what is reported is what the server did, but this machine is too busy to measure a server; free it and try again"
}

// asked says how much is asked for: a rate, or a schedule by its specification.
func asked(rate string) string {
	if strings.Contains(rate, ":") {
		return rate
	}
	return rate + " operations/s"
}

// percentile names p as people do.
func percentile(p float64) string {
	if p == 100 {
		return "max"
	}
	return fmt.Sprintf("p%g", p)
}

// show writes milliseconds with three decimals, whatever the size: the columns
// are there to be compared.
func show(d time.Duration) string {
	return fmt.Sprintf("%.3f ms", float64(d)/float64(time.Millisecond))
}
