package convert

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// dialectsOf returns the dialects that a server understands.
func dialectsOf(server *sandbox.Server) []Dialect {
	if server.StandIn() {
		return []Dialect{postgres}
	}
	return []Dialect{cockroach}
}

// apply runs statements the way that the target does: one by one, and not those
// whose object exists. It returns how many it ran.
func apply(ctx context.Context, t *testing.T, db *sql.DB, statements []Statement) int {
	t.Helper()
	ran := 0
	for _, s := range statements {
		if s.Exists != "" {
			var one int
			err := db.QueryRowContext(ctx, s.Exists).Scan(&one)
			if err == nil {
				continue
			}
			if !errors.Is(err, sql.ErrNoRows) {
				t.Fatalf("%s: %v\n%s", s.Name, err, s.Exists)
			}
		}
		if _, err := db.ExecContext(ctx, s.SQL); err != nil {
			t.Fatalf("%s: %v\n%s", s.Name, err, s.SQL)
		}
		ran++
	}
	return ran
}

// eachTarget gives every target a fresh database for each of its dialects.
func eachTarget(t *testing.T, test func(ctx context.Context, t *testing.T, db *sql.DB, d Dialect)) {
	t.Helper()
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		t.Helper()
		for _, d := range dialectsOf(server) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			db, err := server.DB(ctx, sandboxtest.NewDatabase(t, server))
			if err != nil {
				t.Fatal(err)
			}
			test(ctx, t, db, d)
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestServersAcceptPlan runs the whole DDL of the rich example twice, with rows
// in between.
func TestServersAcceptPlan(t *testing.T) {
	for _, schemaName := range []string{"public", `ten"ant`} {
		t.Run(schemaName, func(t *testing.T) {
			eachTarget(t, func(ctx context.Context, t *testing.T, db *sql.DB, d Dialect) {
				t.Helper()
				d.Schema = schemaName
				plan, err := Build(bankDatabase(), d, DefaultPolicies(), nil)
				if err != nil {
					t.Fatal(err)
				}
				apply(ctx, t, db, plan.Before)
				apply(ctx, t, db, plan.Before)
				for _, q := range []string{
					`INSERT INTO %s.customers (iban, status) VALUES ('DE123', ''), ('AT123', 'it''s')`,
					`INSERT INTO %s.accounts (customer_id, no) VALUES (1, 7)`,
					`INSERT INTO %s.entries (customer_id, no) VALUES (1, 7)`,
				} {
					if _, err := db.ExecContext(ctx, fmt.Sprintf(q, quote(schemaName))); err != nil {
						t.Fatal(err)
					}
				}
				first := apply(ctx, t, db, plan.After)
				if first != len(plan.After) {
					t.Errorf("%d of %d statements ran the first time", first, len(plan.After))
				}
				apply(ctx, t, db, plan.After)
				checkRows(ctx, t, db, quote(schemaName))
				dropTables(ctx, t, db, plan)
			})
		})
	}
}

// dropTables empties the database: CockroachDB 20.2 cannot drop one in which a
// schema of its own holds foreign keys.
func dropTables(ctx context.Context, t *testing.T, db *sql.DB, plan *Plan) {
	t.Helper()
	for _, s := range plan.Before {
		if s.Kind != KindTable {
			continue
		}
		name := strings.TrimPrefix(s.SQL[:strings.Index(s.SQL, " (\n")], "CREATE TABLE IF NOT EXISTS ")
		if _, err := db.ExecContext(ctx, "DROP TABLE "+name+" CASCADE"); err != nil {
			t.Error(err)
		}
	}
}

// checkRows looks at what defaults, computed columns and sequences made.
func checkRows(ctx context.Context, t *testing.T, db *sql.DB, in string) {
	t.Helper()
	for query, want := range map[string]string{
		`SELECT rights::TEXT || ' ' || encode(salt, 'hex') || ' ' || quote || ' ' || label || ' ' || opened_year::TEXT FROM %s.accounts`:                                            `00000101 00275c6162 it's \ "quoted" 7-it's \ "quoted" 2020`,
		`SELECT balance::TEXT || ' ' || factor::TEXT || ' ' || rate::TEXT || ' ' || cut_off::TEXT || ' ' || opened::TEXT || ' ' || COALESCE(closed::TEXT, 'null') FROM %s.accounts`: `0.0000 -0.0025 1.5 16:30:00.5 2020-02-29 null`,
		// The source had handed out 1000; two rows were added by hand.
		`SELECT nextval('%s.customers_id_seq')::TEXT`:                                `1001`,
		`SELECT nextval('%s.entries_id_seq')::TEXT`:                                  `2`,
		`SELECT status::TEXT FROM %s.customers WHERE id = 1`:                         ``,
		`SELECT array_to_string(flags, '|') FROM %s.customers WHERE id = 2`:          `vip|blocked`,
		`SELECT (created_at <= localtimestamp)::TEXT FROM %s.customers WHERE id = 2`: `true`,
	} {
		var got string
		if err := db.QueryRowContext(ctx, fmt.Sprintf(query, in)).Scan(&got); err != nil {
			t.Errorf("%s: %v", query, err)
		} else if got != want {
			t.Errorf("%s = %q, want %q", query, got, want)
		}
	}
	for _, refused := range []string{
		`UPDATE %s.accounts SET balance = -1`,
		`UPDATE %s.accounts SET balance = 1000001`,
		`UPDATE %s.customers SET flags = ARRAY['root']`,
		`UPDATE %s.customers SET roles = 'a,root'`,
		`UPDATE %s.customers SET country = 'FR'`,
		`UPDATE %s.entries SET parent = 77`,
	} {
		if _, err := db.ExecContext(ctx, fmt.Sprintf(refused, in)); err == nil {
			t.Errorf("%s was accepted", refused)
		}
	}
	accepted := `UPDATE %s.customers SET country = 'at', roles = 'b,a', flags = '{}'`
	if _, err := db.ExecContext(ctx, fmt.Sprintf(accepted, in)); err != nil {
		t.Errorf("%s: %v", accepted, err)
	}
}
