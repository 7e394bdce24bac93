package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"leap/internal/checkpoint"
	"leap/internal/convert"
	"leap/internal/schema"
	"leap/internal/target"
)

// gatherFacts returns what the plan needs to know of the source's data. Once a
// copy was begun, the facts of its beginning hold: the source moves on, and a
// plan that moved with it could not be continued.
func (s *session) gatherFacts(ctx context.Context) (convert.Facts, error) {
	looksFirst := slices.Contains(s.phases, Assess) || slices.Contains(s.phases, Schema)
	kept, begun, err := s.keptFacts(ctx)
	if err != nil {
		return nil, err
	}
	if kept != nil && (begun || !looksFirst) {
		return kept, nil
	}
	if looksFirst && !s.cfg.SkipScan {
		return s.probe(ctx, s.database.Tables)
	}
	// Only what the mapping depends on.
	var some []*schema.Table
	for _, t := range s.database.Tables {
		some = append(some, s.decisive(t))
	}
	return s.probe(ctx, some)
}

// keptFacts returns the facts in the target's checkpoint, nil without any, and
// whether a copy was begun there.
func (s *session) keptFacts(ctx context.Context) (facts convert.Facts, begun bool, err error) {
	if s.target == nil {
		return nil, false, nil
	}
	store := s.target.Store()
	exists, err := checkpoint.Exists(ctx, store)
	if err != nil || !exists {
		return nil, false, err
	}
	text, found, err := checkpoint.LoadFacts(ctx, store, s.database.Name)
	if err != nil || !found {
		return nil, false, err
	}
	if err = json.Unmarshal([]byte(text), &facts); err != nil {
		return nil, false, fmt.Errorf("facts in the checkpoint: %w", err)
	}
	for _, id := range []string{s.database.Name, s.jobID()} {
		_, err = checkpoint.Load(ctx, store, id)
		if !errors.Is(err, checkpoint.ErrNoJob) {
			return facts, err == nil, err
		}
	}
	return facts, false, nil
}

// keepFacts stores the facts for the commands that follow, if may, which is
// asked in the same transaction, returns no error.
func (s *session) keepFacts(ctx context.Context, may func(checkpoint.Store) error) error {
	text, err := json.Marshal(s.facts)
	if err != nil {
		return fmt.Errorf("encode facts: %w", err)
	}
	if err = checkpoint.Ensure(ctx, s.target.Store()); err != nil {
		return err
	}
	capabilities, err := json.Marshal(s.target.Capabilities())
	if err != nil {
		return fmt.Errorf("encode capabilities: %w", err)
	}
	return s.target.Transaction(ctx, transaction(func(store checkpoint.Store) error {
		if err := may(store); err != nil {
			return err
		}
		if err := checkpoint.SaveFacts(ctx, store, s.database.Name, string(text)); err != nil {
			return err
		}
		return checkpoint.SaveFacts(ctx, store, s.capabilitiesID(), string(capabilities))
	}))
}

// capabilitiesID is under which the target's capabilities are kept. No database
// can have this name.
func (s *session) capabilitiesID() string { return s.cfg.Source.Database + "/capabilities" }

// recallCapabilities completes what somebody who only reads found out about the
// target by what the copy found out: the plan depends on it. Without a
// checkpoint, what was found has to do.
func (s *session) recallCapabilities(ctx context.Context) error {
	store := s.target.Store()
	if exists, err := checkpoint.Exists(ctx, store); err != nil || !exists {
		return err
	}
	text, found, err := checkpoint.LoadFacts(ctx, store, s.capabilitiesID())
	if err != nil || !found {
		return err
	}
	var before target.Capabilities
	if err := json.Unmarshal([]byte(text), &before); err != nil {
		return fmt.Errorf("capabilities in the checkpoint: %w", err)
	}
	return s.target.Recall(before)
}

// probe scans tables of the source for values that cannot arrive as they are.
func (s *session) probe(ctx context.Context, tables []*schema.Table) (convert.Facts, error) {
	facts := convert.Facts{}
	for _, t := range tables {
		if len(t.Columns) == 0 {
			continue
		}
		var err error
		if facts[t.Name], err = s.probeTable(ctx, t); err != nil {
			return nil, err
		}
	}
	return facts, nil
}

// probeTable scans the rows of a table that move, unless another tenant's move
// has found out enough.
func (s *session) probeTable(ctx context.Context, t *schema.Table) (map[string]convert.ColumnFacts, error) {
	slice, filter := s.slices[t.Name], s.change(t.Name).Filter
	own := func() (map[string]convert.ColumnFacts, error) { return s.scanFacts(ctx, t, slice, filter) }
	if s.cfg.Tenancy == nil || s.cfg.Tenancy.Scans == nil || filter != "" {
		return own()
	}
	place, err := s.source.Place(ctx)
	if err != nil {
		return nil, err
	}
	if place == "" {
		return own()
	}
	scan := s.cfg.Tenancy.Scans.of(t, place)
	found, known, err := scan.whole(slice, s.whole.Table(t.Name).EstimatedRows, func() (map[string]convert.ColumnFacts, error) {
		return s.scanFacts(ctx, t, nil, "")
	})
	if err != nil || known {
		return found, err
	}
	return own()
}

func (s *session) scanFacts(ctx context.Context, t *schema.Table, slice *schema.Slice, filter string) (map[string]convert.ColumnFacts, error) {
	found, err := s.source.Probe(ctx, t, slice, filter)
	if err != nil {
		return nil, err
	}
	out := map[string]convert.ColumnFacts{}
	for name, f := range found.Columns {
		out[name] = convert.ColumnFacts{
			OutsideDay: f.OutsideDay > 0, ZeroDates: f.ZeroDates + f.PartialDates, ImpossibleDates: f.ImpossibleDates,
			EmptyEnums: f.EmptyEnums, BeyondInt8: f.AboveInt64 > 0, BeyondBool: f.NotBool > 0,
			LossyText: f.LossyText, NULs: f.NULText,
		}
	}
	return out, nil
}

// decisive returns the table with only the columns whose type or nullability
// on the target depends on their values.
func (s *session) decisive(t *schema.Table) *schema.Table {
	some := *t
	some.Columns = nil
	for _, c := range t.Columns {
		switch c.Type.Base {
		case "time":
		case "date", "datetime", "timestamp":
			if s.cfg.Policies.ZeroDate != schema.Null {
				continue
			}
		case "enum":
			if s.cfg.Policies.EmptyEnum != schema.Null {
				continue
			}
		default:
			continue
		}
		some.Columns = append(some.Columns, c)
	}
	return &some
}
