package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// SelfTestSchema is the name and version of the self-test's JSON form,
// described by docs/reference/migrate-selftest.schema.json.
const SelfTestSchema = "leap.migrate.selftest/v1"

// SelfTest says which damage was planted in a copy of a sample, and whether
// the verification found it.
type SelfTest struct {
	Schema string `json:"schema"` // filled by EncodeSelfTest
	// Verdict and Reasons are filled by Settle: pass only when something was
	// planted, all of it was found, and nothing else was reported.
	Verdict  Verdict   `json:"verdict"`
	Reasons  []string  `json:"reasons"`
	Version  string    `json:"version"`
	Command  string    `json:"command"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Seed     uint64    `json:"seed"`
	Source   Source    `json:"source"`
	Target   Target    `json:"target"`
	// Tables are those that were sampled; Skipped the others, with the reason.
	Tables  []SelfTestTable `json:"tables"`
	Skipped []Gap           `json:"skipped"`
	// Kinds are the kinds of damage, those included that could not be planted.
	Kinds []SelfTestKind `json:"kinds"`
	// Missed tells what was planted and not named; Alarms what was reported
	// though nobody planted it.
	Missed []string `json:"missed"`
	Alarms []string `json:"alarms"`
	Error  *Failure `json:"error"`
}

// SelfTestTable is one sampled table.
type SelfTestTable struct {
	Name string `json:"name"`
	// Method is how the verification matched its rows.
	Method  string `json:"method"`
	Rows    int64  `json:"rows"`
	Planted int64  `json:"planted"`
	Found   int64  `json:"found"`
}

// SelfTestKind is one kind of damage.
type SelfTestKind struct {
	Kind    string `json:"kind"`
	Planted int64  `json:"planted"`
	Found   int64  `json:"found"`
	// Columns are where it was planted, as table.column; the table's name for whole rows.
	Columns []string `json:"columns"`
	// Why says what was missing when it was planted nowhere.
	Why string `json:"why,omitempty"`
}

// Skip notes a table that was not sampled.
func (s *SelfTest) Skip(table, why string) { s.Skipped = append(s.Skipped, Gap{What: table, Why: why}) }

// Miss notes a damage that was not found.
func (s *SelfTest) Miss(what string) { s.Missed = append(s.Missed, what) }

// Alarm notes a finding without a damage.
func (s *SelfTest) Alarm(what string) { s.Alarms = append(s.Alarms, what) }

// Find notes that a damage was found.
func (s *SelfTest) Find(kind string) { s.kind(kind).Found++ }

// Plant notes a damage of some columns of a table, or of whole rows.
func (s *SelfTest) Plant(kind, table string, columns []string) {
	k := s.kind(kind)
	k.Planted++
	places := []string{table}
	if len(columns) > 0 {
		places = nil
		for _, c := range columns {
			places = append(places, table+"."+c)
		}
	}
	for _, p := range places {
		if !slices.Contains(k.Columns, p) {
			k.Columns = append(k.Columns, p)
		}
	}
}

// Absent notes that a table could not take a kind of damage; it is shown only
// where no other table could.
func (s *SelfTest) Absent(kind, why string) { s.kind(kind).Why = why }

func (s *SelfTest) kind(name string) *SelfTestKind {
	for i := range s.Kinds {
		if s.Kinds[i].Kind == name {
			return &s.Kinds[i]
		}
	}
	s.Kinds = append(s.Kinds, SelfTestKind{Kind: name})
	return &s.Kinds[len(s.Kinds)-1]
}

// totals counts over all kinds.
func (s *SelfTest) totals() (planted, found int64) {
	for _, k := range s.Kinds {
		planted, found = planted+k.Planted, found+k.Found
	}
	return planted, found
}

// Settle fills Verdict and Reasons.
func (s *SelfTest) Settle() {
	j := judgement{verdict: Pass}
	if s.Error != nil {
		v := Fail
		if s.Error.Class == classInconclusive {
			v = Inconclusive
		}
		j.lower(v, "the test ended early: "+s.Error.Message)
	}
	planted, found := s.totals()
	if planted != found {
		j.lower(Fail, fmt.Sprintf("%s of %s damages were not found", thousands(planted-found), thousands(planted)))
	}
	for _, m := range s.Missed {
		j.lower(Fail, "not found: "+m)
	}
	for _, a := range s.Alarms {
		j.lower(Fail, "false alarm: "+a)
	}
	if planted == 0 && s.Error == nil {
		j.lower(Inconclusive, "nothing was planted")
	}
	s.Verdict, s.Reasons = j.verdict, j.reasons
}

// forWriting returns a copy in the form that the JSON schema describes.
func (s *SelfTest) forWriting() *SelfTest {
	c := *s
	c.Schema = SelfTestSchema
	c.Started, c.Finished = inUTC(c.Started), inUTC(c.Finished)
	c.Source.URL, c.Target.URL = hideSecrets(c.Source.URL), hideSecrets(c.Target.URL)
	c.Reasons, c.Missed, c.Alarms = hideAll(c.Reasons), hideAll(c.Missed), hideAll(c.Alarms)
	c.Tables, c.Skipped, c.Kinds = list(c.Tables), list(c.Skipped), list(c.Kinds)
	for i := range c.Kinds {
		c.Kinds[i].Columns = list(c.Kinds[i].Columns)
		if c.Kinds[i].Planted > 0 {
			c.Kinds[i].Why = ""
		}
	}
	if c.Error != nil {
		f := *c.Error
		f.Message, f.Hint = hideSecrets(f.Message), hideSecrets(f.Hint)
		c.Error = &f
	}
	return &c
}

// EncodeSelfTest writes the self-test as indented JSON.
func EncodeSelfTest(w io.Writer, s *SelfTest) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s.forWriting()); err != nil {
		return fmt.Errorf("encode self-test: %w", err)
	}
	return nil
}

// WriteSelfTestFile writes the self-test as WriteFile writes a report.
func WriteSelfTestFile(path string, s *SelfTest) error {
	return writeWhole(path, func(w io.Writer) error { return EncodeSelfTest(w, s) })
}

// SelfTestText writes the self-test for a person. The last line is the verdict.
func SelfTestText(w io.Writer, s *SelfTest, opts Options) error {
	s = s.forWriting()
	p := printer{opts: opts}
	p.line("%s (leap %s), started %s, took %s", s.Command, s.Version, s.Started.Format("2006-01-02 15:04:05 MST"),
		seconds(s.Finished.Sub(s.Started).Seconds()))
	p.line("source: %s%s", s.Source.URL, inBrackets(product(s.Source.Product, s.Source.Version)))
	p.line("target: %s%s", s.Target.URL, inBrackets(product(s.Target.Product, s.Target.Version)))
	p.selfTestKinds(s.Kinds)
	p.selfTestTables(s)
	for _, m := range s.Missed[:min(len(s.Missed), maxFindings)] {
		p.narrow("NOT FOUND: %s", m)
	}
	for _, a := range s.Alarms[:min(len(s.Alarms), maxFindings)] {
		p.narrow("FALSE ALARM: %s", a)
	}
	p.line("")
	for _, why := range s.Reasons[:min(len(s.Reasons), maxReasons)] {
		p.line("- %s", why)
	}
	planted, found := s.totals()
	line := fmt.Sprintf("verdict: %s: %s damages planted, %s found, %d false alarms",
		s.Verdict, thousands(planted), thousands(found), len(s.Alarms))
	if s.Target.StandIn {
		line += "; target: " + product(s.Target.Product, s.Target.Version) + ", standing in for CockroachDB"
	}
	p.out.WriteString(p.paint(s.Verdict, printable(line)) + "\n")
	if _, err := w.Write(p.out.Bytes()); err != nil {
		return fmt.Errorf("print self-test: %w", err)
	}
	return nil
}

func plainTable(numbers ...int) table.Writer {
	tw := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.Options{SeparateHeader: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Box.MiddleSeparator, style.Box.MiddleHorizontal = "-", "-"
	style.Format.Header = text.FormatDefault
	tw.SetStyle(style)
	tw.SuppressTrailingSpaces()
	var configs []table.ColumnConfig
	for _, n := range numbers {
		configs = append(configs, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	tw.SetColumnConfigs(configs)
	return tw
}

func (p *printer) selfTestKinds(kinds []SelfTestKind) {
	tw := plainTable(2, 3)
	tw.AppendHeader(table.Row{"damage", "planted", "found", "where"})
	for _, k := range kinds {
		where := fmt.Sprintf("%d columns", len(k.Columns))
		switch len(k.Columns) {
		case 0:
			where = "not planted: " + k.Why
		case 1:
			where = k.Columns[0]
		}
		tw.AppendRow(table.Row{k.Kind, thousands(k.Planted), thousands(k.Found), printable(where)})
	}
	p.line("")
	p.out.WriteString(tw.Render() + "\n")
}

func (p *printer) selfTestTables(s *SelfTest) {
	tw := plainTable(2, 3, 4)
	tw.AppendHeader(table.Row{"table", "rows", "planted", "found", "compared by"})
	for _, t := range s.Tables {
		tw.AppendRow(table.Row{p.name(t.Name), thousands(t.Rows), thousands(t.Planted), thousands(t.Found), t.Method})
	}
	p.line("")
	if len(s.Tables) > 0 {
		p.out.WriteString(tw.Render() + "\n")
	}
	for _, g := range s.Skipped {
		p.narrow("not sampled: %s: %s", g.What, g.Why)
	}
}
