package openbanking

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"leap/workloads"
)

// migrated knows the accounts that a move brought: those of tables such as the
// sample bank of `migrate demo` has. What the load only reads of a customer, it
// reads there, in the tables, types and indexes that migrate made. Payments go
// to the workload's own tables, which begin with the accounts, balances and
// limits of the migrated ones: rows that were verified stay as they were.
type migrated struct {
	tenants  []int64   // of the first, second, ... tenant of the workload
	accounts [][]int64 // the ids of each tenant's accounts, in their order
}

// selectMigrated lists the first accounts of every tenant.
const selectMigrated = `SELECT tenant_id, id FROM (
		SELECT tenant_id::INT8 AS tenant_id, id::INT8 AS id, row_number() OVER (PARTITION BY tenant_id ORDER BY id) AS place
		FROM public.accounts) AS a
	WHERE place <= $1 ORDER BY tenant_id, id`

// findMigrated looks for the accounts that d needs.
func findMigrated(ctx context.Context, db workloads.Querier, d data) (*migrated, error) {
	m := &migrated{}
	rows, err := db.Query(ctx, selectMigrated, d.accounts())
	if err == nil {
		var tenant, account int64
		_, err = pgx.ForEachRow(rows, []any{&tenant, &account}, func() error {
			if n := len(m.tenants); n == 0 || m.tenants[n-1] != tenant {
				m.tenants, m.accounts = append(m.tenants, tenant), append(m.accounts, nil)
			}
			last := len(m.tenants) - 1
			m.accounts[last] = append(m.accounts[last], account)
			return nil
		})
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && (e.Code == "42P01" || e.Code == "42703") {
		return nil, fmt.Errorf("the database has no table public.accounts with a tenant_id and an id: migrate first, or use the origin %s: %w", originSynthetic, err)
	}
	if err != nil {
		return nil, fmt.Errorf("look for migrated accounts: %w", err)
	}
	var few []string
	enough := &migrated{}
	for i, tenant := range m.tenants {
		if n := len(m.accounts[i]); n < d.accounts() {
			few = append(few, fmt.Sprintf("tenant %d has %d", tenant, n))
			continue
		}
		enough.tenants, enough.accounts = append(enough.tenants, tenant), append(enough.accounts, m.accounts[i])
	}
	if len(enough.tenants) < d.s.Tenants {
		return nil, fmt.Errorf("%d tenants with %d accounts each are asked for, and %d have as many (%v): use a smaller --scale or fewer --tenants",
			d.s.Tenants, d.accounts(), len(enough.tenants), few)
	}
	enough.tenants, enough.accounts = enough.tenants[:d.s.Tenants], enough.accounts[:d.s.Tenants]
	return enough, nil
}

// digest names the accounts: others make other data.
func (m *migrated) digest() string {
	h := sha256.New()
	for i, tenant := range m.tenants {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(tenant))) //nolint:gosec // bits are bits
		for _, account := range m.accounts[i] {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(account))) //nolint:gosec // bits are bits
		}
	}
	const enough = 6
	return hex.EncodeToString(h.Sum(nil)[:enough])
}

// own returns the ids that a tenant and its account had before.
func (m *migrated) own(tenant, i int) (oldTenant, oldAccount int64) {
	return m.tenants[tenant-1], m.accounts[tenant-1][i]
}

// opening is what an account begins with.
type opening struct {
	amount, limit  int64
	iban, currency string
}

// openings returns those of some accounts of a tenant, from the first one on.
func (d data) openings(ctx context.Context, db workloads.Querier, tenant, first, n int) ([]opening, error) {
	all := make([]opening, n)
	if d.old == nil {
		for i := range all {
			all[i] = opening{iban: iban(tenant, first+i), currency: "GBP"}
			all[i].amount, all[i].limit = d.opening(tenant, first+i)
		}
		return all, nil
	}
	rows, err := db.Query(ctx, `SELECT coalesce(round(b.amount * 100), 0)::INT8, round(a.overdraft_limit * 100)::INT8, a.iban, a.currency
		FROM public.accounts AS a LEFT JOIN public.balances AS b ON b.account_id = a.id AND b.balance_type = 'ITAV'
		WHERE a.id = ANY ($1::INT8[]) ORDER BY a.id`, d.old.accounts[tenant-1][first:first+n])
	if err != nil {
		return nil, fmt.Errorf("read migrated accounts: %w", err)
	}
	all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (o opening, err error) {
		return o, row.Scan(&o.amount, &o.limit, &o.iban, &o.currency)
	})
	if err == nil && len(all) != n {
		err = fmt.Errorf("%d of %d accounts are there", len(all), n)
	}
	if err != nil {
		return nil, fmt.Errorf("read migrated accounts: %w", err)
	}
	return all, nil
}

// The readings of a migrated bank; the first column is the tenant.
const (
	migratedHistory = `SELECT a.tenant_id::INT8, x.id, x.amount, x.currency, x.booking_date, x.status, x.counterparty, x.remittance
		FROM public.transactions AS x JOIN public.accounts AS a ON a.id = x.account_id
		WHERE a.tenant_id = $1 AND x.account_id = $2 ORDER BY x.booking_date DESC, x.id DESC LIMIT `
	migratedAccounts = `SELECT a.tenant_id::INT8, a.id, a.iban, a.currency, a.product, i.name
		FROM public.accounts AS mine
		JOIN public.accounts AS a ON a.customer_id = mine.customer_id AND a.tenant_id = mine.tenant_id
		JOIN public.institutions AS i ON i.id = a.institution_id
		WHERE mine.tenant_id = $1 AND mine.id = $2 ORDER BY a.id`
	migratedBeneficiaries = `SELECT a.tenant_id::INT8, b.id, b.name, b.iban, b.category
		FROM public.beneficiaries AS b JOIN public.accounts AS a ON a.id = b.account_id
		WHERE a.tenant_id = $1 AND b.account_id = $2 ORDER BY b.id`
	migratedOrders = `SELECT a.tenant_id::INT8, o.id, o.amount, o.frequency, o.day_of_execution
		FROM public.standing_orders AS o JOIN public.accounts AS a ON a.id = o.account_id
		WHERE a.tenant_id = $1 AND o.account_id = $2 ORDER BY o.id`
	migratedConsents = `SELECT c.tenant_id::INT8, c.id, c.type, c.status, p.last_name, t.name
		FROM public.accounts AS a
		JOIN public.customers AS p ON p.id = a.customer_id
		JOIN public.consents AS c ON c.psu_id = p.id AND c.tenant_id = a.tenant_id
		JOIN public.tpps AS t ON t.authorisation_no = c.tpp_id
		WHERE a.tenant_id = $1 AND a.id = $2 ORDER BY c.id`
)

// migratedReading is the statement of an operation that only reads what was
// brought.
func migratedReading(op string) string {
	switch op {
	case "txn_list":
		return migratedHistory + "25"
	case "account_list":
		return migratedAccounts
	case "beneficiary_list":
		return migratedBeneficiaries
	case "standing_order_list":
		return migratedOrders
	case "consent_read":
		return migratedConsents
	}
	return ""
}

// migratedList answers one of the operations that only read what was brought;
// done is false for the others. Of a customer's accounts one is known to be
// there, of all else there may be none.
func (t *traffic) migratedList(ctx context.Context, db workloads.DB, call workloads.Call) (done bool, err error) {
	sql := migratedReading(call.Op)
	if t.old == nil || sql == "" {
		return false, nil
	}
	d := call.Dice
	tenant := t.tenant(&d)
	oldTenant, oldAccount := t.old.own(tenant, t.account(&d))
	n, err := list(ctx, db, int(oldTenant), sql, oldAccount)
	if call.Op == "account_list" {
		err = some(n, err, "the list of accounts", tenant)
	}
	return true, err
}
