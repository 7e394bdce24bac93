package target

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

func TestObjects(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		d := open(t, target, "CREATE TABLE p (id INT8 PRIMARY KEY)", "CREATE TABLE c (id INT8 PRIMARY KEY, v INT8)",
			`CREATE INDEX "I x" ON c (v)`, "ALTER TABLE c ADD CONSTRAINT ck CHECK (v > 0)",
			"ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES p (id) NOT VALID")
		got, err := d.Objects(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := map[Object]bool{{Table: "c", Name: "I x"}: true, {Table: "c", Name: "ck", Constraint: true}: true, {Table: "c", Name: "fk", Constraint: true}: false}
		for o := range got {
			if strings.HasSuffix(o.Name, "pkey") || o.Name == "primary" {
				delete(got, o)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestChanges looks at an index that CockroachDB cannot finish while a
// transaction holds the table as it was before.
func TestChanges(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		d := open(t, target, "CREATE TABLE c (id INT8 PRIMARY KEY, v INT8)", "CREATE TABLE other (id INT8 PRIMARY KEY)")
		if got, err := d.Changes(t.Context(), []string{"c", "other"}); err != nil || len(got) > 0 {
			t.Fatalf("before anything began: %v, %v", got, err)
		}
		if d.StandIn() {
			return
		}
		tx, err := d.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer rollback(t.Context(), tx)
		if _, err = tx.Exec(t.Context(), "SELECT * FROM c"); err != nil {
			t.Fatal(err)
		}
		built := make(chan error, 1)
		go func() { built <- d.Exec(t.Context(), "CREATE INDEX i ON c (v)") }()
		for _, query := range changeQueries {
			for first := true; ; first = false {
				var got []Change
				if got, err = d.changes(t.Context(), query, []string{"c"}); err != nil {
					t.Fatalf("%v\n%s", err, query)
				}
				if len(got) == 1 && strings.HasPrefix(got[0].Statement, "CREATE INDEX i ON") && got[0].Status == "running" {
					break
				}
				if len(got) > 0 || !first && !again(t.Context()) {
					t.Fatalf("%v\n%s", got, query)
				}
			}
		}
		if got, failure := d.Changes(t.Context(), []string{"other"}); failure != nil || len(got) > 0 {
			t.Errorf("of another table: %v, %v", got, failure)
		}
		err = d.Exec(t.Context(), "CREATE INDEX i ON c (v)")
		if err == nil || !InTheWay(err) || !NameTaken(err) {
			t.Errorf("a second one: %v", err)
		}
		if err = tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err = <-built; err != nil {
			t.Error(err)
		}
		if got, err := d.Changes(t.Context(), []string{"c"}); err != nil || len(got) > 0 {
			t.Errorf("afterwards: %v, %v", got, err)
		}
	})
}

// TestChangesOfAnAccountWithoutRights: one that is no admin sees its own jobs.
func TestChangesOfAnAccountWithoutRights(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		d, name := openNamed(t, target, "CREATE TABLE c (id INT8 PRIMARY KEY, v INT8)")
		if d.StandIn() {
			return
		}
		user := "plain_" + randomSuffix()
		for _, s := range []string{"CREATE USER " + user, "GRANT ALL ON DATABASE " + name + " TO " + user, "GRANT ALL ON TABLE c TO " + user} {
			if err := d.Exec(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		e := parse(t, target.URL(name))
		e.User = user
		plain, err := Open(t.Context(), e, 4)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(plain.Close)
		err = pgx.BeginFunc(t.Context(), d.pool, func(tx pgx.Tx) error {
			if _, failure := tx.Exec(t.Context(), "SELECT * FROM c"); failure != nil {
				return failure
			}
			asking, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_ = plain.Exec(asking, "CREATE INDEX i ON c (v)") // interrupted
			if got, failure := plain.Changes(t.Context(), []string{"c"}); failure != nil || len(got) != 1 {
				t.Errorf("got %v, %v", got, failure)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// again waits a moment; false when the test is over.
func again(ctx context.Context) bool {
	timer := time.NewTimer(100 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
