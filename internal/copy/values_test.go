package copy

import (
	"errors"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/checkpoint"
	"leap/internal/row"
	"leap/internal/schema"
)

const refused = "(refused)"

func TestPolicies(t *testing.T) {
	date := func(a schema.Action) schema.ColumnMapping {
		return schema.ColumnMapping{Kind: schema.Date, Policy: schema.ValuePolicy{ZeroDate: a}}
	}
	moment := func(a schema.Action) schema.ColumnMapping {
		return schema.ColumnMapping{Kind: schema.DateTime, Policy: schema.ValuePolicy{ZeroDate: a}}
	}
	text := func(a schema.Action) schema.ColumnMapping {
		return schema.ColumnMapping{Kind: schema.Text, Policy: schema.ValuePolicy{NUL: a}}
	}
	enum := func(a schema.Action, labels ...string) schema.ColumnMapping {
		return schema.ColumnMapping{Kind: schema.Enum, Labels: labels, Policy: schema.ValuePolicy{EmptyEnum: a}}
	}
	json := func(a, nul schema.Action) schema.ColumnMapping {
		return schema.ColumnMapping{Kind: schema.JSON, Policy: schema.ValuePolicy{JSONDuplicate: a, NUL: nul}}
	}
	clock := schema.ColumnMapping{Kind: schema.Time}
	for _, test := range []struct {
		column schema.ColumnMapping
		cell   string
		want   string
		counts bool
	}{
		{date(schema.Refuse), "2024-02-29", "2024-02-29", false},
		{date(schema.Refuse), "0000-00-00", refused, false},
		{date(schema.Refuse), "2024-00-15", refused, false},
		{date(schema.Refuse), "2024-01-00", refused, false},
		{date(schema.Refuse), "0000-01-01", refused, false},
		{date(schema.Refuse), "2000-10-10", "2000-10-10", false},
		{date(schema.Null), "0000-00-00", "NULL", true},
		{date(schema.Null), "2024-01-00", "NULL", true},
		{date(schema.Null), "2024-01-01", "2024-01-01", false},
		{date(schema.Min), "2024-00-00", "0001-01-01", true},
		{date(schema.Min), "0001-01-01", "0001-01-01", false},
		{date(schema.Null), "junk", refused, false},
		{moment(schema.Refuse), "0000-00-00 00:00:00.000000", refused, false},
		{moment(schema.Null), "2024-12-00 10:00:00", "NULL", true},
		{moment(schema.Min), "0000-00-00 00:00:00.000000", "0001-01-01 00:00:00", true},
		{moment(schema.Min), "2024-12-10 00:00:00.000000", "2024-12-10 00:00:00.000000", false},

		{text(schema.Refuse), "", "", false},
		{text(schema.Refuse), "a\x00b", refused, false},
		{text(schema.Keep), "a\x00b", "a\x00b", false},
		{text(schema.Strip), "\x00a\x00\x00b\x00", "ab", true},
		{text(schema.Strip), "\x00", "", true}, // empty, not NULL
		{text(schema.Strip), `a\0b`, `a\0b`, false},

		{enum(schema.Refuse, "a"), "a", "a", false},
		{enum(schema.Refuse, "a"), "", refused, false},
		{enum(schema.Null, "a"), "", "NULL", true},
		{enum(schema.Null, "a", ""), "", "", false},
		{enum(schema.Refuse, ""), "", "", false},

		{clock, "00:00:00", "00:00:00", false},
		{clock, "23:59:59.999999", "23:59:59.999999", false},
		{clock, "24:00:00", refused, false},
		{clock, "-00:00:01", refused, false},
		{clock, "100:00:00", refused, false},
		{clock, "838:59:59", refused, false},

		{json("", ""), `{"a":{"a":1}}`, `{"a":{"a":1}}`, false},
		{json("", ""), `{"a":1,"a":1}`, refused, false},
		{json("", ""), `[{"a":1,"\u0061":1}]`, refused, false},
		{json(schema.Last, ""), `{"a":1,"a":2}`, `{"a":1,"a":2}`, true},
		{json(schema.Last, ""), `{"a":1,"a":`, refused, false},
		{json("", ""), `not json`, refused, false},
		{json("", ""), "", refused, false},
		{json("", ""), `"\ud800"`, refused, false},
		{json("", ""), `{} {}`, refused, false},
		{json("", ""), `"\u0000"`, refused, false},
		{json("", ""), `{"\u0000":1}`, refused, false},
		{json("", ""), `"\\u0000"`, `"\\u0000"`, false},
		{json("", ""), `"\\\u0000"`, refused, false},
		{json(schema.Last, ""), `{"a":1,"a":"\u0000"}`, refused, false},
		{json("", schema.Keep), `"\u0000"`, `"\u0000"`, false},
	} {
		test.column.Name = "c"
		columns := []schema.ColumnMapping{{Name: "id", Kind: schema.Int}, test.column}
		v := newValues(columns)
		cells := row.Row{[]byte("7"), []byte(test.cell)}
		out, err := v.apply(cells, row.NewKeyReader(columns, columns[:1]))
		got := refused
		switch {
		case err != nil:
			problem, ok := errors.AsType[*row.Problem](err)
			if !ok || problem.Column != "c" || problem.What == "" {
				t.Errorf("%s %q: got %v", test.column.Kind, test.cell, err)
			}
		case out[1] == nil:
			got = "NULL"
		default:
			got = string(out[1])
		}
		if got != test.want {
			t.Errorf("%s %+v %q: got %q, want %q", test.column.Kind, test.column.Policy, test.cell, got, test.want)
		}
		if string(cells[1]) != test.cell {
			t.Errorf("%q: the source's row changed", test.cell)
		}
		changes := v.takeChanges()
		if (len(changes) == 1) != test.counts {
			t.Errorf("%s %q: the ledger says %+v", test.column.Kind, test.cell, changes)
		}
		if test.counts && (changes[0].Count != 1 || !cmp.Equal(changes[0].Examples, []string{"(7)"})) {
			t.Errorf("%q: the ledger says %+v", test.cell, changes)
		}
	}
}

// TestKeysStay: the key that rows are put by is not changed, other columns are.
func TestKeysStay(t *testing.T) {
	columns := []schema.ColumnMapping{
		{Name: "d", Kind: schema.Date, Policy: schema.ValuePolicy{ZeroDate: schema.Min}},
		{Name: "k", Kind: schema.Text, Policy: schema.ValuePolicy{NUL: schema.Strip}},
		{Name: "e", Kind: schema.Date, Policy: schema.ValuePolicy{ZeroDate: schema.Min}},
	}
	v := newValues(columns)
	v.fix(columns[:2])
	for cells, refused := range map[[3]string]string{
		{"0001-01-01", "x", "0000-00-00"}:     "",
		{"0000-00-00", "x", "0001-01-01"}:     "d",
		{"0001-01-01", "x\x00", "0001-01-01"}: "k",
	} {
		_, err := v.apply(row.Row{[]byte(cells[0]), []byte(cells[1]), []byte(cells[2])}, row.NewKeyReader(columns, columns[:2]))
		problem, _ := errors.AsType[*row.Problem](err)
		if (err != nil) != (refused != "") || refused != "" && problem.Column != refused {
			t.Errorf("%q: got %v", cells, err)
		}
	}
}

func TestNullsStay(t *testing.T) {
	for _, kind := range []schema.Kind{schema.Date, schema.DateTime, schema.Timestamp, schema.Text, schema.Enum, schema.JSON, schema.Time, schema.Int} {
		columns := []schema.ColumnMapping{{Name: "c", Kind: kind}}
		out, err := newValues(columns).apply(row.Row{nil}, row.KeyReader{})
		if err != nil || out[0] != nil {
			t.Errorf("%s: got %q, %v", kind, out, err)
		}
	}
}

// TestLedger: counts are whole, examples few, columns apart, and a chunk's
// counts do not reach into the next.
func TestLedger(t *testing.T) {
	columns := []schema.ColumnMapping{
		{Name: "id", Kind: schema.Int},
		{Name: "d", Kind: schema.Date, Policy: schema.ValuePolicy{ZeroDate: schema.Null}},
		{Name: "e", Kind: schema.Date, Policy: schema.ValuePolicy{ZeroDate: schema.Min}},
	}
	v := newValues(columns)
	names := row.NewKeyReader(columns, columns[:1])
	apply := func(id int) {
		if _, err := v.apply(row.Row{[]byte(strconv.Itoa(id)), []byte("0000-00-00"), []byte("0000-00-00")}, names); err != nil {
			t.Fatal(err)
		}
	}
	for id := range 20 {
		apply(id)
	}
	examples := []string{"(0)", "(1)", "(2)", "(3)", "(4)"}
	first := []checkpoint.Change{
		{Column: "d", Policy: "zero-date", Action: "null", Count: 20, Examples: examples},
		{Column: "e", Policy: "zero-date", Action: "min", Count: 20, Examples: examples},
	}
	chunk := v.takeChanges()
	if diff := cmp.Diff(first, chunk); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	apply(99)
	next := v.takeChanges()
	if len(next) != 2 || next[0].Count != 1 || next[0].Examples[0] != "(99)" {
		t.Errorf("the second chunk's ledger says %+v", next)
	}
	s := newState()
	s.add(checkpoint.Chunk{Table: "t", Changes: next})
	s.add(checkpoint.Chunk{Table: "t", Changes: chunk})
	want := []checkpoint.Change{
		{Column: "d", Policy: "zero-date", Action: "null", Count: 21, Examples: []string{"(99)", "(0)", "(1)", "(2)", "(3)"}},
		{Column: "e", Policy: "zero-date", Action: "min", Count: 21, Examples: []string{"(99)", "(0)", "(1)", "(2)", "(3)"}},
	}
	if diff := cmp.Diff(want, s.result("t").Changes); diff != "" {
		t.Errorf("the table's ledger (-want +got):\n%s", diff)
	}
}
