package openbanking

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"leap/workloads"
)

// pendingLooked is how many payments at the head of the queue a settlement
// chooses from: one would make all of them wait for each other.
const pendingLooked = 8

const selectPending = `SELECT payment_id, payer_id, payee_id, amount_minor FROM openbanking.payments
	WHERE tenant_id = $1 AND status = 'ACSP' ORDER BY payment_id LIMIT $2`

// updateSettled has its numbers where insertPayment has them, and why.
const updateSettled = `WITH
	p AS (UPDATE openbanking.payments SET status = 'ACSC', version = version + 1
		WHERE tenant_id = $1::INT8 AND payment_id = $2::VARCHAR RETURNING payment_id),
	c AS (UPDATE openbanking.rate_counters SET used = used + 1 WHERE tenant_id = $1::INT8 AND counter = 'settled' RETURNING counter),
	o AS (INSERT INTO openbanking.outbox (tenant_id, event_id, payment_id, version, status_from, status_to, published)
		VALUES ($1::INT8, $6::VARCHAR, $2::VARCHAR, 2, 'ACSP', 'ACSC', 0) RETURNING event_id)
	INSERT INTO openbanking.transactions (tenant_id, account_id, booked_at, txn_id, amount_minor, remittance)
	VALUES ($1::INT8, $3::INT8, now(), $2::VARCHAR, -($5::INT8), 'paid'), ($1::INT8, $4::INT8, now(), $2::VARCHAR, $5::INT8, 'received')`

// settle takes a payment from the head of the queue and books it.
func (t *traffic) settle(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	choice := d.Uint64()
	return db.Tx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectPending, tenant, pendingLooked)
		if err != nil {
			return err
		}
		queue, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p payment, err error) {
			err = row.Scan(&p.id, &p.payer, &p.payee, &p.amount)
			return p, err
		})
		if err != nil {
			return err
		}
		if len(queue) == 0 {
			return &workloads.Rejection{Code: refusedEmpty, Reason: "no payment is pending"}
		}
		p := queue[choice%uint64(len(queue))]
		_, err = tx.Exec(ctx, updateSettled, tenant, p.id, p.payer, p.payee, p.amount, t.callID(call.Seq))
		return err
	})
}

// polled is how many events a consumer takes at a time.
const polled = 20

// outboxPoll takes the oldest events.
func (t *traffic) outboxPoll(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	return db.Tx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT event_id FROM openbanking.outbox WHERE tenant_id = $1 AND published = 0
			ORDER BY created_at, event_id LIMIT $2`, tenant, polled)
		if err != nil {
			return err
		}
		events, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(events) == 0 {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE openbanking.outbox SET published = 1 WHERE tenant_id = $1 AND event_id = ANY($2)", tenant, events)
		return err
	})
}

// paymentConsent creates the consent for a later payment. The counter of the
// third party is a hot row.
func (t *traffic) paymentConsent(ctx context.Context, db workloads.DB, call workloads.Call) error {
	d := call.Dice
	tenant := t.tenant(&d)
	payer := t.account(&d)
	tpp, amount := tppOf(tenant, payer/accountsPerPSU), d.Between(amountLow, amountHigh)
	return db.Tx(ctx, func(tx pgx.Tx) error {
		var used int64 // locks it, as one that limits calls would
		err := tx.QueryRow(ctx, "SELECT used FROM openbanking.rate_counters WHERE tenant_id = $1 AND counter = $2 FOR UPDATE",
			tenant, tppCounter(tpp)).Scan(&used)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `WITH c AS (UPDATE openbanking.rate_counters SET used = used + 1
				WHERE tenant_id = $1::INT8 AND counter = $6::VARCHAR RETURNING counter)
			INSERT INTO openbanking.payment_consents (tenant_id, consent_id, tpp_id, payer_id, amount_minor, status)
			VALUES ($1::INT8, $2::VARCHAR, $3::INT8, $4::INT8, $5::INT8, 'AUTH')`,
			tenant, t.callID(call.Seq), tpp, id(tenant, payer), amount, tppCounter(tpp))
		return err
	})
}

// insertConsent has its numbers where insertPayment has them, and why; the
// account is text for the same reason.
const insertConsent = `WITH c AS (INSERT INTO openbanking.consent_accounts (tenant_id, consent_id, account_id)
		VALUES ($1::INT8, $2::VARCHAR, $5::VARCHAR::INT8), ($1::INT8, $2::VARCHAR, $5::VARCHAR::INT8 + 1) RETURNING consent_id)
	INSERT INTO openbanking.consents (tenant_id, consent_id, psu_id, tpp_id, kind, status)
	VALUES ($1::INT8, $2::VARCHAR, $3::INT8, $4::INT8, 'ais', 'valid')`

// consent are the arguments of insertConsent.
func (t *traffic) consent(call workloads.Call) []any {
	d := call.Dice
	tenant := t.tenant(&d)
	psu := t.psuRank.Rank(&d)
	return []any{tenant, t.callID(call.Seq), id(tenant, psu), tppOf(tenant, psu), strconv.FormatInt(id(tenant, psu*accountsPerPSU), 10)}
}

// consentCreate gives a third party access to a customer's accounts.
func (t *traffic) consentCreate(ctx context.Context, db workloads.DB, call workloads.Call) error {
	_, err := db.Exec(ctx, insertConsent, t.consent(call)...)
	return err
}
