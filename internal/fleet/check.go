package fleet

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"leap/internal/migrate"
	"leap/internal/plan"
	"leap/internal/report"
	"leap/internal/schema"
	"leap/internal/source"
	"leap/internal/target"
)

// TenantCheck is what a plan means for one tenant.
type TenantCheck struct {
	Name     string           `json:"name"`
	Target   string           `json:"target"`
	Product  string           `json:"product,omitempty"` // of the target
	Domicile *report.Domicile `json:"domicile,omitempty"`
	Tables   []TableCheck     `json:"tables"`
	// Rows and Bytes add up the tables. They are about right: small slices are
	// counted, the rest is the source's statistics.
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
	// Error says why the tenant cannot move.
	Error *report.Failure `json:"error"`
	Err   error           `json:"-"`
}

// TableCheck is one table of a tenant.
type TableCheck struct {
	Name string `json:"name"`
	// Belongs says how, in the words of the plan.
	Belongs string `json:"belongs"`
	LeftOut bool   `json:"left_out,omitempty"`
	Rows    int64  `json:"rows"`
	Bytes   int64  `json:"bytes"`
	// Scan says that the whole table is read to find the tenant's rows.
	Scan bool `json:"scan,omitempty"`
}

// Check compares the plan with the live sources and targets of the chosen
// tenants. An error means that the plan is wrong; what is wrong with a server
// is with its tenants.
func Check(ctx context.Context, cfg Config) ([]TenantCheck, error) {
	moves, err := prepare(ctx, cfg)
	if err != nil {
		return nil, err
	}
	out := make([]TenantCheck, len(moves))
	var group errgroup.Group
	group.SetLimit(cfg.Plan.Limits.TenantsAtOnce)
	for i, m := range moves {
		group.Go(func() error {
			c := TenantCheck{Name: m.tenant.Name, Target: m.cfg.Target.String(), Tables: []TableCheck{}}
			c.Err = m.check(ctx, &c)
			c.Error = report.FailureOf(c.Err)
			out[i] = c
			return nil
		})
	}
	_ = group.Wait() // the errors are in the entries
	return out, nil
}

// check looks at both ends of a move.
func (m move) check(ctx context.Context, out *TenantCheck) error {
	if m.err != nil {
		return m.err
	}
	if err := m.measure(ctx, out); err != nil {
		return err
	}
	dst, err := target.OpenReader(ctx, *m.cfg.Target, 2)
	if err != nil {
		return err
	}
	defer dst.Close()
	out.Product = dst.Info().Product + " " + dst.Info().Version
	if out.Domicile, err = migrate.CheckDomicile(ctx, dst, m.cfg.Domicile); err != nil {
		return err
	}
	return migrate.CheckRegions(ctx, dst, m.cfg.Regions)
}

// measure finds out how much there is to move.
func (m move) measure(ctx context.Context, out *TenantCheck) error {
	db, err := source.Open(ctx, m.cfg.Source)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // only read
	for _, b := range m.tables {
		t := m.database.Table(b.Table)
		entry := TableCheck{Name: b.Table, Belongs: b.String(), LeftOut: b.LeaveOut != ""}
		if !entry.LeftOut {
			if entry.Rows, entry.Scan, err = m.count(ctx, db, t, b); err != nil {
				return err
			}
			entry.Bytes = share(t, entry.Rows)
			out.Rows += entry.Rows
			out.Bytes += entry.Bytes
		}
		out.Tables = append(out.Tables, entry)
	}
	return nil
}

func (m move) count(ctx context.Context, db *source.DB, t *schema.Table, b plan.Belonging) (rows int64, scan bool, err error) {
	if !b.Sliced() {
		return t.EstimatedRows, false, nil
	}
	slice, _, err := db.Resolve(ctx, m.database, b.Table, m.cfg.Slices[b.Table])
	if err != nil {
		return 0, false, fmt.Errorf("table %s: %w", b.Table, err)
	}
	return slice.Access.Rows, !slice.Access.ByIndex, nil
}

// share is the part of a table's bytes that rows take.
func share(t *schema.Table, rows int64) int64 {
	if t.EstimatedRows <= 0 {
		return 0
	}
	return int64(float64(t.EstimatedBytes) / float64(t.EstimatedRows) * float64(rows))
}
