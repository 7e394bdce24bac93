package convert

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// baseColumns are what the expressions of formulas read.
var baseColumns = []schema.Column{
	column("a", "int(11)"),
	required("b", "int(11)"),
	column("u", "int(10) unsigned"),
	column("big", "bigint(20) unsigned"),
	column("d", "decimal(12,3)"),
	column("f", "double"),
	column("g", "float"),
	column("s", "varchar(40)"),
	column("k", "varchar(40) collate utf8mb4_general_ci"),
	column("e", "enum('low','High')"),
	column("ek", "enum('low','High') collate utf8mb4_general_ci"),
	column("dt", "datetime(3)"),
	column("da", "date"),
	column("y", "varbinary(20)"),
}

// baseRows are the rows that both sides hold: NULLs, signs, limits, spaces,
// characters of four bytes.
var baseRows = []string{
	`1, 2, 3, 18446744073709551615, 1.005, 0.1, 0.1, 'abc', 'abc', 'low', 'low', '2024-02-29 23:59:59.999', '2024-02-29', 'abc'`,
	`NULL, 0, NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL`,
	`2147483647, 2147483647, 4294967295, 9223372036854775807, -999999999.999, -1.5, 16777216, '', '', 'High', 'High', '1000-01-01 00:00:00', '9999-12-31', ''`,
	`-2147483648, -7, 0, 0, 2.345, 1e10, 0.3, ' x  ', 'DE ', 'High', 'High', '1999-12-31 12:30:00.5', '2000-01-01', 'x'`,
	`-7, 7, 7, 7, -2.345, 3, -7.5, 'größe', 'de', 'low', 'low', '2020-10-05 07:08:09.1', '2020-03-31', 'größe'`,
	`0, 1, 1, 1, 0.000, 0, 0, '😀it''s', 'Zürich', NULL,NULL, '2021-06-15 00:00:00', '2021-06-15', 'it''s'`,
	"8, 2, 1, 1, 0.000, 0, 0, '\t de\n', 'de\t', NULL,NULL, '2021-06-15 00:00:00', '2021-06-15', 'x'",
}

// formulas are generated columns that must give the same values on both sides:
// the type and the expression as the source prints it.
var formulas = [][2]string{
	{"bigint", "`a` + `b`"},
	{"bigint", "`a` * `b` - -3"},
	{"decimal(20,0)", "`u` * `u`"},
	{"bigint", "-`a`"},
	{"int", "`a` % 5"},
	{"int", "`a` MOD -5"},
	{"bigint", "abs(`b`)"},
	{"decimal(20,3)", "`d` + `a`"},
	{"decimal(30,6)", "`d` * `d`"},
	{"decimal(20,1)", "round(`d`,1)"},
	{"decimal(20,0)", "round(`d`)"},
	{"decimal(20,2)", "`d` * 1.5"},
	{"decimal(20,0)", "floor(`d`)"},
	{"decimal(20,0)", "ceiling(`d`)"},
	{"double", "`f` * 2 + 1"},
	{"double", "`d` * -5"},
	{"tinyint", "`a` > `b`"},
	{"tinyint", "`a` <=> `b` or `a` is null"},
	{"tinyint", "`a` > 1 and not `b` > 1"},
	{"tinyint", "`a` > 1 xor `b` > 1"},
	{"tinyint", "(`a` > 1) + (`b` > 1)"},
	{"tinyint", "`a` in (1,2,-7)"},
	{"tinyint", "`a` not between -7 and 1"},
	{"tinyint", "`f` = 0.1"},
	{"tinyint", "`d` = 1.005"},
	{"tinyint", "`e` = 'High'"},
	{"tinyint", "`ek` = 'HIGH'"},
	{"tinyint", "`e` <> 'low'"},
	{"tinyint", "`e` in ('low','High')"},
	{"tinyint", "`ek` in ('low','high')"},
	{"tinyint", "`s` = ' x'"},
	{"tinyint", "`s` <> ''"},
	{"tinyint", "`s` like '%s'"},
	{"tinyint", "`s` like '\\_%' or `s` like '_bc'"},
	{"tinyint", "`da` >= '2020-03-31'"},
	{"tinyint", "`dt` < '2020-10-05 07:08:09.2'"},
	{"varchar(90)", "concat(`s`,_utf8mb4'-',`a`)"},
	{"varchar(90)", "concat('it''s \\\\ \\'q\\'',`b`)"},
	{"varchar(90)", "upper(left(`s`,2))"},
	{"varchar(90)", "right(`s`,2)"},
	{"varchar(90)", "substr(`s`,2,2)"},
	{"varchar(90)", "substr(`s`,3)"},
	{"varchar(90)", "trim(`s`)"},
	{"varchar(90)", "concat(ltrim(`s`),rtrim(`s`))"},
	{"char(90)", "concat(`s`,' ')"},
	{"char(90)", "`s`"},
	{"tinyint", "`s` = ' de' or rtrim(`s`) = '\t de'"},
	{"varchar(90)", "reverse(replace(`s`,'b','XY'))"},
	{"int", "char_length(`s`)"},
	{"int", "octet_length(`s`) + length(`y`)"},
	{"bigint", "coalesce(`a`,`b`,0)"},
	{"decimal(20,3)", "ifnull(`d`,`a`)"},
	{"bigint", "if(`a` > 0,`a`,0)"},
	{"bigint", "if(`a`,1,2)"},
	{"bigint", "nullif(`b`,7)"},
	{"varchar(90)", "case `b` when 2 then 'two' when 7 then `s` else 'other' end"},
	{"varchar(90)", "case when `a` < 0 then 'neg' when `a` = 0 then 'zero' end"},
	{"bigint", "greatest(`a`,`b`)"},
	{"bigint", "least(`a`,`b`,3)"},
	{"double", "greatest(`f`,-`f`)"}, // one of them is -0
	{"double", "least(-`f`,`f`)"},
	{"int", "year(`dt`) * 100 + month(`da`)"},
	{"int", "dayofmonth(`da`) + quarter(`da`)"},
	{"int", "hour(`dt`) * 60 + minute(`dt`)"},
	{"date", "date(`dt`)"},
	{"datetime(6)", "coalesce(`dt`,`dt`)"},
	{"decimal(24,0)", "`big` + 1.0 - 1.0"},
}

// refusedFormulas must not be translated: their meaning differs.
var refusedFormulas = []string{
	"`a` / `b`", "`a` div `b`", "`k` = 'de'", "`s` < 'b'", "`e` < 'low'", "`e` = 'unknown'", "`a` = '1'",
	"`a` in (`b`,1)", "concat(`d`,'')", "`f` = `d`", "`s` regexp 'x'", "`k` like 'd%'", "json_extract(`s`,'$')",
	"`a` | 1", "`a` << 1", "`s` + 1", "`nope` + 1", "`e`", "round(`f`)", "concat_ws(',',`s`,`k`)", "`s` = `k`",
	"`g` = 0.1", "`f` + `g`", "`d` % 2", "`big` % 10", "cast(`dt` as date)", "`a` <=> NULL", "`e` = 'HIGH'", "`a` % 0", "substr(`s`,-2)", "`s` || 'x'", "`a` = NULL", "now()", "0x41", `"x"`, "`a` -- 1", "", "(", "`a", "'x",
	"`a` +", "case end", "case when 1 then 2", "1 2", "`s` collate utf8mb4_bin = 'x'", "if(`s`,1,2)", "_latin1'x'",
}

// TestFormulasGiveTheSourcesValues computes every formula on the source and on
// each target from the same rows.
func TestFormulasGiveTheSourcesValues(t *testing.T) {
	ctx := t.Context()
	source := sandboxtest.Source(t)
	names := make([]string, len(baseColumns))
	for i, c := range baseColumns {
		names[i] = c.Name
	}
	sourceDB, err := source.DB(ctx, sandboxtest.NewDatabase(t, source))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sourceDB.Close() })
	var wanted []string // formulas that are translated, as columns g0, g1, ...
	base := tableOf("t", baseColumns...)
	create := "CREATE TABLE t (id INT PRIMARY KEY"
	for _, c := range baseColumns {
		raw, collation, _ := strings.Cut(c.Type.Raw, " collate ")
		if c.Type.Charset != "" && collation == "" {
			collation = "utf8mb4_bin"
		}
		if collation != "" {
			raw += " CHARACTER SET utf8mb4 COLLATE " + collation
		}
		create += ", " + c.Name + " " + raw
	}
	for i, f := range formulas {
		name := fmt.Sprintf("g%d", i)
		raw := f[0]
		if strings.HasPrefix(raw, "varchar") || strings.HasPrefix(raw, "char") {
			raw += " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
		}
		create += ", " + name + " " + raw + " AS (" + f[1] + ") STORED"
		base.Columns = append(base.Columns, generated(name, f[0], f[1]))
		wanted = append(wanted, name)
	}
	execAll(ctx, t, sourceDB, create+")", inserts(names))
	want := valuesOf(ctx, t, sourceDB, "CAST(%s AS CHAR)", wanted)
	eachTarget(t, func(ctx context.Context, t *testing.T, db *sql.DB, d Dialect) {
		t.Helper()
		plan := build(t, d, base)
		apply(ctx, t, db, plan.Before)
		execAll(ctx, t, db, inserts(names))
		var columns []string
		for i, name := range wanted {
			if mapped(t, plan, name).Computed {
				columns = append(columns, name)
			} else {
				t.Errorf("%s is not translated: %+v", formulas[i][1], found(plan, "generated-not-translated"))
			}
		}
		got := valuesOf(ctx, t, db, "CAST(%s AS TEXT)", columns)
		for i, name := range wanted {
			if got[name] != want[name] && mapped(t, plan, name).Computed {
				t.Errorf("%s\nsource %s\ntarget %s\n%s", formulas[i][1], want[name], got[name], definition(t, plan, name))
			}
		}
	})
}

// inserts returns the statement that writes baseRows.
func inserts(names []string) string {
	rows := make([]string, len(baseRows))
	for i, r := range baseRows {
		rows[i] = fmt.Sprintf("(%d, %s)", i, r)
	}
	return "INSERT INTO t (id, " + strings.Join(names, ", ") + ") VALUES " + strings.Join(rows, ", ")
}

func execAll(ctx context.Context, t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
	}
}

// valuesOf returns the values of each column in row order, as one text.
func valuesOf(ctx context.Context, t *testing.T, db *sql.DB, cast string, columns []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, c := range columns {
		for id := range baseRows {
			var v sql.NullString
			query := "SELECT " + fmt.Sprintf(cast, c) + " FROM t WHERE id = " + strconv.Itoa(id)
			if err := db.QueryRowContext(ctx, query).Scan(&v); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			text := "NULL"
			if v.Valid {
				text = v.String
				if whole, fraction, ok := strings.Cut(text, "."); ok {
					// Both spellings of 1.500 seconds are the same.
					text = strings.TrimSuffix(whole+"."+strings.TrimRight(fraction, "0"), ".")
				}
			}
			out[c] += "[" + text + "]"
		}
	}
	return out
}

func TestFormulasThatAreRefused(t *testing.T) {
	for _, expression := range refusedFormulas {
		base := tableOf("t", baseColumns...)
		for _, raw := range []string{"bigint", "varchar(90)", "decimal(20,3)", "tinyint"} {
			base.Columns = append(base.Columns, generated("g_"+raw, raw, expression))
		}
		plan := build(t, postgres, base)
		for _, c := range plan.Tables[0].Mapping.Columns {
			if c.Computed {
				t.Errorf("%s is translated: %s", expression, definition(t, plan, c.Name))
			}
		}
		if n := len(found(plan, "generated-not-translated")); n != 4 {
			t.Errorf("%s: %d findings, want 4", expression, n)
		}
	}
}

// TestPaddedNumbersAreNotJoined: 00007 and the year 0000 are other texts on the
// source; on MySQL also as the result of IF, CASE and NULLIF.
func TestPaddedNumbersAreNotJoined(t *testing.T) {
	for expression, joined := range map[string]bool{
		"concat(`z`)": false, "concat(`y`,'-')": false, "concat(if(`n`,`z`,1))": false, "concat(nullif(`y`,0))": false,
		"concat(case when `n` then 1 else `z` end)": false,
		"concat(coalesce(`z`,0))":                   true, "concat(greatest(`y`,`z`))": true, "concat(`y` % 7)": true, "concat(abs(`z`))": true,
	} {
		plan := build(t, cockroach, tableOf("t", column("z", "int(5) zerofill"), column("y", "year(4)"), column("n", "int(11)"),
			generated("g", "varchar(90)", expression)))
		if got := mapped(t, plan, "g").Computed; got != joined {
			t.Errorf("%s: translated is %t, want %t", expression, got, joined)
		}
	}
}

// TestDeepExpression must end in an error and not in a stack overflow.
func TestDeepExpression(t *testing.T) {
	for _, text := range []string{strings.Repeat("(", 100000), strings.Repeat("-", 100000) + "1", strings.Repeat("not ", 100000) + "1"} {
		if _, err := (&translator{t: &table{}}).translate(text); err == nil {
			t.Errorf("%.20s... was translated", text)
		}
	}
}
