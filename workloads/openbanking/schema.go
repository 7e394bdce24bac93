package openbanking

// table is one table: its columns and what follows them, without the schema.
type table struct{ name, body string }

// tables lists the tables in the order in which they are made. There are no
// foreign keys: batches are written in any order, and what they would guard is
// checked by the invariants.
var tables = []table{ //nolint:gochecknoglobals // a constant in all but the language
	{"institutions", `institution_id INT8 NOT NULL, title VARCHAR(60) NOT NULL, bic VARCHAR(11) NOT NULL,
		PRIMARY KEY (tenant_id, institution_id)`},
	{"psus", `psu_id INT8 NOT NULL, full_name VARCHAR(80) NOT NULL, country VARCHAR(2) NOT NULL,
		PRIMARY KEY (tenant_id, psu_id)`},
	{"tpps", `tpp_id INT8 NOT NULL, title VARCHAR(60) NOT NULL, roles VARCHAR(20) NOT NULL,
		PRIMARY KEY (tenant_id, tpp_id)`},
	{"consents", `consent_id VARCHAR(40) NOT NULL, psu_id INT8 NOT NULL, tpp_id INT8 NOT NULL, kind VARCHAR(3) NOT NULL,
		status VARCHAR(12) NOT NULL, PRIMARY KEY (tenant_id, consent_id)`},
	{"consent_accounts", `consent_id VARCHAR(40) NOT NULL, account_id INT8 NOT NULL,
		PRIMARY KEY (tenant_id, consent_id, account_id)`},
	{"accounts", `account_id INT8 NOT NULL, psu_id INT8 NOT NULL, institution_id INT8 NOT NULL, iban VARCHAR(34) NOT NULL,
		currency VARCHAR(3) NOT NULL, opening_minor INT8 NOT NULL, PRIMARY KEY (tenant_id, account_id)`},
	{"balances", `account_id INT8 NOT NULL, amount_minor INT8 NOT NULL, overdraft_minor INT8 NOT NULL,
		PRIMARY KEY (tenant_id, account_id)`},
	{"transactions", `account_id INT8 NOT NULL, booked_at TIMESTAMPTZ NOT NULL, txn_id VARCHAR(40) NOT NULL, amount_minor INT8 NOT NULL,
		remittance VARCHAR(140) NOT NULL, PRIMARY KEY (tenant_id, account_id, booked_at, txn_id)`},
	{"beneficiaries", `account_id INT8 NOT NULL, beneficiary_no INT8 NOT NULL, title VARCHAR(60) NOT NULL, iban VARCHAR(34) NOT NULL,
		PRIMARY KEY (tenant_id, account_id, beneficiary_no)`},
	{"standing_orders", `account_id INT8 NOT NULL, order_no INT8 NOT NULL, amount_minor INT8 NOT NULL, day_of_month INT8 NOT NULL,
		PRIMARY KEY (tenant_id, account_id, order_no)`},
	{"payment_consents", `consent_id VARCHAR(40) NOT NULL, tpp_id INT8 NOT NULL, payer_id INT8 NOT NULL, amount_minor INT8 NOT NULL,
		status VARCHAR(4) NOT NULL, PRIMARY KEY (tenant_id, consent_id)`},
	{"payments", `payment_id VARCHAR(40) NOT NULL, idem_key VARCHAR(40) NOT NULL, kind VARCHAR(3) NOT NULL, consent_id VARCHAR(40),
		payer_id INT8 NOT NULL, payee_id INT8 NOT NULL, amount_minor INT8 NOT NULL, status VARCHAR(4) NOT NULL, version INT8 NOT NULL,
		created_at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, payment_id)`},
	{"vrp_limits", `consent_id VARCHAR(40) NOT NULL, limit_minor INT8 NOT NULL, used_minor INT8 NOT NULL,
		PRIMARY KEY (tenant_id, consent_id)`},
	{"idempotency_keys", `idem_key VARCHAR(40) NOT NULL, body_hash VARCHAR(64) NOT NULL, payment_id VARCHAR(40) NOT NULL,
		created_at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, idem_key)`},
	{"ledger_txns", `txn_id VARCHAR(40) NOT NULL, payment_id VARCHAR(40) NOT NULL, PRIMARY KEY (tenant_id, txn_id)`},
	{"ledger_entries", `txn_id VARCHAR(40) NOT NULL, entry_no INT8 NOT NULL, account_id INT8 NOT NULL, amount_minor INT8 NOT NULL,
		PRIMARY KEY (tenant_id, txn_id, entry_no)`},
	{"outbox", `event_id VARCHAR(40) NOT NULL, payment_id VARCHAR(40) NOT NULL, version INT8 NOT NULL, status_from VARCHAR(4) NOT NULL,
		status_to VARCHAR(4) NOT NULL, published INT8 NOT NULL, created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
		PRIMARY KEY (tenant_id, event_id)`},
	{"event_subscriptions", `subscription_id INT8 NOT NULL, tpp_id INT8 NOT NULL, url VARCHAR(120) NOT NULL,
		PRIMARY KEY (tenant_id, subscription_id)`},
	{"rate_counters", `counter VARCHAR(20) NOT NULL, used INT8 NOT NULL, PRIMARY KEY (tenant_id, counter)`},
}

// indexes are made after the rows.
var indexes = []string{ //nolint:gochecknoglobals // a constant in all but the language
	"CREATE INDEX IF NOT EXISTS payments_by_payer ON openbanking.payments (tenant_id, payer_id, created_at, payment_id)",
	"CREATE INDEX IF NOT EXISTS payments_by_status ON openbanking.payments (tenant_id, status, payment_id)",
	"CREATE INDEX IF NOT EXISTS outbox_by_age ON openbanking.outbox (tenant_id, published, created_at, event_id)",
	"CREATE INDEX IF NOT EXISTS subscriptions_by_tpp ON openbanking.event_subscriptions (tenant_id, tpp_id)",
}

func tableNames() []string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.name
	}
	return names
}

// Schema implements [workloads.Loader].
func (loader) Schema() (before, after []string) {
	before = []string{"CREATE SCHEMA IF NOT EXISTS openbanking"}
	for _, t := range tables {
		before = append(before, "CREATE TABLE IF NOT EXISTS openbanking."+t.name+" (tenant_id INT8 NOT NULL, "+t.body+")")
	}
	return before, indexes
}
