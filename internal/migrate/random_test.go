package migrate

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/verify"
)

// randomDatabases are compared by `make mutations`, some of them by `make test`.
const randomDatabases, someDatabases = 20, 3

// randomKeys are the ends of CREATE TABLE and the columns that they are about.
var randomKeys = []generated{
	{key: ""},
	{key: ", PRIMARY KEY (k)", columns: []generatedColumn{{"k", "BIGINT", number}}},
	{key: ", PRIMARY KEY (k)", columns: []generatedColumn{{"k", "INT UNSIGNED ZEROFILL", number}}},
	{key: ", PRIMARY KEY (k, l)", columns: []generatedColumn{
		{"k", "DATE", func(_ *rand.Rand, i int) string { return fmt.Sprintf("'2024-01-%02d'", 1+i%28) }}, {"l", "DECIMAL(12,3)", number},
	}},
	{key: ", PRIMARY KEY (k)", columns: []generatedColumn{
		{"k", "VARCHAR(30)", func(_ *rand.Rand, i int) string { return fmt.Sprintf("'Key %d é'", i) }},
	}},
	{key: ", PRIMARY KEY (k)", columns: []generatedColumn{{"k", "UUID", hexUUID}}},
	{key: ", UNIQUE KEY (k)", columns: []generatedColumn{
		{"k", "VARBINARY(8) NOT NULL", func(_ *rand.Rand, i int) string { return fmt.Sprintf("X'%06X'", i*5) }},
	}},
	{key: ", PRIMARY KEY (k, l)", columns: []generatedColumn{
		{"k", "ENUM('b','a','c')", func(_ *rand.Rand, i int) string { return []string{"'a'", "'b'", "'c'"}[i%3] }}, {"l", "INT", number},
	}},
}

// randomTable draws a key, up to a dozen columns of any type, and how many rows.
func randomTable(r *rand.Rand, name string) (table generated, rows int) {
	table = randomKeys[r.IntN(len(randomKeys))]
	table.name = name
	all := allTypes().columns[1:] // without its key
	columns := append([]generatedColumn{}, table.columns...)
	for _, i := range r.Perm(len(all))[:1+r.IntN(12)] {
		columns = append(columns, all[i])
	}
	table.columns = columns
	return table, []int{0, 1, 2 + r.IntN(20), 100 + r.IntN(300)}[r.IntN(4)]
}

// TestNoAlarmOnEqualData copies databases of random tables with random rows and
// compares them in each tier: all must be equal, and no digest of the servers
// may differ for a moment.
func TestNoAlarmOnEqualData(t *testing.T) {
	count := someDatabases
	if os.Getenv(mutationsVariable) != "" {
		count = randomDatabases
	}
	const tables = 3
	server := sandboxtest.Source(t)
	databases := make([]string, count)
	for i := range databases {
		databases[i] = sandboxtest.NewDatabase(t, server)
		r := rand.New(rand.NewPCG(20261125, uint64(i)))
		for n := range tables {
			table, rows := randomTable(r, fmt.Sprintf("t%d", n))
			fill(t, server, databases[i], rows, table)
		}
	}
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		for i, from := range databases {
			cfg := testConfig(t, server, from, target, sandboxtest.NewDatabase(t, target))
			cfg.Verify = VerifyOptions{RangeRows: 7, Settle: never}
			if out, err := Run(t.Context(), cfg, Schema, Copy); err != nil {
				t.Fatalf("database %d: %v, %q", i, err, out.Reasons)
			}
			for _, tier := range []verify.Tier{verify.Stream, verify.Pushdown} {
				cfg.Verify.Tier = tier
				out, err := Run(t.Context(), cfg, Verify)
				if err != nil || out.Verdict != report.Pass || len(out.Tenants[0].Tables) != tables {
					t.Errorf("database %d, %s: %v, %s %q", i, tier, err, out.Verdict, out.Reasons)
				}
				for _, table := range out.Tenants[0].Tables {
					if table.Reread > 0 || table.Settled > 0 || table.Moving > 0 {
						t.Errorf("database %d, %s, %s: %+v", i, tier, table.Name, table)
					}
				}
			}
		}
	})
}
