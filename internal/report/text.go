package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"leap/internal/schema"
)

// What a screen holds; the JSON report has the rest.
const (
	maxFindings = 10 // rows listed for each table
	maxReasons  = 5  // reasons listed below the verdict
	maxValue    = 40 // characters of a cell
	minName     = 12 // characters of a table name, however narrow the terminal
	// numbersWidth is the width of the summary without the table's name: two
	// counts of up to 15 characters, a duration, "inconclusive" and the gaps.
	numbersWidth = 60
)

// Options are the choices of Text.
type Options struct {
	Color bool
	// Width is the number of columns to keep tables and findings within; 0 for no limit.
	Width int
}

// Text writes the summary for a person at a terminal. The last line is the verdict.
func Text(w io.Writer, m *Migration, opts Options) error {
	m = m.forWriting() // secrets are hidden in there
	p := printer{opts: opts}
	p.head(m)
	for _, t := range m.Tenants {
		p.tables(t)
		p.comparison(t)
		p.findings(t)
		p.proofs(t)
	}
	p.ledger(m.Ledger)
	p.assessment(m.Assessment)
	p.verdict(m)
	if _, err := w.Write(p.out.Bytes()); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

type printer struct {
	out  bytes.Buffer
	opts Options
}

// line writes one line; no line of a report may carry control characters of a
// table's name or value to the terminal, so it is here that they end.
func (p *printer) line(format string, args ...any) {
	p.out.WriteString(printable(fmt.Sprintf(format, args...)))
	p.out.WriteByte('\n')
}

// narrow writes one line and cuts it at the width.
func (p *printer) narrow(format string, args ...any) {
	p.out.WriteString(p.cut(printable(fmt.Sprintf(format, args...)), p.opts.Width))
	p.out.WriteByte('\n')
}

func (*printer) cut(s string, width int) string {
	if width <= 0 {
		return s
	}
	return text.Snip(s, width, "…")
}

// SGR colours. go-pretty's own would follow the environment instead of Options.
const (
	green  = "\x1b[32m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

func (p *printer) paint(v Verdict, s string) string {
	if !p.opts.Color {
		return s
	}
	color := yellow
	switch v {
	case Pass:
		color = green
	case Fail:
		color = red
	case Inconclusive:
	}
	return color + s + reset
}

func (p *printer) head(m *Migration) {
	took := ""
	if !m.Finished.IsZero() {
		took = ", took " + seconds(m.Finished.Sub(m.Started).Seconds())
	}
	p.line("%s (leap %s), started %s%s", m.Command, cmp.Or(m.Version, "unknown"),
		inUTC(m.Started).Format("2006-01-02 15:04:05 MST"), took)
	p.line("source: %s%s", m.Source.URL, inBrackets(product(m.Source.Product, m.Source.Version)))
	p.line("target: %s%s", m.Target.URL, inBrackets(product(m.Target.Product, m.Target.Version)))
	p.snapshot(m)
}

func (p *printer) snapshot(m *Migration) {
	if m.Snapshot == nil {
		return
	}
	view := "one consistent view"
	if !m.Snapshot.Consistent {
		view = "NOT one consistent view"
	}
	p.line("snapshot: %s, %s%s%s", m.Snapshot.Mode, view, at(m.Source.Position), inBrackets(m.Snapshot.Note))
	if n := len(m.Source.Positions); n > 1 {
		p.line("          chunks were read at %d positions", n)
	}
}

func at(pos *Position) string {
	if pos == nil {
		return ""
	}
	where := pos.File
	if pos.Offset != nil {
		where += ":" + strconv.FormatInt(*pos.Offset, 10)
	}
	if pos.GTID != "" {
		where = strings.TrimSpace(where + " gtid " + pos.GTID)
	}
	return ", at " + where
}

// tables writes one line for each table, planned ones without a result included.
func (p *printer) tables(t Tenant) {
	tw := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.Options{SeparateHeader: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Box.MiddleSeparator, style.Box.MiddleHorizontal = "-", "-"
	style.Format.Header = text.FormatDefault
	tw.SetStyle(style)
	tw.SuppressTrailingSpaces()
	tw.SetColumnConfigs([]table.ColumnConfig{
		{Number: 2, Align: text.AlignRight, AlignHeader: text.AlignRight},
		{Number: 3, Align: text.AlignRight, AlignHeader: text.AlignRight},
		{Number: 4, Align: text.AlignRight, AlignHeader: text.AlignRight},
	})
	tw.AppendHeader(table.Row{"table", "source rows", "target rows", "time", "verdict"})
	missing := make(map[string]bool, len(t.Planned))
	for _, name := range t.Planned {
		missing[name] = true
	}
	for _, r := range t.Tables {
		delete(missing, r.Name)
		v, _ := judgeTable(r)
		tw.AppendRow(table.Row{
			p.name(r.Name), count(r.SourceRows), count(r.TargetRows),
			spent(r.CopySeconds, r.VerifySeconds), p.paint(v, string(v)),
		})
	}
	for _, name := range t.Planned {
		if missing[name] {
			tw.AppendRow(table.Row{p.name(name), "-", "-", "-", p.paint(Inconclusive, "no result")})
			delete(missing, name)
		}
	}
	p.line("")
	p.line("tenant %s", t.Name)
	if len(t.Tables)+len(t.Planned) == 0 {
		p.line("no tables")
		return
	}
	p.out.WriteString(tw.Render())
	p.out.WriteByte('\n')
}

func (p *printer) name(s string) string {
	s = printable(s)
	if p.opts.Width <= 0 {
		return s
	}
	return p.cut(s, max(minName, p.opts.Width-numbersWidth))
}

func (p *printer) findings(t Tenant) {
	for _, r := range t.Tables {
		total := int64(len(r.Findings))
		if r.FindingsTotal != nil {
			total = max(total, *r.FindingsTotal)
		}
		p.schema(r)
		if total == 0 {
			continue
		}
		p.line("")
		p.line("%s: %s differing rows", r.Name, thousands(total))
		listed := r.Findings[:min(len(r.Findings), maxFindings)]
		for _, f := range listed {
			p.narrow("  %-8s %s%s", f.Kind, f.Key, diffs(f.Columns))
		}
		if more := total - int64(len(listed)); more > 0 {
			p.line("  and %s more", thousands(more))
		}
	}
}

// schema writes what is not as promised and what to do about it.
func (p *printer) schema(r Table) {
	told := map[string]bool{}
	for _, d := range r.Schema {
		told[d.String()] = true
		note := ""
		if d.Harmless {
			note = " (harmless)"
		}
		p.narrow("%s: %s%s", r.Name, d, note)
		p.narrow("    what to do: %s", d.Advice)
	}
	for _, d := range r.Drift {
		if !told[d] {
			p.narrow("%s: %s", r.Name, d)
		}
	}
}

func diffs(columns []ColumnDiff) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = c.Name
		if !c.Source.IsZero() || !c.Target.IsZero() {
			parts[i] += " " + short(c.Source) + " -> " + short(c.Target)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

func short(v Value) string { return text.Snip(v.String(), maxValue, "…") }

func (p *printer) ledger(changes []Change) {
	if len(changes) == 0 {
		return
	}
	p.line("")
	p.line("values changed by policy")
	for _, c := range changes {
		examples := make([]string, min(len(c.Examples), 3))
		for i := range examples {
			examples[i] = c.Examples[i].String()
		}
		eg := ""
		if len(examples) > 0 {
			eg = ", such as " + strings.Join(examples, "; ")
		}
		p.narrow("  %s.%s: %s -> %s: %s values%s", c.Table, c.Column, c.Policy, c.Action, thousands(c.Count), eg)
	}
}

func (p *printer) assessment(findings []schema.Finding) {
	var lines []string
	for _, f := range findings {
		if f.Severity != schema.Info {
			lines = append(lines, fmt.Sprintf("  %s: %s: %s", f.Severity, f.Object, f.Problem))
		}
	}
	if len(lines) == 0 {
		return
	}
	p.line("")
	p.line("will not arrive as it was")
	for _, l := range lines {
		p.line("%s", l)
	}
}

// verdict writes the reasons and, as the last line, the verdict.
func (p *printer) verdict(m *Migration) {
	v, reasons := m.Judge()
	p.line("")
	for _, why := range reasons[:min(len(reasons), maxReasons)] {
		p.line("- %s", why)
	}
	if more := len(reasons) - maxReasons; more > 0 {
		p.line("- and %d more reasons", more)
	}
	if m.Error != nil && m.Error.Hint != "" {
		p.line("hint: %s", m.Error.Hint)
	}
	line := string(v) + ": " + summary(m, v)
	if m.Target.StandIn {
		line += "; target: " + product(m.Target.Product, m.Target.Version) +
			", standing in for CockroachDB: not a proof for CockroachDB"
	}
	p.out.WriteString(p.paint(v, printable("verdict: "+line)))
	p.out.WriteByte('\n')
}

func summary(m *Migration, v Verdict) string {
	planned, equal, rows := 0, 0, int64(0)
	for _, t := range m.Tenants {
		planned += len(t.Planned)
		for _, r := range t.Tables {
			if tv, _ := judgeTable(r); tv == Pass {
				equal++
				rows += *r.SourceRows
			}
		}
	}
	if v == Pass {
		return fmt.Sprintf("all %d tables are equal (%s rows)", planned, thousands(rows))
	}
	return fmt.Sprintf("%d of %d tables are proven equal", equal, planned)
}

func product(name, version string) string {
	pretty := map[string]string{
		CockroachDB: "CockroachDB", PostgreSQL: "PostgreSQL", "mariadb": "MariaDB", "mysql": "MySQL",
	}
	return strings.TrimSpace(cmp.Or(pretty[name], name) + " " + version)
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// spent adds up what was measured; "-" for nothing.
func spent(parts ...*float64) string {
	sum, measured := 0.0, false
	for _, s := range parts {
		if s != nil {
			sum, measured = sum+*s, true
		}
	}
	if !measured {
		return "-"
	}
	return seconds(sum)
}

// seconds writes a duration as exactly as a person wants it: 0.04s, 12.3s, 3m20s.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Second:
		d = d.Round(10 * time.Millisecond)
	case d < time.Minute:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(time.Second)
	}
	return d.String()
}

func count(n *int64) string {
	if n == nil {
		return "-"
	}
	return thousands(*n)
}

// thousands writes n with commas between groups of three digits.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// printable shows control characters and invalid bytes in their escaped form.
func printable(s string) string {
	clean := func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }
	if strings.IndexFunc(s, clean) < 0 {
		return s
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
