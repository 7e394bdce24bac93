package openbanking

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"leap/workloads"
)

const (
	// theta is the exponent of the Zipf distribution of accounts, the one of YCSB.
	theta = 0.99
	// merchantShare of the credits go to the big merchants.
	merchantShare = 0.5
	// duplicates of the submissions come again with the same key and body,
	// reuses with the same key and another body.
	duplicates = 0.005
	reuses     = 0.0005
)

// traffic runs the operations. It is read-only and shared by all workers.
type traffic struct {
	data
	accountRank *workloads.Zipf // over the accounts that are not merchants
	psuRank     *workloads.Zipf
}

func newTraffic(d data) *traffic {
	return &traffic{
		data:        d,
		accountRank: workloads.NewZipf(d.accounts()-merchants, theta),
		psuRank:     workloads.NewZipf(d.psus(), theta),
	}
}

// operation runs one call.
type operation func(ctx context.Context, db workloads.DB, call workloads.Call) error

// Do implements [workloads.Traffic].
func (t *traffic) Do(ctx context.Context, db workloads.DB, call workloads.Call) error {
	if done, err := t.migratedList(ctx, db, call); done {
		return err
	}
	run := t.reading(call.Op)
	if run == nil {
		run = t.writing(call.Op)
	}
	if run == nil {
		return fmt.Errorf("%s has no operation %q", name, call.Op)
	}
	return run(ctx, db, call)
}

func (t *traffic) reading(op string) operation {
	switch op {
	case "balance_get":
		return t.balanceGet
	case "txn_list":
		return t.txnList
	case "txn_history":
		return t.txnHistory
	case "account_list":
		return t.accountList
	case "beneficiary_list":
		return t.beneficiaryList
	case "standing_order_list":
		return t.standingOrderList
	case "consent_read":
		return t.consentRead
	case "funds_confirmation":
		return t.fundsConfirmation
	case "payment_status":
		return t.paymentStatus
	case "subscription_list":
		return t.subscriptionList
	}
	return nil
}

func (t *traffic) writing(op string) operation {
	switch op {
	case "consent_create":
		return t.consentCreate
	case "payment_consent":
		return t.paymentConsent
	case "payment_submit", "vrp_submit":
		return t.pay
	case "payment_settle":
		return t.settle
	case "outbox_poll":
		return t.outboxPoll
	}
	return nil
}

// tenant throws a tenant.
func (t *traffic) tenant(d *workloads.Dice) int { return d.Between(1, t.s.Tenants) }

// account throws the number of an account, none of a merchant.
func (t *traffic) account(d *workloads.Dice) int { return merchants + t.accountRank.Rank(d) }

// errAbsent ends a transaction that only asked whether a row could be written.
// It is a refusal, so that it is not counted as a failed attempt.
var errAbsent = &workloads.Rejection{Code: "absent", Reason: "the row is not there"}

// Resolve implements [workloads.Traffic]. It tries to write the row that the
// transaction would have written first, and takes it back. Reading would not do:
// a transaction whose commit is on its way may still go through afterwards, and
// only a writer of the same key has to wait for its end.
func (t *traffic) Resolve(ctx context.Context, db workloads.DB, call workloads.Call) (workloads.Outcome, error) {
	dice, key := call.Dice, t.callID(call.Seq)
	switch call.Op {
	case "payment_submit", "vrp_submit":
		r := t.request(call)
		switch r.repeat {
		case repeatSame: // changed nothing; what it asked for was there before
			return workloads.Committed, nil
		case repeatOther:
			return workloads.RolledBack, nil
		case repeatNot:
		}
		return fence(ctx, db, insertKey, r.tenant, r.key, r.body(), r.id)
	case "payment_settle":
		return fence(ctx, db, `INSERT INTO openbanking.outbox (tenant_id, event_id, payment_id, version, status_from, status_to, published)
			VALUES ($1, $2, '', 0, '', '', 1) ON CONFLICT (tenant_id, event_id) DO NOTHING`, t.tenant(&dice), key)
	case "payment_consent":
		return fence(ctx, db, `INSERT INTO openbanking.payment_consents (tenant_id, consent_id, tpp_id, payer_id, amount_minor, status)
			VALUES ($1, $2, 0, 0, 0, '') ON CONFLICT (tenant_id, consent_id) DO NOTHING`, t.tenant(&dice), key)
	case "consent_create":
		// It is one statement, which may still wait in a server that stands still,
		// and holds no key until it runs: that the row is not there proves nothing.
		// The customer asks again, and then it is there, whoever wrote it.
		return t.askAgain(ctx, db, call)
	case "outbox_poll":
		// Events are delivered at least once: whoever does not know what was
		// taken, takes again.
		if err := t.outboxPoll(ctx, db, call); err != nil {
			return workloads.Unknown, err
		}
		return workloads.Committed, nil
	}
	return workloads.RolledBack, nil // it never changes anything
}

// errPresent ends a request that was made again and had been granted before. It is
// a refusal for the reason of errAbsent.
var errPresent = &workloads.Rejection{Code: "present", Reason: "the row is there"}

// askAgain makes the consent of a call, unless it is there.
func (t *traffic) askAgain(ctx context.Context, db workloads.DB, call workloads.Call) (workloads.Outcome, error) {
	err := db.Tx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertConsent, t.consent(call)...)
		if server, ok := errors.AsType[*pgconn.PgError](err); ok && server.Code == "23505" {
			return errPresent
		}
		return err
	})
	if err != nil && !errors.Is(err, errPresent) {
		return workloads.Unknown, err
	}
	return workloads.Committed, nil
}

// Known implements [workloads.Keyed].
func (t *traffic) Known(ctx context.Context, db workloads.Querier, call workloads.Call) (there bool, err error) {
	rows := map[string]string{
		"payment_submit": "idempotency_keys WHERE idem_key = $2", "vrp_submit": "idempotency_keys WHERE idem_key = $2",
		"payment_settle": "outbox WHERE event_id = $2", "payment_consent": "payment_consents WHERE consent_id = $2",
		"consent_create": "consents WHERE consent_id = $2",
	}[call.Op]
	if rows == "" {
		return false, nil
	}
	tenant := t.tenant(&call.Dice)
	err = db.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM openbanking."+rows+" AND tenant_id = $1)", tenant, t.callID(call.Seq)).Scan(&there)
	return there, err
}

// fence runs an insert that does nothing where the row is there.
func fence(ctx context.Context, db workloads.DB, insert string, args ...any) (workloads.Outcome, error) {
	err := db.Tx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, insert, args...)
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

// foreign is the violation of a row that belongs to another tenant.
func foreign(what string, asked, got int) error {
	return &workloads.Violation{
		Invariant: tenantIsolation,
		Detail:    fmt.Sprintf("tenant %d asked for %s and got a row of tenant %d", asked, what, got),
	}
}

// list runs a query of one tenant whose first column is the tenant, and
// consumes its rows. The rest of a row is read as the driver likes: an
// application would read it, too.
func list(ctx context.Context, db workloads.DB, tenant int, sql string, args ...any) (n int, err error) {
	err = db.Read(ctx, func(rows pgx.Rows) (err error) {
		n, err = own(rows, tenant)
		return err
	}, sql, append([]any{tenant}, args...)...)
	return n, err
}

// own counts rows and finds those of other tenants.
func own(rows pgx.Rows, tenant int) (n int, err error) {
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return n, err
		}
		if got, ok := values[0].(int64); !ok || int(got) != tenant {
			return n, foreign("a list", tenant, int(got))
		}
		n++
	}
	return n, rows.Err()
}
