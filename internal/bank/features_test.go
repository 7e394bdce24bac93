package bank_test

import "testing"

// features are what a migration has to cope with. Each query counts how often
// the schema or the data has it; it must have it at least once.
var features = []struct{ name, count string }{
	{"table with a reserved word as its name", `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'order'`},
	{"column with a reserved word as its name", column(`column_name IN ('key', 'group', 'desc')`)},
	{"mixed-case table", `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND BINARY table_name <> BINARY LOWER(table_name)`},
	{"mixed-case column", column(`BINARY column_name <> BINARY LOWER(column_name)`)},
	{"comment on a table", `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_comment <> ''`},
	{"comment on a column", column(`column_comment <> ''`)},
	{"enum", column(`data_type = 'enum'`)},
	{"enum label with a quote", column(`column_type LIKE '%l''''État%'`)},
	{"enum label with a comma", column(`column_type LIKE '%other, unknown%'`)},
	{"set", column(`data_type = 'set'`)},
	{"datetime(6)", column(`column_type = 'datetime(6)'`)},
	{"timestamp on update", column(`extra LIKE '%on update current_timestamp%'`)},
	{"decimal", column(`data_type = 'decimal'`)},
	{"json", `SELECT COUNT(*) FROM customers WHERE JSON_VALID(kyc)`},
	{"latin1 column", column(`character_set_name = 'latin1'`)},
	{"utf8mb3 column", column(`character_set_name IN ('utf8', 'utf8mb3')`)},
	{"euro sign as one latin1 byte", `SELECT COUNT(*) FROM OldBatchLog WHERE HEX(Msg) LIKE '%80'`},
	{"binary(16)", column(`column_type = 'binary(16)'`)},
	{"varbinary", column(`data_type = 'varbinary'`)},
	{"mediumblob", column(`data_type = 'mediumblob'`)},
	{"empty blob that is not NULL", `SELECT COUNT(*) FROM customer_documents WHERE content = ''`},
	{"bit(8)", column(`column_type = 'bit(8)'`)},
	{"tinyint(1)", column(`column_type = 'tinyint(1)'`)},
	{"unsigned", column(`column_type LIKE 'int%unsigned'`)},
	{"zerofill", column(`column_type LIKE '%zerofill'`)},
	{"bigint unsigned above 2^63", `SELECT COUNT(*) FROM access_tokens WHERE id > 9223372036854775808`},
	{"bigint unsigned below 2^63", `SELECT COUNT(*) FROM access_tokens WHERE id < 9223372036854775808`},
	{"year", column(`data_type = 'year'`)},
	{"time", column(`column_type = 'time'`)},
	{"time(3)", column(`column_type = 'time(3)'`)},
	{"float", column(`data_type = 'float'`)},
	{"double", column(`data_type = 'double'`)},
	{"char(2)", column(`column_type = 'char(2)'`)},
	{"char(3)", column(`column_type = 'char(3)'`)},
	{"stored generated column", column(`extra LIKE '%STORED GENERATED%'`)},
	{"default ''", column(`column_default IN ('', '''''') AND is_nullable = 'NO' AND data_type = 'varchar'`)},
	{"default current_timestamp", column(`LOWER(column_default) LIKE 'current_timestamp%'`)},
	{"default number", column(`column_default IN ('0', '4', '0.00')`)},
	{"default enum label", column(`data_type = 'enum' AND column_default LIKE '%booked%'`)},
	{"composite primary key", `SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND index_name = 'PRIMARY' AND seq_in_index = 3`},
	{"string primary key", column(`table_name = 'tpps' AND column_key = 'PRI' AND data_type = 'varchar'`)},
	{"unique index", `SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND index_name <> 'PRIMARY' AND non_unique = 0`},
	{"secondary index", `SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND non_unique = 1`},
	{"prefix index", `SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND sub_part IS NOT NULL`},
	{"one index name on two tables", `SELECT COUNT(DISTINCT table_name) - 1 FROM information_schema.statistics WHERE table_schema = DATABASE() AND index_name = 'idx_tenant'`},
	{"check", `SELECT COUNT(*) FROM information_schema.check_constraints WHERE constraint_schema = DATABASE() AND constraint_name = 'ck_payments_amount'`},
	{"foreign key on delete cascade", `SELECT COUNT(*) FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE() AND delete_rule = 'CASCADE'`},
	{"foreign key on delete set null", `SELECT COUNT(*) FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE() AND delete_rule = 'SET NULL'`},
	{"self reference", `SELECT COUNT(*) FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_table_name = table_name`},
	{"self reference in use", `SELECT COUNT(*) FROM customers WHERE referred_by IS NOT NULL`},
	{"trigger", `SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = DATABASE()`},
	{"view with rows", `SELECT COUNT(*) FROM v_open_consents`},
	{"procedure", `SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = DATABASE()`},
	{"AUTO_INCREMENT far beyond the largest id", `SELECT MAX(id) < 100000 AND (SELECT auto_increment FROM information_schema.tables
		WHERE table_schema = DATABASE() AND table_name = 'customers') > 1000000000 FROM customers`},
	{"gaps in AUTO_INCREMENT ids", `SELECT MAX(id) - MIN(id) + 1 - COUNT(*) FROM transactions`},
	{"repeated rows without a key", `SELECT COUNT(*) FROM (SELECT 1 FROM OldBatchLog GROUP BY LogDate, LogTime, Prog, Msg HAVING COUNT(*) > 1) twice`},
	{"umlaut", `SELECT COUNT(*) FROM customers WHERE last_name LIKE BINARY '%ü%'`},
	{"Polish letter", `SELECT COUNT(*) FROM customers WHERE first_name LIKE BINARY '%ł%'`},
	{"Greek letter", `SELECT COUNT(*) FROM beneficiaries WHERE note LIKE BINARY '%ξ%'`},
	{"emoji", `SELECT COUNT(*) FROM transactions WHERE HEX(remittance) LIKE '%F09F%'`},
	{"text that looks like COPY's NULL", `SELECT COUNT(*) FROM audit_log WHERE message = '\\N'`},
	{"empty string", `SELECT COUNT(*) FROM transactions WHERE LENGTH(remittance) = 0`},
	{"NULL", `SELECT COUNT(*) FROM transactions WHERE remittance IS NULL`},
}

func column(where string) string {
	return `SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND ` + where
}

func testFeatures(t *testing.T, f fixture) {
	t.Helper()
	for _, feature := range features {
		if n := f.int(t, feature.count); n < 1 {
			t.Errorf("%s: found %d times", feature.name, n)
		}
	}
}

// misfits are values that the target could not hold exactly. There must be
// none: the demo passes with default policies.
var misfits = []struct{ name, count string }{
	{"time of a day or more", `SELECT COUNT(*) FROM webhooks WHERE retry_after < '00:00:00' OR retry_after >= '24:00:00'`},
	{"date outside the years 1000 to 9999", `SELECT COUNT(*) FROM customers WHERE birth_date < '1000-01-01' OR YEAR(birth_date) = 0`},
	{"enum's error value", `SELECT COUNT(*) FROM customers WHERE segment = ''`},
	{"NUL in text", `SELECT COUNT(*) FROM transactions WHERE HEX(remittance) REGEXP '^(..)*00'`},
	{"payment whose history ends elsewhere", `SELECT COUNT(*) FROM payments p WHERE BINARY p.status <> (
		SELECT h.status FROM payment_status_history h WHERE h.payment_id = p.id ORDER BY h.seq DESC LIMIT 1)`},
	{"granted account of another customer", `SELECT COUNT(*) FROM consent_accounts ca JOIN consents c ON c.id = ca.consent_id
		JOIN accounts a ON a.id = ca.account_id WHERE a.customer_id <> c.psu_id`},
	{"account of another tenant than its customer or institution", `SELECT COUNT(*) FROM accounts a JOIN customers c ON c.id = a.customer_id
		JOIN institutions i ON i.id = a.institution_id WHERE a.tenant_id <> c.tenant_id OR a.tenant_id <> i.tenant_id`},
	{"customer referred by one of another tenant", `SELECT COUNT(*) FROM customers c JOIN customers r ON r.id = c.referred_by WHERE r.tenant_id <> c.tenant_id`},
	{"payment of another tenant than its account", `SELECT COUNT(*) FROM payments p JOIN accounts a ON a.id = p.debtor_account_id WHERE a.tenant_id <> p.tenant_id`},
	{"trigger that saw the load", `SELECT COUNT(*) FROM payments WHERE lock_version > 5`},
}

func testMisfits(t *testing.T, f fixture) {
	t.Helper()
	for _, m := range misfits {
		if n := f.int(t, m.count); n != 0 {
			t.Errorf("%s: %d rows", m.name, n)
		}
	}
}
