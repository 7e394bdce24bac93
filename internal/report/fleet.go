package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"leap/internal/fault"
	"leap/internal/schema"
)

// FleetSchema is the name and version of a Fleet's JSON form, described by
// docs/reference/migrate-fleet.schema.json.
const FleetSchema = "leap.migrate.fleet/v1"

// Fleet is the report of one run of a plan: several tenants, each with a source,
// a target and an outcome of its own. tenants[].tables[] is where a Migration
// has it.
type Fleet struct {
	// Schema and DurationSeconds are filled by EncodeFleet, Verdict and Reasons by Settle.
	Schema          string    `json:"schema"`
	Verdict         Verdict   `json:"verdict"`
	Reasons         []string  `json:"reasons"`
	Version         string    `json:"version"`
	Command         string    `json:"command"`
	Started         time.Time `json:"started"`
	Finished        time.Time `json:"finished,omitzero"`
	DurationSeconds *float64  `json:"duration_seconds"`
	Plan            PlanFile  `json:"plan"`
	Tenants         []Move    `json:"tenants"`
}

// PlanFile is the plan that a run went by.
type PlanFile struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	// Unused are acceptances that no finding of any tenant needed.
	Unused []string `json:"unused_acceptances"`
}

// Move is one tenant of a Fleet: its part of a Migration, and how it ended.
type Move struct {
	Tenant
	ID      []string `json:"id"`
	Country string   `json:"country,omitempty"`
	// ExitCode is what a run of this tenant alone would have ended with.
	ExitCode        int              `json:"exit_code"`
	Verdict         Verdict          `json:"verdict"`
	Reasons         []string         `json:"reasons"`
	Started         time.Time        `json:"started"`
	Finished        time.Time        `json:"finished,omitzero"`
	DurationSeconds *float64         `json:"duration_seconds"`
	Source          Source           `json:"source"`
	Target          Target           `json:"target"`
	Snapshot        *Snapshot        `json:"snapshot"`
	Phases          []Phase          `json:"phases"`
	Ledger          []Change         `json:"ledger"`
	Assessment      []schema.Finding `json:"assessment"`
	Checked         []string         `json:"checked"`
	Unchecked       []Gap            `json:"unchecked"`
	Error           *Failure         `json:"error"`
}

// MoveOf makes a tenant's entry from the report of its run. Settled or not, m
// is not changed.
func MoveOf(name string, m *Migration) Move {
	c := m.forWriting()
	out := Move{
		Tenant: Tenant{Name: name, Planned: []string{}, Tables: []Table{}}, ID: []string{},
		Verdict: c.Verdict, Reasons: c.Reasons, Started: c.Started, Finished: c.Finished, DurationSeconds: c.DurationSeconds,
		Source: c.Source, Target: c.Target, Snapshot: c.Snapshot, Phases: c.Phases, Ledger: c.Ledger,
		Assessment: c.Assessment, Checked: c.Checked, Unchecked: c.Unchecked, Error: c.Error,
	}
	if len(c.Tenants) > 0 {
		out.Tenant = c.Tenants[0]
		out.Name = name
	}
	return out
}

// Settle judges the whole by its tenants: one that failed makes it fail, one
// that is open leaves it open.
func (f *Fleet) Settle() {
	j := judgement{verdict: Pass}
	if len(f.Tenants) == 0 {
		j.lower(Inconclusive, "no tenant was looked at")
	}
	for _, m := range f.Tenants {
		why := "not everything was checked"
		if len(m.Reasons) > 0 {
			why = m.Reasons[0]
		}
		j.lower(m.Verdict, "tenant "+m.Name+": "+why)
	}
	f.Verdict, f.Reasons = j.verdict, j.reasons
}

// ExitCode is the worst of the tenants' exit codes: the smallest but 0. What
// failed (1) needs another run, a wrong plan (2) a person at the desk, what was
// refused (3) a decision, and what is open (4) another look.
func (f *Fleet) ExitCode() fault.Class {
	worst := fault.Class(0)
	for _, m := range f.Tenants {
		if c := fault.Class(m.ExitCode); c != 0 && (worst == 0 || c < worst) {
			worst = c
		}
	}
	return worst
}

// EncodeFleet is Encode for a Fleet.
func EncodeFleet(w io.Writer, f *Fleet) error {
	c := *f
	c.Schema, c.Command = FleetSchema, hideSecrets(c.Command)
	c.Reasons, c.Started, c.Finished = hideAll(c.Reasons), inUTC(c.Started), inUTC(c.Finished)
	if !c.Finished.IsZero() {
		c.DurationSeconds = new(c.Finished.Sub(c.Started).Seconds())
	}
	c.Tenants, c.Plan.Unused = list(c.Tenants), list(c.Plan.Unused)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(&c); err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	return nil
}

// WriteFleet is WriteFile for a Fleet.
func WriteFleet(path string, f *Fleet) error {
	return writeWhole(path, func(w io.Writer) error { return EncodeFleet(w, f) })
}
