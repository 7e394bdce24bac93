package target

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// kindCase is a column with values in the form that the source hands over.
type kindCase struct {
	name   string
	column schema.ColumnMapping
	setup  string
	cells  []string
}

func kindCases() []kindCase {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	nasty := []string{
		"", " ", "  x  ", `\N`, `\.`, `\`, `\\`, `\x41`, `\\x41`, `\t`, "a\tb", "a\nb", "a\r\nb", "\n", "\r", "\t", "'", `"`, `''`, `"quoted"`,
		"NULL", "{}", "{a,b}", "ARRAY[e'a']", "é", "😀👩‍👩‍👧", "\u0301", "\u2028\ufeff", "\b\f\v\x01\x1b\x7f", "a,b", strings.Repeat("ü\\", 3000), "\U0010FFFF",
	}
	labels := []string{"a", `b"'`, `back\slash`, "tab\tline\n", "ünïcödé 😀", "NULL", " spaced ", "{x}", `\N`, "e'", "null", "%"}
	return []kindCase{
		{name: "int2", column: schema.ColumnMapping{Kind: schema.Int, Type: "INT2"}, cells: []string{"-32768", "0", "32767"}},
		{name: "int8", column: schema.ColumnMapping{Kind: schema.Int, Type: "INT8"}, cells: []string{"-9223372036854775808", "-1", "9223372036854775807"}},
		{name: "bool", column: schema.ColumnMapping{Kind: schema.Bool, Type: "BOOL"}, cells: []string{"0", "1"}},
		{name: "unsigned", column: schema.ColumnMapping{Kind: schema.Decimal, Type: "DECIMAL(20,0)"}, cells: []string{"0", "18446744073709551615"}},
		{
			name: "decimal", column: schema.ColumnMapping{Kind: schema.Decimal, Type: "DECIMAL(65,30)"},
			cells: []string{
				"0.000000000000000000000000000000", "-0.000000000000000000000000000001", "1.500000000000000000000000000000",
				strings.Repeat("9", 35) + "." + strings.Repeat("9", 30), "-" + strings.Repeat("9", 35) + "." + strings.Repeat("9", 30), "0.000000100000000000000000000000",
			},
		},
		{name: "float4", column: schema.ColumnMapping{Kind: schema.Float32, Type: "FLOAT4"}, cells: []string{
			"0", "-0", "16777216", "0.10000000149011612", "3.4028234663852886e+38", "-1.401298464324817e-45", "1.1754943508222875e-38", "8388607.5",
		}},
		{name: "float8", column: schema.ColumnMapping{Kind: schema.Float64, Type: "FLOAT8"}, cells: []string{
			"0", "-0", "0.1", "0.30000000000000004", "1.7976931348623157e+308", "5e-324", "-2.2250738585072014e-308", "9007199254740993", "1e+22",
		}},
		{name: "bit10", column: schema.ColumnMapping{Kind: schema.Bits, Type: "BIT(10)", Width: 10}, cells: []string{"\x00\x00", "\x02\x01", "\x03\xff"}},
		{name: "bit64", column: schema.ColumnMapping{Kind: schema.Bits, Type: "BIT(64)", Width: 64}, cells: []string{
			"\x00\x00\x00\x00\x00\x00\x00\x01", "\xff\xff\xff\xff\xff\xff\xff\xff", "\x80\x00\x00\x00\x00\x00\x00\x00",
		}},
		{name: "text", column: schema.ColumnMapping{Kind: schema.Text, Type: "STRING"}, cells: nasty},
		{name: "varchar", column: schema.ColumnMapping{Kind: schema.Text, Type: "VARCHAR(5)"}, cells: []string{"", "😀😀😀😀😀", "abcde", "a   "}},
		{name: "bytes", column: schema.ColumnMapping{Kind: schema.Bytes, Type: "BYTES"}, cells: append([]string{
			string(every), "\x00", "a\x00b", `\x`, `\x00ff`, `\\x00ff`, "\xff\xfe", "\xc3\x28", "a\x00", "\x00\x00", strings.Repeat("\x00\xff\\\n", 50_000),
		}, nasty...)},
		{name: "date", column: schema.ColumnMapping{Kind: schema.Date, Type: "DATE"}, cells: []string{"0001-01-01", "1000-01-01", "1970-01-01", "2024-02-29", "9999-12-31"}},
		{name: "timestamp", column: schema.ColumnMapping{Kind: schema.DateTime, Type: "TIMESTAMP(6)"}, cells: []string{
			"0001-01-01 00:00:00", "1000-01-01 00:00:00", "2024-03-31 02:30:00", "9999-12-31 23:59:59.999999", "2024-02-29 10:20:30.500000", "1969-12-31 23:59:59.999999",
		}},
		{name: "timestamp0", column: schema.ColumnMapping{Kind: schema.DateTime, Type: "TIMESTAMP(0)"}, cells: []string{"2024-02-29 10:20:30"}},
		{name: "timestamptz", column: schema.ColumnMapping{Kind: schema.Timestamp, Type: "TIMESTAMPTZ(6)"}, cells: []string{
			"1970-01-01 00:00:01", "2038-01-19 03:14:07.999999", "2024-03-31 01:30:00.000001",
		}},
		{name: "time", column: schema.ColumnMapping{Kind: schema.Time, Type: "TIME(6)"}, cells: []string{"00:00:00", "23:59:59.999999", "12:00:00.000001"}},
		{name: "interval", column: schema.ColumnMapping{Kind: schema.Interval, Type: "INTERVAL"}, cells: []string{
			"00:00:00", "-00:00:00.000001", "838:59:59", "-838:59:59", "-838:59:58.999999", "24:00:00", "100:00:00.5",
		}},
		{
			name: "enum", column: schema.ColumnMapping{Kind: schema.Enum, Type: `"odd"`},
			setup: `CREATE TYPE "odd" AS ENUM ('', 'a', ' b ', 'it''s', 'q"q', 'ünïcödé 😀', 'c,d', '{}', 'null', 'NULL', 'A', E'\\N', E'b\\s', E't\tl\nx')`,
			cells: []string{"", "a", " b ", "it's", `q"q`, "ünïcödé 😀", "c,d", "{}", "null", "NULL", "A", `\N`, `b\s`, "t\tl\nx"},
		},
		{name: "set", column: schema.ColumnMapping{Kind: schema.Set, Type: "STRING[]", Labels: labels}, cells: []string{
			"", "a", strings.Join(labels, ","), `b"'`, `back\slash`, "tab\tline\n", `NULL`, "null,%", " spaced ", `\N`,
		}},
		{name: "settext", column: schema.ColumnMapping{Kind: schema.Set, Type: "STRING", Labels: labels, AsText: true}, cells: []string{
			"", "a", strings.Join(labels, ","), `\N`,
		}},
		{name: "json", column: schema.ColumnMapping{Kind: schema.JSON, Type: "JSONB"}, cells: []string{
			"null", "true", `""`, "0", "-0", "1.0", `"1"`, "{}", "[]", "{\r\n\t\"a\" :\t[ 1 ,\n2 ] }", `{"a":"\n\t\r\\\"\/\b\f"}`, `"\u00e9\ud83d\ude00"`, `"\\u0041"`, `"\\N"`,
			`"é😀"`, `{"b":1,"a":{"c":[null,true,{"":""}]}}`, "123456789012345678901234567890.123456789", "1e10", "1E-7", "0.10", `{"a'b":"it's"}`,
			`[` + strings.Repeat(`"\\",`, 2000) + `1]`, `"\u0001\u001f"`, `{"x\ty":"\\x41"}`, "1e300", "-1.5e-300",
		}},
		{name: "uuid", column: schema.ColumnMapping{Kind: schema.UUID, Type: "UUID"}, cells: []string{"00000000-0000-0000-0000-000000000000", "123E4567-e89b-12d3-a456-426614174000"}},
		{name: "inet", column: schema.ColumnMapping{Kind: schema.INet, Type: "INET"}, cells: []string{
			"0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1", "::ffff:1.2.3.4", "fe80:0:0:1::", "1:2:3:4:5:6:7:8",
		}},
	}
}

func (k kindCase) mapping(d *DB) *schema.Mapping {
	c := k.column
	c.Source, c.Name, c.Type = "v", "v", typed(d, c.Type)
	return &schema.Mapping{
		SourceName: "t_" + k.name, Name: "t_" + k.name, Key: []int{0}, KeyIndex: "PRIMARY",
		Columns: []schema.ColumnMapping{
			{Source: "id", Name: "id", Kind: schema.Int, Type: "INT8", NotNull: true},
			c,
			{Source: "after", Name: "after", Kind: schema.Text, Type: "TEXT", NotNull: true},
		},
	}
}

// printed is a cell as the source prints it for the verifier: bits travel as
// bytes but are compared as digits.
func printed(c schema.ColumnMapping, cell string) string {
	if c.Kind != schema.Bits {
		return cell
	}
	var all strings.Builder
	for _, b := range []byte(cell) {
		all.WriteString(strconv.FormatUint(1<<8|uint64(b), 2)[1:])
	}
	return all.String()[all.Len()-c.Width:]
}

func canonical(t *testing.T, c schema.ColumnMapping, cell string) string {
	t.Helper()
	out, err := row.AppendCanonical(nil, &c, []byte(cell))
	if err != nil {
		t.Errorf("%q: %v", cell, err)
	}
	return string(out)
}

// way is one way for rows to reach the target.
type way struct {
	name    string
	encoder func(*DB, *schema.Mapping) *Encoder
	write   func(t *testing.T, db *DB, m *schema.Mapping, data []byte) error
	// refuses tells what cannot be carried this way.
	refuses func(db *DB, k kindCase, cell string) bool
}

func ways() []way {
	return []way{
		{
			name:    "copy",
			encoder: func(db *DB, m *schema.Mapping) *Encoder { return NewEncoder(m, db.Capabilities()) },
			write: func(t *testing.T, db *DB, m *schema.Mapping, data []byte) error {
				t.Helper()
				return db.WriteChunk(t.Context(), m, data, noRecord)
			},
			// A COPY that does not unescape enums has no way to write these labels.
			refuses: func(db *DB, k kindCase, cell string) bool {
				return k.name == "enum" && !db.Capabilities().CopyUnescapes && (cell == `\N` || strings.ContainsAny(cell, "\t\n"))
			},
		},
		{
			name:    "upsert",
			encoder: func(_ *DB, m *schema.Mapping) *Encoder { return NewUpsertEncoder(m) },
			write:   upsertOver,
			refuses: func(*DB, kindCase, string) bool { return false },
		},
	}
}

// importWay loads the rows from an address; only CockroachDB does that.
func importWay() way {
	form := func(db *DB) ImportForm {
		if db.Info().Version < "v20.3" { // this test's own knowledge; the command tries
			return ImportForm{Arrays: ArrayExpression}
		}
		return ImportForm{Arrays: ArrayLiteral}
	}
	return way{
		name:    "import",
		encoder: func(db *DB, m *schema.Mapping) *Encoder { return NewImportEncoder(m, form(db)) },
		write: func(t *testing.T, db *DB, m *schema.Mapping, data []byte) error {
			t.Helper()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) }))
			defer server.Close()
			n, err := db.Import(t.Context(), m, form(db), server.URL+"/rows")
			if want := int64(bytes.Count(data, []byte{'\n'})); err == nil && n != want {
				t.Errorf("the server counted %d rows of %d", n, want)
			}
			return err
		},
		refuses: func(*DB, kindCase, string) bool { return false },
	}
}

// upsertOver puts rows over others that differ in every value.
func upsertOver(t *testing.T, db *DB, m *schema.Mapping, data []byte) error {
	t.Helper()
	var old []byte
	for line := range bytes.Lines(data) {
		id, _, _ := bytes.Cut(line, []byte{'\t'})
		old = append(append(old, id...), "\t\\N\told\n"...)
	}
	if err := db.UpsertChunk(t.Context(), m, old, noRecord); err != nil {
		return err
	}
	return db.UpsertChunk(t.Context(), m, data, noRecord)
}

// TestRoundTrip writes values of every kind in every way and reads them back
// as the verifier does.
func TestRoundTrip(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		all := ways()
		if server.Kind() == sandbox.Cockroach {
			all = append(all, importWay())
		}
		for _, w := range all {
			t.Run(w.name, func(t *testing.T) {
				db := open(t, server)
				for _, k := range kindCases() {
					t.Run(k.name, func(t *testing.T) { roundTrip(t, db, w, k) })
				}
			})
		}
	})
}

func roundTrip(t *testing.T, db *DB, w way, k kindCase) {
	t.Helper()
	m := k.mapping(db)
	c := m.Columns[1]
	if k.setup != "" {
		if err := db.Exec(t.Context(), k.setup); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Exec(t.Context(), "CREATE TABLE "+m.Name+" (id INT8 PRIMARY KEY, v "+c.Type+", after TEXT NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	encoder := w.encoder(db, m)
	rows := []row.Row{{[]byte("-1"), nil, []byte("after NULL")}}
	for i, cell := range k.cells {
		if w.refuses(db, k, cell) {
			if _, err := encoder.AppendRow(nil, row.Row{nil, []byte(cell), nil}); err == nil {
				t.Errorf("%q is not refused", cell)
			}
			continue
		}
		rows = append(rows, row.Row{[]byte(strconv.Itoa(i)), []byte(cell), []byte("after")})
	}
	var data []byte
	for _, r := range rows {
		var err error
		if data, err = encoder.AppendRow(data, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.write(t, db, m, data); err != nil {
		t.Fatal(err)
	}
	got := scanAll(t, db, m, row.Range{})
	if len(got) != len(rows) {
		t.Fatalf("%d rows of %d", len(got), len(rows))
	}
	if r := got["-1"]; r[1] != nil || string(r[2]) != "after NULL" {
		t.Errorf("NULL became %q", r)
	}
	for i, cell := range k.cells {
		r := got[strconv.Itoa(i)]
		switch {
		case w.refuses(db, k, cell):
		case r == nil:
			t.Errorf("%.80q is not there", cell)
		case r[1] == nil:
			t.Errorf("%.80q became NULL", cell)
		case string(r[2]) != "after":
			t.Errorf("what follows %.80q became %q", cell, r[2])
		default:
			if want, have := canonical(t, c, printed(c, cell)), canonical(t, c, string(r[1])); want != have {
				t.Errorf("%.80q became %.80q", cell, r[1])
			}
		}
	}
	if drift, comparable, err := db.Drift(t.Context(), m); err != nil || !comparable || len(drift) > 0 {
		t.Errorf("drift %q, comparable %v, %v", drift, comparable, err)
	}
}

// TestNULInText: where the server takes U+0000 it arrives; where not, the
// server refuses the chunk and nothing is stored.
func TestNULInText(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server, createIntTable)
		m := intTable()
		err := write(t.Context(), db, m, cells("1", "a\x00b\x00"), cells("2", "\x00"))
		if !db.Capabilities().NULInText {
			if err == nil || len(scanAll(t, db, m, row.Range{})) > 0 {
				t.Errorf("NUL is taken: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got := scanAll(t, db, m, row.Range{})
		if string(got["1"][1]) != "a\x00b\x00" || string(got["2"][1]) != "\x00" {
			t.Errorf("got %q", got)
		}
	})
}

// TestLargeValues: 16 MiB of every byte, as one cell.
func TestLargeValues(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server)
		if err := db.Exec(t.Context(), "CREATE TABLE t (id INT8 PRIMARY KEY, v "+typed(db, "BYTES")+")"); err != nil {
			t.Fatal(err)
		}
		m := intTable()
		m.Columns[1].Kind = schema.Bytes
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		blob := bytes.Repeat(every, 16<<20/len(every))
		if err := write(t.Context(), db, m, row.Row{[]byte("1"), blob}, row.Row{[]byte("2"), {}}); err != nil {
			t.Fatal(err)
		}
		got := scanAll(t, db, m, row.Range{})
		if !bytes.Equal(got["1"][1], blob) || got["2"][1] == nil || len(got["2"][1]) != 0 {
			t.Errorf("got %d bytes and %q", len(got["1"][1]), got["2"][1])
		}
	})
}
