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

// key names an idempotency key of a tenant.
type key struct {
	tenant int
	key    string
}

// checkReceipts compares what callers were told with what is there. Payments
// that no receipt asked for are left to the other rules: a run may share its
// name with processes whose journals are elsewhere.
func (d data) checkReceipts(ctx context.Context, db workloads.Querier, journal workloads.Journal) (f workloads.Finding, err error) {
	payments, err := payments(ctx, db)
	if err != nil {
		return f, err
	}
	t := newTraffic(d)
	for receipt, err := range journal {
		if err != nil {
			return f, err
		}
		if receipt.Op != "payment_submit" && receipt.Op != "vrp_submit" {
			continue
		}
		f.Checked++
		r := t.request(workloads.Call{Seq: receipt.Seq, Op: receipt.Op, Dice: workloads.NewDice(d.s.Seed, receipt.Seq)})
		r.judge(receipt, payments[key{r.tenant, r.key}], &f)
	}
	return f, nil
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
