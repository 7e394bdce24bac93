package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"leap/internal/fault"
	"leap/internal/row"
	"leap/internal/schema"
	"leap/internal/verify"
)

// VerifyOptions say how the two sides are compared. Zero fields take the default.
type VerifyOptions struct {
	// Tier says who computes the digests.
	Tier verify.Tier
	// RangeRows is the number of rows per digest.
	RangeRows int
	// MaxFindings is how many findings are listed per table; all are counted.
	MaxFindings int
	// ShowValues puts the values that differ into the report.
	ShowValues bool
	// Settle is how long differing rows are looked at again while somebody
	// writes: by default DefaultSettle when the source is seen to move,
	// below 0 never, else always.
	Settle time.Duration
	// Repair makes the target equal where it differs.
	Repair bool
	// Tables restricts the comparison to these tables of the source; nil for all.
	Tables []string
	// StateFile keeps how far the comparison came, so that it can be continued.
	StateFile string
}

// DefaultSettle is how long differing rows may be on their way when nobody
// says: far above the lag of a replication that keeps up.
const DefaultSettle = 10 * time.Second

// never, as VerifyOptions.Settle, takes the first look for the last.
const never = time.Duration(-1)

// verify compares the planned tables, after a copy of the same run in the very
// view that was copied.
func (s *session) verify(ctx context.Context) error {
	mappings, err := s.chosen()
	if err != nil {
		return err
	}
	if s.cfg.Verify.Repair {
		if err = s.refuseUnseen(mappings); err != nil {
			return err
		}
		release, failure := s.holdForRepair(ctx)
		if failure != nil {
			return failure
		}
		defer release()
	}
	if err = s.takeSnapshot(ctx); err != nil {
		return err
	}
	if err = s.compareRows(ctx, mappings); err != nil {
		return err
	}
	for _, r := range s.verified {
		if r.Tier != "" {
			s.step("%s: %s tier, by %s (%s)", r.Table, r.Tier, r.Method, r.Why)
		}
	}
	if err = s.compareSchema(ctx, mappings); err != nil {
		return err
	}
	if s.cfg.Verify.Tables == nil {
		if err = s.findStrangers(ctx); err != nil {
			return err
		}
	}
	if err = s.countLeft(ctx); err != nil {
		return err
	}
	if err = s.prove(ctx); err != nil {
		return err
	}
	return s.refuseReplaced(ctx)
}

// compareRows compares the rows of tables in the session's snapshot and in one
// moment of the target.
func (s *session) compareRows(ctx context.Context, mappings []*schema.Mapping) error {
	snapshot, err := s.view(ctx)
	if err != nil {
		return err
	}
	progress, err := s.openState(ctx)
	if err != nil {
		return err
	}
	if s.shown == nil {
		if s.shown, err = s.target.View(ctx); err != nil {
			return err
		}
	}
	s.moment = s.shown.Moment()
	defer func() {
		s.shown.Close(ctx)
		s.shown = nil
	}()
	options := s.cfg.Verify
	cfg := verify.Config{
		Workers: max(1, s.cfg.Workers/2), RangeRows: options.RangeRows, MaxFindings: options.MaxFindings, Events: s.cfg.Events,
		Tier: options.Tier, ShowValues: options.ShowValues, Settle: s.settle(), Progress: progress,
	}
	if options.Repair {
		cfg.Repair = repairer{s}
	}
	s.verified, err = verify.Run(ctx, s.reader(snapshot), s.shown, mappings, cfg)
	open := slices.ContainsFunc(s.verified, func(r verify.TableResult) bool { return r.Unchecked != "" })
	if err == nil && (!open || options.Repair) {
		progress.forget()
	}
	if stateErr := progress.close(); err == nil {
		err = stateErr
	}
	return err
}

// chosen returns the mappings of the tables that are to be compared.
func (s *session) chosen() ([]*schema.Mapping, error) {
	if s.cfg.Verify.Tables == nil {
		return s.mappings(), nil
	}
	wanted := map[string]bool{}
	for _, name := range s.cfg.Verify.Tables {
		wanted[name] = true
	}
	var out []*schema.Mapping
	for _, m := range s.mappings() {
		if wanted[m.SourceName] {
			out = append(out, m)
		} else {
			s.leftOut = append(s.leftOut, m.Name)
		}
		delete(wanted, m.SourceName)
	}
	if len(wanted) > 0 {
		return nil, fault.New(fault.Usage, "name tables as the source does; migrate assess lists them",
			"the source has no table %s", strings.Join(slices.Sorted(maps.Keys(wanted)), ", "))
	}
	return out, nil
}

// settle says how the comparison treats rows on their way.
func (s *session) settle() verify.Settle {
	out := verify.Settle{For: s.cfg.Verify.Settle, Again: s.again}
	asked := out.For > 0
	if out.For == 0 {
		out.For = DefaultSettle
	}
	// A look again takes a connection to the source besides the snapshot's and
	// the one that watches the source.
	if n := s.cfg.Kindness.Connections; n > 0 && n <= s.position.Connections+1 {
		out.For = 0
	}
	out.Active = func(ctx context.Context) (bool, error) {
		if asked {
			return true, nil
		}
		return s.source.Moved(ctx, s.position)
	}
	return out
}

// again opens a new view of both sides.
func (s *session) again(ctx context.Context) (verify.Ends, error) {
	snapshot, err := s.source.Snapshot(ctx, sourceOptions(1, s.cfg.Snapshot))
	if err != nil {
		return verify.Ends{}, err
	}
	view, err := s.target.View(ctx)
	if err != nil {
		_ = snapshot.Close() // read only
		return verify.Ends{}, err
	}
	src := pacedReader{reader{snapshot, s.sample}, s.pace.throttle}
	return verify.Ends{Source: src, Target: view, Done: func() {
		view.Close(ctx)
		_ = snapshot.Close() // read only
	}}, nil
}

// findStrangers lists the tables that only the target has. They are a
// difference: a leftover of another attempt, or the wrong database.
func (s *session) findStrangers(ctx context.Context) error {
	tables, err := s.target.Tables(ctx)
	if err != nil {
		return err
	}
	for _, m := range s.mappings() {
		delete(tables, m.Name)
	}
	s.strangers = slices.Sorted(maps.Keys(tables))
	return nil
}

// The digests of a server are paced like rows that are read: a paused copy
// asks for none, and a limit of rows holds for those that a server reads too.

func (p pacedReader) ScanPart(ctx context.Context, m *schema.Mapping, part row.Part, fn func(row.Row) error) error {
	return p.pace(ctx, fn, func(fn func(row.Row) error) error { return p.reader.ScanPart(ctx, m, part, fn) })
}

func (p pacedReader) Sums(ctx context.Context, m *schema.Mapping, part row.Part) (map[string]row.Digest, error) {
	lane, err := p.throttle.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer lane.Leave()
	out, err := p.reader.Sums(ctx, m, part)
	for _, d := range out {
		for range d.Rows {
			if restErr := lane.Row(ctx); restErr != nil {
				return nil, restErr
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("on the source: %w", err)
	}
	return out, nil
}
