package bank

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

func (g *generator) customerTables() []table {
	return []table{
		{
			name: "customers",
			columns: "id, tenant_id, customer_no, uuid, salutation, first_name, last_name, birth_date, email, phone, address, country, " +
				"segment, channels, flags, risk_score, churn, password_hash, kyc, referred_by, newsletter, created_at, updated_at",
			rows: g.n.customers(), fill: fillCustomer,
		},
		{
			name:    "customer_documents",
			columns: "id, customer_id, file_name, mime, content, thumbnail, sha256, uploaded_at",
			rows:    g.n.documents, fill: fillDocument,
		},
		{
			name: "consents",
			columns: "id, uuid, tenant_id, psu_id, tpp_id, type, status, permissions, frequency_per_day, valid_from, valid_until, sca, " +
				"created_at, updated_at",
			rows: g.n.consents(), fill: fillConsent,
		},
	}
}

func fillCustomer(g *generator, i int, r *row) {
	l := localeOf(i)
	first, last := r.pick(l.firstNames...), r.pick(l.lastNames...)
	if r.chance(2) {
		first, last = r.pick(greekFirst...), r.pick(greekLast...)
	}
	created := r.moment(firstDay, i, g.n.customers())
	r.int(customerID(i))
	r.int(tenantOf(i) + 1)
	r.str(fmt.Sprintf("%s%08d", r.pick("K", "k", "C-"), 10_000_000+i))
	r.bin(r.uuid())
	r.str(r.pick(l.salutations...))
	r.str(first)
	r.str(last + r.pick("", "", "", "", "", "", "", " ")) // some forms did not trim
	r.whenOrNull(r.day(time.Date(1931, time.January, 1, 0, 0, 0, 0, time.UTC), time.Date(2008, time.December, 31, 0, 0, 0, 0, time.UTC)), layoutDate, 3)
	r.strOrNull(fmt.Sprintf("%s.%d@%s", strings.ToLower(first), i, r.pick("post.example", "mail.example", "BÜRO.example")), 8)
	r.strOrNull(r.pick("+49 170 ", "06 ", "+48 ")+r.digits(7), 15)
	r.address(l)
	r.str(l.country)
	r.str(r.pick("retail", "retail", "retail", "retail", "private", "business", "Geschäftskunde (alt)"))
	r.str(r.pick("", "web", "web,app", "app", "web,branch,post", "web,app,branch,phone,post"))
	r.bits(r.n(256))
	r.scores()
	if r.chance(5) {
		r.null()
	} else {
		r.bin(r.bytes(r.pickInt(20, 32, 64)))
	}
	r.kyc()
	if i >= tenantCycle && r.chance(12) { // by an earlier customer of the same tenant
		r.int(customerID(i%tenantCycle + tenantCycle*r.n(i/tenantCycle)))
	} else {
		r.null()
	}
	r.flag(35)
	r.when(created, layoutUs)
	r.when(r.day(created, lastDay), layoutSec)
}

// address appends an address as people type it.
func (r *row) address(l *locale) {
	if r.chance(2) {
		r.str(r.pick(awkwardTexts...))
		return
	}
	r.strOrNull(fmt.Sprintf("%s %d\n%s", r.pick(l.streets...), 1+r.n(180), r.pick(l.cities...)), 4)
}

// scores appends a FLOAT and a DOUBLE with all their bits in use; now and then
// values at the edges.
func (r *row) scores() {
	switch r.n(40) {
	case 0:
		r.float(16777216)
		r.double(1.7976931348623157e308)
	case 1:
		r.float(-1.5e-38)
		r.double(-2.2250738585072014e-308)
	case 2:
		r.null()
		r.null()
	default:
		r.float(float32(r.unit() * 100))
		r.double(r.unit())
	}
}

func (r *row) kyc() {
	if r.chance(10) {
		r.null()
		return
	}
	r.json(object{
		"level": r.n(4), "pep": r.chance(1), "score": float64(r.n(1000)) / 1000,
		"documents":   []any{object{"type": r.pick("Ausweis", "carte d'identité", "paszport"), "no": r.digits(9)}},
		"nationality": r.pick("DE", "FR", "PL", "GR"), "note": r.pick("", "geprüft ✔", "à revoir", "zażółć"), "reviewed": nil,
	})
}

func (d *dice) pickInt(choices ...int) int { return choices[d.n(len(choices))] }

func fillDocument(g *generator, i int, r *row) {
	content := append([]byte("%PDF-1.4\n"), r.bytes(r.between(0, 12_000))...)
	if i%40 == 3 {
		content = nil // an upload that broke off
	}
	sum := sha256.Sum256(content)
	r.int(gapID(i, 12, 1))
	r.int(customerID(r.n(g.n.customers())))
	r.str(r.pick("Gehaltsnachweis März.pdf", "pièce d'identité.pdf", "umowa_ślubna.pdf", `C:\scan\0001.pdf`))
	r.str("application/pdf")
	r.bin(content)
	if r.chance(50) {
		r.null()
	} else {
		r.bin(r.bytes(r.between(0, 300)))
	}
	r.bin(sum[:])
	r.when(r.moment(firstDay, i, g.n.documents), layoutMs)
}

func fillConsent(g *generator, k int, r *row) {
	owner := g.consentOwner(k)
	created := r.moment(firstDay.AddDate(5, 0, 0), k, g.n.consents())
	kind := r.pick("ais", "ais", "ais", "ais", "pis", "vrp", "cof")
	r.int(consentID(k))
	r.bin(r.uuid())
	r.int(tenantOf(owner) + 1)
	r.int(customerID(owner))
	r.str(tppID(r.skewed(tppRows)))
	r.str(kind)
	r.str(r.pick("received", "valid", "valid", "valid", "rejected", "revokedByPsu", "expired", "expired", "terminatedByTpp"))
	r.str(r.pick("", "accounts", "accounts,balances", "accounts,balances,transactions", "accounts,balances,transactions,beneficiaries,standing_orders"))
	r.int(r.pickInt(1, 4, 4, 4, 100, 255))
	r.when(created, layoutDate)
	r.whenOrNull(created.AddDate(0, 0, r.pickInt(1, 90, 90, 180)), layoutDate, 10)
	if kind == "cof" {
		r.null()
	} else {
		r.json(object{"method": r.pick("push", "sms", "chipTAN"), "attempts": r.n(4), "device": r.pick("Jürgens iPhone 📱", "Pixel", "")})
	}
	r.when(created, layoutUs)
	r.when(created.Add(time.Duration(r.n(90*24*3600))*time.Second), layoutUs)
}
