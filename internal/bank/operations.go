package bank

import (
	"fmt"
	"strings"
	"time"
)

func (g *generator) operationTables() []table {
	return []table{
		{
			name:    "access_tokens",
			columns: "id, consent_id, token_hash, scope, client_ip, issued_at, expires_at, revoked, uses",
			rows:    g.n.tokens, fill: fillToken,
		},
		{
			name:    "webhooks",
			columns: "id, tenant_id, url, secret, events, retry_after, active",
			rows:    webhookRows, fill: fillWebhook,
		},
		{
			name:    "webhook_outbox",
			columns: "event_id, webhook_id, event_type, payload, attempts, next_attempt, delivered_at, last_error",
			rows:    g.n.outbox, fill: fillOutbox,
		},
		{
			name:    "audit_log",
			columns: "id, tenant_id, at, actor, action, entity, entity_id, ip, duration_ms, message, details",
			rows:    g.n.audit, fill: fillAudit,
		},
		{
			name:    "OldBatchLog",
			columns: "LogDate, LogTime, Prog, Lvl, Msg, RecCount",
			rows:    g.n.batchLog, fill: fillBatchLog,
		},
		{name: "psd2_pilot"},
	}
}

func fillToken(g *generator, i int, r *row) {
	// The service's ids are wide apart; the middle of the table passes 2^63.
	const step = 1 << 22
	id := uint64(1)<<63 + step*index(i) - step*index(g.n.tokens/2) + index(r.n(step))
	issued := r.moment(lastDay.AddDate(0, -3, 0), i, g.n.tokens)
	r.uint(id)
	r.int(consentID(r.n(g.n.consents())))
	r.bin(r.bytes(32))
	r.str(r.pick("openid", "accounts", "openid,accounts", "payments", "openid,accounts,payments,funds"))
	r.ip()
	r.when(issued, layoutSec)
	r.when(issued.AddDate(0, 0, 90), layoutSec)
	r.flag(12)
	r.int(r.n(r.pickInt(10, 1_000, 16_777_216)))
}

func fillWebhook(_ *generator, i int, r *row) {
	r.int(i + 1)
	r.int(i%3 + 1)
	r.str(fmt.Sprintf("https://hooks%d.tpp.example/psd2?src=bank&x=%%C3%%BC", i))
	r.bin(r.bytes(r.between(16, 48)))
	r.str(r.pick("payment", "consent,payment", "consent,payment,balance,account"))
	r.clock(r.between(1, 1440) * 59)
	r.flag(80)
}

func fillOutbox(g *generator, i int, r *row) {
	at := r.moment(lastDay.AddDate(0, -1, 0), i, g.n.outbox)
	kind := r.pick("consent.revoked", "payment.settled", "payment.rejected", "balance.changed")
	p := r.n(g.n.payments())
	r.bin(r.uuid())
	r.int(1 + r.n(webhookRows))
	r.str(kind)
	r.json(object{
		"type": kind, "paymentId": paymentID(p), "amount": object{"amount": fmt.Sprintf("%d.%02d", r.n(5000), r.n(100)), "currency": "EUR"},
		"at": at.Format(time.RFC3339Nano), "creditor": r.pick(locales[i%3].merchants...), "emoji": "💶", "retry": r.chance(10),
		"balances": []any{float64(r.n(100_000)) / 8, -r.n(500), nil},
	})
	failed := r.chance(6)
	if failed {
		r.int(r.between(1, 255))
		r.when(at.Add(time.Hour), layoutMs)
		r.null()
		r.str(r.pick("dial tcp: i/o timeout", "HTTP 503\r\n\r\n<html>Überlastet</html>", "x509: certificate has expired"))
		return
	}
	r.int(1)
	r.null()
	r.when(at.Add(time.Duration(r.n(5_000))*time.Millisecond), layoutMs)
	r.null()
}

func fillAudit(g *generator, i int, r *row) {
	owner := r.skewed(g.n.customers())
	r.int(100 + gapID(i, 1_000, 7))
	r.int(tenantOf(owner) + 1)
	r.when(r.moment(liveSince, i, g.n.audit), layoutUs)
	r.str(r.pick("system", "system", "psu", "tpp:"+tppID(r.skewed(tppRows)), "hjürgens", "m.łęcka"))
	entity := r.pick("consent", "account", "payment", "customer")
	r.str(entity + "." + r.pick("read", "read", "read", "list", "create", "update", "delete"))
	r.strOrNull(entity, 5)
	if r.chance(5) {
		r.null()
	} else {
		r.int(customerID(owner))
	}
	r.ip()
	r.float(float32(r.unit() * 250))
	switch k := r.n(20); {
	case k < 9:
		r.null()
	case k == 9:
		r.str(r.pick(awkwardTexts...))
	default:
		l := localeOf(owner)
		r.str(fmt.Sprintf("%s %s: %s → %s", r.pick(l.firstNames...), r.pick(l.lastNames...), r.pick("Zugriff gewährt", "accès accordé", "dostęp przyznany"), r.pick("✓", "ok", "403")))
	}
	if r.chance(50) {
		r.json(object{"req": r.digits(10), "ms": float64(r.n(100_000)) / 64, "ok": r.chance(97), "path": `/v1/accounts?q="ä"\n`})
	} else {
		r.null()
	}
}

// fillBatchLog repeats a row now and then, as the batch did when it was run
// twice: the table has no key that would forbid it.
func fillBatchLog(g *generator, i int, r *row) {
	if i%20 == 19 {
		i--
		r.dice = g.dice("OldBatchLog", i)
	}
	at := r.moment(firstDay, i, g.n.batchLog)
	prog := r.pick("SALDO01", "ZINS02", "IMPORT", "RÉSUMÉ", "ÜBERTRAG")
	r.when(at, layoutDate)
	r.clock(at.Hour()*3600 + at.Minute()*60 + at.Second())
	r.str(prog)
	r.str(r.pick("I", "I", "I", "W", "E"))
	r.str(strings.TrimSpace(r.pick("Lauf beendet, Gebühren 3,50 €", "traité à l'heure — 12 €", "Größe falsch: ä ö ü ß", "", `\\NAS\in\ç.dat`)))
	if r.chance(15) {
		r.null()
	} else {
		r.int(r.n(2_000_000_000) - 1_000)
	}
}
