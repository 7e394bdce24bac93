package source

import (
	"database/sql"
	"slices"
	"testing"

	"leap/internal/schema"
)

// TestCensus counts rows by tenant: where a path may lead to several parents,
// where a collation calls values equal that are not, and at dead ends.
func TestCensus(t *testing.T) {
	db, _ := open(t, slicesHere(t)+`;
INSERT INTO accounts VALUES (901, 4, 'two'), (902, 1, 'two');
INSERT INTO cards VALUES ('two', 'two'), ('none', NULL)`)
	d := introspect(t, db)
	toCustomer := hop("customers", "customer_id", "id")
	toAccounts := []schema.Hop{hop("accounts", "number", "number"), toCustomer}
	const of = "(SELECT COUNT(DISTINCT BINARY u.tenant) FROM accounts a JOIN customers u ON u.id = a.customer_id WHERE a.number = cards.number AND BINARY u.tenant IN ('acme', 'gamma'))"
	for name, c := range map[string]struct {
		table    string
		path     []schema.Hop
		column   string
		values   [][]string
		nowhere  bool
		owned    []string // conditions that count the rows of each slice
		dead     string   // of rows that lead nowhere
		several  string
		hasStray string
	}{
		"by column": {
			table: "byid", column: "tenant_id", values: [][]string{{"1", "2"}, {"3"}, {"0", "4", "5", "6"}},
			owned: []string{"tenant_id IN (1, 2)", "tenant_id = 3", "tenant_id IN (0, 4, 5, 6)"}, dead: "FALSE", several: "FALSE",
		},
		"under a collation": {
			table: "customers", column: "tenant", values: [][]string{{"acme"}, {"beta"}}, nowhere: true,
			owned: []string{"BINARY tenant = 'acme'", "tenant = 'beta'"}, dead: "tenant IS NULL", several: "FALSE", hasStray: "1",
		},
		"by a path": {
			table: "accounts", path: []schema.Hop{toCustomer}, column: "tenant", values: [][]string{{"acme"}, {"beta"}},
			owned:   []string{"customer_id IN (SELECT id FROM customers WHERE BINARY tenant = 'acme')", "customer_id IN (SELECT id FROM customers WHERE tenant = 'beta')"},
			dead:    "NOT COALESCE(customer_id IN (SELECT id FROM customers WHERE tenant IS NOT NULL), FALSE)",
			several: "FALSE", hasStray: "9",
		},
		"a value that two claim": {
			table: "byid", column: "tenant_id", values: [][]string{{"0", "1", "2", "3"}, {"3", "4", "5", "6"}},
			owned: []string{"tenant_id < 3", "tenant_id > 3"}, dead: "FALSE", several: "tenant_id = 3", hasStray: "3",
		},
		"parents not unique": {
			table: "cards", path: toAccounts, column: "tenant", values: [][]string{{"acme"}, {"gamma"}},
			owned: []string{
				of + " = 1 AND number IN (SELECT number FROM accounts WHERE customer_id IN (SELECT id FROM customers WHERE BINARY tenant = 'acme'))",
				of + " = 1 AND number IN (SELECT number FROM accounts WHERE customer_id IN (SELECT id FROM customers WHERE tenant = 'gamma'))",
			},
			dead:    "NOT COALESCE(number IN (SELECT number FROM accounts WHERE customer_id IN (SELECT id FROM customers WHERE tenant IS NOT NULL)), FALSE)",
			several: of + " = 2", hasStray: "K13",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := plainMapping(d.Table(c.table))
			sharing := Sharing{Nowhere: c.nowhere}
			for _, values := range c.values {
				slice, err := Check(d, c.table, &schema.Slice{Path: c.path, Column: c.column, Values: values})
				if err != nil {
					t.Fatal(err)
				}
				sharing.Parts = append(sharing.Parts, slice)
			}
			snapshot := take(t, db, SnapshotOptions{Connections: 1})
			got, err := snapshot.Census(t.Context(), m, sharing)
			if err != nil {
				t.Fatal(err)
			}
			onConnection(t, db, func(conn *sql.Conn) error {
				count := func(where string) int64 { return int64(len(readPlain(t, conn, m, where))) }
				owned := int64(0)
				for i, where := range c.owned {
					if n := count(where); got.Owned[i] != n || n == 0 {
						t.Errorf("slice %d has %d rows, want %d", i, got.Owned[i], n)
					}
					owned += got.Owned[i]
				}
				if got.Rows != count("TRUE") || got.Nowhere != count(c.dead) || got.Several != count(c.several) ||
					got.Rows != owned+got.Nowhere+got.Nobody+got.Several {
					t.Errorf("%+v: want %d rows, %d of them nowhere and %d of several", got, count("TRUE"), count(c.dead), count(c.several))
				}
				return nil
			})
			found := slices.ContainsFunc(got.Strays, func(s Stray) bool { return s.Key[0] == c.hasStray && len(s.Owners) != 1 })
			if found != (c.hasStray != "") {
				t.Errorf("strays are %v, want %q among them", got.Strays, c.hasStray)
			}
		})
	}
}
