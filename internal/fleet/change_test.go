package fleet

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/verify"
)

// legacy gives the shared database columns and rows that a plan leaves behind.
const legacy = `
ALTER TABLE accounts ADD legacy VARCHAR(10), ADD KEY legacy_key (legacy), ADD opened DATE, ADD length INT AS (CHAR_LENGTH(legacy)) STORED;
UPDATE accounts SET legacy = CONCAT('old', id) WHERE id <> 2;
ALTER TABLE entries ADD booked DATE;
UPDATE entries SET booked = IF(id % 10 = 0, NULL, IF(id % 10 < 4, '2023-06-01', '2024-06-01'));
`

const leaveOut = `exclude:
  - {columns: accounts.legacy, reason: the old core's}
  - {columns: [accounts.opened, accounts.length], reason: derived}
filters:
  - {tables: entries, where: "booked >= '2024-01-01' OR booked > '2025-01-01'", reason: in the archive}
  - {tables: notes, where: "entry IN (SELECT id FROM entries WHERE booked >= '2024-01-01')", reason: their entries are}
`

const acceptLeftOut = `accept:
  - {id: "column-excluded:accounts.*", reason: nobody reads them}
  - {id: "rows-filtered:*", reason: archived}
  - {id: "index-dropped:accounts.legacy_key", reason: its column is gone}
`

// oneTenant is a move of alpha with a target of its own.
func (s *stage) oneTenant(t *testing.T, target *sandbox.Server, more ...string) (cfg Config, database string) {
	t.Helper()
	database = sandboxtest.NewDatabase(t, target)
	return s.into(t, target, database, more...), database
}

func runOne(t *testing.T, cfg Config, phases ...migrate.Phase) report.Move {
	t.Helper()
	f, err := Run(t.Context(), cfg, phases...)
	if err != nil {
		t.Fatal(err)
	}
	return f.Tenants[0]
}

func tableOf(t *testing.T, m report.Move, name string) report.Table {
	t.Helper()
	i := slices.IndexFunc(m.Tables, func(t report.Table) bool { return t.Name == name })
	if i < 0 {
		t.Fatalf("the report of %s has no table %s: %+v", m.Name, name, m.Error)
	}
	return m.Tables[i]
}

// What a plan leaves behind has to be accepted, is counted, and is no
// difference; everything else is one still.
func TestExcludeAndFilter(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		s := setUp(t)
		if err := s.source.Exec(t.Context(), s.from, legacy); err != nil {
			t.Fatal(err)
		}
		cfg, _ := s.oneTenant(t, target, leaveOut)
		m := runOne(t, cfg, all...)
		if m.ExitCode != int(fault.Refused) || !strings.Contains(m.Error.Message, "column-excluded:accounts.legacy") {
			t.Fatalf("exit code %d: %+v", m.ExitCode, m.Error)
		}

		cfg, database := s.oneTenant(t, target, leaveOut, acceptLeftOut)
		cfg.Base.ChunkRows = 50
		m = runOne(t, cfg, all...)
		if m.Verdict != report.Pass || m.ExitCode != 0 {
			t.Fatalf("%s, exit code %d: %q %+v", m.Verdict, m.ExitCode, m.Reasons, m.Error)
		}
		lost := map[string]int64{}
		for _, a := range m.Accepted {
			if a.Values != nil {
				lost[a.ID] = *a.Values
			}
		}
		// Of 1000 entries of accounts 1 and 2 (ids = 0 or 1 modulo 4), 300 are old and 100 have no date.
		for id, want := range map[string]int64{
			"column-excluded:accounts.legacy": 1, "column-excluded:accounts.opened": 0, "column-excluded:accounts.length": 1,
			"rows-filtered:entries": s.count(t, "SELECT COUNT(*) FROM entries WHERE account_id < 3 AND NOT COALESCE(booked > '2024-01-01', 0)"),
		} {
			if got, ok := lost[id]; !ok || got != want {
				t.Errorf("%s touched %d (%v), want %d", id, got, ok, want)
			}
		}
		entries := tableOf(t, m, "entries")
		if *entries.FilteredRows+*entries.SourceRows != 1000 || *entries.TargetRows != s.count(t, "SELECT COUNT(*) FROM entries WHERE account_id < 3 AND booked > '2024-01-01'") {
			t.Errorf("entries: %+v", entries)
		}
		s.leftFindings(t, cfg, target, database)

		// Another filter is another move.
		other, err := Run(t.Context(), s.into(t, target, database, strings.Replace(leaveOut, "2024-01-01' OR", "2024-02-01' OR", 1), acceptLeftOut), migrate.Copy)
		if err != nil || other.Tenants[0].ExitCode != int(fault.Refused) {
			t.Errorf("a copy was continued with another filter: %v %+v", err, other.Tenants[0].Error)
		}
	})
}

// into is a move of alpha into a database that is there.
func (s *stage) into(t *testing.T, target *sandbox.Server, database string, more ...string) Config {
	t.Helper()
	where := targets(map[string]string{"a": target.URL(database), "b": target.URL("b"), "c": target.URL("c")})
	cfg := s.config(t, append([]string{where, threeTenants}, more...)...)
	cfg.Names = []string{"alpha"}
	return cfg
}

func (s *stage) count(t *testing.T, query string) int64 {
	t.Helper()
	db, err := s.source.DB(t.Context(), s.from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var n int64
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// leftFindings damages the target in each tier and wants it to be found: a row
// that is gone, and one that the filter leaves behind.
func (s *stage) leftFindings(t *testing.T, cfg Config, target *sandbox.Server, database string) {
	t.Helper()
	filtered := s.count(t, "SELECT MIN(id) FROM entries WHERE account_id < 3 AND booked < '2024-01-01'")
	kept := s.count(t, "SELECT MAX(id) FROM entries WHERE account_id < 3 AND booked > '2024-01-01'")
	statements := "DELETE FROM notes WHERE entry = " + itoa(kept) + "; DELETE FROM entries WHERE id = " + itoa(kept) +
		"; INSERT INTO entries (id, account_id) VALUES (" + itoa(filtered) + ", 1)"
	if err := target.Exec(t.Context(), database, statements); err != nil {
		t.Fatal(err)
	}
	for _, tier := range []verify.Tier{verify.Stream, verify.Pushdown} {
		cfg.Base.Verify.Tier = tier
		m := runOne(t, cfg, migrate.Verify)
		found := map[string]string{}
		for _, f := range tableOf(t, m, "entries").Findings {
			found[f.Key.Columns[0].Value] = string(f.Kind)
		}
		if len(found) != 2 || found[itoa(filtered)] != "extra" || found[itoa(kept)] != "missing" || m.ExitCode != int(fault.Refused) {
			t.Errorf("%s: found %v, exit code %d", tier, found, m.ExitCode)
		}
	}
	cfg.Base.Verify.Repair = true
	if m := runOne(t, cfg, migrate.Verify); tableOf(t, m, "entries").Verdict != report.Pass {
		t.Errorf("repaired entries: %+v", tableOf(t, m, "entries"))
	}
}

// A filter that leaves parents behind breaks the tenant's slice: the foreign
// key cannot be made, and the proof says which rows.
func TestFilterBreaksTheSlice(t *testing.T) {
	s := setUp(t)
	if err := s.source.Exec(t.Context(), s.from, "ALTER TABLE entries DROP FOREIGN KEY entries_ibfk_1"); err != nil {
		t.Fatal(err)
	}
	const plan = `filters:
  - {tables: accounts, where: id <> 2, reason: closed}
accept: [{id: "rows-filtered:*", reason: archived}]
`
	cfg, _ := s.oneTenant(t, sandboxtest.Target(t), plan)
	cfg.Plan.ForeignKeys = append(cfg.Plan.ForeignKeys, "entries.account_id -> accounts.id") // which no constraint checks
	m := runOne(t, cfg, all...)
	if m.Proofs == nil || m.Proofs.Closed.Verdict != report.Fail || m.ExitCode != int(fault.Refused) {
		t.Fatalf("exit code %d: %+v %+v", m.ExitCode, m.Error, m.Proofs)
	}
	if m.Proofs.Complete.Verdict != report.Pass || m.Proofs.Clean.Verdict != report.Fail {
		t.Errorf("complete is %s, clean %s", m.Proofs.Complete.Verdict, m.Proofs.Clean.Verdict)
	}
	for _, c := range m.Proofs.Closed.Checks {
		if strings.HasPrefix(c.Object, "entries") && (*c.Wrong != 500 || len(c.Findings) == 0) {
			t.Errorf("%+v", c)
		}
	}
}

// What only the source can tell is a problem of the plan as well.
func TestFilterProblem(t *testing.T) {
	s := setUp(t)
	cfg, _ := s.oneTenant(t, sandboxtest.Target(t), `filters:
  - {tables: entries, where: "bookd > 1", reason: in the archive}`)
	_, err := Run(t.Context(), cfg, all...)
	if err == nil || fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), "plan.yaml:23:23:") || !strings.Contains(err.Error(), "bookd") {
		t.Errorf("got %v", err)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

const renamed = `rename:
  - {table: accounts, to: Konten}
  - {column: accounts.tenant_id, to: mandant}
  - {column: accounts.id, to: nummer}
  - {table: entries, to: buchungen}
  - {column: entries.account_id, to: konto}
  - {column: entries.cents, to: "Cent Betrag"}
accept: [{id: "generated-*", reason: x}]
`

// Tables and columns arrive under the plan's names, with everything that hangs
// on them; tenants are told apart by them, and differences have them.
func TestRename(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		s := setUp(t)
		more := `ALTER TABLE entries ADD CONSTRAINT positive CHECK (cents >= 0), ADD twice BIGINT AS (cents * 2) STORED, ADD KEY by_cents (cents);
			ALTER TABLE accounts ADD kind ENUM('a','b') NOT NULL DEFAULT 'a', COMMENT 'of a bank', ADD UNIQUE KEY (iban)`
		if err := s.source.Exec(t.Context(), s.from, more); err != nil {
			t.Fatal(err)
		}
		cfg, database := s.oneTenant(t, target, renamed)
		cfg.Base.ChunkRows = 100
		m := runOne(t, cfg, all...)
		if m.Verdict != report.Pass || m.ExitCode != 0 {
			t.Fatalf("%s, exit code %d: %q %+v", m.Verdict, m.ExitCode, m.Reasons, m.Error)
		}
		if got := tableOf(t, m, "buchungen"); got.SourceName != "entries" || *got.TargetRows != 1000 {
			t.Errorf("got %+v", got)
		}
		if err := target.Exec(t.Context(), database, `ALTER TABLE "Konten" DROP CONSTRAINT accounts_ibfk_1`); err != nil {
			t.Fatal(err)
		}
		statements := `UPDATE buchungen SET "Cent Betrag" = "Cent Betrag" + 1 WHERE id = 4 AND konto = 1 AND twice = "Cent Betrag" * 2;
			INSERT INTO "Konten" (nummer, mandant, kind) VALUES (77, 2, 'b')`
		if err := target.Exec(t.Context(), database, statements); err != nil {
			t.Fatal(err)
		}
		for _, tier := range []verify.Tier{verify.Stream, verify.Pushdown} {
			cfg.Base.Verify.Tier = tier
			m = runOne(t, cfg, migrate.Verify)
			entries, accounts := tableOf(t, m, "buchungen"), tableOf(t, m, "Konten")
			if len(entries.Findings) != 1 || entries.Findings[0].Columns[0].Name != "Cent Betrag" || len(accounts.Findings) != 1 {
				t.Fatalf("%s: %+v, %+v", tier, entries, accounts)
			}
			if key := accounts.Findings[0].Key.Columns[0]; key.Name != "nummer" || key.Value != "77" || m.Proofs.Clean.Verdict != report.Fail {
				t.Errorf("%s: key %v, clean is %s", tier, key, m.Proofs.Clean.Verdict)
			}
		}
		cfg.Base.Verify.Repair = true
		const missing = `foreign key "accounts_ibfk_1" is missing`
		if m = runOne(t, cfg, migrate.Verify); m.Verdict != report.Fail || !strings.Contains(strings.Join(m.Reasons, " "), missing) {
			t.Errorf("repaired, without the foreign key: %s %q", m.Verdict, m.Reasons)
		}
		rule := map[sandbox.Kind]string{sandbox.MariaDB: "RESTRICT", sandbox.MySQL: "NO ACTION"}[s.source.Kind()] // where none is named
		again := `ALTER TABLE "Konten" ADD CONSTRAINT accounts_ibfk_1 FOREIGN KEY (mandant) REFERENCES tenants (id) ON DELETE ` + rule + ` ON UPDATE ` + rule
		if err := target.Exec(t.Context(), database, again); err != nil {
			t.Fatal(err)
		}
		if m = runOne(t, cfg, migrate.Verify); m.Verdict != report.Pass {
			t.Errorf("repaired: %s %q", m.Verdict, m.Reasons)
		}
	})
}

// A name that the target keeps for itself cannot be given.
func TestRenameCannotBe(t *testing.T) {
	s := setUp(t)
	cfg, _ := s.oneTenant(t, sandboxtest.Target(t), "rename:\n  - {column: accounts.iban, to: xmin}")
	m := runOne(t, cfg, all...)
	if m.ExitCode != int(fault.Refused) || !strings.Contains(m.Error.Message, `the column cannot be called "xmin" on the target`) {
		t.Errorf("exit code %d: %+v", m.ExitCode, m.Error)
	}
}
