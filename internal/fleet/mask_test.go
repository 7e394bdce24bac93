package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/verify"
)

// people gives the shared database values that nobody is to see: an IBAN as
// primary key, one that refers to it, and one that is written with spaces.
const people = `
CREATE TABLE ibans (iban VARCHAR(34) NOT NULL PRIMARY KEY, tenant_id INT NOT NULL, holder VARCHAR(60) NOT NULL, email VARCHAR(80), pin VARBINARY(8),
  secret VARCHAR(40) NOT NULL, UNIQUE KEY (email), KEY (tenant_id), FOREIGN KEY (tenant_id) REFERENCES tenants (id)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE debits (id INT PRIMARY KEY, creditor VARCHAR(34) NOT NULL, written TEXT, KEY (creditor), FOREIGN KEY (creditor) REFERENCES ibans (iban)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO ibans SELECT CONCAT('DE', LPAD(98 - CONV(MOD(CAST(CONCAT('3704004405320', LPAD(seq, 5, '0'), '131400') AS DECIMAL(40)), 97), 10, 10), 2, '0'), '3704004405320', LPAD(seq, 5, '0')),
  1 + seq % 2, ELT(1 + seq % 4, 'Kim Berg', 'Łukasz Müller-Žižek', '', 'Γεωργία'), IF(seq % 7, CONCAT('person', seq, '@bank.test'), NULL), 'x', CONCAT('secret ', seq DIV 3) FROM seq_1_to_400;
INSERT INTO ibans VALUES ('no iban', 1, 'A', '', 'x', ''), ('DE89 3704 0044 0532 0130 00', 1, 'B', 'b', 'x', 'b');
INSERT INTO debits SELECT seq, (SELECT iban FROM ibans WHERE tenant_id = 1 + seq % 2 ORDER BY iban LIMIT 1 OFFSET 5), 'see person1@bank.test' FROM seq_1_to_300;
`

const masks = `mask:
  key: ${FLEET_TEST_MASK_KEY}
  columns:
    - {match: [ibans.iban, debits.creditor], as: iban}
    - {match: ibans.email, as: email}
    - {match: ibans.holder, as: name}
    - {match: ibans.secret, as: hash}
exclude:
  - {columns: debits.written, reason: free text}
accept:
  - {id: "column-masked:*", reason: a rehearsal}
  - {id: "column-excluded:*", reason: a rehearsal}
`

const maskKeyVariable, maskSecret = "FLEET_TEST_MASK_KEY", "a secret for this test only"

// Masked values arrive as the definition says, are found when they are others,
// and join as before; nothing of them is in the report.
func TestMask(t *testing.T) {
	t.Setenv(maskKeyVariable, maskSecret)
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		s := setUp(t)
		if err := s.source.Exec(t.Context(), s.from, people); err != nil {
			t.Fatal(err)
		}
		cfg, _ := s.oneTenant(t, target, masks[:strings.Index(masks, "accept:")])
		if m := runOne(t, cfg, all...); m.ExitCode != int(fault.Refused) || !strings.Contains(m.Error.Message, "column-masked:") {
			t.Fatalf("exit code %d: %+v", m.ExitCode, m.Error)
		}
		cfg, database := s.oneTenant(t, target, masks)
		cfg.Base.ChunkRows = 50
		m := runOne(t, cfg, all...)
		if m.Verdict != report.Pass || m.ExitCode != 0 {
			t.Fatalf("%s, exit code %d: %q %+v", m.Verdict, m.ExitCode, m.Reasons, m.Error)
		}
		hides(t, m)
		counted := map[string]int64{}
		for _, a := range m.Accepted {
			if a.Values != nil {
				counted[a.ID] = *a.Values
			}
		}
		for id, query := range map[string]string{
			"column-masked:ibans.email":      "SELECT COUNT(*) FROM ibans WHERE tenant_id = 1 AND email <> ''",
			"column-masked:ibans.holder":     "SELECT COUNT(*) FROM ibans WHERE tenant_id = 1 AND holder <> ''",
			"column-masked:debits.creditor":  "SELECT COUNT(*) FROM debits JOIN ibans ON creditor = iban WHERE tenant_id = 1",
			"column-excluded:debits.written": "SELECT COUNT(*) FROM debits JOIN ibans ON creditor = iban WHERE tenant_id = 1",
		} {
			if want := s.count(t, query); counted[id] != want || want == 0 {
				t.Errorf("%s touched %d values, want %d", id, counted[id], want)
			}
		}
		maskedRows(t, target, database)
		maskFindings(t, cfg, target, database)

		t.Setenv(maskKeyVariable, "another secret than that one")
		if m = runOne(t, s.into(t, target, database, masks), migrate.Copy); m.ExitCode != int(fault.Refused) {
			t.Errorf("the copy was continued with another key: %+v", m.Error)
		}
	})
}

// hides wants a report without anything that was masked, and without the key.
func hides(t *testing.T, m report.Move) {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{maskSecret, "@bank.test", "DE89", "370400440532", "Kim Berg", "secret 1"} {
		if i := bytes.Index(text, []byte(secret)); i >= 0 {
			t.Errorf("the report shows %q: %s", secret, text[max(0, i-200):min(len(text), i+200)])
		}
	}
}

// maskedRows looks at the target by queries of its own.
func maskedRows(t *testing.T, target *sandbox.Server, database string) {
	t.Helper()
	db, err := target.DB(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for query, want := range map[string]int64{
		"SELECT count(*) FROM ibans":                                                         202,
		"SELECT count(*) FROM debits JOIN ibans ON iban = creditor":                          150,
		"SELECT count(DISTINCT creditor) FROM debits":                                        1,
		"SELECT count(DISTINCT iban) FROM ibans":                                             202,
		"SELECT count(*) FROM ibans WHERE iban LIKE 'DE%' AND iban LIKE '%370400440532%'":    0,
		"SELECT count(*) FROM ibans WHERE length(iban) = 22 AND iban LIKE 'DE%'":             200,
		"SELECT count(*) FROM ibans WHERE email LIKE '%@example.com' AND length(email) = 32": 173,
		"SELECT count(*) FROM ibans WHERE email IS NULL":                                     28,
		"SELECT count(*) FROM ibans WHERE email = ''":                                        1,
		"SELECT count(*) FROM ibans WHERE holder IN ('Kim Berg', 'Γεωργία')":                 0,
		"SELECT count(*) FROM ibans WHERE holder LIKE '___ ____'":                            100,
		"SELECT count(*) FROM ibans WHERE secret LIKE 'secret%'":                             0,
	} {
		var n int64
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d (%v), want %d", query, n, err, want)
		}
	}
}

// maskFindings puts original values and other damage into the target; each tier
// names them, shows no original, and repair brings the masks back.
func maskFindings(t *testing.T, cfg Config, target *sandbox.Server, database string) {
	t.Helper()
	statements := `UPDATE ibans SET holder = 'Kim Berg' WHERE email = (SELECT min(email) FROM ibans WHERE holder LIKE '___ ____');
		UPDATE ibans SET email = 'person9@bank.test' WHERE email = (SELECT max(email) FROM ibans);
		DELETE FROM ibans WHERE iban = (SELECT min(iban) FROM ibans WHERE email LIKE 'm%' AND iban NOT IN (SELECT creditor FROM debits));
		INSERT INTO ibans (iban, tenant_id, holder, secret) VALUES ('DE00', 1, '', '')`
	for statement := range strings.SplitSeq(statements, ";") {
		if err := target.Exec(t.Context(), database, statement); err != nil {
			t.Fatal(err)
		}
	}
	for _, tier := range []verify.Tier{verify.Stream, verify.Pushdown} {
		cfg.Base.Verify.Tier, cfg.Base.Verify.ShowValues = tier, true
		m := runOne(t, cfg, migrate.Verify)
		kinds := map[string]int{}
		for _, f := range tableOf(t, m, "ibans").Findings {
			kind := string(f.Kind)
			for _, c := range f.Columns {
				kind += " " + c.Name
				if from := fmt.Sprint(c.Source); strings.Contains(from, "Kim") || strings.Contains(from, "person") {
					t.Errorf("%s: the source's value is shown: %s", tier, from)
				}
			}
			kinds[kind]++
		}
		if len(kinds) != 4 || kinds["changed holder"] != 1 || kinds["changed email"] != 1 || kinds["missing"] != 1 || kinds["extra"] != 1 || m.ExitCode != int(fault.Refused) {
			t.Errorf("%s: found %v, exit code %d", tier, kinds, m.ExitCode)
		}
	}
	cfg.Base.Verify.Repair, cfg.Base.Verify.ShowValues = true, false
	m := runOne(t, cfg, migrate.Verify)
	if m.Verdict != report.Pass {
		t.Errorf("repaired: %s %q", m.Verdict, m.Reasons)
	}
	hides(t, m)
	maskedRows(t, target, database)
}

// A value that a mask cannot replace stops the copy, with the row.
func TestMaskRefusesAValue(t *testing.T) {
	t.Setenv(maskKeyVariable, maskSecret)
	s := setUp(t)
	if err := s.source.Exec(t.Context(), s.from, people+"INSERT INTO ibans VALUES ('x', 1, 'smile 😀', NULL, 'x', '')"); err != nil {
		t.Fatal(err)
	}
	cfg, _ := s.oneTenant(t, sandboxtest.Target(t), masks)
	m := runOne(t, cfg, all...)
	if m.Error == nil || !strings.Contains(m.Error.Message, "holder") || !strings.Contains(m.Error.Message, "U+1F600") || !strings.Contains(m.Error.Hint, "hash") {
		t.Errorf("exit code %d: %+v", m.ExitCode, m.Error)
	}
}
