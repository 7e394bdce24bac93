package checkpoint

import (
	"context"
	"fmt"
)

var importDDL = []string{
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.import (
		job TEXT NOT NULL, table_name TEXT NOT NULL, mark TEXT NOT NULL, PRIMARY KEY (job, table_name))`,
}

// BeginImport notes that a table is about to be loaded by a job of the server,
// which mark finds again. The note comes before the job: whoever finds it after
// a crash must end the job and empty the table.
func BeginImport(ctx context.Context, s Store, job, table, mark string) error {
	_, err := s.Exec(ctx, `INSERT INTO `+Schema+`.import (job, table_name, mark) VALUES ($1, $2, $3)
		ON CONFLICT (job, table_name) DO UPDATE SET mark = excluded.mark`, job, table, mark)
	if err != nil {
		return fmt.Errorf("note the import of %s: %w", table, err)
	}
	return nil
}

// EndImport removes the note: in the transaction that records the table's
// rows, or when the table is empty again.
func EndImport(ctx context.Context, s Store, job, table string) error {
	if _, err := s.Exec(ctx, `DELETE FROM `+Schema+`.import WHERE job = $1 AND table_name = $2`, job, table); err != nil {
		return fmt.Errorf("end the import of %s: %w", table, err)
	}
	return nil
}

// Imports returns the marks of imports that were begun and not ended, by table.
func Imports(ctx context.Context, s Store, job string) (map[string]string, error) {
	out := map[string]string{}
	err := s.Each(ctx, `SELECT table_name, mark FROM `+Schema+`.import WHERE job = $1`, []any{job},
		func(scan func(...any) error) error {
			var table, mark string
			if err := scan(&table, &mark); err != nil {
				return err
			}
			out[table] = mark
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read the imports of job %s: %w", job, err)
	}
	return out, nil
}
