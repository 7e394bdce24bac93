package source

import (
	"slices"
	"testing"
	"time"

	"leap/internal/sandbox/sandboxtest"
)

// TestReplacedTables: what changes the rows that a name stands for, and what the
// server does not refuse under a snapshot.
func TestReplacedTables(t *testing.T) {
	const tables = `CREATE TABLE a (id INT PRIMARY KEY, v INT); CREATE TABLE _a_gho (id INT PRIMARY KEY, v INT);
		CREATE TABLE p (id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20));
		CREATE TABLE x (id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20));
		CREATE TABLE still (id INT PRIMARY KEY, v INT); CREATE TABLE ` + "`größe-1`" + ` (id INT PRIMARY KEY)`
	for name, grant := range map[string]string{"numbers": "GRANT PROCESS ON *.* TO %A%", "times": ""} {
		t.Run(name, func(t *testing.T) {
			server := sandboxtest.Source(t)
			database := sandboxtest.NewDatabase(t, server)
			execute(t, server, database, tables)
			<-nextSecond()
			execute(t, server, database, "CREATE TABLE _late (id INT PRIMARY KEY, v INT); CREATE TABLE other (id INT PRIMARY KEY)")
			grants := []string{"GRANT SELECT ON %DB%.* TO %A%"}
			if grant != "" {
				grants = append(grants, grant)
			}
			db := openAs(t, account(t, server, database, grants...))
			snapshot, err := db.Snapshot(t.Context(), SnapshotOptions{Connections: 1})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = snapshot.Close() })
			look := func(through *Snapshot) Identities {
				t.Helper()
				ids, err := db.Identities(t.Context(), through)
				if err != nil {
					t.Fatal(err)
				}
				return ids
			}
			before := look(nil)
			all := []string{"a", "p", "still", "größe-1", "x"}
			if got := before.Replaced(look(nil), all); len(got) > 0 {
				t.Errorf("nothing was done, and %q are others", got)
			}
			<-nextSecond() // so that what is made now is made at another time
			execute(t, server, database, `INSERT INTO still VALUES (1, 1); UPDATE still SET v = 2; ANALYZE TABLE still;
				RENAME TABLE a TO _a_del, _late TO a; ALTER TABLE p DROP PARTITION p0;
				ALTER TABLE x EXCHANGE PARTITION p0 WITH TABLE other; CREATE TABLE made (id INT)`)
			want, blind := []string{"a", "p", "x"}, ""
			if name == "times" {
				want, blind = want[:2], "a partition that is exchanged"
			}
			if got := before.Replaced(look(nil), all); !slices.Equal(got, want) || before.Blind != blind {
				t.Errorf("%q are others, want %q; what goes unnoticed: %q", got, want, before.Blind)
			}
			now := look(snapshot)
			if db.Info().Product == MySQL && name == "times" {
				want, blind = nil, "a table that is replaced by another one"
			}
			if got := before.Replaced(now, all); !slices.Equal(got, want) || now.Blind != blind {
				t.Errorf("through the snapshot %q are others, want %q; what goes unnoticed: %q", got, want, now.Blind)
			}
		})
	}
}

// nextSecond waits for the clock to show another second.
func nextSecond() <-chan time.Time {
	return time.After(time.Until(time.Now().Truncate(time.Second).Add(1050 * time.Millisecond)))
}
