package bank

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// The tenants of the database that [Shared] makes.
const (
	// Largest has four of five customers, SharedTenants others share the rest.
	Largest       = 1
	SharedTenants = 10
	// Empty has no row anywhere.
	Empty = 11
	// Own is meant for a tenant with a database of its own.
	Own = 12
)

// Shared makes a database of 25 tables that tenants share: by a column
// (tenant_id), by paths of one to four foreign keys, one of them not declared,
// with a table that refers to itself, a cycle, tables of many to many, one
// without a key, reference data, and one that nobody would move. Customers are
// divided among the tenants; with owner above 0 all are that tenant's. No row
// refers to one of another tenant.
func Shared(ctx context.Context, db *sql.DB, customers, owner int) error {
	tables, err := ddl.ReadFile("ddl/shared.sql")
	if err != nil {
		return fmt.Errorf("shared tables: %w", err)
	}
	w := &sharedWriter{owner: owner}
	w.reference()
	for i := 1; i <= customers; i++ {
		w.customer(i)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("shared tables: %w", err)
	}
	defer func() { _ = conn.Close() }()
	statements := append([]string{"SET foreign_key_checks = 0"}, strings.Split(strings.TrimSpace(string(tables)), ";\n")...)
	statements = append(statements, w.statements()...)
	for _, s := range append(statements, "SET foreign_key_checks = 1") {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("shared tables: %w in %.80s", err, s)
		}
	}
	return nil
}

// sharedWriter gathers rows, as VALUES of each table.
type sharedWriter struct {
	owner  int
	tables []string
	rows   map[string][]string
	seen   map[int]bool
}

func (w *sharedWriter) add(table, form string, values ...any) {
	if w.rows == nil {
		w.rows = map[string][]string{}
	}
	if w.rows[table] == nil {
		w.tables = append(w.tables, table)
	}
	w.rows[table] = append(w.rows[table], "("+fmt.Sprintf(form, values...)+")")
}

// sharedBatch is how many rows one INSERT has: far below any max_allowed_packet.
const sharedBatch = 1000

func (w *sharedWriter) statements() []string {
	var out []string
	for _, table := range w.tables {
		for rows := w.rows[table]; len(rows) > 0; rows = rows[min(sharedBatch, len(rows)):] {
			out = append(out, "INSERT INTO "+table+" VALUES "+strings.Join(rows[:min(sharedBatch, len(rows))], ", "))
		}
	}
	return out
}

// tenant divides customers among tenants.
func (w *sharedWriter) tenant(customer int) int {
	switch {
	case w.owner > 0:
		return w.owner
	case customer%5 != 0:
		return Largest
	}
	return 2 + customer/5%(SharedTenants-1)
}

func (w *sharedWriter) reference() {
	for i, c := range []string{"DE", "FR", "GB"} {
		w.add("countries", "'%s', 'country %d'", c, i)
	}
	for i, c := range []string{"EUR", "GBP", "USD"} {
		w.add("currencies", "'%s', %d", c, 2)
		for day := 1; day <= 28; day++ {
			w.add("exchange_rates", "'%s', '2024-02-%02d', 1.%d%02d", c, day, i, day)
		}
	}
}

// begin makes what a tenant has before its first customer.
func (w *sharedWriter) begin(tenant int) {
	if w.seen == nil {
		w.seen = map[int]bool{}
	}
	if w.seen[tenant] {
		return
	}
	w.seen[tenant] = true
	w.add("tenants", "%d, 'tenant-%02d', 'DE'", tenant, tenant)
	for i := range 6 {
		user, category := tenant*10+i, tenant*10+i
		w.add("users", "%d, %d, 'user%d'", user, tenant, i)
		w.add("tags", "%d, %d, 'tag %d'", tenant*10+i, tenant, i)
		up := "NULL"
		if i > 0 {
			up = fmt.Sprint(tenant*10 + (i-1)/2)
		}
		w.add("categories", "%d, %d, %s, 'category %d'", category, tenant, up, i)
		w.add("tenant_settings", "%d, 'setting.%d', 'value ''%d''', '2024-01-01 00:00:0%d.123456'", tenant, i, i, i)
		w.add("messages", "%d, %d, %d, NULL, 'hello'", tenant*10+i, user, tenant*10+(i+1)%6)
	}
}

// customer makes one customer and what hangs on it.
func (w *sharedWriter) customer(n int) {
	tenant := w.tenant(n)
	w.begin(tenant)
	first := n * 10 // ids of accounts and of most other things begin here
	w.add("customers", "%d, %d, 'Zoë %d', %d, 'GB'", n, tenant, n, first)
	w.add("folders", "%d, %d, NULL, 'root'", first, n)
	w.add("folders", "%d, %d, %d, 'letters'", first+1, n, first)
	consent := fmt.Sprintf("%08x-0000-4000-8000-%012x", n*7919, n)
	w.add("consents", "'%s', %d, %d, X'%08X'", consent, tenant, n, n)
	w.add("sessions", "%d, 'token %d', %d", tenant, n%7, n%3)
	w.add("audit_log", "%d, %d, 'customer %d was made'", n, tenant, n)
	for i := range 2 {
		account := first + i
		w.add("accounts", "%d, %d, 'GB%020d', 'EUR', %d.%02d", account, n, account, n, n%100)
		w.add("consent_accounts", "'%s', %d", consent, account)
		w.add("cards", "%d, %d, '4%015d', '20%02d-12-31'", account, account, account, 25+i)
		w.add("account_limits", "%d, %d, 'GBP', %d", account, account, 1000*i)
		w.add("statements", "%d, %d, '2024-%02d-01', '{\"lines\": [%d, 1.50]}', X'%04X'", account, account, 1+n%12, n, n%65536)
		w.add("events", "%d, %d, 'event %d'", account, account, n)
		w.account(tenant, account, first)
	}
}

// account makes an account's transactions, with details, disputes and tags.
func (w *sharedWriter) account(tenant, account, first int) {
	for i := range 4 {
		id := account*10 + i
		w.add("transactions", "%d, %d, %d, %d.%02d, '2024-03-%02d 10:00:00', 'transaction %d'", id, account, tenant*10+i, id%900, i, 1+id%28, id)
		for line := 1; line <= 1+i%2; line++ {
			w.add("transaction_details", "%d, %d, 'line %d'", id, line, line)
		}
		w.add("transaction_tags", "%d, %d", id, tenant*10+i)
		if i == 1 {
			w.add("disputes", "%d, %d, 2, 'not mine'", id, id)
		}
	}
	to := "NULL"
	if account != first {
		to = fmt.Sprint(first)
	}
	w.add("payments", "%d, %d, %s, 'EUR', %d", account, account, to, account)
}
