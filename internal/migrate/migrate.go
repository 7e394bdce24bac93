// Package migrate puts the features together: it opens both ends, makes the
// plan, and runs a tenant's phases in order. It is the only place that knows
// source, target, convert, copy and verify at once; each of them knows none of
// the others. It decides what may follow what and leaves the how to them.
package migrate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"leap/internal/convert"
	"leap/internal/endpoint"
	"leap/internal/event"
	"leap/internal/plan"
	"leap/internal/report"
	"leap/internal/schema"
	"leap/internal/source"
	"leap/internal/verify"
)

// Config is one move of one database. Zero fields take the features' defaults.
type Config struct {
	// Command is the subcommand, for the report: "migrate run".
	Command string
	Version string
	Source  endpoint.Endpoint
	// Target may be nil for an assessment: the newest CockroachDB is assumed then.
	Target   *endpoint.Endpoint
	Policies convert.Policies
	// Slices restrict tables to the rows of one tenant, by the table's name on
	// the source. A table that is not in it is moved whole: reference data, or a
	// database that belongs to the tenant. A slice of a table or by a column
	// that is not there is refused.
	Slices map[string]*schema.Slice
	// LeaveOut lists the tables that are not moved, by their names on the
	// source, and why.
	LeaveOut map[string]string
	// Changes are what arrives otherwise than it is on the source, by the plan's word.
	Changes plan.Changes
	// MaskKey is the secret of the masks among the changes.
	MaskKey schema.MaskKey
	// Tenancy is what the proofs of a slice need to know of the whole plan; nil
	// when this is no move of a tenant, and there is nothing to prove.
	Tenancy *Tenancy
	// Consent is what a plan accepts to lose; nil when there is no plan, and a
	// person reads the assessment.
	Consent *Consent
	// Domicile says where the rows may lie; nil when nobody said.
	Domicile *Domicile
	// Regions makes the tables REGIONAL BY ROW; nil leaves them as the database is.
	Regions  *Regions
	Snapshot source.SnapshotMode
	// SkipScan leaves out the scan of the source's data for values that cannot
	// arrive; the copy then refuses them where it meets them.
	SkipScan bool
	// Workers is the number of source connections that copy at the same time.
	Workers    int
	ChunkRows  int
	ChunkBytes int
	// Verify says how the two sides are compared.
	Verify VerifyOptions
	// RetryFor is how long a chunk is tried again while the target is away.
	RetryFor time.Duration
	// Ingest says how rows get into the tables; IngestCopy unless set.
	Ingest Ingest
	// ImportAddress is where IngestImport serves rows; empty for the address by
	// which this machine speaks to the target.
	ImportAddress string
	// ImportAbove is how many rows a table must have, by the source's estimate,
	// to be imported and not copied.
	ImportAbove int
	// Indexes says when secondary indexes are built; IndexesAfter unless set.
	Indexes IndexOrder
	// Join says whether the copy shares the work of other processes.
	Join Join
	// Kindness bounds what the source has to bear.
	Kindness Kindness
	Events   event.Sink

	wrap wrapEncoder
}

// DefaultWorkers is how many connections copy at once when nobody says.
const DefaultWorkers = 4

func (c Config) withDefaults() Config {
	if c.Workers <= 0 {
		c.Workers = DefaultWorkers
	}
	if c.Events == nil {
		c.Events = event.Discard
	}
	return c
}

// Phase is one step that a person can ask for.
type Phase string

// The phases, in the order in which a move runs them.
const (
	Assess Phase = "assess"
	Schema Phase = "schema"
	Copy   Phase = "copy"
	Verify Phase = "verify"
)

// Run opens both ends, plans, and runs the phases in order, stopping at the
// first that fails. It returns the report in every case; the error, if any, is
// the reason to stop and is in the report too. A verification that found
// differences is not an error: the report's verdict says so.
func Run(ctx context.Context, cfg Config, phases ...Phase) (*report.Migration, error) {
	cfg, err := cfg.withDefaults().fit()
	s := newSession(cfg, phases)
	if err == nil {
		err = s.run(ctx, phases)
	}
	s.close()
	s.fillReport(err)
	return &s.report, err
}

// run is the move as a list of steps.
func (s *session) run(ctx context.Context, phases []Phase) (err error) {
	if err = s.open(ctx); err != nil {
		return err
	}
	if err = s.refuseOtherOwner(ctx); err != nil {
		return err
	}
	if s.journaled() {
		notes := &journal{s: s}
		s.cfg.Events = event.Tee(notes, s.cfg.Events)
		end := notes.keep(ctx)
		defer func() { end(err) }()
	}
	if err = s.checkDomicile(ctx); err != nil {
		return err
	}
	if err = s.checkRegions(ctx); err != nil {
		return err
	}
	steps := map[Phase]func(context.Context) error{
		Assess: s.assess,
		Schema: s.applySchema,
		Copy:   s.copy,
		Verify: s.verify,
	}
	if err = s.plan(ctx); err != nil {
		return err
	}
	for _, p := range phases {
		if err = s.phase(ctx, p, steps[p]); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

// phase runs one step between its events and notes it in the report.
func (s *session) phase(ctx context.Context, p Phase, step func(context.Context) error) error {
	started := time.Now()
	s.cfg.Events.Emit(event.Event{Kind: event.PhaseStarted, At: started, Phase: string(p)})
	err := step(ctx)
	elapsed := time.Since(started)
	s.cfg.Events.Emit(event.Event{Kind: event.PhaseFinished, At: time.Now(), Phase: string(p), Elapsed: elapsed})
	seconds := elapsed.Seconds()
	entry := report.Phase{Name: string(p), Verdict: s.verdict(ctx, p, err), Started: started.UTC(), Seconds: &seconds}
	if err != nil {
		entry.Error = err.Error()
	}
	s.report.Phases = append(s.report.Phases, entry)
	return err
}

// verdict is a phase's own outcome. An interruption decides nothing.
func (s *session) verdict(ctx context.Context, p Phase, err error) report.Verdict {
	switch {
	case err != nil && ctx.Err() != nil:
		return report.Inconclusive
	case err != nil:
		return report.Fail
	case p == Verify && (len(s.strangers) > 0 || s.schemaDiffers()):
		return report.Fail
	case p == Verify && slices.ContainsFunc(s.verified, func(r verify.TableResult) bool { return verdictOf(r) == report.Fail }):
		return report.Fail
	case p == Verify && slices.ContainsFunc(s.verified, func(r verify.TableResult) bool { return !r.Equal() }):
		return report.Inconclusive
	case p == Verify && s.proofs != nil:
		return s.proofs.Judge()
	}
	return report.Pass
}
