package source

import (
	"fmt"
	"testing"
	"time"
)

// A connection that is closed counts on the server for a moment longer: the next
// one waits for it, and nobody who keeps to the account's limit is refused.
func TestClosedConnectionIsWaitedFor(t *testing.T) {
	db, server := open(t, "CREATE TABLE t (id INT PRIMARY KEY)")
	execute(t, server, db.info.Database, "DROP USER IF EXISTS one@'%'; CREATE USER one@'%' IDENTIFIED BY 'one' WITH MAX_USER_CONNECTIONS 1; "+
		"GRANT SELECT ON "+quote(db.info.Database)+".* TO one@'%'")
	limited := openAs(t, fmt.Sprintf("mysql://one:one@127.0.0.1:%d/%s?tls=false", server.Port, db.info.Database))
	first, err := limited.conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = limited.pool.Conn(t.Context()); !isServerError(err, errUserConns, errUserResource) {
		t.Fatalf("the server's limit: %v", err)
	}
	time.AfterFunc(100*time.Millisecond, func() { drop(first) })
	second, err := limited.conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	drop(second)
}
