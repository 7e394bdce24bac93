package openbanking

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"leap/internal/txn"
	"leap/workloads"
)

// testPlanted plants violations of each invariant, one at a time, and takes
// them back.
func testPlanted(t *testing.T, _ rig, pool *txn.Pool) {
	// Requests and what is said of them: an opening payment that was refused,
	// and one that nobody made.
	d := newTraffic(data{s: normal(settings)})
	told := func(o workloads.Outcome, repeat repeat) *outcome {
		for seq := uint64(0); ; seq++ {
			call := workloads.Call{Seq: seq, Op: "payment_submit", Dice: workloads.NewDice(settings.Seed, seq)}
			if d.request(call).repeat == repeat {
				return &outcome{receipts: []workloads.Receipt{{Seq: seq, Op: call.Op, Outcome: o}}}
			}
		}
	}
	// The row that call 7 of another operation writes, and what is said of it.
	const other = 7
	dice := workloads.NewDice(settings.Seed, other)
	tenant, name := d.tenant(&dice), d.callID(other)
	said := func(op string, o workloads.Outcome) *outcome {
		return &outcome{receipts: []workloads.Receipt{{Seq: other, Op: op, Outcome: o}}}
	}
	settled := fmt.Sprintf("UPDATE openbanking.outbox SET event_id = '%s' WHERE tenant_id = %d AND event_id = 'opening-20-2'", name, tenant)
	agreed := fmt.Sprintf("UPDATE openbanking.consents SET consent_id = '%s' WHERE tenant_id = %d AND consent_id = 'ais-7'", name, tenant)
	consented := fmt.Sprintf("INSERT INTO openbanking.payment_consents (tenant_id, consent_id, tpp_id, payer_id, amount_minor, status) VALUES (%d, '%s', 1, 1, 1, 'AUTH')", tenant, name)
	fine := told(workloads.Refused, repeatNot)
	first := d.request(workloads.Call{Seq: fine.receipts[0].Seq, Op: "payment_submit", Dice: workloads.NewDice(settings.Seed, fine.receipts[0].Seq)})
	pay := func(amount int64, tenant int) string {
		return fmt.Sprintf(`INSERT INTO openbanking.payments (tenant_id, payment_id, idem_key, kind, payer_id, payee_id, amount_minor, status, version)
			VALUES (%d, '%s', '%s', 'sip', %d, %d, %d, 'ACSP', 1)`, tenant, first.id, first.key, first.payer, first.payee, amount)
	}
	const one = " WHERE tenant_id = 1 AND "
	for _, plant := range []struct {
		invariant, sql string
		told           *outcome
	}{
		{entriesSumToZero, "UPDATE openbanking.ledger_entries SET amount_minor = amount_minor + 1" + one + "txn_id = 'opening-20' AND entry_no = 1", fine},
		{entriesSumToZero, "DELETE FROM openbanking.ledger_entries" + one + "txn_id = 'opening-20' AND entry_no = 2", fine},
		{balancesAddUp, "UPDATE openbanking.balances SET amount_minor = amount_minor - 1" + one + "account_id = 1000000030", fine},
		{balancesAddUp, "UPDATE openbanking.ledger_entries SET account_id = account_id + 1" + one + "txn_id = 'opening-20'", fine},
		{overdraftKept, "UPDATE openbanking.balances SET amount_minor = -overdraft_minor - 1" + one + "account_id = 1000000030", fine},
		{onePaymentPerKey, "UPDATE openbanking.payments SET idem_key = 'opening-21'" + one + "payment_id = 'opening-20'", fine},
		{onePaymentPerKey, "DELETE FROM openbanking.payments" + one + "payment_id = 'opening-20'", fine},
		{onePaymentPerKey, "DELETE FROM openbanking.idempotency_keys" + one + "idem_key = 'opening-20'", fine},
		{paymentsInLedger, "UPDATE openbanking.payments SET amount_minor = amount_minor + 1" + one + "payment_id = 'opening-20'", fine},
		{paymentsInLedger, "DELETE FROM openbanking.payments" + one + "payment_id = 'opening-20'", fine},
		{paymentsInLedger, "DELETE FROM openbanking.ledger_txns" + one + "txn_id = 'opening-20'", fine},
		{statusLegal, "UPDATE openbanking.payments SET status = 'RCVD'" + one + "payment_id = 'opening-20'", fine},
		{statusLegal, "UPDATE openbanking.outbox SET status_from = 'RCVD'" + one + "event_id = 'opening-20-2'", fine},
		{statusLegal, "UPDATE openbanking.outbox SET version = 2, status_from = 'ACSP', status_to = 'ACSC'" + one + "event_id = 'opening-20-1'", fine},
		{outboxComplete, "DELETE FROM openbanking.outbox" + one + "event_id = 'opening-20-2'", fine},
		{outboxComplete, "DELETE FROM openbanking.payments" + one + "payment_id = 'opening-20'", fine},
		{vrpWithinLimit, "UPDATE openbanking.vrp_limits SET used_minor = 1" + one + "consent_id = 'vrp-7'", fine},
		{vrpWithinLimit, "UPDATE openbanking.vrp_limits SET limit_minor = -1" + one + "consent_id = 'vrp-7'", fine},
		{countersExact, "UPDATE openbanking.rate_counters SET used = used - 1" + one + "counter = 'settled'", fine},
		{countersExact, "UPDATE openbanking.rate_counters SET used = used + 1" + one + "counter = 'tpp-3'", fine},
		{bookedOnce, pay(first.amount, first.tenant) + "; UPDATE openbanking.payments SET status = 'ACSC', version = 2 WHERE payment_id = '" + first.id + "'", fine},
		{tenantIsolation, "UPDATE openbanking.payments SET payee_id = 2000000003" + one + "payment_id = 'opening-20'", fine},
		{tenantIsolation, "UPDATE openbanking.ledger_entries SET account_id = 2000000003" + one + "txn_id = 'opening-20' AND entry_no = 2", fine},
		{tenantIsolation, "UPDATE openbanking.consent_accounts SET account_id = 2000000003" + one + "consent_id = 'ais-7' AND account_id = 1000000014", fine},
		{rowsThere, "DELETE FROM openbanking.balances" + one + "account_id = 1000000030", fine},
		{receiptsTrue, "", told(workloads.Committed, repeatNot)},                                // acknowledged and lost
		{receiptsTrue, "", told(workloads.Committed, repeatOther)},                              // reused and not refused
		{receiptsTrue, pay(first.amount, first.tenant), fine},                                   // refused and paid
		{receiptsTrue, pay(first.amount, first.tenant), told(workloads.RolledBack, repeatNot)},  // failed and paid
		{receiptsTrue, pay(first.amount+1, first.tenant), told(workloads.Committed, repeatNot)}, // another amount
		{receiptsTrue, pay(first.amount, first.tenant) + "; " + twice(pay(first.amount, first.tenant), first.id), told(workloads.Unknown, repeatNot)},
		{receiptsTrue, "", said("payment_settle", workloads.Committed)},
		{receiptsTrue, settled, said("payment_settle", workloads.Refused)},
		{receiptsTrue, "", said("payment_consent", workloads.Committed)},
		{receiptsTrue, consented, said("payment_consent", workloads.RolledBack)},
		{receiptsTrue, "", said("consent_create", workloads.Committed)},
		{receiptsTrue, agreed, said("consent_create", workloads.RolledBack)},
	} {
		t.Run(plant.invariant, func(t *testing.T) {
			planted(t, pool, plant.sql, func(db workloads.Querier) {
				if bad := violations(t, db, plant.told.journal()); bad[plant.invariant].Violations == 0 {
					t.Errorf("%s\nwas not found; found %+v", plant.sql, bad)
				}
			})
		})
	}
	planted(t, pool, "", func(db workloads.Querier) {
		if bad := violations(t, db, fine.journal()); len(bad) > 0 {
			t.Errorf("without a violation: %+v", bad)
		}
	})
	for op, sql := range map[string]string{"payment_settle": settled, "payment_consent": consented, "consent_create": agreed} {
		planted(t, pool, sql, func(db workloads.Querier) {
			if bad := violations(t, db, said(op, workloads.Committed).journal()); bad[receiptsTrue].Violations > 0 {
				t.Errorf("an acknowledged %s: %+v", op, bad[receiptsTrue])
			}
		})
	}
	planted(t, pool, pay(first.amount, first.tenant), func(db workloads.Querier) {
		if bad := violations(t, db, told(workloads.Committed, repeatNot).journal()); bad[receiptsTrue].Violations > 0 {
			t.Errorf("a payment that was acknowledged: %+v", bad[receiptsTrue])
		}
	})
}

// twice is the same payment under another id.
func twice(insert, id string) string {
	return strings.Replace(insert, "'"+id+"'", "'another'", 1)
}

// planted changes the data, looks, and takes the change back.
func planted(t *testing.T, pool *txn.Pool, sql string, look func(workloads.Querier)) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	tx, err := pool.Pool().Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if sql != "" {
		if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	look(tx)
}
