package bank_test

import (
	"database/sql"
	"fmt"
	"maps"
	"testing"

	"leap/internal/bank"
	"leap/internal/sandbox/sandboxtest"
)

// testRows keeps the tests quick and is above the size of the reference tables.
const testRows = 5_000

func TestMain(m *testing.M) { sandboxtest.Main(m) }

// fixture is a database on the shared source server.
type fixture struct{ db *sql.DB }

func newFixture(t *testing.T) fixture {
	t.Helper()
	srv := sandboxtest.Source(t)
	db, err := srv.DB(t.Context(), sandboxtest.NewDatabase(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return fixture{db: db}
}

func (f fixture) int(t *testing.T, query string) int64 {
	t.Helper()
	var n int64
	if err := f.db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (f fixture) create(t *testing.T, opts bank.Options) bank.Summary {
	t.Helper()
	sum, err := bank.Create(t.Context(), f.db, opts)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// checksums are the server's own, by table.
func (f fixture) checksums(t *testing.T, tables []bank.TableCount) map[string]int64 {
	t.Helper()
	sums := map[string]int64{}
	for _, table := range tables {
		var name string
		var sum int64
		if err := f.db.QueryRowContext(t.Context(), "CHECKSUM TABLE `"+table.Name+"` EXTENDED").Scan(&name, &sum); err != nil {
			t.Fatal(err)
		}
		sums[table.Name] = sum
	}
	return sums
}

func TestCreate(t *testing.T) {
	f := newFixture(t)
	progress := map[string]int{}
	sum := f.create(t, bank.Options{Rows: testRows, Seed: 1, Progress: func(table string, rows int) { progress[table] = rows }})

	t.Run("counts", func(t *testing.T) { testCounts(t, f, sum, progress) })
	t.Run("features", func(t *testing.T) { testFeatures(t, f) })
	t.Run("misfits", func(t *testing.T) { testMisfits(t, f) })
	t.Run("foreign keys", func(t *testing.T) { testForeignKeys(t, f) })
	t.Run("again", func(t *testing.T) { testSecondCreate(t, f) })
	t.Run("checks", func(t *testing.T) { testChecksStillOn(t, f) })
}

func testCounts(t *testing.T, f fixture, sum bank.Summary, progress map[string]int) {
	t.Helper()
	if len(sum.Tables) < 18 {
		t.Errorf("%d tables, want at least 18", len(sum.Tables))
	}
	if n := f.int(t, `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'`); n != int64(len(sum.Tables)) {
		t.Errorf("%d tables in the database, %d in the summary", n, len(sum.Tables))
	}
	var total, empty int64
	for _, table := range sum.Tables {
		n := f.int(t, "SELECT COUNT(*) FROM `"+table.Name+"`")
		if n != table.Rows || int64(progress[table.Name]) != n {
			t.Errorf("%s: %d rows, %d in the summary, %d in the last progress", table.Name, n, table.Rows, progress[table.Name])
		}
		if n == 0 {
			empty++
		}
		total += n
	}
	if total != sum.Rows || total != testRows {
		t.Errorf("%d rows, %d in the summary, %d asked for", total, sum.Rows, testRows)
	}
	if empty != 1 {
		t.Errorf("%d empty tables, want 1", empty)
	}
}

// The load runs without foreign-key checks, so the test makes up for them.
func testForeignKeys(t *testing.T, f fixture) {
	t.Helper()
	rows, err := f.db.QueryContext(t.Context(), `SELECT table_name, column_name, referenced_table_name, referenced_column_name
		FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	keys := 0
	for rows.Next() {
		var child, column, parent, key string
		if err := rows.Scan(&child, &column, &parent, &key); err != nil {
			t.Fatal(err)
		}
		keys++
		orphans := f.int(t, fmt.Sprintf("SELECT COUNT(*) FROM `%s` c LEFT JOIN `%s` p ON p.`%s` = c.`%s` WHERE c.`%s` IS NOT NULL AND p.`%s` IS NULL",
			child, parent, key, column, column, key))
		if orphans > 0 {
			t.Errorf("%s.%s: %d rows without a row in %s", child, column, orphans, parent)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if keys < 20 {
		t.Errorf("%d foreign keys, want at least 20", keys)
	}
}

func testSecondCreate(t *testing.T, f fixture) {
	t.Helper()
	if _, err := bank.Create(t.Context(), f.db, bank.Options{Rows: testRows}); err == nil {
		t.Error("the second Create in one database passed")
	}
}

// The handle that Create used must not have kept the load's settings.
func testChecksStillOn(t *testing.T, f fixture) {
	t.Helper()
	if n := f.int(t, "SELECT @@foreign_key_checks + @@unique_checks"); n != 2 {
		t.Errorf("foreign_key_checks + unique_checks = %d, want 2", n)
	}
	if _, err := f.db.ExecContext(t.Context(), "INSERT INTO balances (account_id, balance_type, amount, reference_date, last_change) VALUES (4000000000, 'CLBD', 1, '2026-01-01', '2026-01-01')"); err == nil {
		t.Error("a balance without an account was accepted")
	}
}

func TestSameSeedGivesSameContent(t *testing.T) {
	one, two := newFixture(t), newFixture(t)
	tables := one.create(t, bank.Options{Rows: testRows, Seed: 42}).Tables
	two.create(t, bank.Options{Rows: testRows, Seed: 42})

	want := one.checksums(t, tables)
	if got := two.checksums(t, tables); !maps.Equal(got, want) {
		t.Errorf("same seed: checksums\n%v, then\n%v", want, got)
	}
}

func TestCreateWide(t *testing.T) {
	f := newFixture(t)
	const table = "wi`de"
	// One more than a statement makes.
	const rows = 100_001
	if err := bank.CreateWide(t.Context(), f.db, table, rows); err != nil {
		t.Fatal(err)
	}
	if n := f.int(t, "SELECT COUNT(*) FROM `wi``de` WHERE id BETWEEN 1 AND 100001"); n != rows {
		t.Errorf("%d rows, want %d", n, rows)
	}
	if n := f.int(t, "SELECT COUNT(DISTINCT account_id, balance_minor, amount, description, booked_at, reference) FROM `wi``de`"); n != rows {
		t.Errorf("%d different rows, want %d", n, rows)
	}
	width := f.int(t, "SELECT AVG(LENGTH(CONCAT_WS('\t', id, account_id, balance_minor, amount, currency, description, booked_at, status, reference))) DIV 1 FROM `wi``de`")
	if width < 120 || width > 140 {
		t.Errorf("%d bytes per row, want about 130", width)
	}
	if n := f.int(t, "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'wi`de'"); n != 9 {
		t.Errorf("%d columns, want 9", n)
	}
}

func TestCreateWideOfNoRows(t *testing.T) {
	f := newFixture(t)
	if err := bank.CreateWide(t.Context(), f.db, "nothing", 0); err != nil {
		t.Fatal(err)
	}
	if n := f.int(t, "SELECT COUNT(*) FROM nothing"); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
}
