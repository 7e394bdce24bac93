package openbanking

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/seed"
	"leap/internal/txn"
	"leap/workloads"
)

// bankOf makes a bank as migrate leaves it: two tenants with enough accounts
// and one with a few, some of them overdrawn.
const bankOf = `
	CREATE TABLE institutions (id INT8 PRIMARY KEY, name VARCHAR(120) NOT NULL);
	CREATE TABLE customers (id INT8 PRIMARY KEY, last_name VARCHAR(80) NOT NULL);
	CREATE TABLE tpps (authorisation_no VARCHAR(64) PRIMARY KEY, name VARCHAR(120) NOT NULL);
	CREATE TABLE accounts (id INT8 PRIMARY KEY, tenant_id INT4 NOT NULL, customer_id INT8 NOT NULL, institution_id INT8 NOT NULL,
		iban VARCHAR(34) NOT NULL, currency VARCHAR(3) NOT NULL, product VARCHAR(60) NOT NULL, overdraft_limit DECIMAL(12,2) NOT NULL);
	CREATE TABLE balances (account_id INT8 NOT NULL, balance_type VARCHAR(4) NOT NULL, amount DECIMAL(15,2) NOT NULL, PRIMARY KEY (account_id, balance_type));
	CREATE TABLE transactions (id INT8 PRIMARY KEY, account_id INT8 NOT NULL, amount DECIMAL(15,2) NOT NULL, currency VARCHAR(3) NOT NULL,
		booking_date DATE NOT NULL, status VARCHAR(12) NOT NULL, counterparty VARCHAR(140), remittance VARCHAR(280));
	CREATE TABLE beneficiaries (id INT8 PRIMARY KEY, account_id INT8 NOT NULL, name VARCHAR(140) NOT NULL, iban VARCHAR(34) NOT NULL, category VARCHAR(20) NOT NULL);
	CREATE TABLE standing_orders (id INT8 PRIMARY KEY, account_id INT8 NOT NULL, amount DECIMAL(13,2) NOT NULL, frequency VARCHAR(10) NOT NULL, day_of_execution INT2 NOT NULL);
	CREATE TABLE consents (id INT8 PRIMARY KEY, tenant_id INT4 NOT NULL, psu_id INT8 NOT NULL, tpp_id VARCHAR(64) NOT NULL, type VARCHAR(3) NOT NULL, status VARCHAR(20) NOT NULL);
	INSERT INTO institutions VALUES (1, 'Bank');
	INSERT INTO tpps VALUES ('T-1', 'Third party');
	INSERT INTO customers SELECT n, 'Name' FROM generate_series(1, 270) AS g(n);
	INSERT INTO accounts SELECT 1000 + n, CASE WHEN n > 530 THEN 9 WHEN n % 2 = 0 THEN 7 ELSE 8 END, floor(n / 2.0)::INT8 + 1, 1, 'DE' || n::TEXT, 'EUR', 'Giro', ((n % 3) * 100)::DECIMAL
		FROM generate_series(1, 540) AS g(n);
	INSERT INTO balances SELECT 1000 + n, 'ITAV', (n % 50)::DECIMAL * 20.25 - 150 FROM generate_series(1, 540) AS g(n) WHERE n % 10 <> 0;
	INSERT INTO balances SELECT 1000 + n, 'CLBD', 1000000::DECIMAL FROM generate_series(1, 540) AS g(n);
	INSERT INTO transactions SELECT n, 1000 + n % 300, n::DECIMAL, 'EUR', DATE '2025-01-01', 'booked', NULL, 'text' FROM generate_series(1, 600) AS g(n);
	INSERT INTO beneficiaries SELECT n, 1000 + n, 'Name', 'DE', 'rent' FROM generate_series(1, 100) AS g(n);
	INSERT INTO standing_orders SELECT n, 1000 + n, 10::DECIMAL, 'monthly', 1 FROM generate_series(1, 100) AS g(n);
	INSERT INTO consents SELECT n, 7, n, 'T-1', 'ais', 'valid' FROM generate_series(1, 100) AS g(n)`

// TestMigrated: the load begins with what a move brought, reads it, pays from
// it, keeps its invariants, and leaves the migrated rows as they were.
func TestMigrated(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		r := rig{server: server, database: sandboxtest.NewDatabase(t, server)}
		if err := server.Exec(t.Context(), r.database, bankOf); err != nil {
			t.Fatal(err)
		}
		pool, err := pgxpool.New(t.Context(), server.URL(r.database))
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		s := workloads.Settings{Seed: 11, Tenants: 2, Origin: originMigrated, Run: "test"}
		refuse(t, pool, s)
		if _, err = seed.Load(t.Context(), pool, Workload{}, s, seed.Options{Workers: 4}); err != nil {
			t.Fatal(err)
		}
		before := fingerprint(t, pool)
		var wrong int
		if err = pool.QueryRow(t.Context(), `SELECT count(*) FROM openbanking.accounts AS n JOIN public.accounts AS o ON o.iban = n.iban
			LEFT JOIN public.balances AS b ON b.account_id = o.id AND b.balance_type = 'ITAV'
			WHERE n.opening_minor <> coalesce(b.amount * 100, 0) OR n.currency <> 'EUR' OR n.tenant_id <> o.tenant_id - 6`).Scan(&wrong); err != nil || wrong > 0 {
			t.Errorf("%d accounts do not begin as they were moved, %v", wrong, err)
		}
		load := r.pool(t, 0, txn.Options{})
		traffic, err := (Workload{}).Traffic(t.Context(), load.Pool(), s)
		if err != nil {
			t.Fatal(err)
		}
		calls := workloads.NewCalls(s.Seed, Workload{}.About().Mixes["uk-mix"])
		o := drive(t, load, traffic, 1500, calls.At)
		if len(o.violated) > 0 || o.done["txn_list"] == 0 || o.done["account_list"] == 0 || o.done["txn_history"] == 0 || o.done["payment_submit"] == 0 {
			t.Errorf("done %v, violated %v", o.done, o.violated)
		}
		for _, i := range (Workload{}).Invariants(s) {
			f, checkErr := i.Check(t.Context(), load.Pool(), o.journal())
			if checkErr != nil || f.Violations > 0 || f.Checked == 0 {
				t.Errorf("%s: %+v, %v", i.Name, f, checkErr)
			}
		}
		if after := fingerprint(t, pool); after != before {
			t.Errorf("the migrated rows were %s, and are %s", before, after)
		}
		// Other rows make other opening data.
		if _, err = pool.Exec(t.Context(), "DELETE FROM public.accounts WHERE id = 1003"); err != nil {
			t.Fatal(err)
		}
		if _, err = (Workload{}).Traffic(t.Context(), pool, s); err == nil {
			t.Error("a load goes on with accounts that have changed")
		}
	})
}

// refuse tries what cannot work.
func refuse(t *testing.T, pool *pgxpool.Pool, s workloads.Settings) {
	t.Helper()
	s.Tenants = 3
	if _, err := (Workload{}).Load(t.Context(), pool, s); err == nil || !strings.Contains(err.Error(), "tenant 9 has 10") {
		t.Errorf("a tenant with few accounts: %v", err)
	}
	s.Tenants, s.Scale = 1, 2
	if _, err := (Workload{}).Load(t.Context(), pool, s); err == nil {
		t.Error("more accounts are asked for than there are")
	}
}

// fingerprint tells whether migrated rows have changed.
func fingerprint(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	var out string
	for _, table := range []string{"accounts", "balances", "transactions"} {
		var n int
		var sum string
		column := map[string]string{"accounts": "overdraft_limit", "balances": "amount", "transactions": "amount"}[table]
		if err := pool.QueryRow(t.Context(), "SELECT count(*), coalesce(sum("+column+"), 0)::TEXT FROM public."+table).Scan(&n, &sum); err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprintf("%s %d %s; ", table, n, sum)
	}
	return out
}
