package bank

import (
	"fmt"
	"strings"
	"time"
)

func (g *generator) accountTables() []table {
	return []table{
		{
			name: "accounts",
			columns: "id, tenant_id, customer_id, institution_id, iban, resource_id, currency, product, kind, nickname, overdraft_limit, " +
				"interest_rate, opened_on, closed_on, is_joint, updated_at",
			rows: g.n.accounts(), fill: fillAccount,
		},
		{
			name:    "consent_accounts",
			columns: "consent_id, account_id, access, granted_at",
			rows:    5 * g.n.consentTrios, fill: fillGrant,
		},
		{
			name:    "balances",
			columns: "account_id, balance_type, amount, currency, credit_limit_included, reference_date, last_change",
			rows:    2 * g.n.accounts(), fill: fillBalance,
		},
		{
			name: "transactions",
			columns: "id, account_id, entry_ref, booking_date, value_date, amount, currency, orig_amount, orig_currency, status, mcc, " +
				"counterparty, counterparty_iban, remittance, created_at",
			rows: g.n.transactions, fill: fillTransaction,
		},
		{
			name:    "beneficiaries",
			columns: "id, account_id, name, iban, bic, category, trusted, note, created_at",
			rows:    g.n.beneficiaries, fill: fillBeneficiary,
		},
		{
			name: "standing_orders",
			columns: "id, account_id, beneficiary_id, amount, currency, frequency, day_of_execution, execution_time, start_date, end_date, " +
				"remittance, is_active",
			rows: g.n.standingOrders, fill: fillStandingOrder,
		},
	}
}

func fillAccount(g *generator, a int, r *row) {
	owner := accountOwner(a)
	tenant := tenantOf(owner)
	l := &locales[tenant]
	institution := tenant + 3*r.n(g.n.institutions/3)
	kind := r.n(len(l.products))
	opened := r.day(firstDay, lastDay.AddDate(-1, 0, 0))
	r.int(accountID(a))
	r.int(tenant + 1)
	r.int(customerID(owner))
	r.int(institutionID(institution))
	r.str(ownIBAN(l.country, institution, a))
	r.bin(r.uuid())
	r.str(l.currency)
	r.str(l.products[kind])
	r.str([]string{"CACC", "SVGS", "CARD", "LOAN"}[kind])
	r.strOrNull(r.pick("Urlaub 🏖️", "Épargne", "Oszczędności", "", "Haushalt"), 60)
	r.dec(r.pickInt(0, 0, 50_000, 100_000, 250_050), 2)
	if kind == 1 {
		r.dec(r.n(400_000), 5)
	} else {
		r.null()
	}
	r.when(opened, layoutDate)
	r.whenOrNull(r.day(opened, lastDay), layoutDate, 94)
	r.flag(15)
	r.when(r.day(opened, lastDay).Add(time.Duration(r.n(86_400))*time.Second), layoutSec)
}

func fillGrant(g *generator, i int, r *row) {
	consent := i/5*3 + trioOf[i%5]
	account := g.consentOwner(consent)/3*5 + i%5
	r.int(consentID(consent))
	r.int(accountID(account))
	r.str(r.pick("", "balances", "transactions", "balances,transactions"))
	r.when(r.day(liveSince, lastDay), layoutSec)
}

func fillBalance(_ *generator, i int, r *row) {
	at := r.day(liveSince, lastDay)
	r.int(accountID(i / 2))
	r.str([2]string{"CLBD", "ITAV"}[i%2])
	r.dec(r.n(r.pickInt(10_000, 500_000, 500_000, 50_000_000))-40_000, 2)
	r.str(localeOf(accountOwner(i / 2)).currency)
	r.int(i % 2)
	r.when(at, layoutDate)
	r.when(at.Add(time.Duration(r.n(86_400_000_000))*time.Microsecond), layoutUs)
}

func fillTransaction(g *generator, i int, r *row) {
	a := r.skewed(g.n.accounts())
	l := localeOf(accountOwner(a))
	at := r.moment(liveSince, i, g.n.transactions)
	cents := -r.between(1, r.pickInt(2_000, 10_000, 100_000))
	if r.chance(18) {
		cents = r.between(1, r.pickInt(20_000, 450_000, 9_999_999_999))
	}
	merchant := r.pick(l.merchants...)
	r.int(1_000_000 + gapID(i, 500, 37))
	r.int(accountID(a))
	r.str(fmt.Sprintf("%s%010d", at.Format("20060102"), i))
	r.when(at, layoutDate)
	r.whenOrNull(at.AddDate(0, 0, r.n(3)), layoutDate, 5)
	r.dec(cents, 2)
	r.str(l.currency)
	if r.chance(7) {
		r.dec(cents*r.between(80, 130), 4)
		r.str(r.pick(quoteCurrencies...))
	} else {
		r.null()
		r.null()
	}
	r.str(r.pick("booked", "booked", "booked", "booked", "booked", "booked", "booked", "pending", "information"))
	if r.chance(45) {
		r.int(r.pickInt(5411, 5812, 4111, 5912, 742, 9999))
	} else {
		r.null()
	}
	r.strOrNull(merchant, 6)
	r.strOrNull(r.strangeIBAN(l.country), 50)
	r.remittance(l, merchant)
	r.when(at, layoutUs)
}

// remittance appends what a payer wrote.
func (r *row) remittance(l *locale, merchant string) {
	switch k := r.n(100); {
	case k < 3:
		r.null()
	case k < 6:
		r.str("")
	case k < 8:
		r.str(r.pick(awkwardTexts...))
	default:
		r.str(strings.ReplaceAll(r.pick(l.remittances...), "%s", merchant) + " " + r.digits(6))
	}
}

func fillBeneficiary(g *generator, i int, r *row) {
	account := beneficiaryAccount(g, i)
	l := localeOf(accountOwner(account))
	r.int(beneficiaryID(i))
	r.int(accountID(account))
	r.str(r.pick(l.firstNames...) + " " + r.pick(l.lastNames...))
	r.str(ownIBAN(l.country, 700, i))
	r.strOrNull(bic(r.n(200), l.country), 40)
	r.str(r.pick("family", "rent", "utility", "l'État", "other, unknown", "other, unknown"))
	r.flag(20)
	r.str(r.pick("", "", "Oma Käthe", "propriétaire", "kuzynka Żaneta", "ξάδελφος"))
	r.whenOrNull(r.moment(firstDay, i, g.n.beneficiaries), layoutSec, 15)
}

// beneficiaryAccount is the account that a beneficiary belongs to.
func beneficiaryAccount(g *generator, i int) int { return i % g.n.accounts() }

func fillStandingOrder(g *generator, i int, r *row) {
	b := r.n(g.n.beneficiaries)
	account := beneficiaryAccount(g, b)
	l := localeOf(accountOwner(account))
	start := r.day(firstDay, lastDay)
	r.int(gapID(i, 25, 6))
	r.int(accountID(account))
	if r.chance(15) {
		r.null()
	} else {
		r.int(beneficiaryID(b))
	}
	r.dec(r.between(500, 180_000), 2)
	r.str(l.currency)
	r.str(r.pick("weekly", "monthly", "monthly", "monthly", "quarterly", "yearly"))
	r.int(r.pickInt(-1, 1, 1, 15, 28, 31))
	if r.chance(30) {
		r.null()
	} else {
		ms := r.n(86_400_000)
		r.raw(fmt.Sprintf("'%02d:%02d:%02d.%03d'", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000))
	}
	r.when(start, layoutDate)
	r.whenOrNull(start.AddDate(r.between(0, 9), 0, 0), layoutDate, 60)
	r.str(r.pick("Miete", "loyer", "czynsz", "Taschengeld 🧒", ""))
	r.flag(80)
}
