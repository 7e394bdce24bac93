package source

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"leap/internal/fault"
	"leap/internal/schema"
)

// CheckPrivileges makes sure that the account may read every row and every
// column of the tables. The error names all tables that it may not, and the
// hint the statements that would help.
func (db *DB) CheckPrivileges(ctx context.Context, tables []string) error {
	conn, err := db.conn(ctx)
	if err != nil {
		return fmt.Errorf("check privileges: %w", Explain(err))
	}
	defer func() { _ = conn.Close() }()
	account, err := currentAccount(ctx, conn)
	if err != nil {
		return fmt.Errorf("check privileges: %w", Explain(err))
	}
	var refused, grants []string
	for _, table := range tables {
		name := quote(db.info.Database) + "." + quote(table)
		switch err := mayRead(ctx, conn, name); {
		case isServerError(err, errTableDenied, errColumnDenied):
			refused = append(refused, table)
			grants = append(grants, "GRANT SELECT ON "+name+" TO "+account)
		case err != nil:
			return fmt.Errorf("check privileges on %s: %w", table, Explain(err))
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return fault.New(fault.Refused, "let an administrator run: "+strings.Join(grants, "; "),
		"account %s may not read all of: %s", account, strings.Join(refused, ", "))
}

// mayRead asks for a row, and then for the table's definition: an account with
// SELECT on single columns may do the first, and sees a narrower table than there is.
func mayRead(ctx context.Context, conn *sql.Conn, name string) error {
	for _, query := range []string{"SELECT 1 FROM " + name + " LIMIT 0", "SHOW CREATE TABLE " + name} {
		if _, err := oneRow(ctx, conn, query); err != nil {
			return err
		}
	}
	return nil
}

// currentAccount returns 'user'@'host' as GRANT takes it.
func currentAccount(ctx context.Context, conn *sql.Conn) (string, error) {
	var account string
	if err := conn.QueryRowContext(ctx, "SELECT CURRENT_USER()").Scan(&account); err != nil {
		return "", fmt.Errorf("current account: %w", err)
	}
	i := strings.LastIndexByte(account, '@')
	if i < 0 {
		return account, nil
	}
	literal := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	return literal(account[:i]) + "@" + literal(account[i+1:]), nil
}

// Visibility says what the account cannot see: the server leaves it out of
// every list without a word, so that Introspect cannot miss it. It also tells
// of the history of system-versioned tables, which no SELECT shows by itself.
func (db *DB) Visibility(ctx context.Context) ([]schema.Finding, error) {
	conn, err := db.conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("visibility: %w", Explain(err))
	}
	defer func() { _ = conn.Close() }()
	account, err := currentAccount(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("visibility: %w", Explain(err))
	}
	given, err := readGrants(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("visibility: %w", Explain(err))
	}
	var out []schema.Finding
	hidden, err := db.tablesHidden(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("visibility: %w", Explain(err))
	}
	if hidden {
		out = append(out, schema.Finding{
			Rule: "tables-hidden", Severity: schema.Blocker, Object: db.info.Database,
			Problem: "the account sees only the tables that it was given one by one; others may exist and would be left behind",
			Advice:  fmt.Sprintf("GRANT SELECT ON %s.* TO %s", quote(db.info.Database), account),
		})
	}
	for _, n := range needs {
		if !given.any(db.info.Database, n.privileges) {
			out = append(out, schema.Finding{
				Rule: n.rule, Severity: schema.Warning, Object: db.info.Database, Problem: n.problem,
				Advice: fmt.Sprintf("GRANT %s ON %s.* TO %s", n.privileges[0], quote(db.info.Database), account),
			})
		}
	}
	history, err := db.versioned(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("visibility: %w", Explain(err))
	}
	return append(out, history...), nil
}

// needs lists what is visible only with a privilege; the first privilege is the
// one to ask for, any of them suffices.
var needs = []struct {
	rule       string
	privileges []string
	problem    string
}{
	{"triggers-hidden", []string{"TRIGGER"}, "the account cannot see triggers: whether the database has any is unknown"},
	{"views-hidden", []string{"SHOW VIEW"}, "the account cannot see the definitions of views"},
	{"events-hidden", []string{"EVENT"}, "the account cannot see events: whether the database has any is unknown"},
	{
		"routines-hidden",
		[]string{"EXECUTE", "SHOW_ROUTINE", "SHOW CREATE ROUTINE", "CREATE ROUTINE", "ALTER ROUTINE"},
		"the account cannot see procedures and functions: whether the database has any is unknown",
	},
}

// tablesHidden asks for a table that does not exist. An account that may read
// the whole database is told so; one with tables of its own is refused.
func (db *DB) tablesHidden(ctx context.Context, conn *sql.Conn) (bool, error) {
	_, err := oneRow(ctx, conn, "SELECT 1 FROM "+quote(db.info.Database)+".`leap_no_such_table` LIMIT 0")
	switch {
	case isServerError(err, errTableDenied):
		return true, nil
	case err == nil, isServerError(err, errNoSuchTable):
		return false, nil
	}
	return false, err
}

// versioned tells of tables with history.
func (db *DB) versioned(ctx context.Context, conn *sql.Conn) ([]schema.Finding, error) {
	rows, err := conn.QueryContext(ctx, `SELECT TABLE_NAME FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'SYSTEM VERSIONED' ORDER BY TABLE_NAME`, db.info.Database)
	if err != nil {
		return nil, err //nolint:wrapcheck // Visibility wraps it
	}
	defer func() { _ = rows.Close() }()
	var out []schema.Finding
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return nil, err //nolint:wrapcheck // Visibility wraps it
		}
		out = append(out, schema.Finding{
			Rule: "history-not-moved", Severity: schema.Warning, Object: table,
			Problem: "the table is system-versioned: its current rows are moved, its history is not",
			Advice:  "keep the source, or copy FOR SYSTEM_TIME ALL into an ordinary table first",
		})
	}
	return out, rows.Err() //nolint:wrapcheck // Visibility wraps it
}

// grants are the account's privileges on everything and on whole databases,
// those of its active roles included.
type grants []struct {
	privileges []string
	database   *regexp.Regexp // nil for *.*
}

// grantLine is one line of SHOW GRANTS; MariaDB writes *.* and `db`.*, as MySQL does.
var grantLine = regexp.MustCompile("^GRANT (.+?) ON (\\*|`(?:[^`]|``)*`)\\.\\* TO ")

func readGrants(ctx context.Context, conn *sql.Conn) (grants, error) {
	rows, err := conn.QueryContext(ctx, "SHOW GRANTS")
	if err != nil {
		return nil, err //nolint:wrapcheck // Visibility wraps it
	}
	defer func() { _ = rows.Close() }()
	var out grants
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err //nolint:wrapcheck // Visibility wraps it
		}
		out = out.add(line)
	}
	return out, rows.Err() //nolint:wrapcheck // Visibility wraps it
}

// add reads one line of SHOW GRANTS; lines about single tables, roles and proxies say nothing here.
func (g grants) add(line string) grants {
	m := grantLine.FindStringSubmatch(line)
	if m == nil {
		return g
	}
	var database *regexp.Regexp
	if m[2] != "*" {
		database = likePattern(strings.ReplaceAll(strings.Trim(m[2], "`"), "``", "`"))
	}
	return append(g, struct {
		privileges []string
		database   *regexp.Regexp
	}{strings.Split(m[1], ", "), database})
}

// likePattern makes a regular expression of the pattern in a grant, in which %
// and _ are wildcards unless a backslash stands before them.
func likePattern(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	escape := false
	for _, r := range pattern {
		switch {
		case r == '\\' && !escape:
			escape = true
			continue
		case r == '%' && !escape:
			b.WriteString(".*")
		case r == '_' && !escape:
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
		escape = false
	}
	b.WriteString("$")
	return regexp.MustCompile(b.String())
}

// any reports whether one of the privileges is held on the whole database.
func (g grants) any(database string, privileges []string) bool {
	for _, grant := range g {
		if grant.database != nil && !grant.database.MatchString(database) {
			continue
		}
		for _, have := range grant.privileges {
			if have == "ALL" || have == "ALL PRIVILEGES" || slices.Contains(privileges, have) {
				return true
			}
		}
	}
	return false
}
