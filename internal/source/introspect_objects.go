package source

import (
	"context"
	"database/sql"

	"leap/internal/schema"
)

// addObjects runs a query whose columns are name, table, detail and definition.
func (in *introspection) addObjects(ctx context.Context, kind schema.ObjectKind, query string) error {
	return in.each(ctx, query, func(rows *sql.Rows) error {
		o := schema.Object{Kind: kind}
		if err := rows.Scan(&o.Name, &o.Table, &o.Detail, &o.Definition); err != nil {
			return err //nolint:wrapcheck // Introspect says what it was reading
		}
		in.out.Objects = append(in.out.Objects, o)
		return nil
	})
}

func (in *introspection) readViews(ctx context.Context) error {
	return in.addObjects(ctx, schema.View, `SELECT TABLE_NAME, '', '', COALESCE(VIEW_DEFINITION, '')
		FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME`)
}

func (in *introspection) readTriggers(ctx context.Context) error {
	return in.addObjects(ctx, schema.Trigger, `SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE,
		CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION), COALESCE(ACTION_STATEMENT, '')
		FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? ORDER BY TRIGGER_NAME`)
}

func (in *introspection) readRoutines(ctx context.Context) error {
	const query = `SELECT ROUTINE_NAME, '', COALESCE(DTD_IDENTIFIER, ''), COALESCE(ROUTINE_DEFINITION, '')
		FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND ROUTINE_TYPE = `
	if err := in.addObjects(ctx, schema.Procedure, query+"'PROCEDURE' ORDER BY ROUTINE_NAME"); err != nil {
		return err
	}
	if err := in.addObjects(ctx, schema.Function, query+"'FUNCTION' ORDER BY ROUTINE_NAME"); err != nil {
		return err
	}
	// MariaDB's, as Oracle's; the body is a routine of its own.
	return in.addObjects(ctx, schema.Package, query+"'PACKAGE' ORDER BY ROUTINE_NAME")
}

func (in *introspection) readEvents(ctx context.Context) error {
	return in.addObjects(ctx, schema.Event, `SELECT EVENT_NAME, '',
		COALESCE(CONCAT('EVERY ', INTERVAL_VALUE, ' ', INTERVAL_FIELD), CONCAT('AT ', EXECUTE_AT), ''),
		COALESCE(EVENT_DEFINITION, '')
		FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY EVENT_NAME`)
}
