package e2e

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestTextsOfTheCatalogArrive: labels, defaults and expressions that MySQL's catalog
// cannot show, or shows in another form, of a table without rows.
func TestTextsOfTheCatalogArrive(t *testing.T) {
	sandboxtest.MySQLOnly(t, legacySource(t), "MariaDB shows expressions as they are")
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, `CREATE TABLE spoken (
			id INT PRIMARY KEY, e ENUM('a?','x😀','😀') DEFAULT '😀', s SET('😀','b?','x😀') DEFAULT '😀,x😀', v VARCHAR(20) CHARACTER SET utf8mb4 DEFAULT ('é😀'),
			l VARCHAR(20) CHARACTER SET latin1 DEFAULT 'naïve €', t TEXT CHARACTER SET utf8mb4 DEFAULT ('it''s \\ "é" 數'),
			b VARBINARY(9) DEFAULT X'00FF0041', f BINARY(4) DEFAULT X'FF3F', n VARBINARY(9) DEFAULT '', x VARBINARY(9) DEFAULT '0x41', h BLOB DEFAULT (X'00FF'),
			g VARCHAR(60) CHARACTER SET utf8mb4 AS (CONCAT(v, '-é😀', v)) STORED, `+"`größe`"+` INT DEFAULT 3,
			CONSTRAINT labels CHECK (e IN ('a?', '😀')), CONSTRAINT sizes CHECK (`+"`größe`"+` > 2))`)
		o := m.must(t, exitDone, "run")
		for _, a := range o.report.Assessment {
			if a.Severity != "info" && a.Rule != "collation-changed" {
				t.Errorf("%s of %s: %s", a.Rule, a.Object, a.Problem)
			}
		}
		m.atSource(t, "INSERT INTO spoken (id) VALUES (1)", "INSERT INTO spoken (id, e, s, v) VALUES (2, 'a?', 'b?', 'Ö')")
		m.atTarget(t, "INSERT INTO spoken (id) VALUES (1)", "INSERT INTO spoken (id, e, s, v) VALUES (2, 'a?', ARRAY['b?'], 'Ö')")
		compareTable(t, m, "spoken", "spoken")
		for _, bad := range []string{"(3, 'x😀', 3)", "(3, 'a?', 2)"} {
			err := m.target.Exec(t.Context(), m.to, `INSERT INTO spoken (id, e, "größe") VALUES `+bad)
			if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != checkViolation {
				t.Errorf("%s: got %v, want SQLSTATE %s", bad, err, checkViolation)
			}
		}
	})
}
