package openbanking

import (
	"context"

	"github.com/jackc/pgx/v5"

	"leap/workloads"
)

// found is what the database holds for an idempotency key.
type found struct {
	n            int
	payer, payee int64
	amount       int64
}

// key names an idempotency key, or another row, of a tenant.
type key struct {
	tenant int
	key    string
}

// checkReceipts compares what callers were told with what is there. Rows that no
// receipt asked for are left to the other rules: a run may share its name with
// processes whose journals are elsewhere. Receipts of outbox_poll cannot be
// compared: an event may be taken more than once.
func (d data) checkReceipts(ctx context.Context, db workloads.Querier, journal workloads.Journal) (f workloads.Finding, err error) {
	payments, err := payments(ctx, db)
	if err != nil {
		return f, err
	}
	t := newTraffic(d)
	rows := map[string]map[key]bool{} // by operation
	for receipt, err := range journal {
		if err != nil {
			return f, err
		}
		call := workloads.Call{Seq: receipt.Seq, Op: receipt.Op, Dice: workloads.NewDice(d.s.Seed, receipt.Seq)}
		if receipt.Op == "payment_submit" || receipt.Op == "vrp_submit" {
			f.Checked++
			r := t.request(call)
			r.judge(receipt, payments[key{r.tenant, r.key}], &f)
			continue
		}
		query := rowsOf(receipt.Op)
		if query == "" {
			continue
		}
		if rows[receipt.Op] == nil {
			if rows[receipt.Op], err = keys(ctx, db, query); err != nil {
				return f, err
			}
		}
		f.Checked++
		row := key{t.tenant(&call.Dice), t.callID(receipt.Seq)}
		there, want := rows[receipt.Op][row], receipt.Outcome == workloads.Committed
		if there != want && receipt.Outcome != workloads.Unknown {
			f.Add("call %d (%s) was %s, and its row %s of tenant %d is there: %v", receipt.Seq, receipt.Op, receipt.Outcome, row.key, row.tenant, there)
		}
	}
	return f, nil
}

// rowsOf is a query for the rows that calls of an operation leave behind under
// their own names; empty where they leave none.
func rowsOf(op string) string {
	switch op {
	case "payment_settle":
		return "SELECT tenant_id, event_id FROM openbanking.outbox WHERE version = 2"
	case "payment_consent":
		return "SELECT tenant_id, consent_id FROM openbanking.payment_consents"
	case "consent_create":
		return "SELECT tenant_id, consent_id FROM openbanking.consents WHERE kind = 'ais'"
	}
	return ""
}

// keys reads the names of rows.
func keys(ctx context.Context, db workloads.Querier, query string) (map[key]bool, error) {
	rows, err := db.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	all := map[key]bool{}
	var k key
	_, err = pgx.ForEachRow(rows, []any{&k.tenant, &k.key}, func() error {
		all[k] = true
		return nil
	})
	return all, err
}

// judge says whether a receipt and the database agree.
func (r request) judge(receipt workloads.Receipt, have found, f *workloads.Finding) {
	if r.repeat == repeatOther {
		if receipt.Outcome == workloads.Committed {
			f.Add("call %d used the key %s with another body and was not refused", receipt.Seq, r.key)
		}
		r.amount-- // that of the first body
	}
	want := 1
	if r.repeat == repeatNot && (receipt.Outcome == workloads.Refused || receipt.Outcome == workloads.RolledBack) {
		want = 0
	}
	// What nobody could find out during the run is found out here: the key has
	// a payment or it has none.
	if r.repeat == repeatNot && receipt.Outcome == workloads.Unknown {
		want = min(have.n, 1)
	}
	switch {
	case have.n != want:
		f.Add("call %d (%s) was %s, and there are %d payments of key %s of tenant %d, not %d",
			receipt.Seq, receipt.Op, receipt.Outcome, have.n, r.key, r.tenant, want)
	case want == 1 && (have.payer != r.payer || have.payee != r.payee || have.amount != r.amount):
		f.Add("call %d asked to pay %d from %d to %d, and %d from %d to %d was paid",
			receipt.Seq, r.amount, r.payer, r.payee, have.amount, have.payer, have.payee)
	}
}

// payments reads all payments by their keys. That takes some 150 bytes of
// memory for each.
func payments(ctx context.Context, db workloads.Querier) (map[key]found, error) {
	rows, err := db.Query(ctx, "SELECT tenant_id, idem_key, payer_id, payee_id, amount_minor FROM openbanking.payments")
	if err != nil {
		return nil, err
	}
	all := map[key]found{}
	var k key
	var p found
	_, err = pgx.ForEachRow(rows, []any{&k.tenant, &k.key, &p.payer, &p.payee, &p.amount}, func() error {
		p.n = all[k].n + 1
		all[k] = p
		return nil
	})
	return all, err
}
