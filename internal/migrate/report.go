package migrate

import (
	"fmt"
	"slices"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/copy"
	"leap/internal/report"
	"leap/internal/row"
	"leap/internal/schema"
	"leap/internal/source"
	"leap/internal/target"
	"leap/internal/verify"
)

// fillReport writes down what the run found. It is called once, at the end,
// however the run ended.
func (s *session) fillReport(err error) {
	r := &s.report
	r.Finished = time.Now().UTC()
	r.Error = report.FailureOf(err)
	r.Source = report.Source{URL: s.cfg.Source.String(), Database: s.cfg.Source.Database}
	if s.source != nil {
		r.Source.Product, r.Source.Version = s.source.Info().Product, s.source.Info().Version
	}
	if s.cfg.Target != nil {
		r.Target = report.Target{URL: s.cfg.Target.String(), Database: s.cfg.Target.Database}
	}
	if s.target != nil {
		r.Target.Product, r.Target.Version = s.target.Info().Product, s.target.Info().Version
		r.Target.StandIn = s.target.StandIn()
	}
	s.reportSnapshot()
	if s.planned != nil {
		r.Assessment = s.planned.Findings
		tenant := s.reportTenant()
		tenant.Domicile, tenant.Accepted = s.domicile, s.reportConsent(r.Ledger)
		r.Tenants = []report.Tenant{tenant}
	}
	if s.moment.Method != "" {
		r.Target.Moment = reportMoment(s.moment)
	}
	if s.repaired.Method != "" {
		r.Target.Repaired = reportMoment(s.repaired)
	}
	if s.verified != nil {
		r.Checked = []string{"rows", "columns and their types"}
	}
	s.reportSchema()
	r.Settle()
}

func (s *session) reportSnapshot() {
	p := s.position
	if p == (source.Position{}) {
		return
	}
	s.report.Source.Position = reportPosition(p)
	none := s.cfg.Snapshot == source.NoSnapshot
	s.report.Snapshot = &report.Snapshot{Mode: p.Method, Consistent: !none}
	if none {
		s.report.Snapshot.Note = "asked for with --snapshot=none: rows written during the copy may be half in it"
	}
	positions := map[string]bool{positionText(p): true}
	for _, t := range s.copied {
		for _, at := range t.Positions {
			positions[at] = true
		}
	}
	if len(positions) > 1 {
		s.report.Snapshot.Consistent = false
		s.report.Snapshot.Note = "the copy was interrupted, lost the source, or was shared by processes with views of their own: " +
			"its chunks were read at several positions, which agree only where the verification says so"
	}
}

func reportPosition(p source.Position) *report.Position {
	out := &report.Position{File: p.File, GTID: p.GTID, Method: p.Method, TakenAt: p.TakenAt}
	if p.File != "" {
		offset := int64(p.Offset) //nolint:gosec // a file offset
		out.Offset = &offset
	}
	return out
}

func reportMoment(m target.Moment) *report.Moment {
	return &report.Moment{Method: m.Method, Timestamp: m.Timestamp, TakenAt: m.TakenAt}
}

func (s *session) reportTenant() report.Tenant {
	t := report.Tenant{Name: s.tenantName(), LeftOut: s.leftOut, Proofs: s.proofs}
	for _, m := range s.mappings() {
		if slices.Contains(s.leftOut, m.Name) {
			continue
		}
		t.Planned = append(t.Planned, m.Name)
		entry := report.Table{Name: m.Name, SourceName: m.SourceName}
		for _, c := range s.copied {
			if c.Table == m.SourceName {
				reportCopy(&entry, c)
				s.report.Ledger = append(s.report.Ledger, reportChanges(m, c.Changes)...)
			}
		}
		for _, v := range s.verified {
			if v.Table == m.SourceName {
				reportVerify(&entry, m, v)
				if left, ok := s.left[m.SourceName]; ok && m.Filter != "" {
					entry.FilteredRows = &left.Filtered
				}
				if v.Unchecked != "" {
					s.report.Unchecked = append(s.report.Unchecked, report.Gap{What: "table " + m.Name, Why: v.Unchecked})
				}
			}
		}
		s.reportDifferences(&entry)
		t.Tables = append(t.Tables, entry)
	}
	for _, name := range s.strangers {
		t.Tables = append(t.Tables, report.Table{
			Name: name, Verdict: report.Fail,
			Drift: []string{"only the target has this table: drop it, or verify the right database"},
		})
	}
	return t
}

func reportCopy(t *report.Table, c copy.TableResult) {
	chunks, seconds := int64(c.Chunks), c.Elapsed.Seconds()
	t.CopiedRows, t.CommittedRows, t.Chunks, t.Bytes = &c.Copied, &c.Rows, &chunks, &c.Bytes
	if c.Elapsed > 0 {
		t.CopySeconds = &seconds
	}
}

func reportChanges(m *schema.Mapping, changes []checkpoint.Change) []report.Change {
	var out []report.Change
	for _, c := range changes {
		entry := report.Change{
			Table: m.Name, Column: c.Column, Policy: c.Policy, Action: schema.Action(c.Action), Count: c.Count,
		}
		for _, e := range c.Examples {
			entry.Examples = append(entry.Examples, report.Key{Text: e})
		}
		out = append(out, entry)
	}
	return out
}

func reportVerify(t *report.Table, m *schema.Mapping, v verify.TableResult) {
	seconds := v.Elapsed.Seconds()
	t.VerifySeconds = &seconds
	t.Verdict = verdictOf(v)
	t.Drift, t.Tier, t.TierReason = v.Drift, string(v.Tier), v.Why
	t.Moving, t.Settled, t.Reread, t.ResumedRows, t.RepairError = v.Moving, v.Settled, v.FalseAlarms, v.Resumed, v.RepairFailed
	for _, r := range v.Repairs {
		t.Repairs = append(t.Repairs, report.Repair{Part: r.Part, Put: r.Put, Deleted: r.Deleted, At: r.At})
	}
	if !v.Compared {
		return
	}
	t.SourceRows, t.TargetRows, t.FindingsTotal = &v.Source.Rows, &v.Target.Rows, &v.Total
	t.Digest = &report.Digest{Source: v.Source.String(), Target: v.Target.String(), Method: string(v.Method)}
	for _, f := range v.Findings {
		entry := report.Finding{Key: reportKey(m, f.Key), Kind: report.FindingKind(f.Kind)}
		entry.Moving = f.Moving
		if f.Count > 1 {
			entry.Count = f.Count
		}
		for i, c := range f.Columns {
			diff := report.ColumnDiff{Name: c}
			if f.Values != nil {
				diff.Source, diff.Target = reportValue(f.Values[i].Source), reportValue(f.Values[i].Target)
			}
			entry.Columns = append(entry.Columns, diff)
		}
		t.Findings = append(t.Findings, entry)
	}
}

func reportKey(m *schema.Mapping, key row.Key) report.Key {
	columns := m.KeyColumns()
	if len(columns) != len(key) || len(columns) == 0 {
		return report.Key{Text: key.String()}
	}
	var out report.Key
	for i, c := range columns {
		out.Columns = append(out.Columns, report.KeyColumn{Name: c.Name, Value: key[i]})
	}
	return out
}

// positionText names the moment that rows were read at, for chunk records and
// people. Without a binlog only the time is known.
func positionText(p source.Position) string {
	switch {
	case p.File != "" && p.GTID != "":
		return fmt.Sprintf("%s:%d (gtid %s)", p.File, p.Offset, p.GTID)
	case p.File != "":
		return fmt.Sprintf("%s:%d", p.File, p.Offset)
	case p.GTID != "":
		return "gtid " + p.GTID
	}
	return "time " + p.TakenAt.UTC().Format(time.RFC3339Nano)
}

// verdictOf is the verification's word on a table.
func verdictOf(v verify.TableResult) report.Verdict {
	switch {
	case v.Equal():
		return report.Pass
	case v.Differs() || v.Unchecked == "" && v.Moving == 0:
		return report.Fail
	}
	return report.Inconclusive
}

func reportValue(text *string) report.Value {
	if text == nil {
		return report.NullValue()
	}
	return report.TextValue(*text)
}
