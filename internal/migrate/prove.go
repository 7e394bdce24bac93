package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"leap/internal/report"
	"leap/internal/row"
	"leap/internal/schema"
	"leap/internal/source"
	"leap/internal/target"
	"leap/internal/verify"
)

// prove computes the proofs of a tenant's slice, in the snapshot that was
// verified and in one moment of the target. What cannot be computed leaves a
// proof open; only an interruption is an error.
func (s *session) prove(ctx context.Context) error {
	if s.cfg.Tenancy == nil {
		return nil
	}
	s.proofs = &report.Proofs{}
	for _, p := range []struct {
		proof *report.Proof
		run   func(context.Context, *report.Proof) error
	}{
		{&s.proofs.Complete, s.proveComplete},
		{&s.proofs.Closed, s.proveClosed},
		{&s.proofs.Clean, s.proveClean},
	} {
		var err error
		if s.cfg.Verify.Tables != nil {
			p.proof.Why = "only some of the tables were compared"
		} else {
			err = p.run(ctx, p.proof)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			p.proof.Why = err.Error()
		}
	}
	return nil
}

// proveComplete counts the shared tables of the source by tenant.
func (s *session) proveComplete(ctx context.Context, p *report.Proof) error {
	for _, m := range s.mappings() {
		if m.Slice == nil {
			continue
		}
		check, err := s.census(ctx, m)
		if err != nil {
			check.Note, check.Rows = err.Error(), nil // what was counted proves nothing
		}
		p.Checks = append(p.Checks, check)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if len(p.Checks) == 0 {
		p.Checks = append(p.Checks, s.wholly(s.database.Name, "no table is shared: all rows of the database are this tenant's"))
	}
	return nil
}

// wholly is the check of what is moved whole: that it is, the verification says.
func (s *session) wholly(object, note string) report.Check {
	rows, wrong := int64(0), int64(0)
	for _, v := range s.verified {
		rows += v.Source.Rows
	}
	return report.Check{Object: object, Rows: &rows, Wrong: &wrong, Note: note}
}

// census is the check of one shared table.
func (s *session) census(ctx context.Context, m *schema.Mapping) (report.Check, error) {
	check := report.Check{Object: m.SourceName}
	all, own, err := s.sharers(m)
	if err != nil {
		return check, err
	}
	rest, parts, nowhere := s.cfg.Tenancy.Rest[m.SourceName], all, ""
	var reasons []string
	for _, r := range rest {
		if r.Slice == nil {
			nowhere = r.Reason
			continue
		}
		slice, failure := source.Check(s.whole, m.SourceName, r.Slice)
		if failure != nil {
			return check, failure
		}
		parts, reasons = append(parts, slice), append(reasons, r.Reason)
	}
	var c source.Census
	err = s.paced(ctx, func(v *source.Snapshot) (err error) {
		sharing := source.Sharing{Parts: parts, Nowhere: nowhere != ""}
		c, err = s.cfg.Tenancy.Censuses.of(m.SourceName, sharing, v.Position(), func() (source.Census, error) {
			return v.Census(ctx, m, sharing)
		})
		return err
	})
	if err != nil {
		return check, err
	}
	others, wrong := int64(0), c.Nobody+c.Several
	for i := range all {
		if i != own {
			others += c.Owned[i]
		}
	}
	check.Parts = []report.Part{{Name: s.tenantName(), Rows: c.Owned[own]}, {Name: "other tenants", Rows: others}}
	if reason := s.change(m.SourceName).FilterReason; reason != "" {
		filtered := s.left[m.SourceName].Filtered
		check.Parts[0].Rows -= filtered
		check.Parts = append(check.Parts, report.Part{Name: "filtered: " + reason, Rows: filtered})
	}
	for i, reason := range reasons {
		check.Parts = append(check.Parts, report.Part{Name: "left: " + reason, Rows: c.Owned[len(all)+i]})
	}
	if nowhere != "" {
		check.Parts = append(check.Parts, report.Part{Name: "left: " + nowhere, Rows: c.Nowhere})
	} else {
		wrong += c.Nowhere
	}
	check.Rows, check.Wrong = &c.Rows, &wrong
	for _, stray := range c.Strays {
		check.Findings = append(check.Findings, report.ProofFinding{Key: reportKey(m, coveredKey(m, stray.Key)), Problem: strayProblem(stray, parts)})
	}
	return check, s.compareCensus(m, c.Owned[own])
}

// sharers are the slices of all tenants of a shared table, and which of them is
// this tenant's.
func (s *session) sharers(m *schema.Mapping) (all []*schema.Slice, own int, err error) {
	own = -1
	for _, slice := range s.cfg.Tenancy.All[m.SourceName] {
		checked, err := source.Check(s.whole, m.SourceName, slice)
		if err != nil {
			return nil, 0, err
		}
		// By the values: two tenants with the same ones share all rows, which the
		// census tells.
		if slices.Equal(checked.Values, m.Slice.Values) {
			own = len(all)
		}
		all = append(all, checked)
	}
	if own < 0 {
		return nil, 0, fmt.Errorf("the slice of %s that was moved is not among those of all tenants", m.SourceName)
	}
	return all, own, nil
}

// compareCensus compares two independent counts of the slice in one snapshot.
func (s *session) compareCensus(m *schema.Mapping, counted int64) error {
	for _, v := range s.verified {
		filtered := s.left[m.SourceName].Filtered
		if v.Table == m.SourceName && v.Compared && v.Source.Rows+filtered != counted {
			return fmt.Errorf("%s: %d rows were counted as this tenant's, %d compared and %d filtered away: the source's rows changed between, or a value is read in two ways",
				m.SourceName, counted, v.Source.Rows, filtered)
		}
	}
	return nil
}

func strayProblem(stray source.Stray, parts []*schema.Slice) string {
	switch {
	case len(stray.Owners) > 1:
		names := make([]string, len(stray.Owners))
		for i, at := range stray.Owners {
			names[i] = parts[at].Tenant
		}
		return "belongs to more than one tenant: " + strings.Join(names, ", ")
	case stray.Nowhere:
		return "belongs to no tenant: its path ends in a NULL or at a row that is not there"
	}
	return "belongs to no tenant of the plan: its tenant column has another value"
}

// proveClosed follows every foreign key of the moved rows.
func (s *session) proveClosed(ctx context.Context, p *report.Proof) error {
	for _, m := range s.mappings() {
		for _, key := range s.references(m) {
			if !moves(m, key) {
				continue
			}
			check := report.Check{Object: fmt.Sprintf("%s (%s) -> %s (%s)", m.SourceName, strings.Join(key.Columns, ", "),
				key.Table, strings.Join(key.Parent, ", "))}
			if err := s.followKey(ctx, m, key, &check); err != nil {
				check.Note = err.Error()
			}
			p.Checks = append(p.Checks, check)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
	}
	if len(p.Checks) == 0 {
		p.Checks = append(p.Checks, s.wholly(s.database.Name, "neither the source nor the plan knows a foreign key"))
	}
	return nil
}

// moves reports whether all columns of a foreign key are moved; the target does
// not refer by another.
func moves(m *schema.Mapping, key schema.Hop) bool {
	return !slices.ContainsFunc(key.Columns, func(c string) bool { return m.Source.Column(c) == nil })
}

// references are the foreign keys of a table that the source declares or the plan knows.
func (s *session) references(m *schema.Mapping) []schema.Hop {
	var out []schema.Hop
	add := func(h schema.Hop) {
		if !slices.ContainsFunc(out, func(o schema.Hop) bool { return sameHop(o, h) }) {
			out = append(out, h)
		}
	}
	for _, fk := range m.Source.ForeignKeys {
		table := s.exactName(fk.RefTable)
		if fk.RefSchema != "" && fk.RefSchema != s.database.Name {
			table = fk.RefSchema + "." + fk.RefTable // followKey does not find it
		}
		add(schema.Hop{Columns: fk.Columns, Table: table, Parent: fk.RefColumns})
	}
	for _, h := range s.cfg.Tenancy.References[m.SourceName] {
		add(h)
	}
	return out
}

// exactName is a table's name as the source lists it: foreign keys may name it
// in another case where the file system ignores that.
func (s *session) exactName(name string) string {
	for _, t := range s.whole.Tables {
		if t.Name == name {
			return name
		}
	}
	for _, t := range s.whole.Tables {
		if strings.EqualFold(t.Name, name) {
			return t.Name
		}
	}
	return name
}

func sameHop(a, b schema.Hop) bool {
	return a.Table == b.Table && slices.Equal(a.Columns, b.Columns) && slices.Equal(a.Parent, b.Parent)
}

// followKey checks one foreign key.
func (s *session) followKey(ctx context.Context, m *schema.Mapping, key schema.Hop, check *report.Check) error {
	to := s.planned.Table(key.Table)
	if reason, out := s.cfg.LeaveOut[key.Table]; out {
		check.Note = "the plan does not move " + key.Table + ": " + reason
	} else if to == nil {
		return fmt.Errorf("the plan knows no table %s in this database, so its rows are left behind", key.Table)
	}
	var parent *schema.Mapping
	if to != nil {
		parent = &to.Mapping
		if leadsThere(m.Slice, key, parent.Slice) {
			check.Note = "a row belongs to the tenant by this foreign key"
		}
	}
	var found source.Broken
	err := s.paced(ctx, func(v *source.Snapshot) (err error) {
		found, err = v.References(ctx, m, key, parent)
		return err
	})
	if err != nil {
		return err
	}
	check.Rows, check.Wrong = &found.Rows, &found.Wrong
	for _, k := range found.Keys {
		check.Findings = append(check.Findings, report.ProofFinding{
			Key: reportKey(m, coveredKey(m, k)), Problem: "refers to a row of " + key.Table + " that is not there, or not this tenant's",
		})
	}
	return nil
}

// coveredKey is the key of a row of the source as the target has it: a report of
// a rehearsal shows no masked value.
func coveredKey(m *schema.Mapping, key row.Key) row.Key {
	expect := verify.Expect(m.KeyColumns())
	if expect == nil {
		return key
	}
	cells := make(row.Row, len(key))
	for i, text := range key {
		cells[i] = []byte(text)
	}
	out := make(row.Key, len(key))
	covered, err := expect.Row(cells)
	for i := range out {
		if out[i] = "[masked]"; err == nil {
			out[i] = string(covered[i])
		}
	}
	return out
}

// leadsThere reports whether a table belongs to the tenant by this foreign key,
// and so cannot refer to a row that is left behind.
func leadsThere(s *schema.Slice, key schema.Hop, to *schema.Slice) bool {
	return s != nil && to != nil && len(s.Path) > 0 && sameHop(s.Path[0], key) && s.Column == to.Column &&
		slices.EqualFunc(s.Path[1:], to.Path, sameHop) && slices.Equal(s.Values, to.Values)
}

// proveClean asks the target whose rows it holds.
func (s *session) proveClean(ctx context.Context, p *report.Proof) error {
	view, err := s.target.View(ctx)
	if err != nil {
		return err
	}
	defer view.Close(ctx)
	byName := map[string]*schema.Mapping{}
	for _, m := range s.mappings() {
		byName[m.SourceName] = m
	}
	for _, m := range s.mappings() {
		if m.Slice != nil {
			found, err := view.Foreign(ctx, m, byName)
			p.Checks = append(p.Checks, strangersIn(m, m.Name, "is in the target and not this tenant's", found, err))
		}
		if m.Region != "" {
			found, err := view.Elsewhere(ctx, m)
			p.Checks = append(p.Checks, strangersIn(m, m.Name+"."+schema.RegionColumn, "is at home in another region than "+m.Region, found, err))
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if len(p.Checks) == 0 {
		p.Checks = append(p.Checks, s.wholly(s.database.Name, "no table is shared: what the target holds is compared row by row"))
	}
	return nil
}

// strangersIn is the check of what a target holds that should not be there.
func strangersIn(m *schema.Mapping, object, problem string, found target.Foreign, err error) report.Check {
	check := report.Check{Object: object}
	if err != nil {
		check.Note = err.Error()
		return check
	}
	check.Rows, check.Wrong = &found.Rows, &found.Wrong
	for _, k := range found.Keys {
		check.Findings = append(check.Findings, report.ProofFinding{Key: reportKey(m, k), Problem: problem})
	}
	return check
}

// tenantName is the tenant's, or the database's where there is no plan.
func (s *session) tenantName() string {
	if s.cfg.Tenancy != nil && s.cfg.Tenancy.Tenant != "" {
		return s.cfg.Tenancy.Tenant
	}
	return s.cfg.Source.Database
}

// paced asks the session's snapshot something, unless the copy is paused.
func (s *session) paced(ctx context.Context, ask func(*source.Snapshot) error) error {
	lane, err := s.pace.throttle.Enter(ctx)
	if err != nil {
		return err
	}
	defer lane.Leave()
	snapshot, err := s.view(ctx)
	if err != nil {
		return err
	}
	return ask(snapshot)
}
