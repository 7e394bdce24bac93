package report

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden files")

func render(t *testing.T, m *Migration, opts Options) string {
	t.Helper()
	m.Settle()
	var buf bytes.Buffer
	if err := Text(&buf, m, opts); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestText(t *testing.T) {
	forgotten := passing()
	forgotten.Tenants[0].Tables = forgotten.Tenants[0].Tables[:1]
	forgotten.Snapshot = &Snapshot{Mode: "none", Note: "asked for"}
	for name, m := range map[string]*Migration{
		"pass": passing(), "everything": everything(), "never-connected": neverConnected(), "forgotten": forgotten,
	} {
		t.Run(name, func(t *testing.T) {
			got := render(t, m, Options{Width: 80})
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestTextTellsHowItWasCompared: whatever the JSON says of tiers, looks and
// repairs, the summary says too.
func TestTextTellsHowItWasCompared(t *testing.T) {
	m := passing()
	if got := render(t, m, Options{}); strings.Contains(got, "compared:") {
		t.Errorf("a tier that nobody chose:\n%s", got)
	}
	one, two := &m.Tenants[0].Tables[0], &m.Tenants[0].Tables[1]
	one.Tier, two.Tier = "stream", "pushdown"
	one.Settled, one.Moving, one.ResumedRows = 1, 2, 1000
	two.Reread = 3
	two.Repairs = []Repair{{Part: "(1, 2]", Put: 2, Deleted: 1}, {Part: "(2, 3]", Put: 1}}
	one.RepairError = "rows refer to it"
	got := render(t, m, Options{})
	for _, want := range []string{
		"compared: 1 table in the tier pushdown (" + two.Name + "), 1 table in the tier stream (" + one.Name + ")\n",
		one.Name + ": compared by an earlier run: 1,000 rows\n",
		one.Name + ": differed at first and equal later: 1 row\n",
		one.Name + ": still changing at the last look: 2 rows\n",
		one.Name + ": not repaired: rows refer to it\n",
		two.Name + ": the servers' digests of 3 parts differed and all their rows are equal\n",
		two.Name + ": 2 repairs: 3 rows written, 1 removed; compared again afterwards\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in\n%s", want, got)
		}
	}
}

func TestTextEndsWithTheVerdict(t *testing.T) {
	m := passing()
	m.Target.Product, m.Target.Version, m.Target.StandIn = PostgreSQL, "15.18", true
	lines := strings.Split(strings.TrimSuffix(render(t, m, Options{}), "\n"), "\n")
	want := "verdict: pass: all 2 tables are equal (1,284,567 rows); " +
		"target: PostgreSQL 15.18, standing in for CockroachDB: not a proof for CockroachDB"
	if got := lines[len(lines)-1]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTextIsBounded(t *testing.T) {
	m := passing()
	table := &m.Tenants[0].Tables[0]
	for i := range 50 {
		table.Findings = append(table.Findings, Finding{
			Key: Key{Columns: []KeyColumn{{"id", fmt.Sprint(i)}}}, Kind: Changed,
			Columns: []ColumnDiff{{Name: "note", Source: TextValue(strings.Repeat("x", 5000)), Target: NullValue()}},
		})
	}
	table.FindingsTotal = new(int64(12_000))
	table.Name = strings.Repeat("long_", 30)
	got := render(t, m, Options{Width: 80})
	if !strings.Contains(got, "  and 11,990 more\n") {
		t.Errorf("the rest is not counted:\n%s", got)
	}
	for line := range strings.SplitSeq(got, "\n") {
		if strings.HasPrefix(line, "  changed") && utf8.RuneCountInString(line) > 80 {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
		}
	}
	if len(got) > 4000 {
		t.Errorf("%d bytes for a screen", len(got))
	}
}

func TestColorOnlyWhenAsked(t *testing.T) {
	if got := render(t, everything(), Options{}); strings.Contains(got, "\x1b") {
		t.Error("colour without being asked")
	}
	if got := render(t, passing(), Options{Color: true}); !strings.Contains(got, green+"verdict: pass") {
		t.Errorf("no green verdict:\n%q", got)
	}
	if got := render(t, everything(), Options{Color: true}); !strings.Contains(got, red+"verdict: fail") {
		t.Errorf("no red verdict:\n%q", got)
	}
}

// What is in a customer's table must not steer the terminal.
func TestTextCarriesNoControlCharacters(t *testing.T) {
	m := everything()
	const evil = "\x1b[2J\a\r\n\u202e\xff"
	m.Tenants[0].Tables[0].Name += evil
	m.Tenants[0].Tables[0].Findings[0].Key.Columns[0].Value = evil
	m.Tenants[0].Tables[0].Findings[2].Columns[0].Source = TextValue(evil)
	m.Tenants[0].Name, m.Error.Message, m.Ledger[0].Column = evil, evil, evil
	got := render(t, m, Options{Width: 100})
	if i := strings.IndexAny(got, "\x1b\a\r\u202e"); i >= 0 {
		t.Errorf("control character at %q", got[max(0, i-20):i+1])
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestWriteErrorsAreTold(t *testing.T) {
	broken := errors.New("broken pipe")
	if err := Text(brokenWriter{broken}, passing(), Options{}); !errors.Is(err, broken) {
		t.Errorf("Text: %v", err)
	}
	if err := Encode(brokenWriter{broken}, passing()); !errors.Is(err, broken) {
		t.Errorf("Encode: %v", err)
	}
}
