package bank

import (
	"fmt"
	"strings"
	"time"
)

const (
	staffRows   = 24
	tppRows     = 40
	webhookRows = 12
)

func (g *generator) referenceTables() []table {
	return []table{
		{
			name:    "tenants",
			columns: "id, code, name, address, country, currency, founded, cutoff_time, flags, features, config, is_active, created_at, updated_at",
			rows:    len(locales), fill: fillTenant,
		},
		{
			name:    "SchemaVersion",
			columns: "installed_rank, version, description, script, checksum, installedBy, installed_on, execution_time, success",
			rows:    40, fill: fillSchemaVersion,
		},
		{
			name:    "settings",
			columns: "tenant_id, `key`, `value`, `group`, `desc`, updated_by, updated_at",
			rows:    len(locales) * len(settings), fill: fillSetting,
		},
		{
			name:    "exchange_rates",
			columns: "base, quote, rate_date, rate, mid, spread_bp, source",
			rows:    g.n.rateDays * len(quoteCurrencies), fill: fillRate,
		},
		{
			name:    "holidays",
			columns: "country, `day`, name, fiscal_year, is_target",
			rows:    len(holidays) * holidayYears, fill: fillHoliday,
		},
		{
			name:    "institutions",
			columns: "id, tenant_id, bic, name, city, fee_note, health_score, sepa_flags, since, opens, created",
			rows:    g.n.institutions, fill: fillInstitution,
		},
		{
			name:    "Branches",
			columns: "BranchNo, InstitutionId, Street, City, Phone, Remarks, Latitude, Longitude",
			rows:    g.n.branches, fill: fillBranch,
		},
		{
			name:    "user",
			columns: "id, tenant_id, login, `group`, `key`, `desc`, shift_start, last_login, lastIP, locked",
			rows:    staffRows, fill: fillStaff,
		},
		{
			name:    "tpps",
			columns: "authorisation_no, name, country, roles, certificate, cert_serial, trust, `state`, onboarded",
			rows:    tppRows, fill: fillTPP,
		},
	}
}

func fillTenant(_ *generator, i int, r *row) {
	l := &locales[i]
	r.int(i + 1)
	r.str([]string{"nordstern", "etoile", "wisla"}[i])
	r.str([]string{"Nordstern Bank für Köln und Düsseldorf eG", "Crédit de l'Étoile S.A.", "Bank Wisła Spółdzielczy Łódź"}[i])
	r.str(l.streets[0] + " 1\n" + l.cities[0])
	r.str(l.country)
	r.str(l.currency)
	r.int([]int{1923, 1901, 1991}[i])
	r.clock([]int{16*3600 + 30*60, 17 * 3600, 15*3600 + 45*60}[i])
	r.bits(0b1000_0001 + i<<1)
	r.str([]string{"ais,pis,vrp,cof,webhooks", "ais,pis,webhooks", "ais,cof"}[i])
	r.json(object{
		"locale": strings.ToLower(l.country) + "_" + l.country, "greeting": []string{"Grüß Gott", "Bonjour à tous", "Dzień dobry"}[i],
		"limits": object{"daily": 5000 * (i + 1), "ratio": 0.125, "currency": l.currency},
		"tags":   []any{"core", nil, true, "ö"}, "legacy_id": nil, "empty": object{},
	})
	r.int(1)
	r.when(firstDay.AddDate(i, 0, 0), layoutSec)
	r.when(lastDay.Add(-time.Duration(i)*time.Hour), layoutSec)
}

func fillSchemaVersion(_ *generator, i int, r *row) {
	what := r.pick("add index", "widen column", "drop pilot", "fix umlauts", "new team, new naming", "hotfix") +
		" " + r.pick("accounts", "consents", "payments", "audit_log", "customers")
	r.int(i + 1)
	if i == 17 {
		r.null() // a repeatable script has no version
	} else {
		r.str(fmt.Sprintf("%d.%d", 1+i/12, i%12))
	}
	r.str(what)
	r.str(fmt.Sprintf(`db\migration\V%d_%d__%s.sql`, 1+i/12, i%12, strings.ReplaceAll(what, " ", "_")))
	r.int(r.between(-2147483648, 2147483647))
	r.str(r.pick("deploy", "hjürgens", "m.łęcka", "root"))
	r.when(r.moment(firstDay, i, 40), layoutSec)
	r.int(r.n(90_000))
	r.int([2]int{1, 0}[i/39]) // the last migration broke off
}

// settings are key, value and group.
var settings = [][3]string{
	{"Batch.Window", "22:00-04:30", "batch"},
	{"batch.path", `\\FS01\batch\in`, "batch"},
	{"batch.retries", "3", "batch"},
	{"consent.max_days", "180", "consent"},
	{"consent.sca_method", "push", "consent"},
	{"émetteur.nom", "L'émetteur « par défaut »", "print"},
	{"Größe.Logo", "120x40", "print"},
	{"limits.daily", "5000.00", "limits"},
	{"limits.single", "1500.00", "limits"},
	{"mail.footer", "Mit freundlichen Grüßen\nIhre Bank 🏦", "mail"},
	{"mail.from", "no-reply@bank.example", "mail"},
	{"mail.subject", "", "mail"},
	{"outbox.poll_ms", "250", "outbox"},
	{"rate.limit.TPP", "4", "limits"},
	{"report.header", "Saldo;Währung;Betrag\t€", "print"},
	{"sepa.instant", "true", "sepa"},
	{"sepa.cutoff", "16:30", "sepa"},
	{"zażółć", "gęślą jaźń", ""},
}

func fillSetting(_ *generator, i int, r *row) {
	s := settings[i%len(settings)]
	r.int(1 + i/len(settings))
	r.str(s[0])
	r.str(s[1])
	r.str(s[2])
	r.strOrNull("see wiki, page "+r.digits(4), 40)
	r.str(r.pick("", "hjürgens", "ops"))
	r.when(r.day(firstDay, lastDay), layoutSec)
}

func fillRate(_ *generator, i int, r *row) {
	q := i % len(quoteCurrencies)
	units := quoteMillis[q] * (100_000 + r.between(-4_000, 4_000))
	r.str("EUR")
	r.str(quoteCurrencies[q])
	r.when(lastDay.AddDate(0, 0, -(i/len(quoteCurrencies))), layoutDate)
	r.dec(units, 8)
	r.double(float64(units)/1e8 + r.unit()/1e9)
	r.float(float32(r.unit() * 40))
	r.str(r.pick("ECB", "ECB", "ECB", "NBP", "manual"))
}

// holidayYears are 2015 to 2027.
const holidayYears = 13

var holidays = []struct {
	country, monthDay, name string
	target                  int
}{
	{"DE", "01-01", "Neujahr", 1},
	{"DE", "05-01", "Tag der Arbeit", 1},
	{"DE", "10-03", "Tag der Deutschen Einheit", 0},
	{"DE", "12-25", "1. Weihnachtsfeiertag", 1},
	{"DE", "12-26", "2. Weihnachtsfeiertag", 1},
	{"FR", "01-01", "Jour de l'an", 1},
	{"FR", "05-01", "Fête du Travail", 1},
	{"FR", "05-08", "Victoire 1945", 0},
	{"FR", "07-14", "Fête nationale", 0},
	{"FR", "08-15", "Assomption", 0},
	{"FR", "11-01", "Toussaint", 0},
	{"FR", "12-25", "Noël", 1},
	{"PL", "01-01", "Nowy Rok", 1},
	{"PL", "01-06", "Święto Trzech Króli", 0},
	{"PL", "05-03", "Święto Konstytucji 3 Maja", 0},
	{"PL", "08-15", "Wniebowzięcie NMP", 0},
	{"PL", "11-11", "Święto Niepodległości", 0},
	{"PL", "12-25", "Boże Narodzenie", 1},
}

func fillHoliday(_ *generator, i int, r *row) {
	h := holidays[i%len(holidays)]
	year := 2015 + i/len(holidays)
	r.str(h.country)
	r.str(fmt.Sprintf("%d-%s", year, h.monthDay))
	r.str(h.name)
	r.int(year)
	r.int(h.target)
}

// institutionID is the id of an institution; its tenant is i%3.
func institutionID(i int) int { return gapID(i, 7, 2) }

func bic(i int, country string) string {
	letters := []byte{byte('A' + i/26%26), byte('A' + i%26)}
	return "B" + string(letters) + "K" + country + "2X" + fmt.Sprintf("%03d", i%1000)
}

func fillInstitution(_ *generator, i int, r *row) {
	l := &locales[i%3]
	city := r.pick(l.latinCities...)
	r.int(institutionID(i))
	r.int(i%3 + 1)
	r.str(bic(i, l.country))
	r.str(r.pick("Volksbank", "Crédit Rural", "Sparkasse", "Bank Ludowy", "Caisse d'Épargne") + " " + city + fmt.Sprintf(" %d", i))
	r.str(city)
	r.strOrNull("Gebühr 12,50 € – prix « spécial » à 3 €", 30)
	r.float(float32(r.unit()))
	r.bits(r.n(256))
	r.int(r.between(1901, 2024))
	r.clock(r.between(28, 40) * 900)
	r.when(r.day(firstDay, lastDay), layoutSec)
}

func fillBranch(g *generator, i int, r *row) {
	inst := i % g.n.institutions
	l := &locales[inst%3]
	r.int(1 + i/g.n.institutions)
	r.int(institutionID(inst))
	r.str(r.pick("Königstraße", "rue de l'Église", "Grosse Gasse", "Plac Wolnosci", "Allée Ÿ", "Žatec-Weg") + fmt.Sprintf(" %d", 1+r.n(200)))
	r.str(r.pick(l.latinCities...))
	r.str(r.pick("", "+49 221 "+r.digits(6)))
	r.strOrNull(r.pick("Schließfächer ab 49,90 €", "fermé l'après-midi", "Œuvre d'art à l'entrée", "ß", "‚quoted’ “text” … ™"), 40)
	r.double(45 + float64(r.unit()*9)) // the conversion forbids a fused multiply-add, which would differ between CPUs
	r.double(-4 + float64(r.unit()*28))
}

func fillStaff(_ *generator, i int, r *row) {
	l := &locales[i%3]
	r.int(gapID(i, 5, 11))
	if i%8 == 0 {
		r.null()
	} else {
		r.int(i%3 + 1)
	}
	r.str(fmt.Sprintf("%s.%02d@bank.example", strings.ToLower(r.pick("ops", "support", "fraud")), i))
	r.str(r.pick("admin", "ops", "support", "read only"))
	if r.chance(25) {
		r.null()
	} else {
		r.bin(r.bytes(32))
	}
	r.str(r.pick(l.firstNames...) + " " + r.pick(l.lastNames...))
	r.clock(r.between(0, 95) * 900)
	r.whenOrNull(r.moment(liveSince, i, staffRows), layoutSec, 20)
	r.ip()
	r.flag(10)
}

// ip appends an IPv4 or IPv6 address as its bytes, or NULL.
func (r *row) ip() {
	switch k := r.n(10); {
	case k == 0:
		r.null()
	case k < 8:
		r.bin(append([]byte{10}, r.bytes(3)...))
	default:
		r.bin(append([]byte{0x20, 0x01, 0x0d, 0xb8}, r.bytes(12)...))
	}
}

// tppID is the authorisation number of a TPP. The letters' case varies, as it
// does in the registers.
func tppID(i int) string {
	prefix := [4]string{"PSDDE-BAFIN-", "PSDFR-ACPR-", "PSDPL-KNF-", "psdie-cbi-"}[i%4]
	return fmt.Sprintf("%s%06d", prefix, 100000+i*7919)
}

func fillTPP(_ *generator, i int, r *row) {
	r.str(tppID(i))
	r.str(r.pick("Fintech Überblick GmbH", "Agrégateur Étoilé SAS", "Płać Szybko sp. z o.o.", "Budget & Söhne", "Λογισμός ΑΕ", "💸 Pay Ltd") + fmt.Sprintf(" %d", i))
	r.str(r.pick("DE", "FR", "PL", "IE"))
	r.str(r.pick("PSP_AI", "PSP_PI", "PSP_AI,PSP_PI", "PSP_AI,PSP_PI,PSP_IC"))
	if i%5 == 0 {
		r.null()
	} else {
		r.bin(append([]byte{0x30, 0x82}, r.bytes(700)...))
	}
	r.bin(r.bytes(r.between(8, 20)))
	r.double(r.unit())
	r.str(r.pick("active", "active", "active", "suspended", "withdrawn"))
	r.when(r.day(firstDay, lastDay), layoutDate)
}
