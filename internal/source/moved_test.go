package source

import "testing"

// The place is the same while nobody writes, and another after every write.
func TestPlace(t *testing.T) {
	db, server := open(t, "CREATE TABLE t (id INT PRIMARY KEY)")
	place := func() string {
		t.Helper()
		p, err := db.Place(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := place()
	if before == "" || place() != before {
		t.Fatalf("the source stands still, at %q and then at %q", before, place())
	}
	if err := server.Exec(t.Context(), db.Info().Database, "INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if place() == before {
		t.Errorf("a row was written, and the source is still at %q", before)
	}
}
