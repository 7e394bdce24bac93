package openbanking

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"leap/workloads"
)

// The codes of refusals.
const (
	refusedKey   = "key_reused"
	refusedFunds = "insufficient_funds"
	refusedLimit = "vrp_limit_exceeded"
	refusedEmpty = "nothing_to_settle"
)

// repeat says whether a submission repeats an earlier one.
type repeat int

const (
	repeatNot   repeat = iota
	repeatSame         // key and body: the first answer comes again
	repeatOther        // the key with another body: refused
)

// request is one submission.
type request struct {
	payment
	repeat repeat
}

// request computes what a call of payment_submit or vrp_submit asks for.
// Repetitions repeat an opening payment, so that they do not depend on what
// other workers have done so far.
func (t *traffic) request(call workloads.Call) request {
	d := call.Dice
	tenant := t.tenant(&d)
	if call.Op == "vrp_submit" {
		return request{payment: t.vrp(&d, tenant, call.Seq)}
	}
	kind := d.Float64()
	payer := t.account(&d)
	if kind < duplicates+reuses {
		r := request{payment: t.openingPayment(tenant, payer), repeat: repeatSame}
		r.event = t.callID(call.Seq)
		if kind >= duplicates {
			r.repeat = repeatOther
			r.amount++
		}
		return r
	}
	payee := d.IntN(merchants)
	if !d.Chance(merchantShare) {
		if payee = t.account(&d); payee == payer {
			payee = d.IntN(merchants)
		}
	}
	name := t.callID(call.Seq)
	return request{payment: payment{
		tenant: tenant, kind: kindSingle, payer: id(tenant, payer), payee: id(tenant, payee),
		amount: int64(d.Between(amountLow, amountHigh)), key: name, id: name, event: name,
	}}
}

// vrp throws a variable recurring payment: a customer pays a merchant.
func (t *traffic) vrp(d *workloads.Dice, tenant int, seq uint64) payment {
	psu, name := t.psuRank.Rank(d), t.callID(seq)
	psu = max(psu, merchants/accountsPerPSU) // the first customers are the merchants
	return payment{
		tenant: tenant, kind: kindVRP, consent: consentID(kindVRP, psu),
		payer: id(tenant, psu*accountsPerPSU), payee: id(tenant, d.IntN(merchants)),
		amount: int64(d.Between(amountLow, amountHigh)), key: name, id: name, event: name,
	}
}

// pay submits a payment: all of it in one transaction, or nothing.
func (t *traffic) pay(ctx context.Context, db workloads.DB, call workloads.Call) error {
	r := t.request(call)
	if t.s.Variant == NoIdempotency {
		r.id = t.callID(call.Seq)
	}
	if t.s.Variant == NoLock {
		return t.payWithoutLock(ctx, db, r)
	}
	return db.Tx(ctx, func(tx pgx.Tx) error {
		first, err := t.begin(ctx, tx, r)
		if err != nil || !first {
			return err
		}
		rows, err := tx.Query(ctx, selectFunds+" FOR UPDATE", r.tenant, r.payer, r.payee)
		if err != nil {
			return err
		}
		have, err := readFunds(rows, r.payment)
		rows.Close()
		if err != nil {
			return err
		}
		if err := have.cover(r.payment); err != nil {
			return err
		}
		return post(ctx, tx, r.payment)
	})
}

// payWithoutLock is how the variant [NoLock] pays.
func (t *traffic) payWithoutLock(ctx context.Context, db workloads.DB, r request) error {
	var have *funds
	err := db.Read(ctx, func(rows pgx.Rows) (err error) {
		have, err = readFunds(rows, r.payment)
		return err
	}, selectFunds, r.tenant, r.payer, r.payee)
	if err != nil {
		return err
	}
	return db.Tx(ctx, func(tx pgx.Tx) error {
		first, err := t.begin(ctx, tx, r)
		if err != nil || !first {
			return err
		}
		if err := have.cover(r.payment); err != nil {
			return err
		}
		if err := post(ctx, tx, r.payment); err != nil {
			return err
		}
		return overwrite(ctx, tx, r.payment, have)
	})
}

// begin does what comes before the balances. It returns false when there is
// nothing more to do.
func (t *traffic) begin(ctx context.Context, tx pgx.Tx, r request) (first bool, err error) {
	first, err = t.takeKey(ctx, tx, r)
	if err == nil && first && r.kind == kindVRP {
		err = useLimit(ctx, tx, r.payment)
	}
	return first, err
}

const insertKey = `INSERT INTO openbanking.idempotency_keys (tenant_id, idem_key, body_hash, payment_id)
	VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, idem_key) DO NOTHING`

// takeKey takes the idempotency key. It returns false when the request was
// answered before: the answer is then checked to be the first one.
func (t *traffic) takeKey(ctx context.Context, tx pgx.Tx, r request) (first bool, err error) {
	tag, err := tx.Exec(ctx, insertKey, r.tenant, r.key, r.body(), r.id)
	if err != nil || tag.RowsAffected() == 1 || t.s.Variant == NoIdempotency {
		return err == nil, err
	}
	var body, answer string
	err = tx.QueryRow(ctx, "SELECT body_hash, payment_id FROM openbanking.idempotency_keys WHERE tenant_id = $1 AND idem_key = $2",
		r.tenant, r.key).Scan(&body, &answer)
	switch {
	case err != nil:
		return false, err
	case body != r.body():
		return false, &workloads.Rejection{Code: refusedKey, Reason: "the idempotency key " + r.key + " came before with another body"}
	case answer != r.id:
		return false, &workloads.Violation{Invariant: onePaymentPerKey, Detail: "the key " + r.key + " was answered with " + answer + ", not " + r.id}
	}
	return false, nil
}

// useLimit takes the amount from the limit of the consent.
func useLimit(ctx context.Context, tx pgx.Tx, p payment) error {
	var limit, used int64
	err := tx.QueryRow(ctx, "SELECT limit_minor, used_minor FROM openbanking.vrp_limits WHERE tenant_id = $1 AND consent_id = $2 FOR UPDATE",
		p.tenant, p.consent).Scan(&limit, &used)
	if errors.Is(err, pgx.ErrNoRows) {
		return missing("a limit", p.tenant)
	}
	if err != nil {
		return err
	}
	if used+p.amount > limit {
		return &workloads.Rejection{Code: refusedLimit, Reason: fmt.Sprintf("%d of %d are used, %d were asked for", used, limit, p.amount)}
	}
	_, err = tx.Exec(ctx, "UPDATE openbanking.vrp_limits SET used_minor = $3 WHERE tenant_id = $1 AND consent_id = $2",
		p.tenant, p.consent, used+p.amount)
	return err
}

// funds are the balances of both sides and what the payer may spend.
type funds struct{ payer, payee, limit int64 }

// selectFunds reads both sides in the order of their keys, which with FOR
// UPDATE is the order of the locks: two payments in opposite directions wait
// for each other in turn and not in a circle.
const selectFunds = `SELECT account_id, amount_minor, overdraft_minor FROM openbanking.balances
	WHERE tenant_id = $1 AND account_id IN ($2, $3) ORDER BY account_id`

func readFunds(rows pgx.Rows, p payment) (*funds, error) {
	f := &funds{}
	var account, amount, limit int64
	n := 0
	_, err := pgx.ForEachRow(rows, []any{&account, &amount, &limit}, func() error {
		n++
		if account == p.payer {
			f.payer, f.limit = amount, limit
		} else {
			f.payee = amount
		}
		return nil
	})
	if err == nil && n != 2 {
		err = missing("one of two balances", p.tenant)
	}
	return f, err
}

// cover refuses a payment for which the payer lacks the funds.
func (f *funds) cover(p payment) error {
	if available := f.payer + f.limit; available < p.amount {
		return &workloads.Rejection{Code: refusedFunds, Reason: fmt.Sprintf("%d are available, %d were asked for", available, p.amount)}
	}
	return nil
}

// insertPayment does in one statement, and so one round trip, what follows the
// locks. Numbers are parameters of the outermost statement too: CockroachDB
// 20.2 takes those that only a WITH part mentions for text.
const insertPayment = `WITH
	b AS (UPDATE openbanking.balances SET amount_minor = amount_minor + CASE WHEN account_id = $2::INT8 THEN -($4::INT8) ELSE $4::INT8 END
		WHERE tenant_id = $1::INT8 AND account_id IN ($2::INT8, $3::INT8) RETURNING account_id),
	l AS (INSERT INTO openbanking.ledger_txns (tenant_id, txn_id, payment_id) VALUES ($1::INT8, $5::VARCHAR, $5::VARCHAR) RETURNING txn_id),
	e AS (INSERT INTO openbanking.ledger_entries (tenant_id, txn_id, entry_no, account_id, amount_minor)
		VALUES ($1::INT8, $5::VARCHAR, 1, $2::INT8, -($4::INT8)), ($1::INT8, $5::VARCHAR, 2, $3::INT8, $4::INT8) RETURNING txn_id),
	o AS (INSERT INTO openbanking.outbox (tenant_id, event_id, payment_id, version, status_from, status_to, published)
		VALUES ($1::INT8, $6::VARCHAR, $5::VARCHAR, 1, 'RCVD', 'ACSP', 0) RETURNING event_id)
	INSERT INTO openbanking.payments (tenant_id, payment_id, idem_key, kind, consent_id, payer_id, payee_id, amount_minor, status, version)
	VALUES ($1::INT8, $5::VARCHAR, $7::VARCHAR, $8::VARCHAR, $9::VARCHAR, $2::INT8, $3::INT8, $4::INT8, 'ACSP', 1)`

// post moves the money.
func post(ctx context.Context, tx pgx.Tx, p payment) error {
	var consent *string
	if p.consent != "" {
		consent = &p.consent
	}
	_, err := tx.Exec(ctx, insertPayment, p.tenant, p.payer, p.payee, p.amount, p.id, p.event, p.key, p.kind, consent)
	return err
}

// overwrite sets the balances from what was read before the transaction: the
// mistake of the variant [NoLock].
func overwrite(ctx context.Context, tx pgx.Tx, p payment, have *funds) error {
	const set = "UPDATE openbanking.balances SET amount_minor = $3 WHERE tenant_id = $1 AND account_id = $2"
	if _, err := tx.Exec(ctx, set, p.tenant, p.payer, have.payer-p.amount); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, set, p.tenant, p.payee, have.payee+p.amount)
	return err
}
