package checkpoint

import (
	"context"
	"fmt"
	"time"
)

// Repair is one correction of rows after a copy: a part of a table that was
// made equal to the source again.
type Repair struct {
	Table string // the source's name
	// Part says which rows.
	Part string
	// Put and Deleted count rows written and removed.
	Put, Deleted int64
	// Position is the source's position that the rows come from.
	Position string
	At       time.Time
}

const repairDDL = `CREATE TABLE IF NOT EXISTS ` + Schema + `.repair (
	job TEXT NOT NULL, table_name TEXT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now(), part TEXT NOT NULL,
	put_rows INT8 NOT NULL, deleted_rows INT8 NOT NULL, source_position TEXT NOT NULL,
	PRIMARY KEY (job, table_name, at, part))`

// EnsureRepairs creates the table of repairs where it is missing.
func EnsureRepairs(ctx context.Context, s Store) error {
	for _, statement := range []string{ddl[0], repairDDL} {
		if _, err := s.Exec(ctx, statement); err != nil {
			return fmt.Errorf("create the table of repairs: %w", err)
		}
	}
	return nil
}

// SaveRepair records a repair. Call it in the transaction that repairs.
func SaveRepair(ctx context.Context, s Store, job string, r Repair) error {
	_, err := s.Exec(ctx, `INSERT INTO `+Schema+`.repair
		(job, table_name, at, part, put_rows, deleted_rows, source_position) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		job, r.Table, r.At, r.Part, r.Put, r.Deleted, r.Position)
	if err != nil {
		return fmt.Errorf("record a repair of %s: %w", r.Table, err)
	}
	return nil
}

// Repairs calls fn for every repair of the job, in order.
func Repairs(ctx context.Context, s Store, job string, fn func(Repair) error) error {
	err := s.Each(ctx, `SELECT table_name, at, part, put_rows, deleted_rows, source_position
		FROM `+Schema+`.repair WHERE job = $1 ORDER BY at, table_name, part`, []any{job},
		func(scan func(...any) error) error {
			var r Repair
			if err := scan(&r.Table, &r.At, &r.Part, &r.Put, &r.Deleted, &r.Position); err != nil {
				return err
			}
			return fn(r)
		})
	if err != nil {
		return fmt.Errorf("read repairs of job %s: %w", job, err)
	}
	return nil
}
