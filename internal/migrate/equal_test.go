package migrate

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// databasesVariable sets how many random databases TestEqualDataRaiseNoAlarm
// moves to each target.
const databasesVariable = "LEAP_DATABASES"

// fewDatabases on each of two targets are twenty in all.
const fewDatabases = 10

// TestEqualDataRaiseNoAlarm moves databases with generated tables, keys and
// rows, and wants every one called equal: rows, types, defaults, indexes.
func TestEqualDataRaiseNoAlarm(t *testing.T) {
	server := sandboxtest.Source(t)
	n := fewDatabases
	if text := os.Getenv(databasesVariable); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s=%q: %v", databasesVariable, text, err)
		}
	}
	random := rapid.Custom(randomDatabase)
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		offset := 0
		if target.StandIn() {
			offset = n // other databases than on the other target
		}
		for i := range n {
			seed := offset + i + 1
			from, to := sandboxtest.NewDatabase(t, server), sandboxtest.NewDatabase(t, target)
			statements := random.Example(seed)
			execAll(t, server, from, statements...)
			cfg := testConfig(t, server, from, target, to)
			m, err := Run(t.Context(), cfg, Schema, Copy, Verify)
			if err != nil || m.Verdict != report.Pass {
				t.Errorf("database %d: %s, %q, %v\n%s", seed, m.Verdict, m.Reasons, err, strings.Join(statements, ";\n"))
			}
		}
	})
}

// randomDatabase generates statements that make tables of random columns with
// a random kind of key and random rows. Values come from allTypes.
func randomDatabase(t *rapid.T) []string {
	var out []string
	for i := range rapid.IntRange(1, 3).Draw(t, "tables") {
		out = append(out, randomTable(t, fmt.Sprintf("t%d", i))...)
	}
	return out
}

func randomTable(t *rapid.T, name string) []string {
	all := allTypes().columns[1:]
	columns := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 12, func(c generatedColumn) string { return c.name }).Draw(t, "columns")
	var defs, names []string
	for _, c := range columns {
		def := c.name + " " + c.ddl
		defs, names = append(defs, def), append(names, c.name)
	}
	key := func(int) string { return "" }
	switch rapid.IntRange(0, 5).Draw(t, "key") {
	case 0: // none
	case 1:
		defs = append(defs, "id INT AUTO_INCREMENT PRIMARY KEY")
		key = func(i int) string { return strconv.Itoa(i*2 + 1) }
	case 2:
		defs = append(defs, "id VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY")
		key = func(i int) string { return fmt.Sprintf("'Schlüssel %d'", i*7%1000) }
	case 3:
		defs = append(defs, "id DECIMAL(20,4) NOT NULL", "UNIQUE KEY u (id)")
		key = func(i int) string { return fmt.Sprintf("%d.%04d", 100-i, i) }
	case 4:
		defs = append(defs, "id VARBINARY(10) PRIMARY KEY")
		key = func(i int) string { return fmt.Sprintf("X'%04X00'", i*3) }
	case 5:
		defs = append(defs, "id DATETIME(6) NOT NULL, part INT NOT NULL DEFAULT 3, PRIMARY KEY (part, id)")
		key = func(i int) string { return fmt.Sprintf("'2024-01-01 00:00:%02d.%06d'", i%60, i) }
	}
	if rapid.Bool().Draw(t, "index") {
		if c := columns[0]; !strings.Contains(c.ddl, "TEXT") && !strings.Contains(c.ddl, "BLOB") && !strings.Contains(c.ddl, "JSON") {
			defs = append(defs, "KEY first ("+c.name+")")
		}
	}
	out := []string{"CREATE TABLE " + name + " (" + strings.Join(defs, ", ") + ") CHARACTER SET utf8mb4"}
	if key(0) != "" {
		names = append(names, "id")
	}
	seed := rapid.Uint64().Draw(t, "seed")
	if lines := randomRows(columns, key, rapid.IntRange(0, 60).Draw(t, "rows"), seed); len(lines) > 0 {
		out = append(out, "INSERT INTO "+name+" ("+strings.Join(names, ", ")+") VALUES "+strings.Join(lines, ", "))
	}
	return out
}

func randomRows(columns []generatedColumn, key func(int) string, n int, seed uint64) []string {
	random := rand.New(rand.NewPCG(seed, 1))
	var lines []string
	for i := range n {
		var cells []string
		for _, c := range columns {
			cells = append(cells, c.value(random, i))
		}
		if k := key(i); k != "" {
			cells = append(cells, k)
		}
		lines = append(lines, "("+strings.Join(cells, ", ")+")")
	}
	return lines
}
