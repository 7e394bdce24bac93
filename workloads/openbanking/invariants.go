package openbanking

import (
	"context"

	"github.com/jackc/pgx/v5"

	"leap/workloads"
)

// The names of the invariants.
const (
	entriesSumToZero = "entries_sum_to_zero"
	balancesAddUp    = "balances_match_entries"
	overdraftKept    = "overdraft_limit_kept"
	onePaymentPerKey = "one_payment_per_key"
	receiptsTrue     = "receipts_match_rows"
	statusLegal      = "status_changes_legal"
	vrpWithinLimit   = "vrp_within_limit" //nolint:gosec // no secret, only a name
	outboxComplete   = "outbox_matches_payments"
	countersExact    = "counters_exact"
	paymentsInLedger = "ledger_matches_payments"
	tenantIsolation  = "tenant_isolation"
	rowsThere        = "opening_rows_there"
	bookedOnce       = "booked_once"
)

// rule is an invariant in SQL: a query that counts what is looked at, and one
// that returns a line of text for everything that is wrong.
type rule struct{ name, says, count, wrong string }

// rules are those that need nothing but the data. Each is one statement about
// rows that one transaction writes, so it is true at every moment.
var rules = []rule{ //nolint:gochecknoglobals // a constant in all but the language
	{
		entriesSumToZero, "the entries of every ledger transaction sum to zero",
		`SELECT count(*) FROM openbanking.ledger_entries`,
		`SELECT 'transaction ' || txn_id || ' of tenant ' || tenant_id::TEXT || ' sums to ' || sum(amount_minor)::TEXT
			FROM openbanking.ledger_entries GROUP BY tenant_id, txn_id HAVING sum(amount_minor) <> 0`,
	},
	{
		balancesAddUp, "every balance is its opening balance and its entries",
		`SELECT count(*) FROM openbanking.balances`,
		`SELECT 'account ' || b.account_id::TEXT || ' has ' || b.amount_minor::TEXT || ', its entries make ' || (a.opening_minor + coalesce(e.total, 0))::TEXT
			FROM openbanking.balances AS b
			JOIN openbanking.accounts AS a ON a.tenant_id = b.tenant_id AND a.account_id = b.account_id
			LEFT JOIN (SELECT tenant_id, account_id, sum(amount_minor)::INT8 AS total FROM openbanking.ledger_entries GROUP BY tenant_id, account_id) AS e
				ON e.tenant_id = b.tenant_id AND e.account_id = b.account_id
			WHERE b.amount_minor <> a.opening_minor + coalesce(e.total, 0)`,
	},
	{
		overdraftKept, "no balance is below the overdraft limit",
		`SELECT count(*) FROM openbanking.balances`,
		`SELECT 'account ' || account_id::TEXT || ' has ' || amount_minor::TEXT || ' and may have -' || overdraft_minor::TEXT
			FROM openbanking.balances WHERE amount_minor + overdraft_minor < 0`,
	},
	{
		onePaymentPerKey, "every idempotency key has exactly one payment, and every payment a key",
		`SELECT count(*) FROM openbanking.idempotency_keys`,
		`SELECT 'key ' || k.idem_key || ' of tenant ' || k.tenant_id::TEXT || ' has ' || count(p.payment_id)::TEXT || ' payments of that id'
			FROM openbanking.idempotency_keys AS k
			LEFT JOIN openbanking.payments AS p ON p.tenant_id = k.tenant_id AND p.payment_id = k.payment_id AND p.idem_key = k.idem_key
			GROUP BY k.tenant_id, k.idem_key HAVING count(p.payment_id) <> 1
		UNION ALL SELECT 'payments of key ' || idem_key || ' of tenant ' || tenant_id::TEXT || ': ' || count(*)::TEXT
			FROM openbanking.payments GROUP BY tenant_id, idem_key HAVING count(*) > 1
		UNION ALL SELECT 'payment ' || p.payment_id || ' has a key that nobody keeps'
			FROM openbanking.payments AS p
			LEFT JOIN openbanking.idempotency_keys AS k ON k.tenant_id = p.tenant_id AND k.idem_key = p.idem_key
			WHERE k.idem_key IS NULL`,
	},
	{
		paymentsInLedger, "every payment is one ledger transaction of its amount between its accounts, and the ledger has no other",
		`SELECT count(*) FROM openbanking.payments`,
		`SELECT 'payment ' || p.payment_id || ' of tenant ' || p.tenant_id::TEXT || ' has ' || count(e.txn_id)::TEXT || ' entries that fit'
			FROM openbanking.payments AS p
			LEFT JOIN openbanking.ledger_txns AS l ON l.tenant_id = p.tenant_id AND l.payment_id = p.payment_id
			LEFT JOIN openbanking.ledger_entries AS e ON e.tenant_id = l.tenant_id AND e.txn_id = l.txn_id
				AND ((e.account_id = p.payer_id AND e.amount_minor = -p.amount_minor) OR (e.account_id = p.payee_id AND e.amount_minor = p.amount_minor))
			GROUP BY p.tenant_id, p.payment_id HAVING count(e.txn_id) <> 2
		UNION ALL SELECT 'ledger transaction ' || l.txn_id || ' of tenant ' || l.tenant_id::TEXT || ' has no payment or not two entries'
			FROM openbanking.ledger_txns AS l
			LEFT JOIN openbanking.payments AS p ON p.tenant_id = l.tenant_id AND p.payment_id = l.payment_id
			LEFT JOIN openbanking.ledger_entries AS e ON e.tenant_id = l.tenant_id AND e.txn_id = l.txn_id
			GROUP BY l.tenant_id, l.txn_id HAVING count(p.payment_id) = 0 OR count(e.txn_id) <> 2
		UNION ALL SELECT 'entry of ' || e.txn_id || ' of tenant ' || e.tenant_id::TEXT || ' belongs to no ledger transaction'
			FROM openbanking.ledger_entries AS e
			LEFT JOIN openbanking.ledger_txns AS l ON l.tenant_id = e.tenant_id AND l.txn_id = e.txn_id
			WHERE l.txn_id IS NULL`,
	},
	{
		statusLegal, "the status of a payment goes from RCVD to ACSP to ACSC, once each, and is the last one",
		`SELECT count(*) FROM openbanking.outbox`,
		`SELECT 'payment ' || payment_id || ' of tenant ' || tenant_id::TEXT || ' went from ' || status_from || ' to ' || status_to || ' as change ' || version::TEXT
			FROM openbanking.outbox
			WHERE NOT ((version = 1 AND status_from = 'RCVD' AND status_to = 'ACSP') OR (version = 2 AND status_from = 'ACSP' AND status_to = 'ACSC'))
		UNION ALL SELECT 'payment ' || payment_id || ' of tenant ' || tenant_id::TEXT || ' made change ' || version::TEXT || ' more than once'
			FROM openbanking.outbox GROUP BY tenant_id, payment_id, version HAVING count(*) > 1
		UNION ALL SELECT 'payment ' || payment_id || ' of tenant ' || tenant_id::TEXT || ' is ' || status || ' after ' || version::TEXT || ' changes'
			FROM openbanking.payments WHERE NOT ((version = 1 AND status = 'ACSP') OR (version = 2 AND status = 'ACSC'))`,
	},
	{
		outboxComplete, "every payment has exactly one event for each of its changes, and there are no others",
		`SELECT count(*) FROM openbanking.payments`,
		`SELECT 'payment ' || p.payment_id || ' of tenant ' || p.tenant_id::TEXT || ' has ' || count(o.event_id)::TEXT || ' events for ' || p.version::TEXT || ' changes'
			FROM openbanking.payments AS p
			LEFT JOIN openbanking.outbox AS o ON o.tenant_id = p.tenant_id AND o.payment_id = p.payment_id
			GROUP BY p.tenant_id, p.payment_id, p.version HAVING count(o.event_id) <> p.version
		UNION ALL SELECT 'event ' || o.event_id || ' of tenant ' || o.tenant_id::TEXT || ' tells of a payment that does not exist'
			FROM openbanking.outbox AS o
			LEFT JOIN openbanking.payments AS p ON p.tenant_id = o.tenant_id AND p.payment_id = o.payment_id
			WHERE p.payment_id IS NULL`,
	},
	{
		vrpWithinLimit, "the payments of a variable recurring consent sum to what is used of its limit, and not to more",
		`SELECT count(*) FROM openbanking.vrp_limits`,
		`SELECT 'consent ' || v.consent_id || ' of tenant ' || v.tenant_id::TEXT || ' used ' || v.used_minor::TEXT || ' of ' || v.limit_minor::TEXT
				|| ', its payments sum to ' || coalesce(p.total, 0)::TEXT
			FROM openbanking.vrp_limits AS v
			LEFT JOIN (SELECT tenant_id, consent_id, sum(amount_minor)::INT8 AS total FROM openbanking.payments WHERE kind = 'vrp' GROUP BY tenant_id, consent_id) AS p
				ON p.tenant_id = v.tenant_id AND p.consent_id = v.consent_id
			WHERE v.used_minor > v.limit_minor OR v.used_minor <> coalesce(p.total, 0)`,
	},
	{
		countersExact, "the settlement counter counts the settled payments, and those of third parties their payment consents",
		`SELECT count(*) FROM openbanking.rate_counters`,
		`SELECT 'counter ' || c.counter || ' of tenant ' || c.tenant_id::TEXT || ' is ' || c.used::TEXT || ', counted are ' || coalesce(n.n, 0)::TEXT
			FROM openbanking.rate_counters AS c
			LEFT JOIN (
				SELECT tenant_id, 'settled' AS counter, count(*) AS n FROM openbanking.payments WHERE status = 'ACSC' GROUP BY tenant_id
				UNION ALL
				SELECT tenant_id, 'tpp-' || (tpp_id % 1000000000)::TEXT AS counter, count(*) AS n FROM openbanking.payment_consents GROUP BY tenant_id, tpp_id
			) AS n ON n.tenant_id = c.tenant_id AND n.counter = c.counter
			WHERE c.used <> coalesce(n.n, 0)`,
	},
	{
		bookedOnce, "a payment is booked for both sides when it is settled, once, and not before",
		`SELECT count(*) FROM openbanking.payments`,
		`SELECT 'payment ' || p.payment_id || ' of tenant ' || p.tenant_id::TEXT || ' is ' || p.status || ' and booked ' || coalesce(x.n, 0)::TEXT || ' times'
			FROM openbanking.payments AS p
			LEFT JOIN (SELECT tenant_id, txn_id, count(*) AS n FROM openbanking.transactions GROUP BY tenant_id, txn_id) AS x
				ON x.tenant_id = p.tenant_id AND x.txn_id = p.payment_id
			WHERE p.payment_id NOT LIKE 'opening-%' AND coalesce(x.n, 0) <> CASE WHEN p.status = 'ACSC' THEN 2 ELSE 0 END`,
	},
	{
		tenantIsolation, "no row points at an account of another tenant, and none is ever returned",
		`SELECT count(*) FROM openbanking.payments`,
		`SELECT 'payment ' || p.payment_id || ' of tenant ' || p.tenant_id::TEXT || ' is between ' || p.payer_id::TEXT || ' and ' || p.payee_id::TEXT
			FROM openbanking.payments AS p
			LEFT JOIN openbanking.accounts AS a ON a.tenant_id = p.tenant_id AND a.account_id = p.payer_id
			LEFT JOIN openbanking.accounts AS b ON b.tenant_id = p.tenant_id AND b.account_id = p.payee_id
			WHERE a.account_id IS NULL OR b.account_id IS NULL
		UNION ALL SELECT 'an entry of ' || e.txn_id || ' of tenant ' || e.tenant_id::TEXT || ' is for account ' || e.account_id::TEXT
			FROM openbanking.ledger_entries AS e
			LEFT JOIN openbanking.accounts AS a ON a.tenant_id = e.tenant_id AND a.account_id = e.account_id
			WHERE a.account_id IS NULL
		UNION ALL SELECT 'consent ' || c.consent_id || ' of tenant ' || c.tenant_id::TEXT || ' covers account ' || c.account_id::TEXT
			FROM openbanking.consent_accounts AS c
			LEFT JOIN openbanking.accounts AS a ON a.tenant_id = c.tenant_id AND a.account_id = c.account_id
			WHERE a.account_id IS NULL`,
	},
}

// Invariants implements [workloads.Workload].
func (Workload) Invariants(s workloads.Settings) []workloads.Invariant {
	d := data{s: normal(s)}
	all := make([]workloads.Invariant, 0, len(rules)+2)
	for _, r := range rules {
		all = append(all, workloads.Invariant{Name: r.name, Says: r.says, During: true, Check: r.check})
	}
	return append(all,
		workloads.Invariant{
			Name: rowsThere, Says: "every tenant has its accounts, each with a balance", During: true,
			Check: d.checkRows,
		},
		workloads.Invariant{
			Name: receiptsTrue, Says: "every acknowledged payment, settlement and consent exists exactly once, and no refused or failed one does",
			Check: d.checkReceipts,
		})
}

// check runs a rule.
func (r rule) check(ctx context.Context, db workloads.Querier, _ workloads.Journal) (f workloads.Finding, err error) {
	if err = db.QueryRow(ctx, r.count).Scan(&f.Checked); err != nil {
		return f, err
	}
	rows, err := db.Query(ctx, r.wrong)
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

// checkRows counts what must never change.
func (d data) checkRows(ctx context.Context, db workloads.Querier, _ workloads.Journal) (f workloads.Finding, err error) {
	for tenant := 1; tenant <= d.s.Tenants; tenant++ {
		var n int64
		err = db.QueryRow(ctx, `SELECT count(*) FROM openbanking.accounts AS a
			JOIN openbanking.balances AS b ON b.tenant_id = a.tenant_id AND b.account_id = a.account_id WHERE a.tenant_id = $1`, tenant).Scan(&n)
		if err != nil {
			return f, err
		}
		f.Checked += n
		if n != int64(d.accounts()) {
			f.Add("tenant %d has %d accounts with a balance, not %d", tenant, n, d.accounts())
		}
	}
	return f, nil
}
