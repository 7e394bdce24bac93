// Package openbanking is the traffic of an open-banking platform: third parties
// that read accounts, a few that pay, and the hot rows that come with that.
//
// The shares of uk-mix follow what Open Banking Limited published for the
// United Kingdom in 2025 where there is a figure: about 80 % of the calls read
// account information and 1.46 % are payments. The split below these two is a
// judgement.
//
// Every key begins with the tenant, and money is an integer number of minor
// units.
package openbanking

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"leap/workloads"
)

const (
	name = "openbanking"
	// dataVersion changes whenever other code would make other data.
	dataVersion = 1
	// originSynthetic is opening data of our own, originMigrated those of a
	// bank that migrate has moved into the same database: see migrated.
	originSynthetic = "synthetic"
	originMigrated  = "migrated"
)

// The deliberately broken variants: each makes an invariant fail.
const (
	// NoLock reads balances before the transaction that writes them.
	NoLock = "no-lock"
	// NoIdempotency pays again when a key comes again.
	NoIdempotency = "no-idempotency"
	// NoTenant asks for balances by the account alone.
	NoTenant = "no-tenant"
)

// Workload is the workload openbanking.
type Workload struct{}

// About implements [workloads.Workload].
func (Workload) About() workloads.About {
	return workloads.About{
		Name: name,
		Summary: "Account information and payments of an open-banking platform. " +
			"A unit of scale is 250 accounts with 40 transactions each, for every tenant (4 by default). " +
			"With the origin migrated they are the first accounts of the first tenants (1 by default) that migrate brought into the database, " +
			"and what is only read of a customer is read in the migrated tables.",
		Ops: operations(),
		Mixes: map[string]workloads.Mix{
			"uk-mix": {
				{Op: "balance_get", Percent: 34},
				{Op: "txn_list", Percent: 26},
				{Op: "payment_status", Percent: 10},
				{Op: "account_list", Percent: 8},
				{Op: "consent_read", Percent: 4},
				{Op: "consent_create", Percent: 1},
				{Op: "beneficiary_list", Percent: 2},
				{Op: "standing_order_list", Percent: 2},
				{Op: "txn_history", Percent: 3},
				{Op: "funds_confirmation", Percent: 2.5},
				{Op: "payment_consent", Percent: 2.2},
				{Op: "subscription_list", Percent: 0.5},
				{Op: "outbox_poll", Percent: 1.5},
				{Op: "payment_submit", Percent: 1.5},
				{Op: "payment_settle", Percent: 1.5},
				{Op: "vrp_submit", Percent: 0.3},
			},
			"contention": {
				{Op: "balance_get", Percent: 30},
				{Op: "payment_status", Percent: 20},
				{Op: "payment_submit", Percent: 20},
				{Op: "payment_settle", Percent: 10},
				{Op: "funds_confirmation", Percent: 10},
				{Op: "payment_consent", Percent: 4},
				{Op: "vrp_submit", Percent: 4},
				{Op: "outbox_poll", Percent: 2},
			},
			// The unattended refresh: Brazil's monthly limits for a consent give
			// 420 balances, 240 lists of transactions and 4 of accounts.
			"ais-batch": {
				{Op: "balance_get", Percent: 63.2},
				{Op: "txn_list", Percent: 30.2},
				{Op: "txn_history", Percent: 6},
				{Op: "account_list", Percent: 0.6},
			},
		},
		DefaultMix: "uk-mix",
		Gate: []string{
			"balance_get.p99<50ms", "txn_list.p99<100ms", "funds_confirmation.p99<40ms",
			"account_list.p99<200ms", "payment_status.p99<200ms", "consent_read.p99<200ms",
			"payment_consent.p99<200ms", "payment_submit.p99<200ms", "payment_submit.p99.9<750ms",
			"vrp_submit.p99<200ms", "error_rate<0.5%", "unresolved=0",
		},
		Tables:   tableNames(),
		Variants: []string{NoLock, NoIdempotency, NoTenant},
	}
}

func operations() []workloads.OpInfo {
	return []workloads.OpInfo{
		{Name: "balance_get", Summary: "Reads the balance of one account.", Tables: []string{"balances"}},
		{Name: "txn_list", Summary: "Lists the 25 latest transactions of an account.", Tables: []string{"transactions"}},
		{
			Name: "txn_history", Summary: "Reads all transactions of a customer's accounts with their balances, in one transaction.",
			Tables: []string{"balances", "transactions"},
		},
		{Name: "account_list", Summary: "Lists the accounts that a consent covers.", Tables: []string{"consent_accounts", "accounts", "institutions"}},
		{Name: "beneficiary_list", Summary: "Lists the beneficiaries of an account.", Tables: []string{"beneficiaries"}},
		{Name: "standing_order_list", Summary: "Lists the standing orders of an account.", Tables: []string{"standing_orders"}},
		{Name: "consent_read", Summary: "Reads a consent, its customer and its third party.", Tables: []string{"consents", "psus", "tpps"}},
		{Name: "consent_create", Summary: "Creates a consent for a customer's accounts.", Writes: true, Tables: []string{"consents", "consent_accounts"}},
		{Name: "funds_confirmation", Summary: "Says whether an account can pay an amount.", Tables: []string{"balances"}},
		{
			Name: "payment_consent", Summary: "Creates a payment consent; the third party's counter is a hot row.", Writes: true,
			Tables: []string{"rate_counters", "payment_consents"},
		},
		{
			Name: "payment_submit", Summary: "Pays: key, both balances, two entries, payment and event in one transaction. " +
				"0.5 % repeat an earlier request, 0.05 % reuse its key with another body.", Writes: true,
			Tables: []string{"idempotency_keys", "balances", "ledger_txns", "ledger_entries", "payments", "outbox"},
		},
		{Name: "payment_status", Summary: "Reads the latest payment of an account.", Tables: []string{"payments"}},
		{
			Name: "payment_settle", Summary: "Settles a pending payment and books it; the head of the queue and the counter are hot.", Writes: true,
			Tables: []string{"payments", "transactions", "rate_counters", "outbox"},
		},
		{
			Name: "vrp_submit", Summary: "Pays under a variable recurring consent, within its limit.", Writes: true,
			Tables: []string{"idempotency_keys", "vrp_limits", "balances", "ledger_txns", "ledger_entries", "payments", "outbox"},
		},
		{Name: "subscription_list", Summary: "Lists the event subscriptions of a third party.", Tables: []string{"event_subscriptions"}},
		{Name: "outbox_poll", Summary: "Takes the 20 oldest events from the outbox; its head is hot.", Writes: true, Tables: []string{"outbox"}},
	}
}

// defaultTenants is enough to see a row of another one.
const defaultTenants = 4

// normal fills in the defaults.
func normal(s workloads.Settings) workloads.Settings {
	s.Scale = max(s.Scale, 1)
	if s.Origin == "" {
		s.Origin = originSynthetic
	}
	if s.Tenants <= 0 {
		s.Tenants = defaultTenants
		if s.Origin == originMigrated {
			s.Tenants = 1 // what a move brings is known to whoever moved it
		}
	}
	return s
}

// runName is what a run may be called: its keys carry it.
var runName = regexp.MustCompile(`^[0-9A-Za-z]{0,16}$`)

// check says what is wrong with settings.
func check(s workloads.Settings) error {
	switch {
	case s.Origin != originSynthetic && s.Origin != originMigrated:
		return fmt.Errorf("%s takes its opening data from the origins %s and %s; there is no %q", name, originSynthetic, originMigrated, s.Origin)
	case !runName.MatchString(s.Run):
		return fmt.Errorf("a run is named with at most 16 letters and digits, not %q", s.Run)
	case s.Variant != "" && !slices.Contains(Workload{}.About().Variants, s.Variant):
		return fmt.Errorf("%s has no variant %q", name, s.Variant)
	}
	return nil
}

// prepare finds the opening data that settings ask for.
func prepare(ctx context.Context, db workloads.Querier, s workloads.Settings) (data, error) {
	d := data{s: normal(s)}
	err := check(d.s)
	if err == nil && d.s.Origin == originMigrated {
		d.old, err = findMigrated(ctx, db, d)
	}
	return d, err
}

// Load implements [workloads.Workload].
func (Workload) Load(ctx context.Context, db workloads.Querier, s workloads.Settings) (workloads.Loader, error) {
	d, err := prepare(ctx, db, s)
	if err != nil {
		return nil, err
	}
	return loader{d}, nil
}

// Traffic implements [workloads.Workload].
func (Workload) Traffic(ctx context.Context, db workloads.Querier, s workloads.Settings) (workloads.Traffic, error) {
	d, err := prepare(ctx, db, s)
	if err != nil {
		return nil, err
	}
	if err := workloads.Need(ctx, db, name, loader{d}.Data()); err != nil {
		return nil, err
	}
	return newTraffic(d), nil
}
