package report

import (
	"time"

	"leap/internal/schema"
)

// equalTable returns a table that was compared and found equal.
func equalTable(name string, rows int64) Table {
	return Table{
		Name: name, SourceName: name, SourceRows: new(rows), TargetRows: new(rows),
		Verdict: Pass, Digest: &Digest{Source: "a1b2", Target: "a1b2", Method: "sha256-sum"},
		FindingsTotal: new(int64(0)),
	}
}

// passing returns the smallest report that passes; tests spoil one thing of it.
func passing() *Migration {
	start := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	return &Migration{
		Version: "1.2.3", Command: "migrate run", Started: start, Finished: start.Add(200 * time.Second),
		Source: Source{
			URL: "mysql://app@db1:3306/bank", Product: "mariadb", Version: "10.11.6", Database: "bank",
			Position: &Position{File: "bin.000003", Offset: new(int64(4711)), Method: "ftwrl", TakenAt: start},
		},
		Target: Target{
			URL: "postgresql://app@crdb1:26257/bank", Product: CockroachDB, Version: "v24.3.1", Database: "bank",
		},
		Snapshot: &Snapshot{Mode: "auto", Consistent: true},
		Phases: []Phase{
			{Name: "copy", Verdict: Pass, Started: start, Seconds: new(120.5)},
			{Name: "verify", Verdict: Pass, Started: start.Add(121 * time.Second), Seconds: new(79.0)},
		},
		Tenants: []Tenant{{
			Name: "default", Planned: []string{"accounts", "transactions"},
			Tables: []Table{equalTable("accounts", 50_000), equalTable("transactions", 1_234_567)},
		}},
		Checked: []string{"rows"},
	}
}

// sound returns proofs that hold.
func sound() *Proofs {
	check := func(object string) Check { return Check{Object: object, Rows: new(int64(70)), Wrong: new(int64(0))} }
	shared := check("accounts")
	shared.Parts = []Part{{"acme", 50}, {"other tenants", 18}, {"closed in 2019", 2}}
	shared.Note = "by customers.tenant_id"
	return &Proofs{
		Complete: Proof{Checks: []Check{shared}},
		Closed:   Proof{Checks: []Check{check("accounts (customer_id) -> customers (id)")}},
		Clean:    Proof{Checks: []Check{check("accounts")}},
	}
}

// everything returns a report in which every field of the JSON form appears.
func everything() *Migration {
	m := passing()
	zone := time.FixedZone("CET", 3600)
	m.Started = m.Started.In(zone)
	m.Source.Position.GTID = "0-1-77"
	m.Source.Positions = []Position{*m.Source.Position, {Method: "ftwrl", TakenAt: m.Started.In(zone)}}
	m.Target.Product, m.Target.Version, m.Target.StandIn = PostgreSQL, "15.18", true
	m.Target.Moment = &Moment{Method: "exported-snapshot", Timestamp: "00000003-1", TakenAt: m.Started.In(zone)}
	m.Target.Repaired = &Moment{Method: "as-of-system-time", Timestamp: "1795404924550018217.0", TakenAt: m.Started.In(zone)}
	m.Tenants[0].LeftOut = []string{"archive"}
	m.Tenants[0].Proofs = sound()
	orphans := &m.Tenants[0].Proofs.Complete
	orphans.Why = "a table could not be counted"
	orphans.Checks[0].Wrong = new(int64(1))
	orphans.Checks[0].Findings = []ProofFinding{{Key: Key{Columns: []KeyColumn{{"id", "17"}}}, Problem: "belongs to no tenant of the plan"}}
	m.Tenants[0].Accepted = []Acceptance{{
		ID: "zero-date-changed:accounts.closed", Problem: "values will be changed", By: "zero-date-changed:*",
		Reason: "agreed", Who: "kim", Values: new(int64(7)),
	}}
	m.Tenants[0].Domicile = &Domicile{Country: "DE", Allowed: []string{"eu-*"}, Regions: []string{"eu-1"}, Method: "gossip", Verdict: DomicileHeld}
	m.Snapshot.Note = "read lock held for 12 ms"
	m.Phases = append(m.Phases, Phase{Name: "indexes", Verdict: Fail, Started: m.Started, Error: "connection lost"})

	t := &m.Tenants[0].Tables[0]
	t.CopiedRows, t.CommittedRows, t.Chunks, t.Bytes = new(int64(50_000)), new(int64(50_000)), new(int64(5)), new(int64(9_000_000))
	t.CopySeconds, t.VerifySeconds = new(12.25), new(0.04)
	t.TargetRows, t.FindingsTotal = new(int64(49_999)), new(int64(3))
	t.Digest.Target = "ffff"
	t.Drift = []string{`column "iban" is text, planned is varchar(34)`}
	t.Moving, t.Settled, t.Reread, t.ResumedRows = 2, 4, 1, 20_000
	t.FilteredRows = new(int64(700))
	t.Tier, t.TierReason = "pushdown", "asked for"
	t.Repairs = []Repair{{Part: "(start, (7)]", Put: 3, Deleted: 1, At: m.Started.In(zone)}}
	t.RepairError = "rows of entries refer to it"
	t.Schema = []schema.Difference{
		{Kind: schema.IsChanged, Object: `column "iban"`, Expected: "varchar(34)", Found: "text", Advice: "copy again"},
		{Kind: schema.IsExtra, Object: `index "more"`, Expected: "nothing", Found: `INDEX ("iban")`, Advice: "nothing to do", Harmless: true},
	}
	t.Findings = []Finding{
		{Key: Key{Columns: []KeyColumn{{"id", "9"}}}, Kind: Missing},
		{Key: Key{Text: "row 12 of a table without a key"}, Kind: Extra, Moving: true, Count: 2},
		{
			Key: Key{Columns: []KeyColumn{{"id", "7"}, {"day", "2024-02-29"}}}, Kind: Changed,
			Columns: []ColumnDiff{
				{Name: "balance", Source: TextValue("10.00"), Target: TextValue("10.01")},
				{Name: "closed", Source: NullValue(), Target: TextValue("")},
				{Name: "iban"},
			},
		},
	}
	m.Ledger = []Change{{
		Table: "accounts", Column: "opened", Policy: "zero_date", Action: schema.Null, Count: 1200,
		Examples: []Key{{Columns: []KeyColumn{{"id", "3"}}}},
	}}
	m.Assessment = []schema.Finding{{
		Rule: "trigger-dropped", Severity: schema.Warning, Object: "trigger audit_ins",
		Problem: "does not exist on the target", Advice: "move it into the application",
	}}
	m.Unchecked = []Gap{{What: "sequences", Why: "not asked for"}}
	m.Error = &Failure{Message: "connection lost", Hint: "run the command again", Class: "failed"}
	return m
}

// neverConnected returns the report of a run that ended before it began.
func neverConnected() *Migration {
	m := passing()
	return &Migration{
		Version: m.Version, Command: "migrate copy", Started: m.Started,
		Source: Source{URL: "mysql://app@nowhere:3306/bank", Database: "bank"},
		Target: Target{URL: "postgresql://app@nowhere:26257/bank", Database: "bank"},
		Error:  &Failure{Message: "dial tcp: no such host", Class: "failed"},
	}
}
