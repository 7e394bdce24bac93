package e2e

import (
	"strings"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// unfinished is a thing that is made after the rows, a row that breaks it, and
// how the target's catalog counts it once it is whole.
type unfinished struct {
	name, step string
	tables     []string
	breaks     string
	whole      string
}

var unfinishedThings = []unfinished{
	{
		name: "index", step: "index child.u_v",
		tables: []string{"CREATE TABLE child (id INT PRIMARY KEY, v INT NOT NULL, UNIQUE KEY u_v (v))"},
		breaks: "INSERT INTO child VALUES (99999, 1)",
		whole:  "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 'u_v' AND i.indisvalid",
	},
	{
		name: "check", step: "check child.ck_v",
		tables: []string{"CREATE TABLE child (id INT PRIMARY KEY, v INT NOT NULL, CONSTRAINT ck_v CHECK (v > 0))"},
		breaks: "INSERT INTO child VALUES (99999, -1)",
		whole:  "SELECT count(*) FROM pg_constraint WHERE conname = 'ck_v' AND convalidated",
	},
	{
		name: "foreign key", step: "foreign key child.fk_id",
		tables: []string{
			"CREATE TABLE parent (id INT PRIMARY KEY)", "INSERT INTO parent SELECT seq FROM seq_1_to_300",
			"CREATE TABLE child (id INT PRIMARY KEY, v INT NOT NULL, CONSTRAINT fk_id FOREIGN KEY (id) REFERENCES parent (id))",
		},
		breaks: "INSERT INTO child VALUES (99999, 1)",
		whole:  "SELECT count(*) FROM pg_constraint WHERE conname = 'fk_id' AND convalidated",
	},
}

// TestUnfinishedIsNotDone interrupts a copy while the target is at work on what
// comes after the rows. CockroachDB goes on with it alone, and takes it away in
// the end when the rows break it: another attempt must not take it for done.
func TestUnfinishedIsNotDone(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		if target.StandIn() {
			t.Skip("PostgreSQL makes them in a transaction: see TestAnotherSessionBuildsTheIndex")
		}
		for _, thing := range unfinishedThings {
			for _, how := range []string{"kill", "cut"} {
				t.Run(thing.name+" "+how, func(t *testing.T) {
					t.Parallel()
					thing.interrupted(t, target, how)
				})
			}
		}
	})
}

func (u unfinished) interrupted(t *testing.T, target *sandbox.Server, how string) {
	t.Helper()
	m := newMove(t, target, append(u.tables, "INSERT INTO child SELECT seq, seq FROM seq_1_to_300")...)
	m.links = newLinks(t, target)
	m.must(t, exitDone, "schema", "--apply")
	p := m.start(t, "copy", "--chunk-rows=50", "--max-rows-per-second=150")
	if !p.awaitCommitted(t, m, 1) {
		t.Fatalf("the copy ended before its rows: %s", p.outcome(t))
	}
	// CockroachDB changes no table while a transaction holds what it was before.
	tx, err := handle(t, target, m.to).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // after the commit it does nothing
	if _, err = tx.ExecContext(t.Context(), u.breaks); err != nil {
		t.Fatal(err)
	}
	if !p.awaitPrinted(t, u.step) {
		t.Fatalf("it was not built: %s", p.outcome(t))
	}
	awaitJob(t, p, m)
	switch how {
	case "kill":
		p.kill()
		<-p.ended
		p = m.start(t, "copy")
	case "cut":
		m.links.cut(t)
	}
	if !p.awaitPrinted(t, "waiting for a schema change that the target has not ended") {
		t.Errorf("it does not wait for the target: %s", p.outcome(t))
	}
	if err = tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if o := p.outcome(t); o.code != exitRefused || !strings.Contains(o.stderr, u.step) {
		t.Errorf("rows that break it are not refused: %s", o)
	}
	m.atTarget(t, "DELETE FROM child WHERE id = 99999")
	m.must(t, exitDone, "copy")
	if n := m.targetValue(t, u.whole); n != "1" {
		t.Errorf("the copy is done and %s of %s are there", n, u.step)
	}
	m.must(t, exitDone, "verify")
}

// awaitJob waits until the target is at work on a change of the table child.
func awaitJob(t *testing.T, p *process, m move) {
	t.Helper()
	query := "SELECT count(*) FROM crdb_internal.jobs WHERE job_type = 'SCHEMA CHANGE' AND status = 'running' AND strpos(description, '" + m.to + ".public.child') > 0"
	if !p.awaitCount(t, m, query, 1) {
		t.Fatalf("the copy ended before it was interrupted: %s", p.outcome(t))
	}
}

// cut breaks all connections, once.
func (l *links) cut(t *testing.T) {
	t.Helper()
	for _, address := range l.servers {
		proxy := l.at(address)
		proxy.Stop()
		if err := proxy.Start(); err != nil {
			t.Fatal(err)
		}
	}
}

// copyWaitsFor runs a copy while the target is at a change of the table child
// that it cannot end, as a session has read it: the copy says so, and is done
// when the change is.
func (m move) copyWaitsFor(t *testing.T, change string) {
	t.Helper()
	db := handle(t, m.target, m.to)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err = tx.ExecContext(t.Context(), "SELECT * FROM child"); err != nil {
		t.Fatal(err)
	}
	changed := make(chan error, 1)
	go func() {
		_, failure := db.ExecContext(t.Context(), change)
		changed <- failure
	}()
	p := m.start(t, "copy")
	if !p.awaitPrinted(t, "waiting for a schema change that the target has not ended") {
		t.Errorf("it does not wait for the target: %s", p.outcome(t))
	}
	if err = tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if o := p.outcome(t); o.code != exitDone {
		t.Errorf("not done: %s", o)
	}
	if err = <-changed; err != nil {
		t.Error(err)
	}
}

// TestUnfinishedIsWaitedFor is the same with rows that break nothing: what an
// interrupted copy began is used, and the copy is done when it is.
func TestUnfinishedIsWaitedFor(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		if target.StandIn() {
			t.Skip("PostgreSQL makes them in a transaction: see TestAnotherSessionBuildsTheIndex")
		}
		t.Parallel()
		m := newMove(t, target, "CREATE TABLE child (id INT PRIMARY KEY, v INT NOT NULL, UNIQUE KEY u_v (v))", "INSERT INTO child VALUES (1, 1)")
		m.must(t, exitDone, "schema", "--apply")
		m.copyWaitsFor(t, "CREATE UNIQUE INDEX u_v ON child (v)")
		if n := m.targetValue(t, unfinishedThings[0].whole); n != "1" {
			t.Errorf("%s indexes are there", n)
		}
	})
}

// TestTakenAwayIsNotThere: a foreign key that a killed upsert was taking away is
// still in the catalog, and made again when it has gone.
func TestTakenAwayIsNotThere(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		if target.StandIn() {
			t.Skip("PostgreSQL takes them away in a transaction")
		}
		t.Parallel()
		m := newMove(t, target, "CREATE TABLE parent (id INT PRIMARY KEY)",
			"CREATE TABLE child (id INT PRIMARY KEY, v INT NOT NULL, CONSTRAINT fk_id FOREIGN KEY (id) REFERENCES parent (id))")
		m.must(t, exitDone, "schema", "--apply")
		m.atTarget(t, "ALTER TABLE child ADD CONSTRAINT fk_id FOREIGN KEY (id) REFERENCES parent (id)")
		m.copyWaitsFor(t, "ALTER TABLE child DROP CONSTRAINT fk_id")
		if n := m.targetValue(t, unfinishedThings[2].whole); n != "1" {
			t.Errorf("%s foreign keys are there", n)
		}
	})
}

// TestAnotherSessionBuildsTheIndex: on PostgreSQL the session of a killed copy
// goes on until it is at the end of its statement.
func TestAnotherSessionBuildsTheIndex(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		if !target.StandIn() {
			t.Skip("CockroachDB makes them in jobs: see TestUnfinishedIsNotDone")
		}
		for _, end := range []string{"commit", "rollback"} {
			t.Run(end, func(t *testing.T) {
				t.Parallel()
				m := newMove(t, target, "CREATE TABLE child (id INT PRIMARY KEY, v INT NOT NULL, UNIQUE KEY u_v (v))")
				m.must(t, exitDone, "schema", "--apply")
				tx, err := handle(t, target, m.to).BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = tx.Rollback() }()
				if _, err = tx.ExecContext(t.Context(), "CREATE UNIQUE INDEX u_v ON child (v)"); err != nil {
					t.Fatal(err)
				}
				p := m.start(t, "copy")
				if !p.awaitCount(t, m, "SELECT count(*) FROM pg_stat_activity WHERE datname = '"+m.to+"' AND wait_event_type = 'Lock'", 1) {
					t.Fatalf("it waits for nobody: %s", p.outcome(t))
				}
				finish := tx.Commit
				if end == "rollback" {
					finish = tx.Rollback
				}
				if err = finish(); err != nil {
					t.Fatal(err)
				}
				if o := p.outcome(t); o.code != exitDone {
					t.Errorf("not done: %s", o)
				}
				if n := m.targetValue(t, unfinishedThings[0].whole); n != "1" {
					t.Errorf("%s indexes are there", n)
				}
			})
		}
	})
}

// TestFinishedCopyLooksAgain takes something away from a finished copy, which an
// older version may never have built, and puts something else in its place.
func TestFinishedCopyLooksAgain(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, objectTables(legacySource(t))...)
		m.must(t, exitDone, "run")
		index := "DROP INDEX ix_kind_amount"
		if !target.StandIn() {
			index = "DROP INDEX child@ix_kind_amount"
		}
		m.atTarget(t, "ALTER TABLE child DROP CONSTRAINT fk_soft", index,
			"ALTER TABLE child ADD CONSTRAINT fk_soft FOREIGN KEY (soft_id) REFERENCES parent (id) NOT VALID")
		for _, command := range []string{"copy", "run"} {
			o := m.must(t, exitRefused, command)
			for _, missing := range []string{"index child.ix_kind_amount", "foreign key child.fk_soft"} {
				if !strings.Contains(o.stderr, missing) {
					t.Errorf("%s does not name %s: %s", command, missing, o)
				}
			}
			if strings.Contains(o.stderr, "fk_hard") || strings.Contains(o.stderr, "nothing to do") {
				t.Errorf("%s says too much: %s", command, o)
			}
		}
		m.atTarget(t, "ALTER TABLE child VALIDATE CONSTRAINT fk_soft", "CREATE INDEX ix_kind_amount ON child (kind, amount)")
		m.must(t, exitDone, "copy")
	})
}

// TestUnvalidatedConstraintIsRefused: one that somebody made without a check of
// the rows is not what the plan wants, and nobody is going to finish it.
func TestUnvalidatedConstraintIsRefused(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, "CREATE TABLE parent (id INT PRIMARY KEY)",
			"CREATE TABLE child (id INT PRIMARY KEY, v INT NOT NULL, CONSTRAINT fk_id FOREIGN KEY (id) REFERENCES parent (id))")
		m.must(t, exitDone, "schema", "--apply")
		m.atTarget(t, "ALTER TABLE child ADD CONSTRAINT fk_id FOREIGN KEY (id) REFERENCES parent (id) NOT VALID")
		if o := m.must(t, exitRefused, "copy"); !strings.Contains(o.stderr, "VALIDATE CONSTRAINT") {
			t.Errorf("not refused as it should be: %s", o)
		}
		m.atTarget(t, "ALTER TABLE child VALIDATE CONSTRAINT fk_id")
		m.must(t, exitDone, "copy")
		if n := m.targetValue(t, unfinishedThings[2].whole); n != "1" {
			t.Errorf("%s foreign keys are there", n)
		}
	})
}
