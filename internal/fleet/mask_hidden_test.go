package fleet

import (
	"context"
	"strings"
	"testing"

	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// The ledger, and what a copy that is interrupted notes in the target to go on
// from, show no key that is masked.
func TestMaskedKeysAreNotKept(t *testing.T) {
	t.Setenv(maskKeyVariable, maskSecret)
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		s := setUp(t)
		const born = "ALTER TABLE ibans ADD born DATE; SET sql_mode = ''; UPDATE ibans SET born = '0000-00-00'; "
		if err := s.source.Exec(t.Context(), s.from, people+born+"INSERT INTO ibans (iban, tenant_id, holder, pin, secret) VALUES ('DE89 smile', 1, '😀', 'x', '')"); err != nil {
			t.Fatal(err)
		}
		cfg, database := s.oneTenant(t, target, "policies: {zero-date: \"null\"}", masks, "  - {id: \"zero-date-*\", reason: a rehearsal}")
		cfg.Base.ChunkRows = 20
		if m := runOne(t, cfg, all...); m.ExitCode != int(fault.Refused) || !strings.Contains(m.Error.Message, "U+1F600") {
			t.Fatalf("exit code %d: %+v", m.ExitCode, m.Error)
		}
		notShown(t, target, database)
		if err := s.source.Exec(t.Context(), s.from, "DELETE FROM ibans WHERE iban LIKE '%smile'"); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		cfg.Base.Events = onEvent(func(e event.Event) {
			if e.Kind == event.RowsMoved && e.Table == "ibans" {
				stop()
			}
		})
		if f, err := Run(ctx, cfg, migrate.Copy); err != nil || f.Tenants[0].ExitCode != int(fault.Inconclusive) {
			t.Fatalf("not interrupted: %v", err)
		}
		cfg.Base.Events = nil
		m := runOne(t, cfg, all...)
		if m.Verdict != report.Pass || m.ExitCode != 0 {
			t.Fatalf("%s, exit code %d: %q %+v", m.Verdict, m.ExitCode, m.Reasons, m.Error)
		}
		hides(t, m)
		notShown(t, target, database)
	})
}

// notShown looks for originals in all that the target keeps of the copy.
func notShown(t *testing.T, target *sandbox.Server, database string) {
	t.Helper()
	db, err := target.DB(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, query := range []string{
		"SELECT max(coalesce(after_key, '') || coalesce(up_to_key, '') || changes) FROM _migrate.chunk WHERE coalesce(after_key, '') || coalesce(up_to_key, '') || changes LIKE ",
		"SELECT max(coalesce(after_key, '') || coalesce(up_to_key, '')) FROM _migrate.segment WHERE coalesce(after_key, '') || coalesce(up_to_key, '') LIKE ",
		"SELECT max(error) FROM _migrate.journal WHERE error LIKE ", "SELECT max(facts) FROM _migrate.facts WHERE facts LIKE ",
	} {
		for _, secret := range []string{"%370400440532%", "%DE89%"} {
			var found *string
			if err := db.QueryRowContext(t.Context(), query+"'"+secret+"'").Scan(&found); err != nil || found != nil {
				t.Errorf("%s%s: %v %s", query, secret, err, *found)
			}
		}
	}
}
