package source

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"leap/internal/row"
	"leap/internal/schema"
)

// TestReferences follows foreign keys of whole tables and of slices that are
// found in each way, and compares with queries that say it in other words.
func TestReferences(t *testing.T) {
	// Some numbers of cards are there with a capital and without, which only a binary collation tells apart.
	db, _ := open(t, slicesHere(t)+`;
CREATE TABLE strict (number VARCHAR(10) COLLATE utf8mb4_bin PRIMARY KEY);
INSERT INTO strict SELECT CONCAT('n', seq) FROM seq_1_to_20;
INSERT INTO cards VALUES ('z1', 'N1'), ('z2', 'N2')`)
	d := introspect(t, db)
	toAccount, toCustomer := hop("accounts", "account_id", "id"), hop("customers", "customer_id", "id")
	region := hop("regions", "ra", "rb", "a", "b")
	of := func(values string, path ...schema.Hop) *schema.Slice {
		column := "tenant"
		if len(path) > 0 && path[len(path)-1].Table == "regions" || values[0] < 'A' {
			column = "tenant_id"
		}
		return &schema.Slice{Path: path, Column: column, Values: []string{values}}
	}
	accounts := func(tenant string) string {
		return "SELECT a.id FROM accounts a JOIN customers c ON a.customer_id = c.id WHERE BINARY c.tenant = '" + tenant + "'"
	}
	for name, c := range map[string]struct {
		table       string
		slice, to   *schema.Slice
		key         schema.Hop
		filter      string
		rows, wrong string // conditions
	}{
		"whole tables": {"tx", nil, nil, toAccount, "", "account_id IS NOT NULL", "account_id NOT IN (SELECT id FROM accounts)"},
		"a filter":     {"tx", nil, nil, toAccount, "id > 100", "id > 100 AND account_id IS NOT NULL", "id > 100 AND account_id NOT IN (SELECT id FROM accounts)"},
		"its own tenant": {
			"tx", of("acme", toAccount, toCustomer), of("acme", toCustomer), toAccount, "",
			"account_id IN (" + accounts("acme") + ")", "FALSE",
		},
		"another tenant": {
			"tx", of("acme", toAccount, toCustomer), of("beta", toCustomer), toAccount, "",
			"account_id IN (" + accounts("acme") + ")", "account_id IN (" + accounts("acme") + ")",
		},
		"a composite key": {
			"sites", of("1", region), of("2"), region, "",
			"(ra, rb) IN (SELECT a, b FROM regions WHERE tenant_id = 1)", "(ra, rb) IN (SELECT a, b FROM regions WHERE tenant_id = 1)",
		},
		"two collations": {
			"cards", nil, nil, hop("strict", "number", "number"), "",
			"number IS NOT NULL", "number COLLATE utf8mb4_bin NOT IN (SELECT number FROM strict)",
		},
		"part of a composite key": {
			"sites", nil, of("2"), region, "",
			"ra IS NOT NULL AND rb IS NOT NULL", "ra IS NOT NULL AND rb IS NOT NULL AND (ra, rb) NOT IN (SELECT a, b FROM regions WHERE tenant_id = 2)",
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			to := plainMapping(d.Table(c.key.Table))
			if c.to != nil {
				to.Slice = resolved(t, db, d, c.key.Table, c.to)
			}
			for _, byIndex := range []bool{false, true} {
				m := plainMapping(d.Table(c.table))
				m.Filter = c.filter
				if c.slice != nil {
					m.Slice = resolved(t, db, d, c.table, c.slice)
					m.Slice.Access.ByIndex = byIndex
				}
				checkReferences(t, db, m, reference{c.key, to, []string{c.rows, c.wrong}})
			}
		})
	}
}

func resolved(t *testing.T, db *DB, d *schema.Database, table string, s *schema.Slice) *schema.Slice {
	t.Helper()
	out, _, err := db.Resolve(t.Context(), d, table, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// reference is a foreign key, where it leads, and which rows refer and which of
// them to nothing.
type reference struct {
	key        schema.Hop
	to         *schema.Mapping
	conditions []string
}

func checkReferences(t *testing.T, db *DB, m *schema.Mapping, r reference) {
	t.Helper()
	snapshot, err := db.Snapshot(t.Context(), SnapshotOptions{Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = snapshot.Close() }()
	found, err := snapshot.References(t.Context(), m, r.key, r.to)
	if err != nil {
		t.Fatal(err)
	}
	var want [2]int64
	onConnection(t, db, func(conn *sql.Conn) error {
		for i, condition := range r.conditions {
			query := fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE %s", m.SourceName, condition)
			if err := conn.QueryRowContext(context.WithoutCancel(t.Context()), query).Scan(&want[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if want[0] == 0 || found.Rows != want[0] || found.Wrong != want[1] {
		t.Errorf("slice %+v: %d rows refer and %d of them to nothing, want %d and %d", m.Slice, found.Rows, found.Wrong, want[0], want[1])
	}
	if len(found.Keys) != int(min(want[1], maxStrays)) || slices.ContainsFunc(found.Keys, func(k row.Key) bool { return len(k) != len(m.Key) }) {
		t.Errorf("%d keys of %d wrong rows are listed: %v", len(found.Keys), want[1], found.Keys)
	}
}

// A key may lead to a column that SELECT * does not show.
func TestReferenceToInvisibleColumn(t *testing.T) {
	db, _ := open(t, `
CREATE TABLE hidden (id INT PRIMARY KEY, no INT NOT NULL DEFAULT 0 INVISIBLE, tenant_id INT NOT NULL DEFAULT 0 INVISIBLE, v INT, KEY (tenant_id), UNIQUE KEY (no));
CREATE TABLE seen (id INT PRIMARY KEY, hidden_no INT, KEY (hidden_no));
INSERT INTO hidden (id, no, tenant_id, v) VALUES (1, 11, 1, 1), (2, 12, 1, 2), (3, 13, 2, 1);
INSERT INTO seen VALUES (1, 11), (2, 12), (3, 13), (4, 14), (5, NULL)`)
	d := introspect(t, db)
	to := plainMapping(d.Table("hidden"))
	to.Filter = "v = 1"
	key := hop("hidden", "hidden_no", "no")
	checkReferences(t, db, plainMapping(d.Table("seen")), reference{key, to, []string{"hidden_no IS NOT NULL", "hidden_no IN (12, 14)"}})
	to.Slice = resolved(t, db, d, "hidden", &schema.Slice{Column: "tenant_id", Values: []string{"1"}})
	checkReferences(t, db, plainMapping(d.Table("seen")), reference{key, to, []string{"hidden_no IS NOT NULL", "hidden_no IN (12, 13, 14)"}})
}
