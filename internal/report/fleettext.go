package report

import (
	"fmt"
	"io"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"leap/internal/fault"
)

// FleetText writes the summary of a plan's run for a person at a terminal: a
// line for each tenant, what is wrong with those that are not well, and the
// verdict as the last line.
func FleetText(w io.Writer, f *Fleet, opts Options) error {
	p := printer{opts: opts}
	took := ""
	if !f.Finished.IsZero() {
		took = ", took " + seconds(f.Finished.Sub(f.Started).Seconds())
	}
	p.line("%s (leap %s), started %s%s", f.Command, f.Version, inUTC(f.Started).Format("2006-01-02 15:04:05 MST"), took)
	p.line("plan: %s", f.Plan.File)
	p.moves(f.Tenants)
	standIn := false
	for _, m := range f.Tenants {
		p.trouble(m)
		standIn = standIn || m.Target.StandIn
	}
	p.line("")
	for _, id := range f.Plan.Unused {
		p.line("warning: the plan accepts %s, but nothing of that name gets lost: take it out, or mend its spelling", id)
	}
	line := fmt.Sprintf("verdict: %s: %s", f.Verdict, f.summary())
	if standIn {
		line += "; PostgreSQL stood in for CockroachDB: not a proof for CockroachDB"
	}
	p.out.WriteString(p.paint(f.Verdict, printable(line)))
	p.out.WriteByte('\n')
	if _, err := w.Write(p.out.Bytes()); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

func (f *Fleet) summary() string {
	passed, rows := 0, int64(0)
	for _, m := range f.Tenants {
		if m.Verdict != Pass {
			continue
		}
		passed++
		for _, t := range m.Tables {
			if t.SourceRows != nil {
				rows += *t.SourceRows
			}
		}
	}
	if passed == len(f.Tenants) {
		return fmt.Sprintf("all %d tenants are proven equal (%s rows)", passed, thousands(rows))
	}
	return fmt.Sprintf("%d of %d tenants are proven equal", passed, len(f.Tenants))
}

// moves writes one line for each tenant.
func (p *printer) moves(moves []Move) {
	tw := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.Options{SeparateHeader: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Box.MiddleSeparator, style.Box.MiddleHorizontal = "-", "-"
	style.Format.Header = text.FormatDefault
	tw.SetStyle(style)
	tw.SuppressTrailingSpaces()
	var configs []table.ColumnConfig
	for _, number := range []int{3, 4, 5, 6} {
		configs = append(configs, table.ColumnConfig{Number: number, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	tw.SetColumnConfigs(configs)
	tw.AppendHeader(table.Row{"tenant", "target", "tables", "rows", "time", "exit", "verdict"})
	for _, m := range moves {
		spent := "-"
		if m.DurationSeconds != nil {
			spent = seconds(*m.DurationSeconds)
		}
		tw.AppendRow(table.Row{
			printable(m.Name), printable(hideSecrets(m.Target.URL)), strconv.Itoa(len(m.Planned)), m.rows(), spent, m.ExitCode,
			p.paint(m.Verdict, string(m.Verdict)),
		})
	}
	p.line("")
	p.out.WriteString(tw.Render())
	p.out.WriteByte('\n')
}

// rows is what was compared, or else what was copied.
func (m Move) rows() string {
	sum, known := int64(0), false
	for _, t := range m.Tables {
		n := t.SourceRows
		if n == nil {
			n = t.CommittedRows
		}
		if n != nil {
			sum, known = sum+*n, true
		}
	}
	if !known {
		return "-"
	}
	return thousands(sum)
}

// trouble tells why a tenant is not well.
func (p *printer) trouble(m Move) {
	if m.ExitCode == 0 {
		return
	}
	p.line("")
	p.line("tenant %s ends with %d (%s)", m.Name, m.ExitCode, className(fault.Class(m.ExitCode)))
	for _, why := range m.Reasons[:min(len(m.Reasons), maxReasons)] {
		p.line("- %s", why)
	}
	if more := len(m.Reasons) - maxReasons; more > 0 {
		p.line("- and %d more reasons", more)
	}
	if m.Error != nil && m.Error.Hint != "" {
		p.line("hint: %s", m.Error.Hint)
	}
	p.findings(m.Tenant)
}

func className(c fault.Class) string {
	switch c {
	case fault.Usage:
		return "wrong plan"
	case fault.Refused:
		return "refused, or data differ"
	case fault.Inconclusive:
		return classInconclusive
	case fault.Failed:
	}
	return "failed"
}
