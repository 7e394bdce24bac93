// Package ledger is double entry at its smallest and most contended: a few
// accounts, and transfers between them that are always in each other's way. It
// shows how a server and a retry loop behave under conflict, and nothing else.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"leap/workloads"
)

const (
	name = "ledger"
	// accountsPerScale is the number of accounts of a tenant for each unit of
	// scale: with eight workers, nearly every transfer meets another.
	accountsPerScale = 10
	// opening is the balance of every account, in minor units, and amountHigh
	// the largest transfer: an account is empty after thousands of them.
	opening, amountHigh = 1_000_000, 100
	dataVersion         = 1
)

// NoLock is the deliberately broken variant: balances are read before the
// transaction that writes them.
const NoLock = "no-lock"

// Workload is the workload ledger.
type Workload struct{}

// About implements [workloads.Workload].
func (Workload) About() workloads.About {
	return workloads.About{
		Name:    name,
		Summary: "Transfers between a few accounts, double entry, always in conflict. A unit of scale is 10 accounts for every tenant (1 by default).",
		Ops: []workloads.OpInfo{
			{
				Name: "transfer", Summary: "Moves money: key, both balances, two entries in one transaction.", Writes: true,
				Tables: []string{"transfers", "accounts", "entries"},
			},
			{Name: "balance_get", Summary: "Reads a balance.", Tables: []string{"accounts"}},
			{Name: "total_get", Summary: "Sums all balances of a tenant: it never changes.", Tables: []string{"accounts"}},
		},
		Mixes: map[string]workloads.Mix{
			"contended": {{Op: "transfer", Percent: 50}, {Op: "balance_get", Percent: 45}, {Op: "total_get", Percent: 5}},
			"transfers": {{Op: "transfer", Percent: 100}},
		},
		DefaultMix: "contended",
		Gate:       []string{"transfer.p99<500ms", "balance_get.p99<100ms", "error_rate<0.5%", "unresolved=0"},
		Tables:     []string{"accounts", "transfers", "entries"},
		Variants:   []string{NoLock},
	}
}

func normal(s workloads.Settings) workloads.Settings {
	s.Scale, s.Tenants, s.Origin = max(s.Scale, 1), max(s.Tenants, 1), "synthetic"
	return s
}

func accounts(s workloads.Settings) int { return s.Scale * accountsPerScale }

// Load implements [workloads.Workload].
func (Workload) Load(_ context.Context, _ workloads.Querier, s workloads.Settings) (workloads.Loader, error) {
	return loader{normal(s)}, nil
}

// runName is what a run may be called: its keys carry it.
var runName = regexp.MustCompile(`^[0-9A-Za-z]{0,16}$`)

// Traffic implements [workloads.Workload].
func (Workload) Traffic(ctx context.Context, db workloads.Querier, s workloads.Settings) (workloads.Traffic, error) {
	switch {
	case !runName.MatchString(s.Run):
		return nil, fmt.Errorf("a run is named with at most 16 letters and digits, not %q", s.Run)
	case s.Variant != "" && s.Variant != NoLock:
		return nil, fmt.Errorf("%s has no variant %q", name, s.Variant)
	}
	if err := workloads.Need(ctx, db, name, loader{normal(s)}.Data()); err != nil {
		return nil, err
	}
	return &traffic{normal(s)}, nil
}

type loader struct{ s workloads.Settings }

// Data implements [workloads.Loader].
func (l loader) Data() string { return workloads.DataName(dataVersion, l.s) }

// Schema implements [workloads.Loader].
func (loader) Schema() (before, after []string) {
	before = []string{
		"CREATE SCHEMA IF NOT EXISTS ledger",
		`CREATE TABLE IF NOT EXISTS ledger.accounts (tenant_id INT8 NOT NULL, account_id INT8 NOT NULL,
			opening_minor INT8 NOT NULL, amount_minor INT8 NOT NULL, PRIMARY KEY (tenant_id, account_id))`,
		`CREATE TABLE IF NOT EXISTS ledger.transfers (tenant_id INT8 NOT NULL, transfer_id VARCHAR(40) NOT NULL,
			payer_id INT8 NOT NULL, payee_id INT8 NOT NULL, amount_minor INT8 NOT NULL, PRIMARY KEY (tenant_id, transfer_id))`,
		`CREATE TABLE IF NOT EXISTS ledger.entries (tenant_id INT8 NOT NULL, transfer_id VARCHAR(40) NOT NULL, entry_no INT8 NOT NULL,
			account_id INT8 NOT NULL, amount_minor INT8 NOT NULL, PRIMARY KEY (tenant_id, transfer_id, entry_no))`,
	}
	return before, []string{"CREATE INDEX IF NOT EXISTS entries_by_account ON ledger.entries (tenant_id, account_id)"}
}

// Batches implements [workloads.Loader]: one for a tenant.
func (l loader) Batches() int { return l.s.Tenants }

// Write implements [workloads.Loader].
func (l loader) Write(ctx context.Context, tx pgx.Tx, i int) (int64, error) {
	rows := make([][]any, accounts(l.s))
	for account := range rows {
		rows[account] = []any{i + 1, account, opening, opening}
	}
	return workloads.Copy(ctx, tx, "ledger.accounts", []string{"tenant_id", "account_id", "opening_minor", "amount_minor"}, rows)
}

type traffic struct{ s workloads.Settings }

// transfer is one request; its id is its idempotency key.
type transfer struct {
	tenant, payer, payee, amount int
	id                           string
}

func (t *traffic) request(call workloads.Call) transfer {
	d := call.Dice
	n := accounts(t.s)
	r := transfer{tenant: d.Between(1, t.s.Tenants), payer: d.IntN(n), amount: d.Between(1, amountHigh)}
	r.payee = (r.payer + d.Between(1, n-1)) % n
	r.id = fmt.Sprintf("%016x-%s", workloads.Scatter(call.Seq), t.s.Run)
	return r
}

// Do implements [workloads.Traffic].
func (t *traffic) Do(ctx context.Context, db workloads.DB, call workloads.Call) error {
	r := t.request(call)
	switch call.Op {
	case "transfer":
		return t.transfer(ctx, db, r)
	case "balance_get":
		var amount int64
		return db.QueryRow(ctx, "SELECT amount_minor FROM ledger.accounts WHERE tenant_id = $1 AND account_id = $2", r.tenant, r.payer).Scan(&amount)
	case "total_get":
		var total int
		err := db.QueryRow(ctx, "SELECT sum(amount_minor)::INT8 FROM ledger.accounts WHERE tenant_id = $1", r.tenant).Scan(&total)
		if want := opening * accounts(t.s); err == nil && total != want {
			err = &workloads.Violation{Invariant: balancesAddUp, Detail: fmt.Sprintf("tenant %d has %d in all, not %d", r.tenant, total, want)}
		}
		return err
	}
	return fmt.Errorf("%s has no operation %q", name, call.Op)
}

// Known implements [workloads.Keyed].
func (t *traffic) Known(ctx context.Context, db workloads.Querier, call workloads.Call) (there bool, err error) {
	r := t.request(call)
	err = db.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM ledger.transfers WHERE tenant_id = $1 AND transfer_id = $2)", r.tenant, r.id).Scan(&there)
	return there, err
}

// selectBoth reads both sides in the order of their keys, so that with FOR
// UPDATE transfers in opposite directions wait in turn and not in a circle.
const selectBoth = `SELECT account_id, amount_minor FROM ledger.accounts WHERE tenant_id = $1 AND account_id IN ($2, $3) ORDER BY account_id`

const insertTransfer = `INSERT INTO ledger.transfers (tenant_id, transfer_id, payer_id, payee_id, amount_minor)
	VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, transfer_id) DO NOTHING`

const insertEntries = `INSERT INTO ledger.entries (tenant_id, transfer_id, entry_no, account_id, amount_minor)
	VALUES ($1, $2, 1, $3, -($5::INT8)), ($1, $2, 2, $4, $5::INT8)`

const updateBalance = "UPDATE ledger.accounts SET amount_minor = $3 WHERE tenant_id = $1 AND account_id = $2"

func (t *traffic) transfer(ctx context.Context, db workloads.DB, r transfer) error {
	var early map[int]int
	if t.s.Variant == NoLock {
		err := db.Read(ctx, func(rows pgx.Rows) (err error) {
			early, err = both(rows)
			return err
		}, selectBoth, r.tenant, r.payer, r.payee)
		if err != nil {
			return err
		}
	}
	return db.Tx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, insertTransfer, r.tenant, r.id, r.payer, r.payee, r.amount)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 { // to take that for a transfer would measure nothing
			return &workloads.Violation{Invariant: oneTransferPerKey, Detail: "transfer " + r.id + " was there before; another run had the same name"}
		}
		have := early
		if have == nil {
			have, err = lock(ctx, tx, r)
		}
		if err != nil {
			return err
		}
		if have[r.payer] < r.amount {
			return &workloads.Rejection{Code: "insufficient_funds", Reason: fmt.Sprintf("%d are there, %d were asked for", have[r.payer], r.amount)}
		}
		if _, err = tx.Exec(ctx, updateBalance, r.tenant, r.payer, have[r.payer]-r.amount); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, updateBalance, r.tenant, r.payee, have[r.payee]+r.amount); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, insertEntries, r.tenant, r.id, r.payer, r.payee, r.amount)
		return err
	})
}

// lock reads both balances and keeps others from writing them.
func lock(ctx context.Context, tx pgx.Tx, r transfer) (map[int]int, error) {
	rows, err := tx.Query(ctx, selectBoth+" FOR UPDATE", r.tenant, r.payer, r.payee)
	if err != nil {
		return nil, err
	}
	return both(rows)
}

// both reads the balances of two accounts.
func both(rows pgx.Rows) (map[int]int, error) {
	have := map[int]int{}
	var account, amount int
	_, err := pgx.ForEachRow(rows, []any{&account, &amount}, func() error {
		have[account] = amount
		return nil
	})
	if err == nil && len(have) != 2 {
		err = errors.New("one of two accounts is not there")
	}
	return have, err
}

// errAbsent takes the row back that only asked whether it was there. It is a
// refusal, so that it is not counted as a failed attempt.
var errAbsent = &workloads.Rejection{Code: "absent", Reason: "the row is not there"}

// Resolve implements [workloads.Traffic]. It writes the key and takes it back:
// a reader might be overtaken by a commit that is still on its way, a writer of
// the same key waits for it.
func (t *traffic) Resolve(ctx context.Context, db workloads.DB, call workloads.Call) (workloads.Outcome, error) {
	r := t.request(call)
	err := db.Tx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, insertTransfer, r.tenant, r.id, r.payer, r.payee, r.amount)
		if err == nil && tag.RowsAffected() > 0 {
			err = errAbsent
		}
		return err
	})
	switch {
	case errors.Is(err, errAbsent):
		return workloads.RolledBack, nil
	case err != nil:
		return workloads.Unknown, err
	}
	return workloads.Committed, nil
}
