package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"time"

	"leap/internal/bank"
	"leap/internal/sandbox"
)

// bench is one comparison.
type bench struct {
	rows, runs, workers int
	tenants, atOnce     int // above 0: how many share the tables, instead of the rivals
	pool                int // MiB of memory that each server has for pages
	equal, apart        bool
	alone               int // how many processors are the target's alone; 0: all share all
	target, migrate     string
	flat, markdown      bool

	dir    string
	source *sandbox.Server
	dest   *sandbox.Server
}

const (
	database  = "bench"
	tableName = "wide"
)

// contender is one way to do the work.
type contender struct {
	name string
	rows int
	// run does it once, into an empty database of that name.
	run func(ctx context.Context, database string) (measurement, error)
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "leap-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	if err = b.start(ctx); err != nil {
		return err
	}
	contenders, err := b.contenders(ctx)
	if err != nil {
		return err
	}
	results := map[string][]measurement{}
	for i := range b.runs {
		// Servers go on working on what the one before has left: nobody comes always
		// after the same.
		order := slices.Clone(contenders)
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, c := range order {
			m, err := b.once(ctx, c, i)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			say("run %d of %d  %-22s %6.2fs", i+1, b.runs, c.name, m.wall.Seconds())
			results[c.name] = append(results[c.name], m)
		}
	}
	b.print(contenders, results)
	return nil
}

// small is how many times fewer rows the table has that a copy's memory is
// compared with.
const small = 20

// smallTable is in a database of its own.
const smallTable = database + "_small"

// runSmall copies the small table: what it takes of memory the large one must
// take, too.
func (b *bench) runSmall(ctx context.Context, db string) (measurement, error) {
	from := b.source.URL(smallTable)
	if err := b.prepareFrom(ctx, from, db); err != nil {
		return measurement{}, err
	}
	return b.copyFrom(ctx, from, db)
}

func say(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format+"\n", args...) }

// startServers brings up the servers, with memory for the tables unless -pool says
// otherwise: where they do not fit, the kernel's copying of pages is measured as well.
func (b *bench) startServers(ctx context.Context) (err error) {
	var processors []int
	if b.apart {
		if processors, err = sandbox.Apart(); err != nil {
			return err
		}
		b.alone = len(processors)
	}
	if b.source, err = sandbox.StartSource(ctx, sandbox.Options{ExtraArgs: []string{fmt.Sprintf("--innodb-buffer-pool-size=%dM", b.pool)}}); err != nil {
		return err
	}
	if b.dest, err = sandbox.StartTarget(ctx, sandbox.Kind(b.target), sandbox.Options{ExtraArgs: b.targetMemory(), Processors: processors}); err != nil {
		return err
	}
	say("source %s, target %s, %s, %s", b.source, b.dest, b.processors(), time.Now().UTC().Format(time.DateOnly))
	return nil
}

// processors says who has which. The runtime counted all of them at the start.
func (b *bench) processors() string {
	if b.apart {
		return fmt.Sprintf("%d CPUs, %d of them the target's alone and the others everybody else's", runtime.NumCPU(), b.alone)
	}
	return fmt.Sprintf("%d CPUs for all", runtime.NumCPU())
}

func (b *bench) targetMemory() []string {
	if sandbox.Kind(b.target) == sandbox.Postgres {
		return []string{"-c", fmt.Sprintf("shared_buffers=%dMB", b.pool)}
	}
	return []string{fmt.Sprintf("--cache=%dMiB", b.pool)}
}

// start brings up the servers and makes the table.
func (b *bench) start(ctx context.Context) (err error) {
	if err = b.startServers(ctx); err != nil {
		return err
	}
	if err = b.fill(ctx, database, b.rows); err != nil || !b.flat {
		return err
	}
	return b.fill(ctx, smallTable, b.rows/small)
}

func (b *bench) fill(ctx context.Context, name string, rows int) error {
	if err := b.source.Exec(ctx, "", "CREATE DATABASE "+name); err != nil {
		return err
	}
	db, err := b.source.DB(ctx, name)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err = bank.CreateWide(ctx, db, tableName, rows); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "ANALYZE TABLE "+tableName)
	return err
}

func (b *bench) stop() error {
	var errs []error
	for _, s := range []*sandbox.Server{b.source, b.dest} {
		if s != nil {
			errs = append(errs, s.Stop())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}

// contenders lists who takes part on this machine.
func (b *bench) contenders(ctx context.Context) ([]contender, error) {
	out := []contender{
		{copyName, b.rows, b.runMigrate},
		{verifyName, b.rows, b.runVerify},
		{"source read alone", b.rows, b.runRead},
	}
	if b.flat {
		out = append(out, contender{smallName, b.rows / small, b.runSmall})
	}
	if err := b.dump(ctx); err != nil {
		return nil, err
	}
	out = append(out, contender{psqlName, b.rows, b.runPsql})
	if !b.dest.StandIn() {
		out = append(out, contender{atomicName, b.rows, b.runAtomic})
		out = append(out, contender{importName, b.rows, b.runImport}, contender{plainName, b.rows, b.runPlainImport})
	}
	if path, err := exec.LookPath("pgloader"); err == nil && b.dest.StandIn() {
		out = append(out, contender{pgloaderName, b.rows, func(ctx context.Context, db string) (measurement, error) {
			return b.runPgloader(ctx, path, db)
		}})
	} else {
		say("pgloader takes no part: it is not installed, or the target is not PostgreSQL")
	}
	return out, nil
}

// The contenders that are compared by name.
const (
	copyName     = "migrate copy"
	smallName    = "migrate copy, a twentieth of the rows"
	verifyName   = "migrate verify"
	psqlName     = `psql \copy`
	atomicName   = `psql \copy, atomic`
	pgloaderName = "pgloader"
	importName   = "migrate copy --ingest import"
	plainName    = "IMPORT of the same rows"
)

// once runs a contender in a database of its own, dropped afterwards.
func (b *bench) once(ctx context.Context, c contender, i int) (measurement, error) {
	name := fmt.Sprintf("bench_%d", i)
	if err := b.dest.Exec(ctx, "", "DROP DATABASE IF EXISTS "+name); err != nil {
		return measurement{}, err
	}
	if err := b.dest.Exec(ctx, "", "CREATE DATABASE "+name); err != nil {
		return measurement{}, err
	}
	m, err := c.run(ctx, name)
	return m, errors.Join(err, b.dest.Exec(ctx, "", "DROP DATABASE "+name))
}

// prepare creates the target tables.
func (b *bench) prepare(ctx context.Context, db string) error {
	return b.prepareFrom(ctx, b.source.URL(database), db)
}

func (b *bench) prepareFrom(ctx context.Context, from, db string) error {
	_, err := client(ctx, b.migrate, "schema", "--apply", "--source", from, "--target", b.dest.URL(db), "--progress", "none")
	return err
}

func (b *bench) runMigrate(ctx context.Context, db string) (measurement, error) {
	if err := b.prepare(ctx, db); err != nil {
		return measurement{}, err
	}
	return b.copyOnce(ctx, db)
}

func (b *bench) copyOnce(ctx context.Context, db string, flags ...string) (measurement, error) {
	return b.copyFrom(ctx, b.source.URL(database), db, flags...)
}

func (b *bench) copyFrom(ctx context.Context, from, db string, flags ...string) (measurement, error) {
	return client(ctx, b.migrate, append([]string{
		"copy", "--source", from, "--target", b.dest.URL(db), "--workers", strconv.Itoa(b.workers), "--progress", "none",
	}, flags...)...)
}

// runImport has the cluster fetch the rows.
func (b *bench) runImport(ctx context.Context, db string) (measurement, error) {
	if err := b.prepare(ctx, db); err != nil {
		return measurement{}, err
	}
	return b.copyOnce(ctx, db, "--ingest=import", "--import-above=0")
}

func (b *bench) runVerify(ctx context.Context, db string) (measurement, error) {
	if err := b.prepare(ctx, db); err != nil {
		return measurement{}, err
	}
	if _, err := b.copyOnce(ctx, db); err != nil {
		return measurement{}, err
	}
	return client(ctx, b.migrate, "verify", "--source", b.source.URL(database), "--target", b.dest.URL(db), "--progress", "none")
}

func (b *bench) runRead(ctx context.Context, _ string) (measurement, error) {
	self, err := os.Executable()
	if err != nil {
		return measurement{}, err
	}
	return client(ctx, self, "-read", b.source.URL(database))
}
