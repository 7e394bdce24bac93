package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// objectTables are what tables bring along besides rows.
func objectTables(source *sandbox.Server) []string {
	if source.Kind() == sandbox.MariaDB {
		return objects
	}
	// MySQL has no plain defaults of these types, but any expression.
	tables := strings.NewReplacer("DEFAULT 'long'", "DEFAULT ('long')", `DEFAULT '{"a":[1]}'`, `DEFAULT ('{"a":[1]}')`)
	out := make([]string, len(objects))
	for i, statement := range objects {
		out[i] = tables.Replace(statement)
	}
	return out
}

var objects = []string{
	`CREATE TABLE parent (id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, code VARCHAR(20) NOT NULL, country CHAR(2) NOT NULL DEFAULT 'DE', UNIQUE KEY uq_code (code))`,
	`INSERT INTO parent (id, code) VALUES (1, 'one'), (7, 'seven'), (1000, 'thousand')`,
	`CREATE TABLE child (
		id BIGINT PRIMARY KEY AUTO_INCREMENT, parent_id INT UNSIGNED NOT NULL, soft_id INT UNSIGNED, amount DECIMAL(10,2) NOT NULL, kind VARCHAR(10),
		CONSTRAINT fk_hard FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE,
		CONSTRAINT fk_soft FOREIGN KEY (soft_id) REFERENCES parent (id) ON DELETE SET NULL,
		CONSTRAINT positive CHECK (amount > 0), CONSTRAINT kinds CHECK (kind IN ('a', 'b') OR kind IS NULL),
		KEY ix_kind_amount (kind, amount), UNIQUE KEY uq_pair (parent_id, kind))`,
	`INSERT INTO child VALUES (5, 1, 7, 1.5, 'a'), (6, 7, NULL, 2, 'b'), (50, 1000, 1000, 3, NULL)`,
	`CREATE TABLE defaults (
		id INT PRIMARY KEY AUTO_INCREMENT, n INT DEFAULT -7, u BIGINT UNSIGNED DEFAULT 18446744073709551615, z INT NOT NULL DEFAULT 0,
		d DECIMAL(10,3) DEFAULT 1.500, f DOUBLE DEFAULT 2.5, fl FLOAT DEFAULT 0.1, b BOOLEAN DEFAULT TRUE, bt BIT(4) DEFAULT b'0101',
		s VARCHAR(60) CHARACTER SET utf8mb4 DEFAULT 'it''s \\ "q" é 😀', e VARCHAR(5) NOT NULL DEFAULT '', nul VARCHAR(5) DEFAULT 'NULL', no VARCHAR(5) DEFAULT NULL,
		c CHAR(3) DEFAULT 'EUR', t TEXT DEFAULT 'long', bi VARBINARY(4) DEFAULT X'00FF', dt DATE DEFAULT '2020-02-29', dtm DATETIME(3) DEFAULT '1999-12-31 23:59:59.125',
		tm TIME DEFAULT '12:34:56', y YEAR DEFAULT 2001, en ENUM('x','y,z','it''s') DEFAULT 'it''s', st SET('r','w','x') DEFAULT 'r,x', js JSON DEFAULT '{"a":[1]}',
		uu UUID DEFAULT '123e4567-e89b-12d3-a456-426614174000', g INT AS (n * 2) STORED)`,
	`INSERT INTO defaults (id) VALUES (3)`,
	`CREATE TABLE clockwork (id INT PRIMARY KEY, made TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, made6 DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6))`,
	// The next number is above the highest key: the rows up to it are gone.
	`CREATE TABLE counter (id INT PRIMARY KEY AUTO_INCREMENT, v INT) AUTO_INCREMENT = 5000`,
	`INSERT INTO counter VALUES (12, 1)`,
}

func TestObjectsWork(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, objectTables(legacySource(t))...)
		o := m.must(t, exitDone, "run")
		compareAll(t, m, o)

		// Defaults: the same short INSERT on both sides makes the same row.
		m.atSource(t, "INSERT INTO defaults (id) VALUES (77)")
		m.atTarget(t, "INSERT INTO defaults (id) VALUES (77)")
		compareTable(t, m, "defaults", "defaults")
		m.atTarget(t, "INSERT INTO clockwork (id) VALUES (1)")
		if got := m.targetValue(t, "SELECT count(*) FROM clockwork WHERE made IS NOT NULL AND made6 IS NOT NULL"); got != "1" {
			t.Error("CURRENT_TIMESTAMP is lost as a default")
		}

		for table, columns := range map[string]string{
			"parent": "(code) VALUES ('new')", "child": "(parent_id, amount) VALUES (1, 1)", "counter": "(v) VALUES (2)",
		} {
			highest := m.targetValue(t, "SELECT max(id)::TEXT FROM "+table)
			id := m.targetValue(t, "INSERT INTO "+table+" "+columns+" RETURNING id::TEXT")
			if got := m.targetValue(t, "SELECT ("+id+"::DECIMAL > "+highest+"::DECIMAL)::TEXT"); got != "true" {
				t.Errorf("%s: the next key is %s though the highest was %s", table, id, highest)
			}
		}
		checkConstraints(t, m)
	})
}

// SQLSTATE codes that both targets give.
const (
	notNullViolation    = "23502"
	foreignKeyViolation = "23503"
	uniqueViolation     = "23505"
	checkViolation      = "23514"
)

func checkConstraints(t *testing.T, m move) {
	t.Helper()
	for _, bad := range []struct{ statement, code string }{
		{"INSERT INTO parent (id, code) VALUES (2000, 'seven')", uniqueViolation},
		{"INSERT INTO parent (id, code) VALUES (7, 'other')", uniqueViolation},
		{"INSERT INTO parent (id, code) VALUES (2001, NULL)", notNullViolation},
		{"INSERT INTO child (id, parent_id, amount) VALUES (2000, 4242, 1)", foreignKeyViolation},
		{"INSERT INTO child (id, parent_id, amount, kind) VALUES (2001, 1, 0, NULL)", checkViolation},
		{"INSERT INTO child (id, parent_id, amount, kind) VALUES (2002, 7, 1, 'c')", checkViolation},
		{"INSERT INTO child (id, parent_id, amount, kind) VALUES (2003, 1, 1, 'a')", uniqueViolation},
		{"INSERT INTO child (id, parent_id, amount) VALUES (2004, 1, NULL)", notNullViolation},
		{"INSERT INTO defaults (id, z) VALUES (2000, NULL)", notNullViolation},
	} {
		err := m.target.Exec(t.Context(), m.to, bad.statement)
		if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != bad.code {
			t.Errorf("%s: got %v, want SQLSTATE %s", bad.statement, err, bad.code)
		}
	}
	if got := m.targetValue(t, "SELECT indexdef FROM pg_indexes WHERE tablename = 'child' AND indexname LIKE '%ix_kind_amount%'"); !strings.Contains(got, "kind") || !strings.Contains(got, "amount") {
		t.Errorf("index ix_kind_amount became %q", got)
	}
	m.atTarget(t, "DELETE FROM parent WHERE id = 7")
	if got := m.targetValue(t, "SELECT (SELECT count(*) FROM child WHERE id = 6)::TEXT || ' ' || COALESCE((SELECT soft_id FROM child WHERE id = 5)::TEXT, 'NULL')"); got != "0 NULL" {
		t.Errorf("after deleting the parent: %q, want ON DELETE CASCADE and SET NULL to have worked", got)
	}
}

// TestAssessTells makes one of everything that does not move, and wants to
// hear about each by name.
func TestAssessTells(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		names := []string{"the_view", "the_trigger", "the_procedure", "the_function", "the_event", "updated", "the_prefix", "the_fulltext"}
		statements := append(slices.Clone(objectTables(legacySource(t))),
			"CREATE VIEW the_view AS SELECT id FROM parent",
			"CREATE TRIGGER the_trigger BEFORE INSERT ON parent FOR EACH ROW SET NEW.code = UPPER(NEW.code)",
			"CREATE PROCEDURE the_procedure() SELECT 1",
			"CREATE FUNCTION the_function() RETURNS INT DETERMINISTIC RETURN 1",
			"CREATE EVENT the_event ON SCHEDULE EVERY 1 DAY DO DELETE FROM parent WHERE id = -1",
			"CREATE TABLE updated (id INT PRIMARY KEY, touched TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)",
			"CREATE TABLE prefixed (id INT PRIMARY KEY, body TEXT, KEY the_prefix (body(10)))",
			"CREATE TABLE searched (id INT PRIMARY KEY, body TEXT, FULLTEXT KEY the_fulltext (body))",
			"CREATE TABLE folded (id INT PRIMARY KEY, name VARCHAR(20) COLLATE utf8mb4_general_ci, UNIQUE KEY the_folded (name))",
		)
		if legacySource(t).Kind() == sandbox.MariaDB {
			statements, names = append(statements, "CREATE SEQUENCE the_sequence"), append(names, "the_sequence")
		}
		m := newMove(t, target, statements...)
		o := m.must(t, exitDone, "assess", "--json")
		if !json.Valid([]byte(strings.TrimSpace(o.stdout))) {
			t.Errorf("--json prints something else: %s", o)
		}
		for _, name := range names {
			if !strings.Contains(o.stdout, name) {
				t.Errorf("assess --json does not tell of %s: %s", name, clip(o.stdout))
			}
		}
		if !strings.Contains(o.stdout, "folded") && !strings.Contains(o.stdout, "utf8mb4_general_ci") {
			t.Errorf("assess --json does not tell that a unique key ignored case")
		}
		if got := m.targetValue(t, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"); got != "0" {
			t.Errorf("assess made %s tables", got)
		}
		// Views and the like stop nothing: the tables move.
		run := m.must(t, exitDone, "run")
		if len(run.report.Assessment) == 0 {
			t.Error("the report of run does not repeat the assessment")
		}
	})
}

// TestSecretStaysSecret gives the password through the environment and looks
// for it in everything that the command leaves behind.
func TestSecretStaysSecret(t *testing.T) {
	target := sandboxtest.Target(t)
	m := newMove(t, target, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")
	url := m.source.UserURL(m.from)
	_, rest, _ := strings.Cut(url, "leap:")
	secret, _, _ := strings.Cut(rest, "@")
	if secret == "" {
		t.Fatalf("the test does not find the password in the address")
	}
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.json")
	for _, source := range []string{url, strings.Replace(url, m.from, "no_such_database", 1)} {
		out, err := runWith(t, path, []string{"run", "--report", file}, "LEAP_SOURCE="+source, "LEAP_TARGET="+m.target.URL(m.to))
		if (err == nil) != (source == url) {
			t.Errorf("got %v\n%s", err, strings.ReplaceAll(out, secret, "(the password)"))
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(out+string(raw), secret) {
			t.Error("the password is in the output or in the report")
		}
	}
}
