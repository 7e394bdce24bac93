package migrate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"leap/internal/convert"
	"leap/internal/damage"
	"leap/internal/endpoint"
	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/source"
	"leap/internal/verify"
)

// mutationsVariable sets how many damages TestEveryMutationIsFound plants on
// each target. `make mutations` sets it to 5,000.
const mutationsVariable = "LEAP_MUTATIONS"

// fewMutations is enough to plant every kind in every column that takes it.
const fewMutations = 450

func mutations(t *testing.T) int {
	t.Helper()
	text := os.Getenv(mutationsVariable)
	if text == "" {
		return fewMutations
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < fewMutations {
		t.Fatalf("%s=%q: want a number from %d on", mutationsVariable, text, fewMutations)
	}
	return n
}

// TestEveryMutationIsFound spoils copies of tables with all types and all kinds
// of keys and wants each damage found by its key and its column: one in each
// range of the verification, so that none is found only because of another.
func TestEveryMutationIsFound(t *testing.T) {
	const groupRows = 4
	n := mutations(t)
	server := sandboxtest.Source(t)
	from := sandboxtest.NewDatabase(t, server)
	everything := n * 7 / 10
	rest := (n-everything)/len(keyedTables) + 8
	fill(t, server, from, everything*groupRows+groupRows, allTypes())
	for _, k := range keyedTables {
		fill(t, server, from, rest*groupRows, k)
	}
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		cfg := testConfig(t, server, from, target, sandboxtest.NewDatabase(t, target))
		for _, tier := range tiers {
			cfg.Verify.Tier = tier
			got, err := SelfTest(t.Context(), cfg, SelfTestOptions{
				Rows: 1 << 20, Tables: 20, GroupRows: groupRows, Seed: 20261123,
			})
			if err != nil {
				t.Fatalf("%s: %v", tier, err)
			}
			expectAllFound(t, tier, got, n)
			followsSchema(t, got)
		}
		if left := databases(t, target); slices.ContainsFunc(left, func(name string) bool { return strings.HasPrefix(name, "_migrate_selftest") }) {
			t.Errorf("a scratch database is left: %q", left)
		}
	})
}

// tiers are the ways of comparing that the verification has; Auto takes one of them.
var tiers = []verify.Tier{verify.Stream, verify.Pushdown}

func expectAllFound(t *testing.T, tier verify.Tier, got *report.SelfTest, most int) {
	t.Helper()
	planted, found := int64(0), int64(0)
	for _, k := range got.Kinds {
		planted, found = planted+k.Planted, found+k.Found
		if k.Planted == 0 {
			t.Errorf("%s: %s was not planted: %s", tier, k.Kind, k.Why)
		}
		t.Logf("%s: %-45s %5d planted, %5d found, in %d columns", tier, k.Kind, k.Planted, k.Found, len(k.Columns))
	}
	t.Logf("%s: %d planted, %d found, %d false alarms on %s %s in %v", tier, planted, found, len(got.Alarms),
		got.Target.Product, got.Target.Version, got.Finished.Sub(got.Started).Round(time.Millisecond))
	if got.Verdict != report.Pass || planted < int64(most) || found != planted {
		t.Errorf("%s: verdict %s, %d of %d found\nmissed %q\nalarms %q", tier, got.Verdict, found, planted,
			some(got.Missed), some(got.Alarms))
	}
	if len(got.Tables) != len(keyedTables)+1 || len(got.Skipped) > 0 {
		t.Errorf("%s: sampled %v, skipped %v", tier, got.Tables, got.Skipped)
	}
	if len(got.Kinds) != len(damage.Kinds()) {
		t.Errorf("%s: %d kinds, want %d", tier, len(got.Kinds), len(damage.Kinds()))
	}
}

// followsSchema checks a real self-test's JSON against the reference.
func followsSchema(t *testing.T, got *report.SelfTest) {
	t.Helper()
	var out bytes.Buffer
	if err := report.EncodeSelfTest(&out, got); err != nil {
		t.Fatal(err)
	}
	validate(t, "migrate-selftest", &out)
}

func validate(t *testing.T, schema string, out io.Reader) {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	s, err := compiler.Compile("../../docs/reference/" + schema + ".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := jsonschema.UnmarshalJSON(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(text); err != nil {
		t.Error(err)
	}
}

func some(texts []string) []string { return texts[:min(len(texts), 20)] }

// testConfig is a move between two databases of the sandbox.
func testConfig(t *testing.T, server *sandbox.Server, from string, target *sandbox.Server, to string) Config {
	t.Helper()
	return Config{
		Command: "test", Version: "test", Source: address(t, server.URL(from)), Target: new(address(t, target.URL(to))),
		Policies: convert.DefaultPolicies(), Snapshot: source.Consistent, RetryFor: time.Minute,
	}
}

func address(t *testing.T, url string) endpoint.Endpoint {
	t.Helper()
	e, err := endpoint.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func databases(t *testing.T, server *sandbox.Server) []string {
	t.Helper()
	db, err := server.DB(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), "SELECT datname::TEXT FROM pg_catalog.pg_database")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		out = append(out, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// generated is a table with generated rows.
type generated struct {
	name    string
	columns []generatedColumn
	// key ends CREATE TABLE, such as ", PRIMARY KEY (id)".
	key string
}

// generatedColumn makes values as SQL literals; i is the row's number.
type generatedColumn struct {
	name, ddl string
	value     func(r *rand.Rand, i int) string
}

// fill creates a table and inserts seeded rows.
func fill(t *testing.T, server *sandbox.Server, database string, rows int, g generated) {
	t.Helper()
	db, err := server.DB(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	exec := func(statement string) {
		if _, err := conn.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
			t.Fatalf("%v\n%.300s", err, statement)
		}
	}
	exec("SET NAMES utf8mb4; SET time_zone = '+00:00'; SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
	var defs []string
	for _, c := range g.columns {
		ddl := c.ddl
		if server.Kind() == sandbox.MySQL {
			ddl = mariaTypes.ReplaceAllString(ddl, "VARCHAR(45) CHARACTER SET ascii")
		}
		defs = append(defs, c.name+" "+ddl)
	}
	exec("CREATE TABLE " + g.name + " (" + strings.Join(defs, ", ") + g.key + ")")
	random := rand.New(rand.NewPCG(7, uint64(len(g.name))))
	const batch = 250
	for start := 0; start < rows; start += batch {
		var lines []string
		for i := start; i < min(start+batch, rows); i++ {
			var cells []string
			for _, c := range g.columns {
				cells = append(cells, c.value(random, i))
			}
			lines = append(lines, "("+strings.Join(cells, ", ")+")")
		}
		exec("INSERT INTO " + g.name + " VALUES " + strings.Join(lines, ", "))
	}
}

// mariaTypes are types that MySQL does not have: text takes their place there.
var mariaTypes = regexp.MustCompile(`\b(UUID|INET[46])\b`)

// sometimes is NULL for one row in eight and the empty value for another.
func sometimes(empty string, value func(*rand.Rand, int) string) func(*rand.Rand, int) string {
	return func(r *rand.Rand, i int) string {
		switch r.IntN(8) {
		case 0:
			return "NULL"
		case 1:
			return empty
		}
		return value(r, i)
	}
}

func integer(low, high int64) func(*rand.Rand, int) string {
	return func(r *rand.Rand, _ int) string {
		switch r.IntN(12) {
		case 0:
			return strconv.FormatInt(low, 10)
		case 1:
			return strconv.FormatInt(high, 10)
		}
		span := uint64(high) - uint64(low)
		if span == math.MaxUint64 {
			return strconv.FormatInt(int64(r.Uint64()), 10)
		}
		return strconv.FormatInt(low+int64(r.Uint64N(span+1)), 10)
	}
}

func digits(whole, fraction int) func(*rand.Rand, int) string {
	return func(r *rand.Rand, _ int) string {
		var out strings.Builder
		if r.IntN(2) == 0 {
			out.WriteByte('-')
		}
		for range 1 + r.IntN(whole) {
			out.WriteByte(byte('0' + r.IntN(10)))
		}
		out.WriteByte('.')
		for range fraction {
			out.WriteByte(byte('0' + r.IntN(10)))
		}
		return out.String()
	}
}

func float(bits int) func(*rand.Rand, int) string {
	return func(r *rand.Rand, _ int) string {
		f := (r.Float64() - 0.5) * math.Pow(10, float64(r.IntN(60)-30))
		if bits == 32 {
			f = float64(float32(f))
		}
		if r.IntN(6) == 0 {
			return "'-0'"
		}
		return strconv.FormatFloat(f, 'e', -1, bits)
	}
}

var words = []string{"Zoë", "ångström", "Naïve", "account", "Payee", "Größe", "ΑΘΗΝΑ", "日本", "co-op", "O'Neill", "tab\tstop", "line\nbreak", "😀", "x ", " y"}

func word(r *rand.Rand, _ int) string {
	text := words[r.IntN(len(words))] + " " + words[r.IntN(len(words))]
	if r.IntN(3) == 0 {
		text += " "
	}
	return fmt.Sprintf("_utf8mb4 X'%X'", text)
}

func octets(most int) func(*rand.Rand, int) string {
	return func(r *rand.Rand, _ int) string {
		raw := make([]byte, 1+r.IntN(most))
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		return fmt.Sprintf("X'%X'", raw)
	}
}

func moment(layout string) func(*rand.Rand, int) string {
	return func(r *rand.Rand, _ int) string {
		at := time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(int64(60 * 365 * 24 * time.Hour))))
		return "'" + at.Format(layout) + "'"
	}
}

func oneOf(values ...string) func(*rand.Rand, int) string {
	return func(r *rand.Rand, _ int) string { return values[r.IntN(len(values))] }
}

func document(r *rand.Rand, i int) string {
	return fmt.Sprintf(`'{"id": %d, "rate": %d.%02d, "big": 123456789012345678901234567890, "tags": ["a", "B", %d], "on": true, "none": null}'`,
		i, r.IntN(100), r.IntN(100), r.IntN(10))
}

func hexUUID(r *rand.Rand, _ int) string {
	return fmt.Sprintf("'%08x-%04x-4%03x-8%03x-%012x'", r.Uint32(), r.Uint32()&0xffff, r.Uint32()&0xfff, r.Uint32()&0xfff, r.Uint64()&0xffffffffffff)
}

func number(_ *rand.Rand, i int) string { return strconv.Itoa(i * 3) }

// allTypes is a table with a column of every type of DESIGN.md.
func allTypes() generated {
	nullable := func(name, ddl, empty string, value func(*rand.Rand, int) string) generatedColumn {
		return generatedColumn{name, ddl + " NULL", sometimes(empty, value)}
	}
	return generated{name: "everything", key: ", PRIMARY KEY (id)", columns: []generatedColumn{
		{"id", "BIGINT", number},
		nullable("ti", "TINYINT", "0", integer(-128, 127)), nullable("tu", "TINYINT UNSIGNED", "0", integer(0, 255)),
		nullable("si", "SMALLINT", "0", integer(-32768, 32767)), nullable("mi", "MEDIUMINT", "0", integer(-8388608, 8388607)),
		nullable("mu", "MEDIUMINT UNSIGNED ZEROFILL", "0", integer(0, 16777215)),
		{"i", "INT NOT NULL", integer(math.MinInt32, math.MaxInt32)},
		nullable("iu", "INT UNSIGNED", "0", integer(0, math.MaxUint32)), nullable("bi", "BIGINT", "0", integer(math.MinInt64, math.MaxInt64)),
		nullable("bi2", "BIGINT", "0", integer(math.MinInt64, math.MaxInt64)),
		nullable("bu", "BIGINT UNSIGNED", "0", oneOf("18446744073709551615", "9223372036854775808", "1", "42")), nullable("bo", "TINYINT(1)", "0", oneOf("0", "1")),
		nullable("d2", "DECIMAL(12,2)", "0", digits(10, 2)), nullable("d2b", "DECIMAL(12,2)", "0", digits(10, 2)),
		nullable("d30", "DECIMAL(65,30)", "0", digits(35, 30)), nullable("d0", "DECIMAL(20,0)", "0", digits(20, 0)),
		nullable("f", "FLOAT", "0", float(32)), nullable("d", "DOUBLE", "0", float(64)), nullable("df", "DOUBLE(15,4)", "0", digits(9, 4)),
		nullable("b1", "BIT(1)", "b'0'", oneOf("b'0'", "b'1'")), nullable("b10", "BIT(10)", "b'0'", oneOf("b'1000000001'", "b'11'", "b'1111111111'")),
		nullable("b64", "BIT(64)", "b'0'", oneOf("b'1'", "~0", "1 << 63")),
		nullable("c", "CHAR(30) CHARACTER SET utf8mb4", "''", word), nullable("vc", "VARCHAR(40) CHARACTER SET utf8mb4", "''", word),
		nullable("vc2", "VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "''", word),
		nullable("la", "VARCHAR(40) CHARACTER SET latin1", "''", oneOf("'Zoë'", "'naïve '", "'€ 5'", "'plain'")),
		nullable("tx", "TEXT CHARACTER SET utf8mb4", "''", word), nullable("lt", "LONGTEXT CHARACTER SET utf8mb4", "''", word),
		nullable("bn", "BINARY(8)", "''", octets(8)), nullable("vb", "VARBINARY(20)", "''", octets(20)),
		nullable("bl", "BLOB", "''", octets(200)), nullable("lb", "LONGBLOB", "''", octets(60)),
		nullable("da", "DATE", "'0001-01-01'", moment(time.DateOnly)), nullable("dt", "DATETIME", "'9999-12-31 23:59:59'", moment(time.DateTime)),
		nullable("dt3", "DATETIME(3)", "'1000-01-01 00:00:00'", moment("2006-01-02 15:04:05.000")),
		nullable("dt6", "DATETIME(6)", "'2024-02-29 23:59:59.999999'", moment("2006-01-02 15:04:05.000000")),
		nullable("ts", "TIMESTAMP", "'2024-03-31 01:30:00'", moment("2006-01-02 15:04:05")), nullable("ts6", "TIMESTAMP(6)", "'2037-12-31 23:59:59.999999'", moment("2006-01-02 15:04:05.000000")),
		nullable("tm", "TIME", "'00:00:00'", oneOf("'23:59:59'", "'12:30:15'")), nullable("tm6", "TIME(6)", "'00:00:00'", oneOf("'23:59:59.999999'", "'01:02:03.000004'")),
		nullable("iv", "TIME(3)", "'00:00:00'", oneOf("'-838:59:59'", "'838:59:58.999'", "'-00:00:01.5'", "'30:00:00'")),
		nullable("ye", "YEAR", "1901", oneOf("2024", "2155", "0")),
		nullable("en", "ENUM('aa','AA','b,c','d''e') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "'aa'", oneOf("'AA'", "'b,c'", "'d''e'")), nullable("st", "SET('x','y','z w')", "''", oneOf("'x'", "'x,y'", "'z w'", "'x,y,z w'")),
		nullable("js", "JSON", "'null'", document), nullable("js2", "JSON", "'[1, 2]'", document),
		nullable("uu", "UUID", "'00000000-0000-0000-0000-000000000000'", hexUUID), nullable("i6", "INET6", "'::'", oneOf("'2001:db8::1'", "'::ffff:10.0.0.1'", "'fe80::1:2'")),
		nullable("i4", "INET4", "'0.0.0.0'", oneOf("'10.0.0.1'", "'255.255.255.255'")),
	}}
}

// keyedTables have the kinds of keys that rows are matched by, and few columns.
var keyedTables = []generated{
	{"pair", []generatedColumn{{"a", "INT", func(_ *rand.Rand, i int) string { return strconv.Itoa(i / 7) }}, {"b", "DATETIME(3)", func(_ *rand.Rand, i int) string {
		return time.Date(2024, 1, 1, 0, 0, i, 0, time.UTC).Format("'2006-01-02 15:04:05.000'")
	}}, {"v", "DECIMAL(10,2)", digits(8, 2)}, {"w", "VARCHAR(50)", word}}, ", PRIMARY KEY (a, b)"},
	{"folded", []generatedColumn{{"k", "VARCHAR(30) COLLATE utf8mb4_general_ci", func(_ *rand.Rand, i int) string { return fmt.Sprintf("'Key-%d é'", i) }}, {"v", "INT", integer(-5, 5)}, {"w", "VARCHAR(50)", word}}, ", PRIMARY KEY (k)"},
	{"octet", []generatedColumn{{"k", "VARBINARY(8)", func(_ *rand.Rand, i int) string { return fmt.Sprintf("X'%06X'", i*5) }}, {"v", "BLOB", octets(30)}}, ", PRIMARY KEY (k)"},
	{"ident", []generatedColumn{{"k", "UUID", hexUUID}, {"v", "DOUBLE", float(64)}, {"w", "DOUBLE", float(64)}}, ", PRIMARY KEY (k)"},
	{"uniquely", []generatedColumn{{"k", "INT NOT NULL", number}, {"v", "FLOAT", float(32)}, {"w", "TEXT", word}}, ", UNIQUE KEY (k)"},
	{"keyless", []generatedColumn{{"a", "INT", integer(0, 20)}, {"b", "VARCHAR(50)", word}, {"c", "DATETIME(6)", moment("2006-01-02 15:04:05.000000")}}, ""},
}
