package openbanking

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"leap/workloads"
)

// missing is an answer without the rows that are known to be there.
func missing(what string, tenant int) error {
	return &workloads.Violation{Invariant: rowsThere, Detail: fmt.Sprintf("%s of tenant %d is not there", what, tenant)}
}

// some turns an empty list into a wrong answer.
func some(n int, err error, what string, tenant int) error {
	if err == nil && n == 0 {
		return missing(what, tenant)
	}
	return err
}

func (t *traffic) balanceGet(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	account := id(tenant, t.account(&d))
	sql := "SELECT tenant_id, amount_minor FROM openbanking.balances WHERE tenant_id = $1 AND account_id = $2"
	if t.s.Variant == NoTenant { // whoever knows an account's id gets it
		sql = "SELECT tenant_id, amount_minor FROM openbanking.balances WHERE $1::INT8 > 0 AND account_id = $2"
		account = id(1+tenant%t.s.Tenants, int(account%idStep))
	}
	var owner int
	var amount int64
	err := db.QueryRow(ctx, sql, tenant, account).Scan(&owner, &amount)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return missing("a balance", tenant)
	case err != nil:
		return err
	case owner != tenant:
		return foreign("a balance", tenant, owner)
	}
	return nil
}

const selectHistory = `SELECT tenant_id, txn_id, amount_minor, booked_at, remittance FROM openbanking.transactions
	WHERE tenant_id = $1 AND account_id = $2 ORDER BY booked_at DESC, txn_id DESC LIMIT `

func (t *traffic) txnList(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	n, err := list(ctx, db, tenant, selectHistory+"25", id(tenant, t.account(&d)))
	return some(n, err, "the list of transactions", tenant)
}

// txnHistory reads more than the server can hold back, at one moment.
func (t *traffic) txnHistory(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	psu := t.psuRank.Rank(&d)
	return db.Tx(ctx, func(tx pgx.Tx) error {
		for i := range accountsPerPSU {
			place := psu*accountsPerPSU + i
			n, err := read(ctx, tx, int64(tenant), "SELECT tenant_id, amount_minor FROM openbanking.balances WHERE tenant_id = $1 AND account_id = $2", id(tenant, place))
			if err = some(n, err, "a balance", tenant); err != nil {
				return err
			}
			if t.old != nil { // there may be accounts that were never used
				oldTenant, oldAccount := t.old.own(tenant, place)
				_, err = read(ctx, tx, oldTenant, migratedHistory+"1000", oldAccount)
			} else {
				n, err = read(ctx, tx, int64(tenant), selectHistory+"1000", id(tenant, place))
				err = some(n, err, "a history", tenant)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// read runs a query of one tenant inside a transaction and counts its rows.
func read(ctx context.Context, tx pgx.Tx, tenant int64, sql string, account int64) (int, error) {
	rows, err := tx.Query(ctx, sql, tenant, account)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	return own(rows, int(tenant))
}

func (t *traffic) accountList(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	n, err := list(ctx, db, tenant, `SELECT a.tenant_id, a.account_id, a.iban, a.currency, i.title
		FROM openbanking.consent_accounts AS c
		JOIN openbanking.accounts AS a ON a.tenant_id = c.tenant_id AND a.account_id = c.account_id
		JOIN openbanking.institutions AS i ON i.tenant_id = a.tenant_id AND i.institution_id = a.institution_id
		WHERE c.tenant_id = $1 AND c.consent_id = $2 ORDER BY a.account_id`, consentID("ais", t.psuRank.Rank(&d)))
	return some(n, err, "the list of accounts", tenant)
}

func (t *traffic) beneficiaryList(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	n, err := list(ctx, db, tenant, `SELECT tenant_id, beneficiary_no, title, iban FROM openbanking.beneficiaries
		WHERE tenant_id = $1 AND account_id = $2 ORDER BY beneficiary_no`, id(tenant, t.account(&d)))
	return some(n, err, "the list of beneficiaries", tenant)
}

func (t *traffic) standingOrderList(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	n, err := list(ctx, db, tenant, `SELECT tenant_id, order_no, amount_minor, day_of_month FROM openbanking.standing_orders
		WHERE tenant_id = $1 AND account_id = $2 ORDER BY order_no`, id(tenant, t.account(&d)))
	return some(n, err, "the list of standing orders", tenant)
}

func (t *traffic) consentRead(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	n, err := list(ctx, db, tenant, `SELECT c.tenant_id, c.kind, c.status, p.full_name, t.title
		FROM openbanking.consents AS c
		JOIN openbanking.psus AS p ON p.tenant_id = c.tenant_id AND p.psu_id = c.psu_id
		JOIN openbanking.tpps AS t ON t.tenant_id = c.tenant_id AND t.tpp_id = c.tpp_id
		WHERE c.tenant_id = $1 AND c.consent_id = $2`, consentID("ais", t.psuRank.Rank(&d)))
	return some(n, err, "a consent", tenant)
}

func (t *traffic) subscriptionList(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	n, err := list(ctx, db, tenant, `SELECT tenant_id, subscription_id, url FROM openbanking.event_subscriptions
		WHERE tenant_id = $1 AND tpp_id = $2`, id(tenant, d.IntN(tpps)))
	return some(n, err, "the list of subscriptions", tenant)
}

// fundsConfirmation answers yes or no; both are right.
func (t *traffic) fundsConfirmation(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	n, err := list(ctx, db, tenant, `SELECT tenant_id, amount_minor + overdraft_minor >= $3::INT8 FROM openbanking.balances
		WHERE tenant_id = $1 AND account_id = $2`, id(tenant, t.account(&d)), d.Between(amountLow, amountHigh))
	return some(n, err, "a balance", tenant)
}

// paymentStatus asks for the payment that a customer made last: that is the one
// they wait for.
func (t *traffic) paymentStatus(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	n, err := list(ctx, db, tenant, `SELECT tenant_id, payment_id, status, amount_minor FROM openbanking.payments
		WHERE tenant_id = $1 AND payer_id = $2 ORDER BY created_at DESC, payment_id DESC LIMIT 1`, id(tenant, t.account(&d)))
	return some(n, err, "a payment", tenant)
}
