package e2e

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"leap/internal/bank"
)

// Conditions on the source that say which rows are those of tenant %[1]d.
const (
	byTenant      = "tenant_id = %[1]d"
	byCustomer    = "customer_id IN (SELECT id FROM customers WHERE " + byTenant + ")"
	ofAccount     = "(SELECT id FROM accounts WHERE " + byCustomer + ")"
	ofTransaction = "(SELECT id FROM transactions WHERE account_id IN " + ofAccount + ")"
	byAll         = "TRUE"
)

// fleetTables are the tables that move, each with the test's own word for which
// rows are a tenant's.
var fleetTables = map[string]string{
	"countries": byAll, "currencies": byAll, "exchange_rates": byAll,
	"tenants": "id = %[1]d",
	"users":   byTenant, "categories": byTenant, "tags": byTenant, "tenant_settings": byTenant,
	"customers": byTenant, "consents": byTenant, "sessions": byTenant,
	"messages": "sender_id IN (SELECT id FROM users WHERE " + byTenant + ")",
	"folders":  byCustomer, "accounts": byCustomer,
	"cards": "account_id IN " + ofAccount, "account_limits": "account_id IN " + ofAccount, "statements": "account_id IN " + ofAccount,
	"events": "account_no IN " + ofAccount, "payments": "from_account IN " + ofAccount, "transactions": "account_id IN " + ofAccount,
	"consent_accounts":    "consent_id IN (SELECT id FROM consents WHERE " + byTenant + ")",
	"transaction_details": "transaction_id IN " + ofTransaction,
	"transaction_tags":    "transaction_id IN " + ofTransaction,
	"disputes":            "transaction_id IN " + ofTransaction,
}

// fleetRowsOf are tables of which the rows themselves are compared, with their
// columns as text in the words of both sides: one with a key, one without.
var fleetRowsOf = []struct{ table, source, target string }{
	{
		"transactions",
		"CONCAT_WS('|', id, account_id, category_id, CAST(amount AS CHAR), CAST(booked AS CHAR), text)",
		"concat_ws('|', id::TEXT, account_id::TEXT, category_id::TEXT, amount::TEXT, booked::TEXT, text)",
	},
	{"sessions", "CONCAT_WS('|', tenant_id, token, n)", "concat_ws('|', tenant_id::TEXT, token, n::TEXT)"},
}

// ownedRows are what one tenant has: the number of rows by table, and those of
// fleetRowsOf, sorted.
type ownedRows struct {
	counts map[string]int64
	texts  map[string][]string
}

// ownRows are those of each tenant, by its number.
type ownRows map[int]ownedRows

func (r ownRows) sum() int64 {
	sum := int64(0)
	for _, tenant := range r {
		for _, n := range tenant.counts {
			sum += n
		}
	}
	return sum
}

// rows asks the source what each tenant has.
func (f *fleet) rows(t *testing.T) ownRows {
	t.Helper()
	shared, own := handle(t, f.source, f.shared), handle(t, f.source, f.own)
	out, divided := ownRows{}, map[string]int64{}
	for n := 1; n <= bank.Own; n++ {
		db := shared
		if n == bank.Own {
			db = own
		}
		r := ownedRows{map[string]int64{}, map[string][]string{}}
		where := func(table string) string {
			if fleetTables[table] == byAll || n == bank.Own {
				return byAll
			}
			return fmt.Sprintf(fleetTables[table], n)
		}
		for table, whose := range fleetTables {
			r.counts[table] = countOf(t, db, table+" WHERE "+where(table))
			if whose != byAll && n != bank.Own {
				divided[table] += r.counts[table]
			}
		}
		for _, c := range fleetRowsOf {
			r.texts[c.table] = textsOf(t, db, "SELECT "+c.source+" FROM "+c.table+" WHERE "+where(c.table))
		}
		out[n] = r
	}
	for table, n := range divided {
		if all := countOf(t, shared, table); n != all || all == 0 {
			t.Fatalf("the test finds an owner for %d of %d rows of %s", n, all, table)
		}
	}
	if large, all := out[bank.Largest].counts["customers"], divided["customers"]; large*5 != all*4 || out[bank.Empty].counts["tenants"] != 0 {
		t.Fatalf("the tenants do not have what the test is about: %v", out)
	}
	return out
}

// holdsJust wants a target to hold just a tenant's rows, by the target's word.
func (f *fleet) holdsJust(t *testing.T, tenant int, want ownedRows) {
	t.Helper()
	db := f.to[tenant]
	tables := textsOf(t, db, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
	if names := slices.Sorted(maps.Keys(fleetTables)); !slices.Equal(tables, names) {
		t.Errorf("%s has the tables %v", tenantName(tenant), tables)
		return
	}
	for table, n := range want.counts {
		if got := countOf(t, db, table); got != n {
			t.Errorf("%s: %d rows in %s, want %d", tenantName(tenant), got, table, n)
		}
	}
	for _, c := range fleetRowsOf {
		if got := textsOf(t, db, "SELECT "+c.target+" FROM "+c.table); !slices.Equal(got, want.texts[c.table]) {
			t.Errorf("%s: %s\n%s", tenantName(tenant), c.table, firstDifference(want.texts[c.table], got))
		}
	}
}

func countOf(t *testing.T, db *sql.DB, from string) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+from).Scan(&n); err != nil {
		t.Fatalf("%v\n%s", err, from)
	}
	return n
}

// textsOf returns the rows of a query, sorted, each as text.
func textsOf(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	defer func() { _ = rows.Close() }() // Err is asked below
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatalf("%v\n%s", err, query)
		}
		var row []string
		for _, v := range values {
			row = append(row, map[bool]string{true: v.String, false: "NULL"}[v.Valid])
		}
		out = append(out, strings.Join(row, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// contents is all that a target holds: rows, indexes and constraints.
func contents(t *testing.T, db *sql.DB) []string {
	t.Helper()
	var out []string
	for _, table := range slices.Sorted(maps.Keys(fleetTables)) {
		for _, query := range []string{
			"SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '" + table + "'",
			"SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND tablename = '" + table + "'",
			"SELECT conname, contype::TEXT FROM pg_constraint WHERE conrelid = '" + table + "'::REGCLASS",
			"SELECT * FROM " + table,
		} {
			for _, text := range textsOf(t, db, query) {
				out = append(out, table+": "+text)
			}
		}
	}
	return out
}

// firstDifference shows where two sorted lists part.
func firstDifference(want, got []string) string {
	for i, text := range want {
		if i >= len(got) || got[i] != text {
			return fmt.Sprintf("%d and %d, the first difference: want %q, got %q", len(want), len(got), text, got[i:min(i+1, len(got))])
		}
	}
	return fmt.Sprintf("%d and %d, got besides: %q", len(want), len(got), got[len(want):min(len(want)+1, len(got))])
}
