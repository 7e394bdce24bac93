package migrate

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"leap/internal/copy"
	"leap/internal/report"
	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// buggy is an encoder with a mistake in one column.
type buggy struct {
	copy.Encoder
	column int
	bug    func([]byte) []byte
}

// AppendRow bends the column's cell.
func (b buggy) AppendRow(dst []byte, cells row.Row) ([]byte, error) {
	bent := slices.Clone(cells)
	if bent[b.column] != nil {
		bent[b.column] = b.bug(bent[b.column])
	}
	return b.Encoder.AppendRow(dst, bent)
}

// copierBugs are mistakes that copiers have made, each in a column of its own.
var copierBugs = []struct {
	column, ddl, values string
	bug                 func([]byte) []byte
}{
	{"rounded", "FLOAT", "16777217 + seq", func(c []byte) []byte {
		f, _ := strconv.ParseFloat(string(c), 64)
		return strconv.AppendFloat(nil, f, 'g', 6, 64) // as the text protocol prints it
	}},
	{"shortened", "DOUBLE", "SQRT(seq + 1)", func(c []byte) []byte {
		f, _ := strconv.ParseFloat(string(c), 64)
		return strconv.AppendFloat(nil, f, 'g', 15, 64)
	}},
	{"shifted", "DATETIME", "'2024-01-01 10:00:00' + INTERVAL seq DAY", func(c []byte) []byte {
		return bytes.Replace(c, []byte(" 10:"), []byte(" 11:"), 1)
	}},
	{"cut", "DATETIME(6)", "'2024-01-01 10:00:00.000001' + INTERVAL seq DAY", func(c []byte) []byte { return c[:len(c)-3] }},
	{"trimmed", "CHAR(20)", "CONCAT('  left ', seq)", func(c []byte) []byte { return bytes.TrimSpace(c) }},
	{"spaced", "VARCHAR(20)", "CONCAT(seq, ' ')", func(c []byte) []byte { return bytes.TrimRight(c, " ") }},
	{"folded", "VARCHAR(20)", "CONCAT('Abc', seq)", bytes.ToLower},
	{"mangled", "VARCHAR(20)", "CONCAT('é', seq)", func(c []byte) []byte { return bytes.ReplaceAll(c, []byte("é"), []byte("Ã©")) }},
	{"unescaped", "VARCHAR(20)", `CONCAT('a\\n', seq)`, func(c []byte) []byte { return bytes.ReplaceAll(c, []byte(`\n`), []byte("\n")) }},
	{"stripped", "BINARY(6)", "CONCAT('a', seq)", func(c []byte) []byte { return bytes.TrimRight(c, "\x00") }},
	{"clamped", "BIGINT UNSIGNED", "18446744073709551615 - seq", func([]byte) []byte { return []byte("9223372036854775807") }},
	{"scaled", "DECIMAL(20,10)", "seq + 0.0000000001", func(c []byte) []byte { return c[:len(c)-2] }},
	{"emptied", "VARCHAR(20)", "''", func([]byte) []byte { return nil }},
	{"doubled", "JSON", `CONCAT('{"n": 123456789012345678', seq, '}')`, func(c []byte) []byte {
		return bytes.ReplaceAll(c, []byte("123456789012345678"), []byte("123456789012345680"))
	}},
	{"last", "SET('a','b','c')", "'a,c'", func([]byte) []byte { return []byte("a") }},
	{"bits", "BIT(9)", "256 + seq", func(c []byte) []byte { return append([]byte{0}, c[1:]...) }},
}

// TestCopierBugsAreFound plants mistakes in the copier's encoding and wants the
// verification, which shares no code with it, to name the column of each.
func TestCopierBugsAreFound(t *testing.T) {
	const rows = 20
	server := sandboxtest.Source(t)
	from := sandboxtest.NewDatabase(t, server)
	create, fill := "CREATE TABLE t (id INT PRIMARY KEY", "INSERT INTO t SELECT seq"
	for _, b := range copierBugs {
		create += ", " + b.column + " " + b.ddl
		fill += ", " + b.values
	}
	execAll(t, server, from, create+") CHARACTER SET utf8mb4", fmt.Sprintf("%s FROM seq_1_to_%d", fill, rows))
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		cfg := testConfig(t, server, from, target, sandboxtest.NewDatabase(t, target))
		cfg.Verify.MaxFindings = rows
		// Each row has the mistake of one column, so that none hides behind another.
		turn := 0
		cfg.wrap = func(m *schema.Mapping, inner copy.Encoder) copy.Encoder {
			return encoderFunc(func(dst []byte, cells row.Row) ([]byte, error) {
				if turn == len(copierBugs) {
					return inner.AppendRow(dst, cells)
				}
				b := copierBugs[turn]
				turn++
				column := slices.IndexFunc(m.Copied(), func(c schema.ColumnMapping) bool { return c.Source == b.column })
				return buggy{inner, column, b.bug}.AppendRow(dst, cells)
			})
		}
		m := mustRun(t, cfg, Schema, Copy, Verify)
		table := m.Tenants[0].Tables[0]
		if m.Verdict != report.Fail || len(table.Findings) != len(copierBugs) {
			t.Errorf("verdict %s, %d findings of %d mistakes", m.Verdict, len(table.Findings), len(copierBugs))
		}
		found := map[string]string{}
		for _, f := range table.Findings {
			var columns []string
			for _, c := range f.Columns {
				columns = append(columns, c.Name)
			}
			found[f.Key.String()] = fmt.Sprint(columns)
		}
		for i, b := range copierBugs {
			if got := found[fmt.Sprintf("id=%d", i+1)]; got != "["+b.column+"]" {
				t.Errorf("%s %s: found %s", b.column, b.ddl, got)
			}
		}
	})
}

// encoderFunc is an encoder made of a function.
type encoderFunc func(dst []byte, cells row.Row) ([]byte, error)

// AppendRow calls the function.
func (f encoderFunc) AppendRow(dst []byte, cells row.Row) ([]byte, error) { return f(dst, cells) }
