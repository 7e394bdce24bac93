// Package report owns what a run leaves behind: the record of what was moved
// and compared, the verdict that follows from that record and from nothing
// else, its JSON form and its summary for a terminal. It measures nothing and
// compares no rows; the features hand their results over.
package report

import (
	"errors"
	"time"

	"leap/internal/fault"
	"leap/internal/schema"
)

// MigrationSchema is the name and version of the migrate report's JSON form,
// described by docs/reference/migrate-report.schema.json. A field may be added
// within a version; one that is renamed, removed or changes its meaning makes
// a new version.
const MigrationSchema = "leap.migrate.report/v1"

// Migration is the report of one run of the migrate command.
//
// A number that was not measured is nil and appears as null, never as 0: an
// auditor must be able to tell "no rows" from "nobody counted".
type Migration struct {
	// Schema is filled by Encode.
	Schema string `json:"schema"`
	// Verdict and Reasons are filled by Settle. Reasons say what keeps the
	// verdict from being pass; empty exactly when it is.
	Verdict Verdict  `json:"verdict"`
	Reasons []string `json:"reasons"`
	// Version is the tool's, Command the subcommand: "migrate run".
	Version  string    `json:"version"`
	Command  string    `json:"command"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	// DurationSeconds is filled by Encode from Started and Finished.
	DurationSeconds *float64         `json:"duration_seconds"`
	Source          Source           `json:"source"`
	Target          Target           `json:"target"`
	Snapshot        *Snapshot        `json:"snapshot"`
	Phases          []Phase          `json:"phases"`
	Tenants         []Tenant         `json:"tenants"`
	Ledger          []Change         `json:"ledger"`
	Assessment      []schema.Finding `json:"assessment"`
	// Checked names what was compared ("rows", "indexes"); Unchecked what
	// should have been and was not. Anything in Unchecked forbids pass, so
	// what was never promised belongs in Assessment instead.
	Checked   []string `json:"checked"`
	Unchecked []Gap    `json:"unchecked"`
	Error     *Failure `json:"error"`
}

// Source is where the rows came from.
type Source struct {
	// URL is the address; Encode hides a password that is still in it.
	URL      string `json:"url"`
	Product  string `json:"product,omitempty"` // "mariadb" or "mysql"; empty when never connected
	Version  string `json:"version,omitempty"`
	Database string `json:"database"`
	// Position ties the snapshot to the source's binlog; nil when there was none.
	Position *Position `json:"position"`
	// Positions lists all of them when chunks were read at several, as after a resume.
	Positions []Position `json:"positions,omitempty"`
}

// Position is a place in the source's history.
type Position struct {
	File   string `json:"file,omitempty"`
	Offset *int64 `json:"offset"`
	GTID   string `json:"gtid,omitempty"`
	// Method says how it was tied to the snapshot.
	Method  string    `json:"method"`
	TakenAt time.Time `json:"taken_at"`
}

// The target products that a report can name.
const (
	CockroachDB = "cockroachdb"
	PostgreSQL  = "postgresql"
)

// Target is where the rows went.
type Target struct {
	// URL is the address; Encode hides a password that is still in it.
	URL      string `json:"url"`
	Product  string `json:"product,omitempty"` // CockroachDB or PostgreSQL; empty when never connected
	Version  string `json:"version,omitempty"`
	Database string `json:"database"`
	// StandIn says that the product stood in for CockroachDB: what the report
	// shows is then no proof for CockroachDB.
	StandIn bool `json:"stand_in"`
	// Moment is the moment of the target that was compared, Repaired the one
	// that was compared after repairs; nil when nothing was.
	Moment   *Moment `json:"moment,omitempty"`
	Repaired *Moment `json:"repaired,omitempty"`
}

// Moment is a moment of the target that all of its connections see.
type Moment struct {
	// Method says how it was fixed: "as-of-system-time" or "exported-snapshot".
	Method    string    `json:"method"`
	Timestamp string    `json:"timestamp"`
	TakenAt   time.Time `json:"taken_at"`
}

// Snapshot says how the source was read.
type Snapshot struct {
	Mode string `json:"mode"`
	// Consistent says that all rows come from one instant of the source.
	Consistent bool   `json:"consistent"`
	Note       string `json:"note,omitempty"`
}

// Phase is one step of the run. A phase that began and never ended keeps an
// empty Verdict, which Settle makes inconclusive.
type Phase struct {
	Name    string    `json:"name"`
	Verdict Verdict   `json:"verdict"`
	Started time.Time `json:"started"`
	Seconds *float64  `json:"seconds"`
	Error   string    `json:"error,omitempty"`
}

// Tenant is one customer's part of the run.
type Tenant struct {
	Name string `json:"name"`
	// Planned lists the target names of all tables that the plan asks for,
	// taken from the plan and not from the results: without it a table that
	// was forgotten on the way would not be missed.
	Planned []string `json:"planned"`
	// LeftOut lists planned tables that were not to be looked at, by their
	// target names; they are not in Planned, and nothing is said of them.
	LeftOut []string `json:"left_out,omitempty"`
	Tables  []Table  `json:"tables"`
	// Proofs are those of a tenant's slice; nil when this is no tenant of a plan,
	// or nothing was compared.
	Proofs *Proofs `json:"proofs,omitempty"`
	// Accepted lists the losses that the plan accepts, as they were found.
	Accepted []Acceptance `json:"accepted,omitempty"`
	// Domicile says whether the target is where the tenant may lie; nil when
	// the plan says nothing of that.
	Domicile *Domicile `json:"domicile,omitempty"`
}

// Acceptance is a loss that the plan accepts.
type Acceptance struct {
	// ID is the finding's: rule:object.
	ID      string `json:"id"`
	Problem string `json:"problem"`
	// By is the id that the plan accepts, which may be a pattern.
	By     string `json:"accepted_as"`
	Reason string `json:"reason"`
	Who    string `json:"who,omitempty"`
	// Values counts the values that were changed or left behind, or the rows that
	// were filtered away; nil where the loss is none of values.
	Values *int64 `json:"values"`
}

// Domicile is the comparison of the target's regions with what is allowed.
type Domicile struct {
	Country string          `json:"country"`
	Allowed []string        `json:"allowed_regions"`
	Regions []string        `json:"regions"` // that the target's nodes are in
	Method  string          `json:"method,omitempty"`
	Verdict DomicileVerdict `json:"verdict"`
}

// DomicileVerdict is the outcome of the comparison.
type DomicileVerdict string

// The outcomes.
const (
	DomicileHeld      DomicileVerdict = "held"      // all nodes are in allowed regions
	DomicileBroken    DomicileVerdict = "broken"    // a node is elsewhere
	DomicileUnknown   DomicileVerdict = "unknown"   // the target cannot tell
	DomicileUnchecked DomicileVerdict = "unchecked" // the plan wants no comparison
)

// Table is what became of one table.
type Table struct {
	Name       string `json:"name"` // on the target
	SourceName string `json:"source_name"`
	// SourceRows and TargetRows are counted by the verification.
	SourceRows *int64 `json:"source_rows"`
	TargetRows *int64 `json:"target_rows"`
	// FilteredRows counts the rows that a filter of the plan left behind, which
	// are not in SourceRows; nil without a filter, or when nobody counted.
	FilteredRows *int64 `json:"filtered_rows,omitempty"`
	// CopiedRows counts what this run copied. CommittedRows, Chunks and Bytes
	// are what the checkpoint records, the runs included that this one continued.
	CopiedRows    *int64   `json:"copied_rows"`
	CommittedRows *int64   `json:"committed_rows"`
	Chunks        *int64   `json:"chunks"`
	Bytes         *int64   `json:"bytes"`
	CopySeconds   *float64 `json:"copy_seconds"`
	VerifySeconds *float64 `json:"verify_seconds"`
	// Verdict is the verification's word, empty when it never looked. Settle
	// lowers it where the numbers do not bear it out and never raises it.
	Verdict  Verdict   `json:"verdict"`
	Digest   *Digest   `json:"digest"`
	Findings []Finding `json:"findings"`
	// Drift lists how the target table differs from the plan: a missing column,
	// another type. Any entry makes the table fail.
	Drift []string `json:"drift,omitempty"`
	// Schema lists the same, and what is harmless, with what was expected, what
	// was found and what to do.
	Schema []schema.Difference `json:"schema_differences,omitempty"`
	// FindingsTotal counts all differences; Findings lists only the first of them.
	FindingsTotal *int64 `json:"findings_total"`
	// Moving counts rows besides that were still changing when they were looked
	// at last: whether they differ is not known. Settled counts those that
	// differed at first and were equal later.
	Moving  int64 `json:"moving_rows,omitempty"`
	Settled int64 `json:"settled_rows,omitempty"`
	// Tier says who computed the digests, TierReason why.
	Tier       string `json:"tier,omitempty"`
	TierReason string `json:"tier_reason,omitempty"`
	// Reread counts the parts of which the servers' digests differed although
	// all rows, read and compared here, are equal.
	Reread int64 `json:"reread_parts,omitempty"`
	// ResumedRows counts rows that an earlier run compared at the same moments.
	ResumedRows int64 `json:"resumed_rows,omitempty"`
	// Repairs lists what was made equal; everything above was measured
	// afterwards. RepairError says why that did not succeed.
	Repairs     []Repair `json:"repairs,omitempty"`
	RepairError string   `json:"repair_error,omitempty"`
}

// Repair is a part of a table that was made equal in one transaction.
type Repair struct {
	Part    string    `json:"part"`
	Put     int64     `json:"put_rows"`
	Deleted int64     `json:"deleted_rows"`
	At      time.Time `json:"at"`
}

// Digest is the checksum of a whole table as both ends computed it.
type Digest struct {
	Source string `json:"source"`
	Target string `json:"target"`
	Method string `json:"method"`
}

// FindingKind says how a row differs.
type FindingKind string

// The kinds of differences, seen from the target.
const (
	Missing FindingKind = "missing" // the source has the row, the target has not
	Extra   FindingKind = "extra"   // the target has the row, the source has not
	Changed FindingKind = "changed" // both have it, with different values
)

// Finding is one row that differs.
type Finding struct {
	Key  Key         `json:"key"`
	Kind FindingKind `json:"kind"`
	// Columns are the columns that differ in a changed row.
	Columns []ColumnDiff `json:"columns"`
	// Moving says that the row was still changing: it may be on its way.
	Moving bool `json:"moving,omitempty"`
	// Count is how many such rows there are, where it is more than one: in a
	// table without a key.
	Count int64 `json:"count,omitempty"`
}

// ColumnDiff is one column of a changed row. Values that were masked are left out.
type ColumnDiff struct {
	Name   string `json:"name"`
	Source Value  `json:"source,omitzero"`
	Target Value  `json:"target,omitzero"`
}

// Change is an entry of the lossiness ledger: values that a policy of the plan
// altered on the way.
type Change struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	// Policy is what applied ("zero_date"), Action what it did ("null").
	Policy string        `json:"policy"`
	Action schema.Action `json:"action"`
	Count  int64         `json:"count"`
	// Examples are the keys of some of the rows.
	Examples []Key `json:"examples"`
}

// Gap is something that should have been checked and was not.
type Gap struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Failure is the error that ended the run.
type Failure struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Class   string `json:"class"` // "failed", "usage", "refused" or "inconclusive"
}

// classInconclusive is the Failure.Class that leaves the verdict open.
const classInconclusive = "inconclusive"

// FailureOf returns err as a report tells it; nil for nil.
func FailureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	f := &Failure{Message: err.Error(), Hint: fault.HintOf(err), Class: "failed"}
	switch fault.ClassOf(err) {
	case fault.Usage:
		f.Class = "usage"
	case fault.Refused:
		f.Class = "refused"
	case fault.Inconclusive:
		f.Class = classInconclusive
	case fault.Failed:
	}
	return f
}

// errNoPath is returned for a report without a file name.
var errNoPath = errors.New("write report: no file name")
