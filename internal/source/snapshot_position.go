package source

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// position completes what the snapshot reported itself.
func (db *DB) position(ctx context.Context, conn *sql.Conn, at binlogAt, method string) Position {
	p := Position{File: at.file, Offset: at.offset, Method: method}
	if p.File != "" && db.info.Product == MariaDB {
		p.GTID = gtidAt(ctx, conn, db.info, p)
	}
	return p
}

// gtidAt is the GTID of a place in MariaDB's binlog; empty where it does not tell.
// BINLOG_GTID_POS reads the file from its begin on, up to a gigabyte of it. A server
// that nobody writes to has a shorter answer: the GTID of the binlog's end, where
// that is the place before and after it was asked for.
func gtidAt(ctx context.Context, conn *sql.Conn, info Info, p Position) string {
	atEnd := func() bool {
		var now Position
		state, err := binlogState(ctx, conn, info)
		readState(&now, state)
		return err == nil && now.File == p.File && now.Offset == p.Offset
	}
	if atEnd() {
		now := gtidNow(ctx, conn)
		if now != "" && atEnd() {
			return now
		}
	}
	var gtid sql.NullString
	if err := conn.QueryRowContext(ctx, "SELECT BINLOG_GTID_POS(?, ?)", p.File, p.Offset).Scan(&gtid); err != nil {
		return ""
	}
	return sortedGTID(gtid.String)
}

// gtidNow is the GTID of the end of MariaDB's binlog; empty where it does not tell.
func gtidNow(ctx context.Context, conn *sql.Conn) string {
	var gtid sql.NullString
	if err := conn.QueryRowContext(ctx, "SELECT @@gtid_binlog_pos").Scan(&gtid); err != nil {
		return ""
	}
	return sortedGTID(gtid.String)
}

// sortedGTID lists the domains in one order, whoever was asked.
func sortedGTID(gtid string) string {
	parts := strings.Split(gtid, ",")
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// applied replaces a position in the binlog of a server whose binlog does not
// have just what can be seen, such as a replica that keeps none of those that it applies:
// it would stand still while the rows change. What the replica has applied is
// known exactly only under a lock; otherwise the position stays empty.
func (db *DB) applied(ctx context.Context, conn *sql.Conn, p Position) Position {
	p.File, p.Offset, p.GTID = "", 0, ""
	if p.Method == MethodSingle {
		return p
	}
	position := "@@gtid_slave_pos"
	if db.info.Product == MySQL {
		position = "@@GLOBAL.gtid_executed" // empty without GTIDs
	}
	var gtid sql.NullString
	if err := conn.QueryRowContext(ctx, "SELECT "+position).Scan(&gtid); err == nil {
		p.GTID = strings.ReplaceAll(gtid.String, "\n", "") // MySQL breaks long sets into lines
	}
	return p
}

// binlogState returns the server's binlog status by lower-case column name;
// empty without a binlog or without the privilege to ask.
func binlogState(ctx context.Context, conn *sql.Conn, info Info) (map[string]string, error) {
	statement := "SHOW MASTER STATUS"
	if info.Product == MySQL && info.version.atLeast(8, 2, 0) {
		statement = "SHOW BINARY LOG STATUS" // 8.4 knows the old name no more
	}
	state, err := oneRow(ctx, conn, statement)
	if isServerError(err, errPrivilege, errAccessDenied) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("position of the binlog: %w", err)
	}
	return state, nil
}

// readState takes File, Position and, on MySQL, Executed_Gtid_Set from the binlog's status.
func readState(p *Position, state map[string]string) {
	if p.File == "" && state["file"] != "" {
		p.File = state["file"]
		p.Offset, _ = strconv.ParseUint(state["position"], 10, 64) // a number on every server
	}
	if set := state["executed_gtid_set"]; set != "" {
		p.GTID = strings.ReplaceAll(set, "\n", "") // MySQL breaks long sets into lines
	}
}

// oneRow returns the first row of a result by lower-case column name; empty without one.
func oneRow(ctx context.Context, conn *sql.Conn, statement string) (map[string]string, error) {
	rows, err := conn.QueryContext(ctx, statement)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it asked for
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it asked for
	}
	out := map[string]string{}
	if rows.Next() {
		values := make([]sql.NullString, len(names))
		targets := make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err //nolint:wrapcheck // the caller says what it asked for
		}
		for i, name := range names {
			out[strings.ToLower(name)] = values[i].String
		}
	}
	return out, rows.Err() //nolint:wrapcheck // the caller says what it asked for
}

// behind reports whether a GTID position lacks transactions of an earlier one.
// Where either is unknown nothing can be said.
func (db *DB) behind(ctx context.Context, conn *sql.Conn, now, earlier string) (bool, error) {
	if now == "" || earlier == "" {
		return false, nil
	}
	if db.info.Product == MySQL {
		var whole bool
		if err := conn.QueryRowContext(ctx, "SELECT GTID_SUBSET(?, ?)", earlier, now).Scan(&whole); err != nil {
			return false, fmt.Errorf("compare GTID sets: %w", Explain(err))
		}
		return !whole, nil
	}
	have, want := domains(now), domains(earlier)
	for domain, sequence := range want {
		if have[domain] < sequence {
			return true, nil
		}
	}
	return false, nil
}

// domains reads MariaDB's "0-1-100,5-2-7": the last sequence number by domain.
func domains(gtid string) map[string]uint64 {
	out := map[string]uint64{}
	for part := range strings.SplitSeq(gtid, ",") {
		domain, rest, _ := strings.Cut(strings.TrimSpace(part), "-")
		_, sequence, _ := strings.Cut(rest, "-")
		out[domain], _ = strconv.ParseUint(sequence, 10, 64) // the server's own text
	}
	return out
}
