package source

import (
	"testing"

	"leap/internal/sandbox/sandboxtest"
)

// TestGeneratedKeyIsSeen: a server that hides the primary keys that it makes by
// itself shows them to us.
func TestGeneratedKeyIsSeen(t *testing.T) {
	server := sandboxtest.Source(t)
	sandboxtest.MySQLOnly(t, server, "MariaDB makes no keys")
	const hide = "SET GLOBAL show_gipk_in_create_table_and_information_schema = "
	execute(t, server, "", hide+"OFF")
	defer execute(t, server, "", hide+"ON")
	db, _ := open(t, "SET sql_generate_invisible_primary_key = ON; CREATE TABLE t (a INT)")
	table := introspect(t, db).Table("t")
	if table.PrimaryKey == nil || len(table.Columns) != 2 || !table.Columns[0].Invisible {
		t.Errorf("%+v", table)
	}
}
