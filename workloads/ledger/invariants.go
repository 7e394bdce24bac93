package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"

	"leap/workloads"
)

// The names of the invariants.
const (
	entriesFit    = "entries_match_transfers"
	balancesAddUp = "balances_match_entries"
	neverNegative = "no_negative_balance"
	receiptsTrue  = "receipts_match_transfers"
	// oneTransferPerKey is seen by calls only: the key is the primary one.
	oneTransferPerKey = "one_transfer_per_key"
	countAccounts     = "SELECT count(*) FROM ledger.accounts"
	countTransfers    = "SELECT count(*) FROM ledger.transfers"
)

// Invariants implements [workloads.Workload].
func (Workload) Invariants(s workloads.Settings) []workloads.Invariant {
	t := &traffic{normal(s)}
	return []workloads.Invariant{
		{
			Name: entriesFit, Says: "every transfer has two entries that sum to zero, and every entry a transfer", During: true,
			Check: rule(countTransfers, `SELECT 'transfer ' || t.transfer_id || ' has ' || count(e.entry_no)::TEXT || ' entries that fit'
					FROM ledger.transfers AS t
					LEFT JOIN ledger.entries AS e ON e.tenant_id = t.tenant_id AND e.transfer_id = t.transfer_id
						AND ((e.account_id = t.payer_id AND e.amount_minor = -t.amount_minor) OR (e.account_id = t.payee_id AND e.amount_minor = t.amount_minor))
					GROUP BY t.tenant_id, t.transfer_id HAVING count(e.entry_no) <> 2 OR sum(e.amount_minor) <> 0
				UNION ALL SELECT 'entry ' || e.entry_no::TEXT || ' of ' || e.transfer_id || ' has no transfer, or is one too many'
					FROM ledger.entries AS e
					LEFT JOIN ledger.transfers AS t ON t.tenant_id = e.tenant_id AND t.transfer_id = e.transfer_id
					WHERE t.transfer_id IS NULL OR e.entry_no NOT IN (1, 2)`),
		},
		{
			Name: balancesAddUp, Says: "every balance is its opening balance and its entries", During: true,
			Check: rule(countAccounts, `SELECT 'account ' || a.account_id::TEXT || ' of tenant ' || a.tenant_id::TEXT || ' has ' || a.amount_minor::TEXT
						|| ', its entries make ' || (a.opening_minor + coalesce(e.total, 0))::TEXT
					FROM ledger.accounts AS a
					LEFT JOIN (SELECT tenant_id, account_id, sum(amount_minor)::INT8 AS total FROM ledger.entries GROUP BY tenant_id, account_id) AS e
						ON e.tenant_id = a.tenant_id AND e.account_id = a.account_id
					WHERE a.amount_minor <> a.opening_minor + coalesce(e.total, 0)`),
		},
		{
			Name: neverNegative, Says: "no balance is below zero", During: true,
			Check: rule(countAccounts, `SELECT 'account ' || account_id::TEXT || ' of tenant ' || tenant_id::TEXT || ' has ' || amount_minor::TEXT
					FROM ledger.accounts WHERE amount_minor < 0`),
		},
		{
			Name: receiptsTrue, Says: "every acknowledged transfer exists, and no refused or failed one does",
			Check: t.checkReceipts,
		},
	}
}

// rule returns a check that counts what it looks at and reports every line that
// the second query returns.
func rule(count, wrong string) func(context.Context, workloads.Querier, workloads.Journal) (workloads.Finding, error) {
	return func(ctx context.Context, db workloads.Querier, _ workloads.Journal) (f workloads.Finding, err error) {
		if err = db.QueryRow(ctx, count).Scan(&f.Checked); err != nil {
			return f, err
		}
		rows, err := db.Query(ctx, wrong)
		if err != nil {
			return f, err
		}
		var line string
		_, err = pgx.ForEachRow(rows, []any{&line}, func() error {
			f.Add("%s", line)
			return nil
		})
		return f, err
	}
}

// checkReceipts compares what callers were told with what is there. An outcome
// that nobody could find out is right either way.
func (t *traffic) checkReceipts(ctx context.Context, db workloads.Querier, journal workloads.Journal) (f workloads.Finding, err error) {
	rows, err := db.Query(ctx, "SELECT tenant_id, transfer_id, payer_id, payee_id, amount_minor FROM ledger.transfers")
	if err != nil {
		return f, err
	}
	there := map[transfer]bool{}
	ids := map[string]bool{}
	var r transfer
	_, err = pgx.ForEachRow(rows, []any{&r.tenant, &r.id, &r.payer, &r.payee, &r.amount}, func() error {
		there[r], ids[r.id] = true, true
		return nil
	})
	if err != nil {
		return f, err
	}
	for receipt, err := range journal {
		if err != nil {
			return f, err
		}
		if receipt.Op != "transfer" {
			continue
		}
		f.Checked++
		r := t.request(workloads.Call{Seq: receipt.Seq, Op: receipt.Op, Dice: workloads.NewDice(t.s.Seed, receipt.Seq)})
		done := receipt.Outcome == workloads.Committed
		switch {
		case done && !there[r]:
			f.Add("call %d was committed, and transfer %s is not there as it was asked for", receipt.Seq, r.id)
		case !done && receipt.Outcome != workloads.Unknown && ids[r.id]:
			f.Add("call %d was %s, and transfer %s is there", receipt.Seq, receipt.Outcome, r.id)
		}
	}
	return f, nil
}
