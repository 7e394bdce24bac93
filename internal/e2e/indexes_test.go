package e2e

import (
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestIndexOrdersEndInTheSameSchema moves one database twice, with the indexes
// before and after the rows, and compares what is there in the end.
func TestIndexOrdersEndInTheSameSchema(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		after := newMove(t, target,
			`CREATE TABLE owner (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40) NOT NULL, mail VARCHAR(60), born DATE,
				UNIQUE KEY u_mail (mail), KEY k_name (name), KEY k_born_name (born, name),
				CHECK (name <> ''))`,
			`INSERT INTO owner (name, mail, born) SELECT CONCAT('n', seq), CONCAT(seq, '@x'), '2000-01-01' + INTERVAL seq DAY FROM seq_1_to_2000`,
			`CREATE TABLE loose (a INT NOT NULL, b INT NOT NULL, UNIQUE KEY u_ab (a, b))`,
			"INSERT INTO loose SELECT seq, 0 + seq FROM seq_1_to_2000",
			`CREATE TABLE account (id INT PRIMARY KEY, owner INT NOT NULL, iban VARCHAR(34), KEY k_iban (iban),
				CONSTRAINT fk_owner FOREIGN KEY (owner) REFERENCES owner (id) ON DELETE CASCADE)`,
			"INSERT INTO account SELECT seq, 2001 - seq, CONCAT('DE', seq) FROM seq_1_to_2000",
		)
		before := after
		before.to = sandboxtest.NewDatabase(t, target)
		after.must(t, exitDone, "run")
		before.must(t, exitDone, "schema", "--apply")
		o := before.must(t, exitDone, "copy", "--indexes=before")
		if at, rows := strings.Index(o.stderr, "index owner."), strings.Index(o.stderr, "owner  done:"); at < 0 || rows < at {
			t.Errorf("the indexes were not built before the rows: %s", o)
		}
		if n := strings.Count(o.stderr, "index owner.k_name"); n != 1 {
			t.Errorf("one index is told %d times: %s", n, o)
		}
		compareAll(t, before, before.must(t, exitDone, "verify"))
		one, two := schemaOf(t, after), schemaOf(t, before)
		if len(one) < 8 || !slices.ContainsFunc(one, func(s string) bool { return strings.Contains(s, "k_born_name") }) {
			t.Errorf("the schema is not all there: %q", one)
		}
		if diff := cmp.Diff(one, two); diff != "" {
			t.Errorf("indexes after and before the rows differ:\n%s", diff)
		}
	})
}

// schemaOf describes a target's indexes and constraints, in a stable order.
func schemaOf(t *testing.T, m move) []string {
	t.Helper()
	db := handle(t, m.target, m.to)
	var out []string
	for _, query := range []string{
		"SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
		"SELECT conrelid::REGCLASS::TEXT || ' ' || conname || ' ' || pg_get_constraintdef(oid) || ' ' || convalidated::TEXT" +
			" FROM pg_constraint WHERE connamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'public')",
	} {
		out = append(out, lines(t, db, query)...)
	}
	slices.Sort(out)
	return out
}

// lines returns the texts of a query, without the database in their names.
func lines(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var line sql.NullString
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, databaseInDefinition.ReplaceAllString(line.String, " ON "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// databaseInDefinition is how CockroachDB names a table in an index: with its database.
var databaseInDefinition = regexp.MustCompile(` ON [a-z0-9_]+\.public\.`)
