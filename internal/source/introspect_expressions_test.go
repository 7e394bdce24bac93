package source

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// TestExpressionsBeyondThreeBytes has expressions that MariaDB's catalog shows as '?'.
func TestExpressionsBeyondThreeBytes(t *testing.T) {
	sandboxtest.MariaDBOnly(t, sandboxtest.Source(t), "MySQL's catalog shows all characters")
	db, server := open(t, "CREATE TABLE t (`q?` VARCHAR(20) DEFAULT (CONCAT('😀?', 'é')) COMMENT 'AS (x)', "+
		"g VARCHAR(40) AS (CONCAT(`q?`, '\\n😀\\\\')) STORED, c VARCHAR(9) CHECK (c <> '😀' AND c <> '????'), "+
		"CONSTRAINT c2 CHECK (c <> '😁 ''CHECK (' OR `q?` = '?'), CONSTRAINT `c?` CHECK (c <> '😂 ''CHECK (' OR `q?` = '?'))")
	reader := openAs(t, account(t, server, db.Info().Database, "GRANT SELECT ON %DB%.* TO %A%"))
	for name, db := range map[string]*DB{"administrator": db, "reader": reader} {
		table := introspect(t, db).Table("t")
		got := []string{table.Column("q?").Default.Text, table.Column("g").Generated.Expression}
		slices.SortFunc(table.Checks, func(a, b schema.Check) int { return strings.Compare(a.Name, b.Name) })
		for _, c := range table.Checks {
			got = append(got, c.Name+": "+c.Expression)
		}
		want := []string{
			"concat('😀?','é')", `concat(` + "`q?`" + `,'\n😀\\')`, "c: `c` <> '😀' and `c` <> '????'",
			"c2: `c` <> '😁 \\'CHECK (' or `q?` = '?'", "c?: `c` <> '😂 \\'CHECK (' or `q?` = '?'",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// TestUnreadableExpression: what the definition does not show must not be translated.
func TestUnreadableExpression(t *testing.T) {
	table := &schema.Table{Checks: []schema.Check{{Name: "c", Expression: "`a` <> '????'"}}}
	for definition, want := range map[string]string{
		"":                                     "? `a` <> '????'",
		"(\n  CONSTRAINT `c` CHECK (`a` <> 1)": "? `a` <> '????'",
		"(\n  CONSTRAINT `c` CHECK (`a` <> '😀')": "`a` <> '😀'",
	} {
		if got := garbledExpressions(table)[0].in(definition, asCatalog(definition)); got != want {
			t.Errorf("%q: got %q, want %q", definition, got, want)
		}
	}
}
