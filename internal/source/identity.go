package source

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// Identities tells the tables of a database apart from others that have had
// their names.
type Identities struct {
	// Blind says what goes unnoticed; empty for nothing.
	Blind    string
	byTable  map[string]string
	numbered bool // by InnoDB's numbers
}

// Identities finds out which tables have which names now. An account with
// PROCESS learns the numbers by which InnoDB knows tables and partitions; others
// go by when they were made, to the second.
//
// The rows of a snapshot are those of its moment, but a table is looked up by
// name when it is first read: after a RENAME it may be another one, and after
// an ALTER TABLE .. DROP or EXCHANGE PARTITION it may have other rows. The
// server refuses to read tables that were made or rebuilt after the snapshot,
// and not these. What is the same before the snapshot and after the reading was
// the same in between: a table that is being read cannot be altered.
//
// It asks on the connection of a snapshot where that has the only one.
func (db *DB) Identities(ctx context.Context, through *Snapshot) (ids Identities, err error) {
	ask := func(conn *sql.Conn) error {
		ids, err = db.identities(ctx, conn)
		return err
	}
	if through != nil {
		err = through.ask(ctx, ask)
	} else {
		err = db.onConn(ctx, ask)
	}
	if err != nil {
		return ids, fmt.Errorf("identities of the tables of %s: %w", db.info.Database, Explain(err))
	}
	if through != nil && db.info.Product == MySQL && !ids.numbered {
		ids.Blind = "a table that is replaced by another one" // a snapshot of MySQL shows the catalog of its moment
	}
	return ids, nil
}

// Replaced lists which of the tables are not what they were.
func (ids Identities) Replaced(now Identities, tables []string) []string {
	var out []string
	for _, t := range tables {
		if ids.byTable[t] != now.byTable[t] {
			out = append(out, t)
		}
	}
	return out
}

func (db *DB) onConn(ctx context.Context, fn func(*sql.Conn) error) error {
	conn, err := db.conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return fn(conn)
}

func (db *DB) identities(ctx context.Context, conn *sql.Conn) (Identities, error) {
	out := Identities{byTable: map[string]string{}}
	numbers, err := db.innoNumbers(ctx, conn)
	if err != nil {
		return out, err
	}
	out.numbered = len(numbers) > 0
	err = eachRow(ctx, conn, `SELECT TABLE_NAME AS name, '' AS part, CREATE_TIME AS made FROM information_schema.TABLES
			WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
		UNION ALL SELECT TABLE_NAME, CONCAT_WS('/', PARTITION_NAME, SUBPARTITION_NAME), CREATE_TIME FROM information_schema.PARTITIONS
			WHERE TABLE_SCHEMA = DATABASE() AND PARTITION_NAME IS NOT NULL
		ORDER BY 1, 2`, func(row map[string]sql.NullString) error {
		table, part, made := row["name"].String, row["part"].String, row["made"].String
		if numbers[table] != "" {
			out.byTable[table] = numbers[table]
			return nil
		}
		out.byTable[table] += part + "=" + made + " "
		if part != "" {
			out.Blind = "a partition that is exchanged"
		}
		return nil
	})
	return out, err
}

// innoNumbers are InnoDB's numbers of tables and partitions with plain names,
// by table; none for an account that may not see them.
func (db *DB) innoNumbers(ctx context.Context, conn *sql.Conn) (map[string]string, error) {
	if !plainName(db.info.Database) {
		return nil, nil
	}
	catalog := "INNODB_TABLES"
	if db.info.Product == MariaDB || !db.info.version.atLeast(8, 0, 3) {
		catalog = "INNODB_SYS_TABLES"
	}
	out := map[string]string{}
	err := eachRow(ctx, conn, "SELECT SUBSTRING_INDEX(NAME, '/', -1) AS name, TABLE_ID AS number FROM information_schema."+catalog+
		" WHERE SUBSTRING_INDEX(NAME, '/', 1) = DATABASE() ORDER BY 1", func(row map[string]sql.NullString) error {
		name := row["name"].String
		if table, _, _ := strings.Cut(name, "#"); plainName(table) {
			out[table] += name + "=" + row["number"].String + " "
		}
		return nil
	})
	if isServerError(err, errPrivilege, errAccessDenied) {
		return nil, nil
	}
	return out, err
}

// plainName reports whether InnoDB spells a name as everybody does.
func plainName(name string) bool {
	return name != "" && !slices.ContainsFunc([]byte(name), func(c byte) bool {
		return c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}
