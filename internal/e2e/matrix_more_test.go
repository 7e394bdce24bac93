package e2e

import (
	"fmt"
	"strings"

	"leap/internal/sandbox"
)

func binaryFamilies() []family {
	var every, values []string
	for b := range 256 {
		every = append(every, fmt.Sprintf("%02X", b))
	}
	all := strings.Join(every, "")
	for _, text := range []string{"", "00", "0000", "6100", "FF", "5C4E", "5C2E", "5C7830", "C3A9", "C3", "EDA080", "200920", "0D0A", "27", all} {
		values = append(values, "X'"+text+"'")
	}
	return []family{{table: "binaries", columns: []typed{
		{"vb", "VARBINARY(256)", "bytea", values},
		{"tiny", "TINYBLOB", "bytea", values[:len(values)-1]},
		{"bl", "BLOB", "bytea", values},
		{"medium", "MEDIUMBLOB", "bytea", values},
		{"lng", "LONGBLOB", "bytea", values},
		{"b1", "BINARY(1)", "bytea", hexValues(every)},
		{"b4", "BINARY(4)", "bytea", []string{"X'61'", "X'61000000'", "X'20202020'", "X''", "X'00FF00FF'", "X'5C5C5C5C'"}},
		{"vb_bin", "VARCHAR(8) CHARACTER SET binary", "bytea", []string{"X'00FF'", "''"}},
	}}}
}

func hexValues(bytes []string) []string {
	values := make([]string, len(bytes))
	for i, b := range bytes {
		values[i] = "X'" + b + "'"
	}
	return values
}

func timeFamilies() []family {
	dates := family{table: "dates", columns: []typed{
		{"d", "DATE", "date", []string{"'1000-01-01'", "'9999-12-31'", "'0001-01-01'", "'1582-10-10'", "'1900-02-28'", "'2000-02-29'", "'1969-12-31'", "'0999-12-31'"}},
		{"y", "YEAR", "smallint", []string{"0", "1901", "2155", "1970", "2026"}},
	}}
	clocks := family{table: "clocks"}
	wide := family{table: "wide_clocks"}
	for p := range 7 {
		part := ""
		if p > 0 {
			part = "." + "987654"[:p]
		}
		ninth := ""
		if p > 0 {
			ninth = "." + strings.Repeat("9", p)
		}
		suffix := fmt.Sprintf("(%d)", p)
		dates.columns = append(dates.columns,
			typed{
				fmt.Sprint("dt", p), "DATETIME" + suffix, "timestamp without time zone",
				[]string{
					"'1000-01-01 00:00:00'", "'9999-12-31 23:59:59" + ninth + "'", "'2021-03-28 02:30:00" + part + "'", "'2021-10-31 02:30:00'",
					"'0001-01-01 00:00:00'", "'1969-12-31 23:59:59" + part + "'", "'2024-02-29 12:00:00'",
				},
			},
			typed{
				fmt.Sprint("ts", p), "TIMESTAMP" + suffix + " NULL", "timestamp with time zone",
				[]string{
					"'1970-01-01 00:00:01'", "'2038-01-19 03:14:07" + ninth + "'", "'2021-03-28 01:30:00" + part + "'", "'2021-03-28 02:30:00'",
					"'2021-10-31 00:30:00'", "'2021-10-31 01:30:00'", "'2000-01-01 00:00:00'",
				},
			})
		clocks.columns = append(clocks.columns, typed{
			fmt.Sprint("t", p), "TIME" + suffix, "time without time zone",
			[]string{"'00:00:00'", "'23:59:59" + ninth + "'", "'12:34:56" + part + "'", "'00:00:01'"},
		})
		longest := "838:59:59"
		if p > 0 {
			longest += "." + strings.Repeat("9", p-1) + "8"
		}
		wide.columns = append(wide.columns, typed{
			fmt.Sprint("t", p), "TIME" + suffix, "interval",
			[]string{"'" + longest + "'", "'-" + longest + "'", "'00:00:00'", "'24:00:00'", "'-00:00:01" + part + "'", "'25:01:02" + part + "'", "'-00:59:00'"},
		})
	}
	return []family{dates, clocks, wide}
}

func structuredFamilies(source *sandbox.Server) []family {
	labels := []string{"plain", "with,comma", "it's", `quote"d`, `back\slash`, "Übel", "数据", "😀", " lead", "NULL", "{}", "", "UPPER", "a b"}
	// A SET cannot hold a comma in a label, and an empty label would be
	// indistinguishable from none.
	members := []string{"plain", "it's", `quote"d`, `back\slash`, "Übel", "数据", "😀", " lead", "NULL", "{}", "null", "a b"}
	quote := func(list []string) (ddl string, values []string) {
		var parts []string
		for _, label := range list {
			parts = append(parts, "'"+strings.ReplaceAll(strings.ReplaceAll(label, `\`, `\\`), "'", "''")+"'")
		}
		return "(" + strings.Join(parts, ",") + ") CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", parts
	}
	enum, enumValues := quote(labels)
	set, setValues := quote(members)
	setValues = append(setValues, "''", "1+2+4", "4095", "2048+1", "256+512")
	families := []family{
		{table: "labels", columns: []typed{
			{"en", "ENUM" + enum, enumType, enumValues},
			{"st", "SET" + set, "array", setValues},
			{"big", "SET(" + manyLabels(64) + ")", "array", []string{"18446744073709551615", "''", "'m63'", "'m0,m63'", "9223372036854775808"}},
		}},
		{table: "documents", columns: []typed{{"js", "JSON", "jsonb", documents()}}},
	}
	if source.Kind() == sandbox.MySQL {
		return append(families, mysqlFamilies()...)
	}
	return append(families, family{
		table: "addresses", columns: []typed{
			{"u", "UUID", "uuid", []string{"'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'123E4567-e89b-12d3-a456-426614174000'", "'123e4567-e89b-12d3-a456-426614174f00'"}},
			{"i6", "INET6", "inet", []string{"'::'", "'::1'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'", "'2001:db8::ff00:42:8329'", "'fe80::1'", "'2001:db8::'"}},
			{"i4", "INET4", "inet", []string{"'0.0.0.0'", "'255.255.255.255'", "'192.0.2.1'", "'10.0.0.0'"}},
		},
	})
}

func manyLabels(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf("'m%d'", i)
	}
	return strings.Join(parts, ",")
}

func documents() []string {
	var values []string
	for _, text := range []string{
		`{}`, `[]`, `null`, `true`, `false`, `0`, `-0`, `""`, `"text"`, `1.0`, `1e10`, `1E+2`, `1.50`, `0.1`,
		`9223372036854775808`, `123456789012345678901234567890`, `-9223372036854775809`, `0.123456789012345678901234567890`, `1e-20`,
		`{"a":{"b":{"c":[1,[2,[3,{"d":null}]]]}}}`, `{"b":1,"a":2,"aa":3}`, `[1,"1",true,null,{}]`, `{"":""}`,
		`"\u00e9\u0041\ud83d\ude00"`, `"tab\t nl\n quote\" slash\/ back\\ bs\b ff\f cr\r"`, `"\u001f\u007f"`, `"a\\u0041"`, `"\\n"`,
		"{\n\t\"pretty\" : [\n\t\t1 ,\n\t\t2\r\n\t]\n}", "  [ 1 ]  ", `{"key with \"quotes\" and \\ and \n":"v"}`, `{"ключ":"значение","😀":"😀"}`,
		`"\\N"`, `"\\."`, `{"a":"NULL"}`, `[[],{},[[]]]`, `"e\u0301"`, `"é"`, `{"x":1e2,"y":100,"z":100.0}`,
	} {
		values = append(values, mysqlText(text))
	}
	return values
}
