package migrate

import (
	"fmt"
	"strings"
	"testing"

	"leap/internal/damage"
	"leap/internal/report"
	"leap/internal/row"
	"leap/internal/schema"
	"leap/internal/verify"
)

// spoiled is a small table with damage, and what an honest verification says.
type spoiled struct {
	m      *schema.Mapping
	rows   []row.Row
	bent   damage.Bent
	result verify.TableResult
}

func spoil(t *testing.T) spoiled {
	t.Helper()
	m := &schema.Mapping{Name: "t", SourceName: "t", Key: []int{0}, KeyIndex: "PRIMARY", Columns: []schema.ColumnMapping{
		{Name: "id", Kind: schema.Int, Type: "INT8", NotNull: true}, {Name: "v", Kind: schema.Text, Type: "STRING", NotNull: true},
	}}
	var rows []row.Row
	for i := range 200 {
		rows = append(rows, row.Row{fmt.Append(nil, i*1000), fmt.Appendf(nil, "value %d", i)})
	}
	bent := damage.Bend(damage.Table{Mapping: m, Rows: rows}, damage.Options{Seed: 1})
	result := verify.TableResult{Table: "t", Method: verify.Ranges, Compared: true}
	for _, p := range bent.Planted {
		for _, w := range p.Want {
			// Canonical keys of one number end in its digits.
			digits := strings.TrimLeft(w.Key, "V\x01\x02\x03\x04\x05\x06\x07\x08")
			result.Findings = append(result.Findings, verify.Finding{Kind: verify.FindingKind(w.Kind), Key: row.Key{digits}, Columns: w.Columns, Count: 1})
		}
	}
	result.Total = int64(len(result.Findings))
	return spoiled{m, rows, bent, result}
}

// TestSelfTestSeesABlindVerifier: a verification that overlooks, invents or
// misnames anything does not pass.
func TestSelfTestSeesABlindVerifier(t *testing.T) {
	changed := func(r *verify.TableResult) *verify.Finding {
		for i := range r.Findings {
			if r.Findings[i].Kind == verify.Changed {
				return &r.Findings[i]
			}
		}
		t.Fatal("no row changed")
		return nil
	}
	for _, tt := range []struct {
		name           string
		lie            func(r *verify.TableResult)
		missed, alarms bool
	}{
		{"honest", func(*verify.TableResult) {}, false, false},
		{"blind", func(r *verify.TableResult) { r.Findings, r.Total = nil, 0 }, true, false},
		{"overlooks one", func(r *verify.TableResult) { r.Findings, r.Total = r.Findings[1:], r.Total-1 }, true, false},
		{"invents one", func(r *verify.TableResult) {
			r.Findings, r.Total = append(r.Findings, verify.Finding{Kind: verify.Extra, Key: row.Key{"123456789"}}), r.Total+1
		}, false, true},
		{"another column", func(r *verify.TableResult) { changed(r).Columns = []string{"id"} }, true, true},
		{"one column more", func(r *verify.TableResult) { changed(r).Columns = []string{"v", "id"} }, true, true},
		{"no column", func(r *verify.TableResult) { changed(r).Columns = nil }, true, true},
		{"another kind", func(r *verify.TableResult) { changed(r).Kind = verify.Missing }, true, true},
		{"another key", func(r *verify.TableResult) { changed(r).Key = row.Key{"123456789"} }, true, true},
	} {
		is := spoil(t)
		tt.lie(&is.result)
		s := &selfTest{session: &session{}, taken: newTaken()}
		s.taken.byTable["t"] = is.rows
		if err := s.judge(is.m, is.bent, &is.result); err != nil {
			t.Fatal(err)
		}
		s.report.Settle()
		if (len(s.report.Missed) > 0) != tt.missed || (len(s.report.Alarms) > 0) != tt.alarms ||
			(s.report.Verdict == report.Pass) == (tt.missed || tt.alarms) {
			t.Errorf("%s: %s, missed %q, alarms %q", tt.name, s.report.Verdict, s.report.Missed, s.report.Alarms)
		}
	}
}

func TestSelfTestCountsRowsWithoutKey(t *testing.T) {
	is := spoil(t)
	m, rows := is.m, is.rows
	m.Key, m.KeyIndex = nil, ""
	bent := damage.Bend(damage.Table{Mapping: m, Rows: rows}, damage.Options{Seed: 1})
	for _, tt := range []struct {
		missing, extra int64
		pass           bool
	}{{bent.Missing, bent.Extra, true}, {bent.Missing - 1, bent.Extra, false}, {bent.Missing, bent.Extra + 1, false}, {0, 0, false}} {
		s := &selfTest{session: &session{}, taken: newTaken()}
		result := verify.TableResult{Table: "t", Compared: true, Findings: []verify.Finding{
			{Kind: verify.Missing, Count: tt.missing}, {Kind: verify.Extra, Count: tt.extra},
		}}
		if tt.missing == 0 {
			result.Findings = nil
		}
		if err := s.judge(m, bent, &result); err != nil {
			t.Fatal(err)
		}
		s.report.Settle()
		if (s.report.Verdict == report.Pass) != tt.pass {
			t.Errorf("%+v: %s %q", tt, s.report.Verdict, s.report.Reasons)
		}
	}
}
