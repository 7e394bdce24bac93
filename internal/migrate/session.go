package migrate

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/convert"
	"leap/internal/copy"
	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/report"
	"leap/internal/row"
	"leap/internal/schema"
	"leap/internal/source"
	"leap/internal/target"
	"leap/internal/verify"
)

// session is what the phases of one run share.
type session struct {
	cfg    Config
	phases []Phase

	source   *source.DB
	target   *target.DB // nil for an assessment without a target
	database *schema.Database
	facts    convert.Facts
	lease    checkpoint.Lease // while the copy phase runs
	// repairing are the leases on both jobs, while a verification may repair.
	repairing []checkpoint.Lease
	// quiet: another process leads the copy, and notes where it stands.
	quiet atomic.Bool
	// leading is the owner of the lease by which this process notes that; nil
	// outside the copy.
	leading atomic.Pointer[string]
	planned *convert.Plan
	slices  map[string]*schema.Slice // by source table, as the source resolved them
	whole   *schema.Database         // with the tables that are left out
	keeper  *source.Keeper           // one view for copy and verify of the same run, if it lasts
	// seen guards position: the copy's workers ask for views at the same time.
	seen     sync.Mutex
	position source.Position      // of the newest view; zero before the first
	marked   source.Identities    // of the tables, before the snapshot
	blind    bool                 // it was told what a look at them does not show
	pace     *pace                // while there is a snapshot
	sample   map[string]row.Range // what the self-test looks at; nil for everything

	told sync.Map // names of the statements that were told

	copied   []copy.TableResult
	verified []verify.TableResult
	proofs   *report.Proofs // of a tenant's slice; nil before they are computed
	shown    *target.View   // while the target is compared
	moment   target.Moment  // that was compared
	repaired target.Moment  // that was compared after repairs
	leftOut  []string       // tables that nobody wanted to be compared
	// strangers are tables that only the target has.
	strangers []string
	left      map[string]source.Left // what stays behind by the plan's word, by source table
	domicile  *report.Domicile       // what became of the comparison of regions
	// differing is what the target's tables are, other than promised, by target name.
	differing map[string]target.Differences
	report    report.Migration
}

func newSession(cfg Config, phases []Phase) *session {
	return &session{cfg: cfg, phases: phases, report: report.Migration{
		Version: cfg.Version, Command: cfg.Command, Started: time.Now().UTC(),
	}}
}

// open connects to both ends.
func (s *session) open(ctx context.Context) error {
	var err error
	if s.source, err = source.Open(ctx, s.cfg.Source); err != nil {
		return err
	}
	if n := s.cfg.Kindness.Connections; n > 0 {
		s.source.LimitConnections(n)
	}
	if s.cfg.Target == nil {
		return nil
	}
	if slices.Equal(s.phases, []Phase{Verify}) && !s.cfg.Verify.Repair {
		s.target, err = openReader(ctx, s.cfg)
		if err == nil {
			err = s.recallCapabilities(ctx)
		}
	} else {
		s.target, err = openTarget(ctx, s.cfg)
	}
	if err != nil {
		return err
	}
	if s.target.StandIn() {
		s.step("target is PostgreSQL %s, standing in for CockroachDB: good for a rehearsal, no proof", s.target.Info().Version)
	}
	return nil
}

func openTarget(ctx context.Context, cfg Config) (*target.DB, error) {
	return target.Open(ctx, *cfg.Target, cfg.Workers+verifyConnections)
}

// openReader is openTarget for somebody who only compares: it writes nothing.
func openReader(ctx context.Context, cfg Config) (*target.DB, error) {
	return target.OpenReader(ctx, *cfg.Target, cfg.Workers+verifyConnections)
}

// verifyConnections is what the verifier may hold besides the copier's.
const verifyConnections = 6

func (s *session) close() {
	if s.pace != nil {
		s.pace.close()
	}
	if s.keeper != nil {
		_ = s.keeper.Close() // read-only transactions: nothing can be lost
	}
	if s.target != nil {
		s.target.Close()
	}
	if s.source != nil {
		_ = s.source.Close() // nothing was written
	}
}

// plan reads the source's schema, looks at its data as far as the phases need
// it, and makes the plan for this target.
func (s *session) plan(ctx context.Context) error {
	var err error
	if s.database, err = s.source.Introspect(ctx); err != nil {
		return err
	}
	if len(s.database.Tables) == 0 {
		return fault.New(fault.Refused, "check the database in the source URL, and that the user may read its tables (GRANT SELECT)",
			"the source database %q has no table that this user can see", s.cfg.Source.Database)
	}
	if err = s.source.CheckPrivileges(ctx, tableNames(s.database)); err != nil {
		return err
	}
	noted, err := s.takeSlices(ctx)
	if err != nil {
		return err
	}
	changed, err := s.takeChanges()
	if err != nil {
		return err
	}
	if s.facts, err = s.gatherFacts(ctx); err != nil {
		return err
	}
	if s.planned, err = convert.Build(s.database, s.dialect(), s.cfg.Policies, s.facts); err != nil {
		return err
	}
	invisible, err := s.source.Visibility(ctx)
	if err != nil {
		return err
	}
	s.planned.Findings = append(s.planned.Findings, invisible...)
	s.planned.Findings = slices.Concat(s.planned.Findings, noted, changed)
	for _, m := range s.mappings() {
		m.Slice = s.slices[m.SourceName]
		m.Filter = s.change(m.SourceName).Filter
		if err = s.setMasks(m); err != nil {
			return err
		}
	}
	return nil
}

// dialect translates what the target can do into what the plan may use.
func (s *session) dialect() convert.Dialect {
	caps := target.Newest()
	if s.target != nil {
		caps = s.target.Capabilities()
	}
	d := convert.Dialect{
		Cockroach: caps.Cockroach, MaxIdentifierBytes: caps.MaxIdentifierBytes, OnUpdate: caps.OnUpdate,
		ExpressionIndexes: caps.ExpressionIndexes, NULInText: caps.NULInText,
		ComputedStored: "AS (%s) STORED", Schema: target.Schema, Regions: s.regions(),
	}
	if caps.GeneratedAlways {
		d.ComputedStored = "GENERATED ALWAYS AS (%s) STORED"
	}
	return d
}

func tableNames(d *schema.Database) []string {
	names := make([]string, len(d.Tables))
	for i, t := range d.Tables {
		names[i] = t.Name
	}
	return names
}

// mappings returns the planned tables' mappings in plan order.
func (s *session) mappings() []*schema.Mapping {
	out := make([]*schema.Mapping, len(s.planned.Tables))
	for i, t := range s.planned.Tables {
		out[i] = &t.Mapping
	}
	return out
}

// refuseBlockers stops a phase that would write while something blocks the move.
func (s *session) refuseBlockers() error {
	blockers := s.planned.Blockers()
	if len(blockers) == 0 {
		return s.refuseLosses()
	}
	first := blockers[0]
	text := fmt.Sprintf("%s: %s", first.Object, first.Problem)
	if more := len(blockers) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more: see migrate assess)", more)
	}
	return fault.New(fault.Refused, first.Advice, "%s", text)
}

// step tells the user one line.
func (s *session) step(format string, args ...any) {
	s.cfg.Events.Emit(event.Event{Kind: event.Step, At: time.Now(), Message: fmt.Sprintf(format, args...)})
}
