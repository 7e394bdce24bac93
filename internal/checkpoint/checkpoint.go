// Package checkpoint is the memory of a copy: a few tables in the target
// database that say which job runs there, what it copies, and which chunks
// are committed. A chunk's record is written in the transaction that writes
// its rows, so the two cannot disagree. It owns the tables and their SQL; what
// to do with a record is for copy and migrate to decide.
package checkpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/row"
)

// Schema is the target schema that holds the checkpoint.
const Schema = "_migrate"

// Store runs the package's SQL: a connection or an open transaction of the target.
type Store interface {
	// Exec runs a statement and returns the number of rows it changed.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	// Each calls fn for every row of a query; scan copies the row's columns.
	Each(ctx context.Context, query string, args []any, fn func(scan func(dest ...any) error) error) error
}

// Job is one source database on its way into one target database.
type Job struct {
	ID string // the source database's name; later the tenant's
	// Source identifies the server and database that the rows come from.
	Source string
	// Tables holds the fingerprint of each table's mapping by source name.
	Tables map[string]string
	Tool   string // version of the tool that began it
	// Started and Finished are the server's times; Finished is zero while the copy is unfinished.
	Started, Finished time.Time
}

// Chunk is one committed piece of a table.
type Chunk struct {
	Table   string // the source's name of the table
	Segment int    // the part of the table that one reader goes through in order
	Seq     int    // 0, 1, 2, ... within the segment
	Range   row.Range
	Final   bool // nothing of the segment is left
	Rows    int64
	Bytes   int64 // as sent to the target
	// Position is the source's binlog position whose view the rows come from.
	Position string
	// Changes counts the values that a policy changed, by column and policy.
	Changes []Change
}

// Change counts values of one column that a policy changed.
type Change struct {
	Column string `json:"column"`
	Policy string `json:"policy"`
	Action string `json:"action"`
	Count  int64  `json:"count"`
	// Examples are the keys of the first few.
	Examples []string `json:"examples,omitempty"`
}

// Segment is a part of a table's key space that is read in order.
type Segment struct {
	Table string
	ID    int
	Range row.Range
}

// ErrNoJob is returned by Load when the target has no such job: begin one.
var ErrNoJob = errors.New("no copy was begun in this target")

// ErrTaken is returned by Record when the chunk's number is taken: another
// process writes the same job. Stop; its work is as good.
var ErrTaken = errors.New("another process has written this chunk")

// SchemaMaker is a Store that makes a schema in a way of its own, since on some
// servers that takes patience.
type SchemaMaker interface {
	CreateSchema(ctx context.Context, name string) error
}

func createSchema(ctx context.Context, s Store) error {
	if maker, ok := s.(SchemaMaker); ok {
		return maker.CreateSchema(ctx, Schema)
	}
	_, err := s.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+Schema)
	return err
}

var ddl = []string{
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.job (
		id TEXT PRIMARY KEY, source TEXT NOT NULL, tables TEXT NOT NULL, tool TEXT NOT NULL,
		started TIMESTAMPTZ NOT NULL DEFAULT now(), finished TIMESTAMPTZ)`,
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.segment (
		job TEXT NOT NULL, table_name TEXT NOT NULL, segment INT8 NOT NULL,
		after_key TEXT, up_to_key TEXT, PRIMARY KEY (job, table_name, segment))`,
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.chunk (
		job TEXT NOT NULL, table_name TEXT NOT NULL, segment INT8 NOT NULL, seq INT8 NOT NULL,
		after_key TEXT, up_to_key TEXT, final BOOL NOT NULL, row_count INT8 NOT NULL, byte_count INT8 NOT NULL,
		source_position TEXT NOT NULL, changes TEXT NOT NULL, committed TIMESTAMPTZ NOT NULL DEFAULT now(),
		PRIMARY KEY (job, table_name, segment, seq))`,
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.facts (job TEXT PRIMARY KEY, facts TEXT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.clearing (
		job TEXT NOT NULL, table_name TEXT NOT NULL, PRIMARY KEY (job, table_name))`,
}

// Ensure creates the checkpoint's tables where they are missing.
func Ensure(ctx context.Context, s Store) error {
	statements := []func() error{func() error { return createSchema(ctx, s) }}
	for _, statement := range slices.Concat(leaseDDL, controlDDL, importDDL, journalDDL, ddl) {
		statements = append(statements, func() error {
			_, err := s.Exec(ctx, statement)
			return err
		})
	}
	for _, run := range statements {
		err := run()
		if slices.Contains([]string{"23505", "42P07", "42P06", "42710", "40001"}, retry.SQLState(err)) {
			// Another process makes it at this moment, which IF NOT EXISTS of
			// PostgreSQL does not see: it stumbles over the table, the schema,
			// or the row type that comes with a table (42710).
			err = run()
		}
		if err != nil {
			return fmt.Errorf("create checkpoint tables: %w", err)
		}
	}
	return nil
}

// Exists reports whether the target has checkpoint tables at all.
func Exists(ctx context.Context, s Store) (bool, error) {
	found := false
	err := s.Each(ctx, `SELECT 1 FROM information_schema.tables WHERE table_schema = $1 AND table_name = 'clearing'`,
		[]any{Schema}, func(func(...any) error) error { found = true; return nil })
	if err != nil {
		return false, fmt.Errorf("look for the checkpoint: %w", err)
	}
	return found, nil
}

// Readable is Exists for who has to read the checkpoint: a server leaves what an
// account may not read out of its catalog, and that must not look like no copy.
func Readable(ctx context.Context, s Store) (bool, error) {
	err := s.Each(ctx, `SELECT id FROM `+Schema+`.job LIMIT 0`, nil, func(func(...any) error) error { return nil })
	switch code := retry.SQLState(err); {
	case err == nil:
		return Exists(ctx, s)
	case code == "42P01" || code == "3F000": // no such table, no such schema
		return false, nil
	case code == "42501":
		return false, fault.Wrap(fault.Refused, "give the account the right to read it: GRANT USAGE ON SCHEMA "+Schema+
			", and GRANT SELECT on its tables; or use the account that copies", fmt.Errorf("read the checkpoint: %w", err))
	}
	return false, fmt.Errorf("look for the checkpoint: %w", err)
}

// Begin records a new job. A job of that id that is there already stays as it
// is, so Begin may be repeated after a commit of unknown outcome; Load tells
// which job it is.
func Begin(ctx context.Context, s Store, j Job) error {
	tables, err := json.Marshal(j.Tables)
	if err != nil {
		return fmt.Errorf("begin job %s: %w", j.ID, err)
	}
	_, err = s.Exec(ctx, `INSERT INTO `+Schema+`.job (id, source, tables, tool) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO NOTHING`,
		j.ID, j.Source, string(tables), j.Tool)
	if err != nil {
		return fmt.Errorf("begin job %s: %w", j.ID, err)
	}
	return nil
}

// Load reads a job; ErrNoJob when there is none of that id.
func Load(ctx context.Context, s Store, id string) (Job, error) {
	j := Job{ID: id}
	found := false
	err := s.Each(ctx, `SELECT source, tables, tool, started, finished FROM `+Schema+`.job WHERE id = $1`, []any{id},
		func(scan func(...any) error) error {
			found = true
			var tables string
			var finished *time.Time
			if err := scan(&j.Source, &tables, &j.Tool, &j.Started, &finished); err != nil {
				return err
			}
			if finished != nil {
				j.Finished = *finished
			}
			return json.Unmarshal([]byte(tables), &j.Tables)
		})
	if err != nil {
		return j, fmt.Errorf("load job %s: %w", id, err)
	}
	if !found {
		return j, ErrNoJob
	}
	return j, nil
}

// Finish records that every table and every index of the job is in place.
func Finish(ctx context.Context, s Store, id string) error {
	if _, err := s.Exec(ctx, `UPDATE `+Schema+`.job SET finished = now() WHERE id = $1`, id); err != nil {
		return fmt.Errorf("finish job %s: %w", id, err)
	}
	return nil
}

// SaveFacts keeps what the plan was made from besides the schema, so that a
// later command makes the same plan although the source's data moved on. It
// must be given a transaction.
func SaveFacts(ctx context.Context, s Store, id, facts string) error {
	if _, err := s.Exec(ctx, `DELETE FROM `+Schema+`.facts WHERE job = $1`, id); err != nil {
		return fmt.Errorf("save facts of job %s: %w", id, err)
	}
	if _, err := s.Exec(ctx, `INSERT INTO `+Schema+`.facts (job, facts) VALUES ($1, $2)`, id, facts); err != nil {
		return fmt.Errorf("save facts of job %s: %w", id, err)
	}
	return nil
}

// LoadFacts returns what SaveFacts kept; found is false when there is nothing.
func LoadFacts(ctx context.Context, s Store, id string) (facts string, found bool, err error) {
	err = s.Each(ctx, `SELECT facts FROM `+Schema+`.facts WHERE job = $1`, []any{id}, func(scan func(...any) error) error {
		found = true
		return scan(&facts)
	})
	if err != nil {
		return "", false, fmt.Errorf("load facts of job %s: %w", id, err)
	}
	return facts, found, nil
}
