package source

import (
	"testing"
	"time"
)

func TestThreadsRunning(t *testing.T) {
	db, _ := open(t, "")
	g := db.NewGauge()
	defer g.Close()
	quiet, err := g.ThreadsRunning(t.Context())
	if err != nil || quiet < 1 {
		t.Fatalf("%d threads, %v", quiet, err)
	}
	const busy = 5
	done := make(chan error, busy)
	for range busy {
		go func() {
			_, err := db.pool.ExecContext(t.Context(), "DO SLEEP(3)")
			done <- err
		}()
	}
	most := 0
	for range 20 {
		n, err := g.ThreadsRunning(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if most = max(most, n); most > busy {
			break
		}
		<-time.After(100 * time.Millisecond)
	}
	if most <= busy {
		t.Errorf("with %d sleeping sessions at most %d threads run", busy, most)
	}
	for range busy {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestGaugeConnectsAgain(t *testing.T) {
	db, server := open(t, "")
	g := db.NewGauge()
	defer g.Close()
	if _, err := g.ThreadsRunning(t.Context()); err != nil {
		t.Fatal(err)
	}
	var id string
	if err := g.conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	if err := server.Exec(t.Context(), "", "KILL CONNECTION "+id); err != nil {
		t.Fatal(err)
	}
	if _, err := g.ThreadsRunning(t.Context()); err == nil {
		t.Error("no error on a killed connection")
	}
	if _, err := g.ThreadsRunning(t.Context()); err != nil {
		t.Errorf("after a killed connection: %v", err)
	}
}

func TestLagNeedsAPrivilege(t *testing.T) {
	db, server := open(t, "CREATE TABLE a (x INT)")
	g := db.NewGauge()
	defer g.Close()
	lag, err := g.Lag(t.Context())
	if err != nil || lag != (Lag{}) {
		t.Errorf("a server that replicates from nobody: %+v, %v", lag, err)
	}
	few := openAs(t, account(t, server, db.Info().Database, "GRANT SELECT ON %DB%.a TO %A%")).NewGauge()
	defer few.Close()
	if _, err := few.Lag(t.Context()); !IsPrivilege(err) {
		t.Errorf("without the privilege: %v", err)
	}
	if _, err := few.ThreadsRunning(t.Context()); err != nil {
		t.Errorf("running threads need no privilege: %v", err)
	}
}

// TestLagOfAReplica uses a channel of its own, which the shared server does
// not start, and then one that fails to connect.
func TestLagOfAReplica(t *testing.T) {
	db, server := open(t, "")
	channel := "CHANGE MASTER 'leap_gauge' TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='nobody'"
	reset := "RESET SLAVE 'leap_gauge' ALL"
	if db.Info().Product == MySQL {
		channel = "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=1, SOURCE_USER='nobody' FOR CHANNEL 'leap_gauge'"
		reset = "RESET REPLICA ALL FOR CHANNEL 'leap_gauge'"
	}
	if err := server.Exec(t.Context(), "", channel); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Exec(t.Context(), "", reset); err != nil {
			t.Error(err)
		}
	}()
	g := db.NewGauge()
	defer g.Close()
	lag, err := g.Lag(t.Context())
	if err != nil || !lag.Replica || !lag.Stopped {
		t.Errorf("a replica that does not run: %+v, %v", lag, err)
	}
}

func TestReplicaStatementByVersion(t *testing.T) {
	for text, want := range map[string]string{
		"10.11.6-MariaDB": "SHOW ALL SLAVES STATUS", "5.7.44": "SHOW SLAVE STATUS",
		"8.0.21": "SHOW SLAVE STATUS", "8.0.22": "SHOW REPLICA STATUS", "8.4.0": "SHOW REPLICA STATUS",
	} {
		if got := replicaStatement(readInfo(map[string]string{"version": text})); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
