package openbanking

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"leap/workloads"
)

// batchAccounts accounts of one tenant, with all that belongs to them, are a
// batch. It divides accountsPerScale, and is even, so that no customer is in
// two batches.
const batchAccounts = 50

type loader struct{ data }

// Data implements [workloads.Loader].
func (l loader) Data() string {
	s := l.s
	s.Run, s.Variant = "", ""
	if l.old != nil {
		s.Origin += ":" + l.old.digest()
	}
	return workloads.DataName(dataVersion, s)
}

// Batches implements [workloads.Loader].
func (l loader) Batches() int { return l.s.Tenants * l.accounts() / batchAccounts }

// Write implements [workloads.Loader].
func (l loader) Write(ctx context.Context, tx pgx.Tx, i int) (int64, error) {
	tenant, first := 1+i%l.s.Tenants, i/l.s.Tenants*batchAccounts
	b := &batch{rows: map[string][][]any{}}
	openings, err := l.openings(ctx, tx, tenant, first, batchAccounts)
	if err != nil {
		return 0, err
	}
	if first == 0 {
		l.tenant(b, tenant)
	}
	for account := first; account < first+batchAccounts; account++ {
		l.account(b, tenant, account, openings[account-first])
		if l.old == nil {
			l.history(b, tenant, account)
		}
		if account >= merchants {
			l.payment(b, tenant, account)
		}
		if account%accountsPerPSU == 0 {
			addPSU(b, tenant, account/accountsPerPSU)
		}
	}
	var total int64
	for _, t := range tables {
		n, err := workloads.Copy(ctx, tx, "openbanking."+t.name, columns[t.name], b.rows[t.name])
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// batch collects rows by table.
type batch struct{ rows map[string][][]any }

func (b *batch) add(table string, cells ...any) { b.rows[table] = append(b.rows[table], cells) }

// columns are those that the loader writes.
var columns = map[string][]string{ //nolint:gochecknoglobals // a constant in all but the language
	"institutions":        {"tenant_id", "institution_id", "title", "bic"},
	"psus":                {"tenant_id", "psu_id", "full_name", "country"},
	"tpps":                {"tenant_id", "tpp_id", "title", "roles"},
	"consents":            {"tenant_id", "consent_id", "psu_id", "tpp_id", "kind", "status"},
	"consent_accounts":    {"tenant_id", "consent_id", "account_id"},
	"accounts":            {"tenant_id", "account_id", "psu_id", "institution_id", "iban", "currency", "opening_minor"},
	"balances":            {"tenant_id", "account_id", "amount_minor", "overdraft_minor"},
	"transactions":        {"tenant_id", "account_id", "booked_at", "txn_id", "amount_minor", "remittance"},
	"beneficiaries":       {"tenant_id", "account_id", "beneficiary_no", "title", "iban"},
	"standing_orders":     {"tenant_id", "account_id", "order_no", "amount_minor", "day_of_month"},
	"payments":            {"tenant_id", "payment_id", "idem_key", "kind", "payer_id", "payee_id", "amount_minor", "status", "version", "created_at"},
	"vrp_limits":          {"tenant_id", "consent_id", "limit_minor", "used_minor"},
	"idempotency_keys":    {"tenant_id", "idem_key", "body_hash", "payment_id", "created_at"},
	"ledger_txns":         {"tenant_id", "txn_id", "payment_id"},
	"ledger_entries":      {"tenant_id", "txn_id", "entry_no", "account_id", "amount_minor"},
	"outbox":              {"tenant_id", "event_id", "payment_id", "version", "status_from", "status_to", "published", "created_at"},
	"event_subscriptions": {"tenant_id", "subscription_id", "tpp_id", "url"},
	"rate_counters":       {"tenant_id", "counter", "used"},
}

// openingDay is when the opening payments were made: before any run.
const openingDay = "2026-01-01 00:00:00+00"

// tenant adds what a tenant has once.
func (l loader) tenant(b *batch, tenant int) {
	for i := range institutions {
		b.add("institutions", tenant, id(tenant, i), fmt.Sprintf("Institution %d of tenant %d", i, tenant), fmt.Sprintf("LEAP%02dXX%03d", tenant%100, i))
	}
	for i := range tpps {
		tpp := id(tenant, i)
		b.add("tpps", tenant, tpp, fmt.Sprintf("Third party %d", i), "AIS PIS CBPII")
		b.add("event_subscriptions", tenant, tpp, tpp, fmt.Sprintf("https://tpp%d.example/events", i))
		b.add("rate_counters", tenant, tppCounter(tpp), 0)
	}
	b.add("rate_counters", tenant, counterSettled, l.accounts()-merchants)
}

func iban(tenant, account int) string { return fmt.Sprintf("GB00LEAP%06d%08d", tenant, account) }

// account adds an account. One that is overdrawn beyond its limit, as in
// migrated data, has been granted as much.
func (l loader) account(b *batch, tenant, i int, o opening) {
	account := id(tenant, i)
	balance := o.amount + l.paid(tenant, i)
	b.add("accounts", tenant, account, id(tenant, i/accountsPerPSU), id(tenant, i%institutions), o.iban, o.currency, o.amount)
	b.add("balances", tenant, account, balance, max(o.limit, -balance))
	for n := range beneficiaries {
		b.add("beneficiaries", tenant, account, n, fmt.Sprintf("Merchant %d", (i+n)%merchants), iban(tenant, (i+n)%merchants))
	}
	b.add("standing_orders", tenant, account, 0, 1_000+i%100, 1+i%28)
}

// history adds transactions booked before the run, which are not in the ledger.
func (l loader) history(b *batch, tenant, i int) {
	dice := l.dice(diceHistory, tenant, i)
	for n := range historyRows {
		text := fmt.Sprintf("Card payment %d of account %d, thank you", n, i)
		b.add("transactions", tenant, id(tenant, i), fmt.Sprintf("2025-%02d-%02d 12:00:00+00", 1+n%12, 1+n%28), fmt.Sprintf("history-%d", n),
			int64(dice.Between(-amountHigh, amountHigh)), text+strings.Repeat(".", 120-len(text)))
	}
}

// payment adds the opening payment of an account, complete in every table.
func (l loader) payment(b *batch, tenant, payer int) {
	p := l.openingPayment(tenant, payer)
	b.add("idempotency_keys", tenant, p.key, p.body(), p.id, openingDay)
	b.add("payments", tenant, p.id, p.key, p.kind, p.payer, p.payee, p.amount, statusSettled, 2, openingDay)
	b.add("ledger_txns", tenant, p.id, p.id)
	b.add("ledger_entries", tenant, p.id, 1, p.payer, -p.amount)
	b.add("ledger_entries", tenant, p.id, 2, p.payee, p.amount)
	b.add("outbox", tenant, p.id+"-1", p.id, 1, statusReceived, statusAccepted, 1, openingDay)
	b.add("outbox", tenant, p.id+"-2", p.id, 2, statusAccepted, statusSettled, 1, openingDay)
}

// addPSU adds a customer with a consent to read and one to pay.
func addPSU(b *batch, tenant, psu int) {
	b.add("psus", tenant, id(tenant, psu), fmt.Sprintf("Customer %d of tenant %d", psu, tenant), "GB")
	for _, kind := range []string{"ais", "vrp"} {
		consent := consentID(kind, psu)
		b.add("consents", tenant, consent, id(tenant, psu), tppOf(tenant, psu), kind, "valid")
		for n := range accountsPerPSU {
			b.add("consent_accounts", tenant, consent, id(tenant, psu*accountsPerPSU+n))
		}
	}
	b.add("vrp_limits", tenant, consentID("vrp", psu), vrpLimit, 0)
}
