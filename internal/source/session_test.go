package source

import (
	"context"
	"database/sql"
	"testing"

	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// TestLimitsOfTheServerDoNotReachUs: what an administrator sets for everybody
// would end results early, and nothing would say so.
func TestLimitsOfTheServerDoNotReachUs(t *testing.T) {
	server := sandboxtest.Source(t)
	globals := map[string]string{"sql_select_limit": "3", "max_sort_length": "64"}
	versioned := ""
	if server.Kind() == sandbox.MariaDB {
		globals["system_versioning_asof"] = "'2022-01-01'"
		versioned = " WITH SYSTEM VERSIONING"
	}
	for name, value := range globals {
		execute(t, server, "", "SET GLOBAL "+name+" = "+value)
		t.Cleanup(func() {
			if err := server.Exec(context.WithoutCancel(t.Context()), "", "SET GLOBAL "+name+" = DEFAULT"); err != nil {
				t.Error(err)
			}
		})
	}
	db, _ := open(t, "CREATE TABLE t (id INT PRIMARY KEY)"+versioned+"; SET sql_select_limit = 1000; INSERT INTO t SELECT seq FROM seq_1_to_10")
	m := &schema.Mapping{SourceName: "t", Name: "t", Columns: []schema.ColumnMapping{keyColumn("id", schema.Int, "int")}, Key: []int{0}, KeyIndex: "PRIMARY"}
	onConnection(t, db, func(conn *sql.Conn) error {
		for name, read := range map[string]reading{"Read": Read, "Scan": Scan} {
			rows := 0
			if err := read(t.Context(), conn, m, row.Range{}, func(row.Row) error { rows++; return nil }); err != nil || rows != 10 {
				t.Errorf("%s: %d rows of 10, %v", name, rows, err)
			}
		}
		return nil
	})
}

// TestIgnoredIndexes: a query that names one is an error.
func TestIgnoredIndexes(t *testing.T) {
	ignored := "INVISIBLE"
	if sandboxtest.Source(t).Kind() == sandbox.MariaDB {
		ignored = "IGNORED"
	}
	db, _ := open(t, "CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, UNIQUE u1 (a, b), UNIQUE u2 (a) "+ignored+")")
	found, err := db.Introspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range found.Tables[0].Indexes {
		if i.Ignored != (i.Name == "u2") {
			t.Errorf("index %s: ignored is %t", i.Name, i.Ignored)
		}
	}
	if got := indexOn(found.Tables[0], []string{"a"}); got != "u1" {
		t.Errorf("the rows of an a are found by %q", got)
	}
}
