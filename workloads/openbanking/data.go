package openbanking

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"leap/workloads"
)

// The size of the opening data of one tenant.
const (
	accountsPerScale = 250
	// merchants are the first accounts of a tenant: the big ones, which take
	// half of all credits.
	merchants = 10
	// accountsPerPSU: account i belongs to customer i/2.
	accountsPerPSU = 2
	// historyRows is chosen so that the history of a customer is more than
	// 16 KiB: CockroachDB has then sent some of it and cannot repeat a
	// statement by itself any more.
	historyRows   = 40
	tpps          = 20
	institutions  = 5
	beneficiaries = 2
)

// What a payment goes through. There is no other way.
const (
	statusReceived = "RCVD"
	statusAccepted = "ACSP" // paid, and waiting to be settled
	statusSettled  = "ACSC"
)

const (
	kindSingle = "sip"
	kindVRP    = "vrp"
)

// counterSettled is the settlement row: one for a tenant.
const counterSettled = "settled"

// Money is in minor units.
const (
	amountLow, amountHigh   = 50, 5_000
	openingLow, openingHigh = 100_000, 50_000_000
	overdraft               = 50_000 // of every second account
	vrpLimit                = 2_000_000
)

// data computes the opening data, and names everything.
type data struct {
	s   workloads.Settings
	old *migrated // nil when the opening data are our own
}

// accounts is the number of accounts of a tenant.
func (d data) accounts() int { return d.s.Scale * accountsPerScale }

// psus is the number of customers of a tenant.
func (d data) psus() int { return d.accounts() / accountsPerPSU }

// idStep keeps the ids of tenants apart, so that a row of another tenant can be
// told from its id alone.
const idStep = 1_000_000_000

// id is the id of the i-th account, customer or third party of a tenant. The
// tenants are 1 to n.
func id(tenant, i int) int64 { return int64(tenant)*idStep + int64(i) }

// dice throws the opening values of something.
func (d data) dice(what uint64, tenant, i int) workloads.Dice {
	return workloads.NewDice(d.s.Seed^what, uint64(id(tenant, i))) //nolint:gosec // not negative
}

// What dice are thrown for.
const (
	diceAccount = 0x61636374 + iota
	dicePayment
	diceHistory
)

// opening returns the opening balance of an account and its overdraft limit.
func (d data) opening(tenant, i int) (amount, limit int64) {
	dice := d.dice(diceAccount, tenant, i)
	amount = int64(dice.Between(openingLow, openingHigh))
	if dice.Chance(0.5) {
		limit = overdraft
	}
	return amount, limit
}

// paid returns what the opening payments change in an account.
func (d data) paid(tenant, i int) int64 {
	if i >= merchants {
		return -d.openingPayment(tenant, i).amount
	}
	var sum int64
	for payer := merchants + i; payer < d.accounts(); payer += merchants { // see openingPayment
		sum += d.openingPayment(tenant, payer).amount
	}
	return sum
}

// payment is a request to pay.
type payment struct {
	tenant       int
	kind         string
	payer, payee int64
	amount       int64
	consent      string // of a variable recurring payment
	key          string // the idempotency key
	id           string // what the payment will be called if the key is new
	event        string
}

// body is what the idempotency key stands for.
func (p payment) body() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%d|%d|%d", p.kind, p.consent, p.payer, p.payee, p.amount))
	return hex.EncodeToString(sum[:])
}

// openingPayment returns the payment that an account, not a merchant's, has
// made before the run. It is settled.
func (d data) openingPayment(tenant, payer int) payment {
	dice := d.dice(dicePayment, tenant, payer)
	name := fmt.Sprintf("opening-%d", payer)
	return payment{
		tenant: tenant, kind: kindSingle,
		payer: id(tenant, payer), payee: id(tenant, payer%merchants),
		amount: int64(dice.Between(amountLow, amountHigh)),
		key:    name, id: name,
	}
}

// callID names what a call makes: keys, payments, events, consents. The
// sequence number is scattered, a bijection, so that new rows do not all go to
// the end of a table. It is at most 33 characters long, of the 40 that an
// idempotency key may have.
func (d data) callID(seq uint64) string {
	return fmt.Sprintf("%016x-%s", workloads.Scatter(seq), d.s.Run)
}

// consentID names the opening consent of a kind of a customer.
func consentID(kind string, psu int) string { return fmt.Sprintf("%s-%d", kind, psu) }

// tppOf is the third party that serves a customer.
func tppOf(tenant, psu int) int64 { return id(tenant, psu%tpps) }

// tppCounter names the counter of a third party.
func tppCounter(tpp int64) string { return fmt.Sprintf("tpp-%d", tpp%idStep) }
