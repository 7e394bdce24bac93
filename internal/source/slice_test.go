package source

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"leap/internal/fault"
	"leap/internal/row"
	"leap/internal/schema"
)

// sliceSchema has tables whose rows belong to tenants in every way: by a
// column (with several kinds of values and of indexes), by paths of one to
// three foreign keys, over composite keys, over parents that are not unique,
// through the table itself, and without an index or a key.
const sliceSchema = `
CREATE TABLE customers (id INT PRIMARY KEY, tenant VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci, KEY (tenant));
CREATE TABLE accounts (id INT PRIMARY KEY, customer_id INT NULL, number VARCHAR(10) COLLATE utf8mb4_general_ci, KEY (customer_id), KEY (number));
CREATE TABLE tx (id BIGINT PRIMARY KEY, account_id INT NULL, note VARCHAR(30), KEY (account_id));
CREATE TABLE parts (tx_id BIGINT, n INT, what VARCHAR(10), PRIMARY KEY (tx_id, n));
CREATE TABLE cards (code VARCHAR(8) COLLATE utf8mb4_general_ci PRIMARY KEY, number VARCHAR(10) COLLATE utf8mb4_general_ci, KEY (number));
CREATE TABLE folders (id INT PRIMARY KEY, parent_id INT, tenant VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci, KEY (parent_id));
CREATE TABLE byid (id INT PRIMARY KEY, tenant_id INT, v INT, KEY (tenant_id, v), KEY (tenant_id));
CREATE TABLE clustered (tenant_id INT, id INT, v INT, PRIMARY KEY (tenant_id, id));
CREATE TABLE wide (id INT PRIMARY KEY, tenant_id INT, v INT, KEY (tenant_id, v));
CREATE TABLE bare (id INT PRIMARY KEY, tenant_id INT, v INT);
CREATE TABLE keyless (tenant_id INT, v INT, KEY (tenant_id));
CREATE TABLE keylesspath (account_id INT, v INT, KEY (account_id));
CREATE TABLE uuids (id INT PRIMARY KEY, tenant UUID, KEY (tenant));
CREATE TABLE bins (id INT PRIMARY KEY, tenant BINARY(4), KEY (tenant));
CREATE TABLE enums (id INT PRIMARY KEY, tenant ENUM('b','a','c'), KEY (tenant));
CREATE TABLE regions (a INT, b INT, tenant_id INT, PRIMARY KEY (a, b), KEY (tenant_id));
CREATE TABLE sites (id INT PRIMARY KEY, ra INT, rb INT, KEY (rb, ra));
INSERT INTO customers SELECT seq, ELT(1 + seq % 8, 'acme', 'ACME', 'acme ', 'beta', 'gamma', NULL, 'acme', 'zürich') FROM seq_1_to_40;
INSERT INTO accounts SELECT seq, IF(seq % 9 = 0, NULL, 1 + seq * 7 % 44), CONCAT('n', seq % 30) FROM seq_1_to_90;
INSERT INTO tx SELECT seq, IF(seq % 11 = 0, NULL, 1 + seq * 13 % 95), CONCAT('note ', seq) FROM seq_1_to_300;
INSERT INTO parts SELECT 1 + seq DIV 2, seq % 2, 'x' FROM seq_0_to_400;
INSERT INTO cards SELECT CONCAT(IF(seq % 2, 'K', 'k'), seq), CONCAT(IF(seq % 3, 'n', 'N'), seq % 33) FROM seq_1_to_80;
INSERT INTO folders SELECT seq, IF(seq < 10, NULL, seq % 9 + 1), IF(seq < 10, ELT(1 + seq % 3, 'acme', 'beta', 'ACME'), NULL) FROM seq_1_to_60;
INSERT INTO byid SELECT seq, seq % 7, seq % 5 FROM seq_1_to_100;
INSERT INTO clustered SELECT seq % 7, seq, 1 FROM seq_1_to_100;
INSERT INTO wide SELECT seq, seq % 7, seq % 5 FROM seq_1_to_100;
INSERT INTO bare SELECT seq, IF(seq % 10, seq % 7, NULL), seq % 5 FROM seq_1_to_100;
INSERT INTO keyless SELECT seq % 7, seq % 3 FROM seq_1_to_100;
INSERT INTO keylesspath SELECT seq % 100, seq % 3 FROM seq_1_to_100;
INSERT INTO uuids SELECT seq, CONCAT('00000000-0000-0000-0000-00000000000', seq % 3) FROM seq_1_to_20;
INSERT INTO bins SELECT seq, UNHEX(CONCAT('0a00000', seq % 3)) FROM seq_1_to_20;
INSERT INTO enums SELECT seq, 1 + seq % 3 FROM seq_1_to_20;
INSERT INTO regions SELECT seq, seq * 2, seq % 4 FROM seq_1_to_20;
INSERT INTO sites SELECT seq, seq % 25, IF(seq % 6, seq % 25 * 2, NULL) FROM seq_1_to_100`

// sliceCase is a slice and the condition that says the same in other words.
type sliceCase struct {
	table string
	slice schema.Slice
	want  string
}

func hop(table string, columnsAndParents ...string) schema.Hop {
	n := len(columnsAndParents) / 2
	return schema.Hop{Table: table, Columns: columnsAndParents[:n], Parent: columnsAndParents[n:]}
}

func sliceCases() map[string]sliceCase {
	toCustomer := hop("customers", "customer_id", "id")
	toAccount := hop("accounts", "account_id", "id")
	const acme = "BINARY tenant = 'acme'"
	customers := "SELECT id FROM customers WHERE " + acme
	accounts := "SELECT id FROM accounts WHERE customer_id IN (" + customers + ")"
	numbers := "SELECT number FROM accounts WHERE customer_id IN (" + customers + ")"
	return map[string]sliceCase{
		"text under a collation": {"customers", schema.Slice{Column: "tenant", Values: []string{"acme"}}, acme},
		"text beyond ascii":      {"customers", schema.Slice{Column: "tenant", Values: []string{"zürich"}}, "tenant = 'zürich' AND HEX(tenant) = '7AFC72696368'"},
		"text not in charset":    {"customers", schema.Slice{Column: "tenant", Values: []string{"日"}}, "FALSE"},
		"two texts":              {"customers", schema.Slice{Column: "tenant", Values: []string{"beta", "acme"}}, "BINARY tenant IN ('acme', 'beta')"},
		"one hop":                {"accounts", schema.Slice{Path: []schema.Hop{toCustomer}, Column: "tenant", Values: []string{"acme"}}, "customer_id IN (" + customers + ")"},
		"two hops":               {"tx", schema.Slice{Path: []schema.Hop{toAccount, toCustomer}, Column: "tenant", Values: []string{"acme"}}, "account_id IN (" + accounts + ")"},
		"three hops": {
			"parts",
			schema.Slice{Path: []schema.Hop{hop("tx", "tx_id", "id"), toAccount, toCustomer}, Column: "tenant", Values: []string{"acme"}},
			"tx_id IN (SELECT id FROM tx WHERE account_id IN (" + accounts + "))",
		},
		"parents not unique": {
			"cards",
			schema.Slice{Path: []schema.Hop{hop("accounts", "number", "number"), toCustomer}, Column: "tenant", Values: []string{"acme"}},
			"number IN (" + numbers + ")",
		},
		"through itself": {
			"folders",
			schema.Slice{Path: []schema.Hop{hop("folders", "parent_id", "id")}, Column: "tenant", Values: []string{"acme"}},
			"parent_id IN (SELECT id FROM (SELECT id, tenant FROM folders) f WHERE BINARY tenant = 'acme')",
		},
		"number":              {"byid", schema.Slice{Column: "tenant_id", Values: []string{"3"}}, "tenant_id = 3"},
		"two numbers":         {"byid", schema.Slice{Column: "tenant_id", Values: []string{"3", "5"}}, "tenant_id IN (3, 5)"},
		"clustered":           {"clustered", schema.Slice{Column: "tenant_id", Values: []string{"3"}}, "tenant_id = 3"},
		"clustered, two":      {"clustered", schema.Slice{Column: "tenant_id", Values: []string{"5", "3"}}, "tenant_id IN (3, 5)"},
		"another index order": {"wide", schema.Slice{Column: "tenant_id", Values: []string{"3"}}, "tenant_id = 3"},
		"no index":            {"bare", schema.Slice{Column: "tenant_id", Values: []string{"3"}}, "tenant_id = 3"},
		"no key":              {"keyless", schema.Slice{Column: "tenant_id", Values: []string{"3"}}, "tenant_id = 3"},
		"no key, by a path": {
			"keylesspath",
			schema.Slice{Path: []schema.Hop{toAccount, toCustomer}, Column: "tenant", Values: []string{"acme"}},
			"account_id IN (" + accounts + ")",
		},
		"uuid":   {"uuids", schema.Slice{Column: "tenant", Values: []string{"00000000-0000-0000-0000-000000000001"}}, "id % 3 = 1"},
		"binary": {"bins", schema.Slice{Column: "tenant", Values: []string{"0a000001"}}, "id % 3 = 1"},
		"enum":   {"enums", schema.Slice{Column: "tenant", Values: []string{"a"}}, "id % 3 = 1"},
		"composite key": {
			"sites",
			schema.Slice{Path: []schema.Hop{hop("regions", "ra", "rb", "a", "b")}, Column: "tenant_id", Values: []string{"1"}},
			"(ra, rb) IN (SELECT a, b FROM regions WHERE tenant_id = 1)",
		},
	}
}

// slicesHere is sliceSchema as the source takes it: MySQL has no UUID.
func slicesHere(t *testing.T) string {
	t.Helper()
	if onMySQL(t) {
		return strings.Replace(sliceSchema, "tenant UUID", "tenant CHAR(36)", 1)
	}
	return sliceSchema
}

// TestSlices reads each slice in each way that there is, whole and in pieces,
// and compares with a query that says it in other words.
func TestSlices(t *testing.T) {
	db, _ := open(t, slicesHere(t))
	d := introspect(t, db)
	for name, c := range sliceCases() {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			slice, _, err := db.Resolve(t.Context(), d, c.table, &c.slice)
			if err != nil {
				t.Fatal(err)
			}
			m := plainMapping(d.Table(c.table))
			onConnection(t, db, func(conn *sql.Conn) error {
				want := readPlain(t, conn, m, c.want)
				all := readPlain(t, conn, m, "TRUE")
				if len(want) == len(all) || (len(want) == 0) != (c.want == "FALSE") {
					t.Fatalf("%d of %d rows are in the slice: this tests nothing", len(want), len(all))
				}
				for _, byIndex := range []bool{false, true} {
					usable := !slices.Contains(slice.Access.Indexes[1:], "") && (slice.Access.Indexes[0] != "" || len(slice.Path) > 0)
					if byIndex && !usable {
						continue
					}
					sliced := *slice
					sliced.Access.ByIndex = byIndex
					m.Slice = &sliced
					checkSlice(t, conn, m, want)
				}
				return nil
			})
		})
	}
}

// plainMapping maps a table of numbers and texts by its primary key.
func plainMapping(t *schema.Table) *schema.Mapping {
	m := &schema.Mapping{Source: t, SourceName: t.Name, Name: t.Name}
	for _, c := range t.Columns {
		kind := kindOfColumn(&c)
		m.Columns = append(m.Columns, schema.ColumnMapping{Source: c.Name, Name: c.Name, Kind: kind, From: c.Type, Labels: c.Type.Labels, NotNull: !c.Nullable})
	}
	if t.PrimaryKey != nil {
		m.KeyIndex = t.PrimaryKey.Name
		for _, p := range t.PrimaryKey.Parts {
			m.Key = append(m.Key, slices.IndexFunc(t.Columns, func(c schema.Column) bool { return c.Name == p.Column }))
		}
	}
	return m
}

// readPlain reads the rows that meet a condition, in the order of the key.
func readPlain(t *testing.T, conn *sql.Conn, m *schema.Mapping, where string) []string {
	t.Helper()
	var columns, order []string
	for _, c := range m.Columns {
		columns = append(columns, "COALESCE(CAST("+quote(c.Source)+" AS CHAR CHARACTER SET utf8mb4), 'NULL')")
	}
	for _, c := range m.KeyColumns() {
		order = append(order, quote(c.Source))
	}
	query := "SELECT CONCAT_WS('|', " + strings.Join(columns, ", ") + ") FROM " + quote(m.SourceName) + " WHERE " + where
	if order != nil {
		query += " ORDER BY " + strings.Join(order, ", ")
	}
	rows, err := conn.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if order == nil {
		slices.Sort(out)
	}
	return out
}

func checkSlice(t *testing.T, conn *sql.Conn, m *schema.Mapping, want []string) {
	t.Helper()
	ctx := t.Context()
	if got := lines(t, m, func(fn func(row.Row) error) error { return Read(ctx, conn, m, row.Range{}, fn) }); !slices.Equal(got, want) {
		t.Errorf("by index %v: read\n%q\nwant\n%q", m.Slice.Access.ByIndex, got, want)
	}
	if got := lines(t, m, func(fn func(row.Row) error) error { return Scan(ctx, conn, m, row.Range{}, fn) }); !slices.Equal(got, want) {
		t.Errorf("by index %v: scanned %d rows, want %d", m.Slice.Access.ByIndex, len(got), len(want))
	}
	sums, err := Sums(ctx, conn, m, row.Part{})
	if err != nil {
		t.Fatal(err)
	}
	if int(sums[""].Rows) != len(want) {
		t.Errorf("by index %v: digested %d rows, want %d", m.Slice.Access.ByIndex, sums[""].Rows, len(want))
	}
	found, err := selectAll(quote(m.SourceName), m.Slice)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+found.from+" WHERE "+found.where).Scan(&n); err != nil || n != len(want) {
		t.Errorf("by index %v: counted %d rows, want %d (%v)", m.Slice.Access.ByIndex, n, len(want), err)
	}
	if len(OrderKey(m)) == 0 || len(want) < 3 {
		return
	}
	checkPieces(ctx, t, conn, m, want)
}

// checkPieces cuts the slice in two at each of a few rows: the halves together
// are the slice, and their digests add up.
func checkPieces(ctx context.Context, t *testing.T, conn *sql.Conn, m *schema.Mapping, want []string) {
	t.Helper()
	whole, err := Sums(ctx, conn, m, row.Part{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, len(want) / 2, len(want) - 1} {
		at, err := Cut(ctx, conn, m, row.Range{}, n)
		if err != nil || at == nil {
			t.Fatalf("cut at %d: %v, %v", n, at, err)
		}
		var got []string
		var both row.Digest
		for _, r := range []row.Range{{UpTo: at}, {After: at}} {
			got = append(got, lines(t, m, func(fn func(row.Row) error) error { return Read(ctx, conn, m, r, fn) })...)
			sums, err := Sums(ctx, conn, m, row.Part{Range: r})
			if err != nil {
				t.Fatal(err)
			}
			both.Merge(sums[""])
		}
		if !slices.Equal(got, want) || both != whole[""] {
			t.Errorf("by index %v, cut at %v: %d rows, want %d in order", m.Slice.Access.ByIndex, at, len(got), len(want))
		}
	}
	if m.KeyColumns()[0].Kind == schema.Int {
		if _, ok, err := Bounds(ctx, conn, m); !ok || err != nil {
			t.Errorf("no bounds: %v", err)
		}
	}
}

func lines(t *testing.T, m *schema.Mapping, read func(func(row.Row) error) error) []string {
	t.Helper()
	var out []string
	err := read(func(cells row.Row) error {
		text := make([]string, len(cells))
		for i, c := range cells {
			if text[i] = string(c); c == nil {
				text[i] = "NULL"
			}
		}
		out = append(out, strings.Join(text, "|"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Key) == 0 {
		slices.Sort(out)
	}
	return out
}

func TestSlicesThatCannotBeMeant(t *testing.T) {
	db, _ := open(t,
		"CREATE TABLE customers (id INT PRIMARY KEY, tenant_id INT, since FLOAT, code CHAR(4) COLLATE utf8mb4_bin);"+
			"CREATE TABLE accounts (id INT PRIMARY KEY, customer_id INT, customer VARCHAR(10), code CHAR(4) COLLATE utf8mb4_general_ci)")
	d := introspect(t, db)
	for name, c := range map[string]struct {
		table   string
		slice   schema.Slice
		message string
	}{
		"no table":         {"nowhere", schema.Slice{}, "no table nowhere"},
		"no column":        {"customers", schema.Slice{Column: "owner", Values: []string{"1"}}, "no column owner"},
		"no value":         {"customers", schema.Slice{Column: "tenant_id"}, "no value"},
		"a rounded column": {"customers", schema.Slice{Column: "since", Values: []string{"1"}}, "cannot tell tenants apart"},
		"no number":        {"customers", schema.Slice{Column: "tenant_id", Values: []string{"acme"}}, `"acme" is no value`},
		"leading zero":     {"customers", schema.Slice{Column: "tenant_id", Values: []string{"07"}}, `"07" is no value`},
		"no parent table":  {"accounts", schema.Slice{Path: []schema.Hop{hop("x", "customer_id", "id")}, Column: "tenant_id", Values: []string{"1"}}, "no such table"},
		"no parent column": {"accounts", schema.Slice{Path: []schema.Hop{hop("customers", "customer_id", "x")}, Column: "tenant_id", Values: []string{"1"}}, "no column customers.x"},
		"text and number":  {"accounts", schema.Slice{Path: []schema.Hop{hop("customers", "customer", "id")}, Column: "tenant_id", Values: []string{"1"}}, "without a conversion"},
		"two collations":   {"accounts", schema.Slice{Path: []schema.Hop{hop("customers", "code", "code")}, Column: "tenant_id", Values: []string{"1"}}, "without a conversion"},
	} {
		_, _, err := db.Resolve(t.Context(), d, c.table, &c.slice)
		if err == nil || !strings.Contains(err.Error(), c.message) || fault.ClassOf(err) != fault.Usage || fault.HintOf(err) == "" {
			t.Errorf("%s: got %v (hint %q)", name, err, fault.HintOf(err))
		}
	}
}

// TestSmallSliceReadsLittle counts what the source reads for 1 % of a table; with
// `make torture` of one of two million rows, which takes a minute to fill.
func TestSmallSliceReadsLittle(t *testing.T) {
	rows := int64(20_000)
	if os.Getenv("LEAP_TORTURE") == "1" {
		rows = 2_000_000
	}
	db, _ := open(t, strings.Join([]string{
		"CREATE TABLE customers (id INT PRIMARY KEY, tenant_id INT, KEY (tenant_id))",
		"CREATE TABLE own (id INT PRIMARY KEY, tenant_id INT, KEY (tenant_id))",
		"CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, KEY (customer_id))",
		"INSERT INTO customers SELECT seq, seq % 100 FROM seq_1_to_2000",
		fmt.Sprintf("INSERT INTO own SELECT seq, seq %% 100 FROM seq_1_to_%d", rows),
		fmt.Sprintf("INSERT INTO orders SELECT seq, seq * 7 %% 2000 + 1 FROM seq_1_to_%d", rows),
		"ANALYZE TABLE customers, own, orders",
	}, ";"))
	d := introspect(t, db)
	for table, s := range map[string]schema.Slice{
		"own":    {Column: "tenant_id", Values: []string{"7"}},
		"orders": {Path: []schema.Hop{hop("customers", "customer_id", "id")}, Column: "tenant_id", Values: []string{"7"}},
	} {
		slice, found, err := db.Resolve(t.Context(), d, table, &s)
		if err != nil || len(found) > 0 || !slice.Access.ByIndex {
			t.Fatalf("%s: %v, %v, by index %v", table, err, found, slice.Access.ByIndex)
		}
		m := plainMapping(d.Table(table))
		m.Slice = slice
		onConnection(t, db, func(conn *sql.Conn) error {
			for what, read := range map[string]func() error{
				"read": func() error {
					return Read(t.Context(), conn, m, row.Range{}, func(row.Row) error { return nil })
				},
				"digest": func() error { _, err := Sums(t.Context(), conn, m, row.Part{}); return err },
				"bounds": func() error { _, _, err := Bounds(t.Context(), conn, m); return err },
			} {
				before := handlerReads(t, conn)
				if err := read(); err != nil {
					return err
				}
				// Of the slice's 200 rows: an entry of an index, a key that is kept and sorted, the row.
				if n := handlerReads(t, conn) - before; n > rows/100*8 {
					t.Errorf("%s %s: %d reads for %d rows", what, table, n, rows/100)
				}
			}
			return nil
		})
	}
	bare := introspectAfter(t, db, d)
	_, found, err := db.Resolve(t.Context(), bare, "own", &schema.Slice{Column: "id", Values: []string{"7"}})
	if err != nil || len(found) != 0 {
		t.Errorf("a primary key is an index: %v, %v", found, err)
	}
}

// introspectAfter hides the index of a table's tenant column and checks that its absence is told.
func introspectAfter(t *testing.T, db *DB, d *schema.Database) *schema.Database {
	t.Helper()
	d.Table("own").Indexes = nil
	slice, found, err := db.Resolve(t.Context(), d, "own", &schema.Slice{Column: "tenant_id", Values: []string{"7"}})
	if err != nil || slice.Access.ByIndex || len(found) != 1 || found[0].Rule != "slice-without-index" {
		t.Errorf("without an index: %v, %v, by index %v", err, found, slice.Access.ByIndex)
	}
	return d
}

func handlerReads(t *testing.T, conn *sql.Conn) int64 {
	t.Helper()
	status, err := pairs(t.Context(), conn, "SHOW SESSION STATUS LIKE 'Handler_read%'")
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, n := range status {
		var v int64
		if _, err := fmt.Sscan(n, &v); err != nil {
			t.Fatal(err)
		}
		total += v
	}
	return total
}
