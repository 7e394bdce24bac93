package main

import (
	"context"

	"leap/internal/convert"
	"leap/internal/endpoint"
	"leap/internal/row"
	"leap/internal/source"
)

// readOnly reads the table as the copier does and throws the rows away.
func readOnly(ctx context.Context, address string) error {
	e, err := endpoint.Parse(address)
	if err != nil {
		return err
	}
	db, err := source.Open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	found, err := db.Introspect(ctx)
	if err != nil {
		return err
	}
	plan, err := convert.Build(found, convert.Dialect{}, convert.DefaultPolicies(), nil)
	if err != nil {
		return err
	}
	snapshot, err := db.Snapshot(ctx, source.SnapshotOptions{Connections: 1})
	if err != nil {
		return err
	}
	defer func() { _ = snapshot.Close() }()
	for _, t := range plan.Tables {
		err := snapshot.Read(ctx, &t.Mapping, row.Range{}, func(row.Row) error { return nil })
		if err != nil {
			return err
		}
	}
	return nil
}
