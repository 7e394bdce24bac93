package bank

import "time"

// generator makes rows. Everything in a row follows from the seed, the sizes
// and the row's index.
type generator struct {
	seed uint64
	n    sizes
}

// table is one table's name, its columns as INSERT lists them, its size and
// the function that appends the values of row i in the columns' order.
type table struct {
	name    string
	columns string
	rows    int
	fill    func(g *generator, i int, r *row)
}

// Topics of generator.fate.
const (
	topicConsentTrio uint64 = iota + 1
	topicPaymentAccount
	topicIdempotency
)

// sizes holds the number of rows of every table whose size depends on what
// was asked for.
//
// Customers come in trios with five accounts (see trioOf),
// consents in trios with five grants, payments in fives with fourteen status
// changes. With such fixed patterns a child finds its parent by arithmetic,
// without a look at the parent's rows.
type sizes struct {
	institutions, branches, rateDays int
	customerTrios, documents         int
	consentTrios                     int
	beneficiaries, standingOrders    int
	paymentFives                     int
	orders, tokens, outbox, keys     int
	audit, batchLog, transactions    int
}

func sizesFor(rows int) sizes {
	per10k := func(share int) int { return max(1, rows*share/10_000) }
	s := sizes{
		institutions:   min(max(rows/10_000, 12), 600) / 3 * 3,
		branches:       per10k(30),
		rateDays:       min(max(rows*120/10_000/len(quoteCurrencies), 20), 4_000),
		customerTrios:  per10k(50),
		documents:      per10k(10),
		consentTrios:   per10k(67),
		beneficiaries:  per10k(200),
		standingOrders: per10k(60),
		paymentFives:   per10k(50),
		orders:         per10k(40),
		tokens:         per10k(150),
		outbox:         per10k(200),
		keys:           per10k(150),
		audit:          per10k(2_200),
		batchLog:       per10k(150),
	}
	// Transactions take what is left, so that the total is what was asked for.
	others := 0
	for _, t := range (&generator{n: s}).tables() {
		others += t.rows
	}
	s.transactions = max(rows-others, 50)
	return s
}

func (s sizes) customers() int { return 3 * s.customerTrios }
func (s sizes) accounts() int  { return 5 * s.customerTrios }
func (s sizes) consents() int  { return 3 * s.consentTrios }
func (s sizes) payments() int  { return 5 * s.paymentFives }

// tables lists all tables, parents before children.
func (g *generator) tables() []table {
	var all []table
	for _, group := range [][]table{
		g.referenceTables(), g.customerTables(), g.accountTables(), g.paymentTables(), g.operationTables(),
	} {
		all = append(all, group...)
	}
	return all
}

// gapID is the id of row i in a table whose AUTO_INCREMENT lost ids now and
// then: after every run of rows it skips some.
func gapID(i, run, skip int) int { return 1 + i + i/run*skip }

func customerID(c int) int    { return gapID(c, 97, 13) }
func consentID(k int) int     { return gapID(k, 211, 4) }
func accountID(a int) int     { return gapID(a, 61, 3) }
func beneficiaryID(b int) int { return gapID(b, 40, 9) }
func paymentID(p int) int     { return 5_000_000 + gapID(p, 333, 50) }

// trioOf is the pattern of a trio's five children: the first and the third
// have two, the second has one.
var trioOf = [5]int{0, 0, 1, 2, 2}

// accountOwner is the customer of an account.
func accountOwner(a int) int { return a/5*3 + trioOf[a%5] }

// consentOwner is the customer of a consent; it has the same place in its trio
// as the consent, so a consent's grants match the customer's accounts.
func (g *generator) consentOwner(k int) int {
	return g.fate(topicConsentTrio, k, g.n.customerTrios)*3 + k%3
}

// tenantOf is the tenant (0 to 2) of a customer. A trio belongs to one tenant;
// the tenants' rows are interleaved, five to three to two.
func tenantOf(customer int) int { return [10]int{0, 1, 0, 2, 0, 1, 0, 2, 0, 1}[customer/3%10] }

// tenantCycle is how many customers later tenantOf begins again.
const tenantCycle = 30

// localeOf is the locale of a customer.
func localeOf(customer int) *locale { return &locales[tenantOf(customer)] }

// The bank's first and last day. They are fixed: data must not depend on when
// it is made. All timestamps are within 1970 to 2038.
var (
	firstDay = time.Date(2014, time.March, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(2026, time.June, 30, 0, 0, 0, 0, time.UTC)
	// liveSince is where the transactions of the last 24 months begin.
	liveSince = time.Date(2024, time.July, 1, 0, 0, 0, 0, time.UTC)
)

// moment spreads the n rows of a table evenly over from..lastDay, so that time
// grows with the id, and jitters below the second.
func (r *row) moment(from time.Time, i, n int) time.Time {
	span := int64(lastDay.Sub(from) / time.Second)
	sec := span * int64(i) / int64(max(n, 1))
	return from.Add(time.Duration(sec)*time.Second + time.Duration(r.n(1_000_000))*time.Microsecond)
}

// day throws a day between two.
func (r *row) day(from, to time.Time) time.Time {
	return from.AddDate(0, 0, r.n(int(to.Sub(from)/(24*time.Hour))+1))
}
