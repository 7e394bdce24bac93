package fleet

import (
	"strings"
	"testing"

	"leap/internal/endpoint"
	"leap/internal/plan"
	"leap/internal/sandbox/sandboxtest"
)

// Ids of bytes are drafted as a plan writes them, and others as they are.
func TestDraftOfStrangeIDs(t *testing.T) {
	server := sandboxtest.Source(t)
	database := sandboxtest.NewDatabase(t, server)
	for column, want := range map[string]string{
		"BINARY(4) DEFAULT (X'0A0B0C00')":                     "0a0b0c00",
		"VARCHAR(20) CHARACTER SET utf8mb4 DEFAULT '007'":     "007",
		"VARCHAR(20) CHARACTER SET utf8mb4 DEFAULT 'a: #\\n'": "a: #\n",
		"VARCHAR(20) CHARACTER SET latin1 DEFAULT 'null'":     "null",
	} {
		kind, value, _ := strings.Cut(column, " DEFAULT ")
		if err := server.Exec(t.Context(), database, "DROP TABLE IF EXISTS tenants; CREATE TABLE tenants (tenant_id "+kind+" PRIMARY KEY, name VARCHAR(9)); INSERT INTO tenants VALUES ("+value+", 'acme')"); err != nil {
			t.Fatal(err)
		}
		e, err := endpoint.Parse(server.URL(database))
		if err != nil {
			t.Fatal(err)
		}
		draft, err := DraftOf(t.Context(), e, "tenant_id")
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Read("plan.yaml", []byte(draft.Write()))
		if err != nil {
			t.Errorf("%s: %v in\n%s", column, err, draft.Write())
			continue
		}
		if len(p.Tenants) != 1 || p.Tenants[0].ID[0] != want {
			t.Errorf("%s: got %+v, want id %q in\n%s", column, p.Tenants[0], want, draft.Write())
		}
	}
}
