package e2e

import (
	"fmt"
	"strings"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// edge is a value that the target cannot take as it is, and a policy for it.
// Every edge lives in column v of table edgy, whose key is id.
type edge struct {
	name  string
	setup []string
	// refusing are the flags under which the move is refused. Nil means the
	// defaults; an edge with accepted flags only has "never".
	refusing []string
	// hint is what the refusal must name besides the table and the column.
	hint string
	// accepted are the flags with which it passes; nil: no policy helps.
	accepted []string
	// query asks the target, want is its answer after an accepted move.
	query, want string
	// ledger is the entry that counts the altered values; zero for none.
	ledger change
	// holdable marks a value that some CockroachDB versions hold as it is: then
	// it has to arrive, and the policy has nothing to do.
	holdable bool
	// mariadb says why MySQL never has the value.
	mariadb string
}

// never marks an edge that no flags of its own refuse.
var never = []string{"never"}

// rowsOf lists all of v in the order of id.
const rowsOf = "SELECT string_agg(id::TEXT || '=' || COALESCE(v::TEXT, 'NULL'), ' ') FROM (SELECT id, v FROM edgy ORDER BY id) e"

func edges(source *sandbox.Server) []edge {
	table := func(column string, rows ...string) []string {
		return []string{
			"CREATE TABLE edgy (id INT PRIMARY KEY, v " + column + ")",
			"INSERT INTO edgy VALUES (" + strings.Join(rows, "), (") + ")",
			// A neighbour that has no edge: it arrives in any case.
			"CREATE TABLE plain (id INT PRIMARY KEY)", "INSERT INTO plain VALUES (1), (2)",
		}
	}
	zero := change{Table: "edgy", Column: "v", Policy: "zero-date"}
	nulled := func(c change, n int64) change { c.Action, c.Count = "null", n; return c }
	lowest := func(c change, n int64) change { c.Action, c.Count = "min", n; return c }
	zeroDates := table("DATE NOT NULL", "1, '2020-02-29'", "2, '0000-00-00'", "3, '2020-00-10'", "4, '2020-10-00'", "5, '0000-10-10'")
	zeroTimes := table("DATETIME(3)", "1, '2020-02-29 01:02:03.004'", "2, '0000-00-00 00:00:00'", "3, NULL", "4, '2020-00-00 11:12:13'")
	doubleKeys := table("JSON", `1, '{"a":1}'`, `2, '{"a":1,"b":2,"a":3}'`, `3, '{"x":{"y":1,"y":2}}'`, `4, '[{"a":1,"\\u0061":2}]'`)
	wideTimes := table("TIME", "1, '12:00:00'", "2, '24:00:00'", "3, '-01:00:00'", "4, '25:30:00'")
	point := "ST_GeomFromText('POINT(1 2)', 4326)"
	if source.Kind() == sandbox.MySQL {
		point = "ST_GeomFromText('POINT(1 2)', 4326, 'axis-order=long-lat')" // as everywhere else
	}
	geometry := table("GEOMETRY", "1, "+point, "2, NULL")
	return []edge{
		{
			name: "zero date null", setup: zeroDates, hint: "zero-date", accepted: []string{"--policy", "zero-date=null"},
			// Year 0 exists on the source only: it is partial too.
			query: rowsOf, want: "1=2020-02-29 2=NULL 3=NULL 4=NULL 5=NULL", ledger: nulled(zero, 4),
		},
		{
			name: "zero date min", setup: zeroDates, hint: "zero-date", accepted: []string{"--policy", "zero-date=min"},
			query: rowsOf, want: "1=2020-02-29 2=0001-01-01 3=0001-01-01 4=0001-01-01 5=0001-01-01", ledger: lowest(zero, 4),
		},
		{
			name: "zero datetime null", setup: zeroTimes, hint: "zero-date", accepted: []string{"--policy", "zero-date=null"},
			query: rowsOf, want: "1=2020-02-29 01:02:03.004 2=NULL 3=NULL 4=NULL", ledger: nulled(zero, 2),
		},
		{
			name: "zero datetime min", setup: zeroTimes, hint: "zero-date", accepted: []string{"--policy", "zero-date=min"},
			query: rowsOf, want: "1=2020-02-29 01:02:03.004 2=0001-01-01 00:00:00 3=NULL 4=0001-01-01 00:00:00", ledger: lowest(zero, 2),
		},
		{
			name: "zero timestamp", setup: table("TIMESTAMP NULL", "1, '2020-02-29 01:02:03'", "2, '0000-00-00 00:00:00'"), hint: "zero-date",
			accepted: []string{"--policy", "zero-date=null"}, query: "SELECT count(*)::TEXT || ' ' || count(v)::TEXT FROM edgy", want: "2 1", ledger: nulled(zero, 1),
		},
		{
			name: "nul in text", setup: table("VARCHAR(20)", "1, 'plain'", "2, X'610062'", "3, X'00'", "4, X'000000'"), hint: "nul", holdable: true,
			accepted: []string{"--policy", "nul=strip"}, query: "SELECT string_agg(octet_length(v)::TEXT, ' ' ORDER BY id) FROM edgy", want: "5 2 0 0",
			ledger: change{Table: "edgy", Column: "v", Policy: "nul", Action: "strip", Count: 3},
		},
		{
			name: "json duplicate", setup: doubleKeys, hint: "json-duplicate", accepted: []string{"--policy", "json-duplicate=last"},
			query: rowsOf, want: `1={"a": 1} 2={"a": 3, "b": 2} 3={"x": {"y": 2}} 4=[{"a": 2}]`,
			ledger:  change{Table: "edgy", Column: "v", Policy: "json-duplicate", Action: "last", Count: 3},
			mariadb: "JSON has its last of equal keys only",
		},
		{
			name: "empty enum", setup: append(table("ENUM('a','b')", "1, 'a'", "2, 'wrong'", "3, NULL"), "INSERT INTO edgy VALUES (4, 0)"), hint: "empty-enum",
			accepted: []string{"--policy", "empty-enum=null"}, query: rowsOf, want: "1=a 2=NULL 3=NULL 4=NULL",
			ledger: change{Table: "edgy", Column: "v", Policy: "empty-enum", Action: "null", Count: 2},
		},
		{
			name: "empty enum beside an empty label", setup: table("ENUM('a','')", "1, 'a'", "2, 2", "3, 'wrong'"), hint: "empty-enum",
			accepted: []string{"--policy", "empty-enum=null"}, query: rowsOf, want: "1=a 2= 3=NULL",
			ledger: change{Table: "edgy", Column: "v", Policy: "empty-enum", Action: "null", Count: 1},
		},
		{
			name: "tinyint bool with 2", setup: table("TINYINT(1)", "1, 0", "2, 1", "3, 2", "4, NULL"), refusing: []string{"--policy", "tinyint1=bool"}, hint: "tinyint1",
			accepted: []string{"--policy", "tinyint1=int2"}, query: rowsOf, want: "1=0 2=1 3=2 4=NULL",
		},
		{
			name: "tinyint bool", setup: table("TINYINT(1)", "1, 0", "2, 1", "3, NULL"), refusing: never,
			accepted: []string{"--policy", "tinyint1=bool"}, query: rowsOf, want: "1=false 2=true 3=NULL",
		},
		{
			name: "big unsigned", setup: table("BIGINT UNSIGNED", "1, 0", "2, 9223372036854775807", "3, 9223372036854775808"),
			refusing: []string{"--policy", "unsigned-bigint=int8"}, hint: "unsigned-bigint",
			accepted: []string{"--policy", "unsigned-bigint=decimal"}, query: rowsOf, want: "1=0 2=9223372036854775807 3=9223372036854775808",
		},
		{
			name: "fitting unsigned", setup: table("BIGINT UNSIGNED", "1, 0", "2, 9223372036854775807"), refusing: never,
			accepted: []string{"--policy", "unsigned-bigint=int8"}, query: rowsOf, want: "1=0 2=9223372036854775807",
		},
		{
			name: "wide time", setup: wideTimes, refusing: []string{"--policy", "time=time"}, hint: "time",
			accepted: []string{"--policy", "time=interval"}, query: rowsOf, want: "1=12:00:00 2=24:00:00 3=-01:00:00 4=25:30:00",
		},
		{
			name: "wide time auto", setup: wideTimes, refusing: never, accepted: []string{"--policy", "time=auto"},
			query: rowsOf, want: "1=12:00:00 2=24:00:00 3=-01:00:00 4=25:30:00",
		},
		{
			name: "set as string", setup: table("SET('z','a')", "1, ''", "2, 'a,z'", "3, NULL"), refusing: never,
			accepted: []string{"--policy", "set=string"}, query: rowsOf, want: "1= 2=z,a 3=NULL",
		},
		{
			name: "geometry", setup: geometry, hint: "geometry", accepted: []string{"--policy", "geometry=bytes"},
			query: "SELECT string_agg(COALESCE(encode(v, 'hex'), 'NULL'), ' ' ORDER BY id) FROM edgy",
			want:  "e61000000101000000000000000000f03f0000000000000040 NULL",
		},
		{name: "set of the empty label alone", setup: table("SET('','a')", "1, 2", "2, 0", "3, 1"), hint: "key (3): the SET has its empty label"},
		{name: "set of the empty label and another", setup: table("SET('','a')", "1, 2", "2, 0", "3, 3"), hint: "key (3): the SET has its empty label"},
		{
			name: "set with an empty label", setup: table("SET('','a')", "1, 2", "2, 0", "3, NULL"), refusing: never,
			accepted: []string{"--policy", "set=string"}, query: rowsOf, want: "1=a 2= 3=NULL",
		},
		{name: "no character of cp1251", setup: table("VARCHAR(4) CHARACTER SET cp1251", "1, X'E9'", "2, X'98'")},
		{name: "no character of gbk", setup: table("VARCHAR(4) CHARACTER SET gbk", "1, X'C4E3'", "2, X'FEFE'")},
		{name: "no character of cp1251 unscanned", setup: table("VARCHAR(4) CHARACTER SET cp1251", "1, X'E9'", "2, X'98'"), refusing: []string{"--skip-scan"}, hint: "key (2)"},
		{name: "no character of ascii", setup: table("VARCHAR(4) CHARACTER SET ascii", "1, X'41'", "2, X'41FF'"), mariadb: "MySQL stores no such byte"},
		{name: "no character of sjis", setup: table("VARCHAR(4) CHARACTER SET sjis", "1, X'8341'", "2, X'8540'")},
		{
			name: "zero date in a key", setup: []string{"CREATE TABLE edgy (v DATE PRIMARY KEY)", "INSERT INTO edgy VALUES ('0000-00-00'), ('2020-01-01')"},
			// NULL cannot be a key: this policy does not help.
			refusing: []string{"--policy", "zero-date=null"}, accepted: []string{"--policy", "zero-date=min"},
			query: "SELECT string_agg(v::TEXT, ' ' ORDER BY v) FROM edgy", want: "0001-01-01 2020-01-01", ledger: lowest(zero, 1),
		},
		{
			name: "two zero dates in a key", setup: []string{"CREATE TABLE edgy (v DATE PRIMARY KEY)", "INSERT INTO edgy VALUES ('0000-00-00'), ('2020-00-00')"},
			// Both would become the same key.
			refusing: []string{"--policy", "zero-date=min"},
		},
	}
}

func TestEdgeValues(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		for _, e := range edges(legacySource(t)) {
			t.Run(strings.ReplaceAll(e.name, " ", "-"), func(t *testing.T) {
				t.Parallel()
				if e.mariadb != "" {
					sandboxtest.MariaDBOnly(t, legacySource(t), e.mariadb)
				}
				m := newMove(t, target, e.setup...)
				if len(e.refusing) == 0 || e.refusing[0] != never[0] {
					e.checkRefusal(t, m)
				}
				if e.accepted != nil {
					e.checkPolicy(t, m)
				}
			})
		}
	})
}

// checkRefusal moves under the flags that forbid the value.
func (e edge) checkRefusal(t *testing.T, m move) {
	t.Helper()
	// The refused move gets a target of its own: what a real user would do
	// after a refusal is the business of the accepted move.
	m.to = sandboxtest.NewDatabase(t, m.target)
	o := m.call(t, "run", e.refusing...)
	if e.holdable && !m.target.StandIn() && o.code == exitDone {
		compareAll(t, m, o)
		return
	}
	if o.code != exitRefused {
		t.Errorf("refusal under %v: want exit code %d, got %s", e.refusing, exitRefused, o)
		return
	}
	said := o.stderr + o.stdout
	for _, want := range []string{"edgy", "v", e.hint} {
		if !strings.Contains(said, want) {
			t.Errorf("the refusal does not name %q: %s", want, o)
		}
	}
	if o.report == nil || o.report.Verdict == "pass" {
		t.Errorf("want a report that does not say pass: %s", o)
	}
	if o.report != nil && len(o.report.Ledger) != 0 {
		t.Errorf("a refused move has a ledger: %v", o.report.Ledger)
	}
}

// checkPolicy moves under the flags that allow the value.
func (e edge) checkPolicy(t *testing.T, m move) {
	t.Helper()
	o := m.must(t, exitDone, "run", e.accepted...)
	if e.holdable && !m.target.StandIn() && len(o.report.Ledger) == 0 {
		compareAll(t, m, o)
		return
	}
	if got := m.targetValue(t, e.query); got != e.want {
		t.Errorf("after %v the target has\n%s, want\n%s", e.accepted, got, e.want)
	}
	want := []change{e.ledger}
	if e.ledger.Count == 0 {
		want = nil
	}
	if got := o.report.Ledger; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("ledger %v, want %v", got, want)
	}
	// The verifier knows the policy and calls the data equal.
	m.must(t, exitDone, "verify", e.accepted...)
}

// TestRefusedThenAllowed takes the way of a person: refused, then again with
// the policy that the message names, into the same target.
func TestRefusedThenAllowed(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, "CREATE TABLE edgy (id INT PRIMARY KEY, v DATE NOT NULL)", "INSERT INTO edgy SELECT seq, '2020-01-01' FROM seq_1_to_40",
			"UPDATE edgy SET v = '0000-00-00' WHERE id = 23")
		o := m.must(t, exitRefused, "run", chunked)
		if !strings.Contains(o.stderr+o.stdout, "zero-date") {
			t.Errorf("the refusal does not name the policy: %s", o)
		}
		m = m.with("--policy", "zero-date=null")
		m.must(t, exitDone, "run", chunked)
		if got := m.targetValue(t, "SELECT string_agg(id::TEXT, ',') FROM edgy WHERE v IS NULL"); got != "23" {
			t.Errorf("the rows that are NULL: %s", got)
		}
		if got := m.targetValue(t, "SELECT count(*) FROM edgy"); got != "40" {
			t.Errorf("%s rows, want 40", got)
		}
	})
}

// TestWrongUsage checks that a mistake of the caller is told apart.
func TestWrongUsage(t *testing.T) {
	target := sandboxtest.Target(t)
	m := newMove(t, target, "CREATE TABLE t (id INT PRIMARY KEY)")
	for _, flags := range [][]string{{"--policy", "zero-date=maybe"}, {"--policy", "nonsense=null"}, {"--policy", "zero-date"}, {"--no-such-flag"}} {
		m.must(t, exitUsage, "run", flags...)
	}
	if got := m.targetValue(t, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"); got != "0" {
		t.Errorf("a wrong call made %s tables", got)
	}
}
