package bank

import (
	"fmt"
	"time"
)

func (g *generator) paymentTables() []table {
	return []table{
		{
			name: "payments",
			columns: "id, uuid, tenant_id, debtor_account_id, creditor_name, creditor_iban, amount, fee, currency, status, EndToEndId, " +
				"remittance, raw_request, priority, lock_version, requested_on, created_at, settled_at",
			rows: g.n.payments(), fill: fillPayment,
		},
		{
			name:    "payment_status_history",
			columns: "payment_id, seq, status, reason, changed_at",
			rows:    14 * g.n.paymentFives, fill: fillStatusChange,
		},
		{
			name:    "idempotency_keys",
			columns: "tenant_id, idem_key, payment_id, request_hash, response_code, response, created_at",
			rows:    g.n.keys, fill: fillIdempotencyKey,
		},
		{
			name:    "order",
			columns: "id, customer_id, `key`, `group`, `desc`, `from`, `to`, `limit`, `index`, `select`, Status",
			rows:    g.n.orders, fill: fillOrder,
		},
	}
}

// paymentAccount is the account that pays.
func (g *generator) paymentAccount(p int) int {
	return g.fate(topicPaymentAccount, p, g.n.accounts())
}

// paymentStatus is where a payment ended: four of five are settled after three
// steps, the fifth ended otherwise after two. The history must tell the same.
func paymentStatus(p int) string {
	if p%5 != 4 {
		return "ACSC"
	}
	return [3]string{"RJCT", "PDNG", "CANC"}[p/5%3]
}

// paymentStart is when a payment arrived, to the second; payments and their
// history must agree.
func (g *generator) paymentStart(p int) time.Time {
	span := int64(lastDay.Sub(liveSince) / time.Second)
	return liveSince.Add(time.Duration(span*int64(p)/int64(g.n.payments())) * time.Second)
}

func fillPayment(g *generator, p int, r *row) {
	account := g.paymentAccount(p)
	owner := accountOwner(account)
	l := localeOf(owner)
	created := g.paymentStart(p).Add(time.Duration(r.n(1_000_000)) * time.Microsecond)
	creditor := r.pick(l.merchants...)
	cents := r.between(1, r.pickInt(5_000, 100_000, 2_500_000))
	r.int(paymentID(p))
	r.bin(r.uuid())
	r.int(tenantOf(owner) + 1)
	r.int(accountID(account))
	r.str(creditor)
	r.str(r.strangeIBAN(l.country))
	r.dec(cents, 2)
	r.dec(r.pickInt(0, 0, 0, 25, 150, 1_250), 2)
	r.str(l.currency)
	r.str(paymentStatus(p))
	r.strOrNull(r.pick("NOTPROVIDED", "E2E-"+r.digits(12)), 10)
	r.remittance(l, creditor)
	if r.chance(30) {
		r.str(fmt.Sprintf("<?xml version=\"1.0\"?>\n<CstmrCdtTrfInitn><Cdtr><Nm>%s</Nm></Cdtr>\r\n<InstdAmt Ccy=\"%s\">%s</InstdAmt></CstmrCdtTrfInitn>\n",
			creditor, l.currency, appendDecimal(nil, cents, 2)))
	} else {
		r.null()
	}
	r.int(r.between(-128, 127) * (r.n(10) / 9))
	r.int(r.n(6))
	r.when(created, layoutDate)
	r.when(created, layoutUs)
	if paymentStatus(p) == "ACSC" {
		r.when(created.Add(time.Duration(r.n(10_000_000))*time.Microsecond), layoutUs)
	} else {
		r.null()
	}
}

func fillStatusChange(g *generator, i int, r *row) {
	p, seq := i/14*5+i%14/3, i%14%3
	status := [3]string{"RCVD", "ACTC", "ACSC"}[seq]
	if p%5 == 4 && seq == 1 {
		status = paymentStatus(p)
	}
	r.int(paymentID(p))
	r.int(seq + 1)
	r.str(status)
	if status == "RJCT" {
		r.str(r.pick("AM04 – Deckung fehlt", "AC04 compte clôturé", "MD07", "błędny IBAN"))
	} else {
		r.null()
	}
	r.when(g.paymentStart(p).Add(time.Duration(seq)*4*time.Second+time.Duration(r.n(4_000_000))*time.Microsecond), layoutUs)
}

func fillIdempotencyKey(g *generator, i int, r *row) {
	p := g.fate(topicIdempotency, i, g.n.payments())
	r.int(tenantOf(accountOwner(g.paymentAccount(p))) + 1)
	// Keys that differ in case only are two keys: the even row's key in
	// capitals is the odd row's key.
	word := fmt.Sprintf("%06x", scatter(index(i/2))&0xffffff)
	if i%2 == 0 {
		r.str(fmt.Sprintf("req-%s-%d", word, i/2))
	} else {
		r.str(fmt.Sprintf("REQ-%s-%d", word, i/2))
	}
	if r.chance(10) {
		r.null()
	} else {
		r.int(paymentID(p))
	}
	r.bin(r.bytes(32))
	r.int(r.pickInt(201, 201, 201, 400, 409))
	if r.chance(10) {
		r.null()
	} else {
		r.json(object{
			"transactionStatus": r.pick("RCVD", "RJCT"), "paymentId": r.digits(12),
			"_links": object{"self": object{"href": "/v1/payments/" + r.digits(8) + "?a=1&b=<2>"}},
		})
	}
	r.when(r.moment(lastDay.AddDate(0, 0, -7), i, g.n.keys), layoutMs)
}

func fillOrder(g *generator, i int, r *row) {
	c := r.n(g.n.customers())
	from := r.day(liveSince, lastDay)
	r.int(gapID(i, 10, 10))
	r.int(customerID(c))
	r.str(fmt.Sprintf("ORD/%d/%05d", from.Year(), i))
	r.str(r.pick("cards", "cards", "cheques", "TAN-Gerät", "chéquier"))
	r.strOrNull(r.pick(append([]string{"Ersatzkarte für " + r.pick(localeOf(c).lastNames...)}, awkwardTexts...)...), 30)
	r.when(from, layoutDate)
	r.whenOrNull(from.AddDate(4, 0, 0), layoutDate, 20)
	if r.chance(40) {
		r.null()
	} else {
		r.dec(r.n(1_000_000), 2)
	}
	r.int(r.between(-32768, 32767))
	r.flag(50)
	r.str(r.pick("new", "sent", "done", "done", "storniert"))
}
