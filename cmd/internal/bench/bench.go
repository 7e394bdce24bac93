package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"leap/internal/bank"
	"leap/internal/sandbox"
)

// bench is one comparison.
type bench struct {
	rows, runs, workers int
	target, migrate     string

	dir    string
	source *sandbox.Server
	dest   *sandbox.Server
}

const (
	database  = "bench"
	tableName = "wide"
)

// measurement is one finished client process.
type measurement struct {
	wall, cpu time.Duration
	rss       int64 // bytes
}

// contender is one way to do the work.
type contender struct {
	name string
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
		for _, c := range contenders {
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

func say(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format+"\n", args...) }

// start brings up the servers and makes the table.
func (b *bench) start(ctx context.Context) (err error) {
	if b.source, err = sandbox.StartSource(ctx, sandbox.Options{}); err != nil {
		return err
	}
	if b.dest, err = sandbox.StartTarget(ctx, sandbox.Kind(b.target), sandbox.Options{}); err != nil {
		return err
	}
	say("source %s, target %s, %d CPUs, %s", b.source, b.dest, runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly))
	if err = b.source.Exec(ctx, "", "CREATE DATABASE "+database); err != nil {
		return err
	}
	db, err := b.source.DB(ctx, database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err = bank.CreateWide(ctx, db, tableName, b.rows); err != nil {
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
		{"migrate copy", b.runMigrate},
		{"migrate verify", b.runVerify},
		{"source read alone", b.runRead},
	}
	if err := b.dump(ctx); err != nil {
		return nil, err
	}
	out = append(out, contender{`psql \copy alone`, b.runPsql})
	if path, err := exec.LookPath("pgloader"); err == nil && b.dest.StandIn() {
		out = append(out, contender{"pgloader", func(ctx context.Context, db string) (measurement, error) {
			return b.runPgloader(ctx, path, db)
		}})
	} else {
		say("pgloader takes no part: it is not installed, or the target is not PostgreSQL")
	}
	return out, nil
}

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
	_, err := b.client(ctx, b.migrate, "schema", "--apply", "--source", b.source.URL(database), "--target", b.dest.URL(db), "--progress", "none")
	return err
}

func (b *bench) runMigrate(ctx context.Context, db string) (measurement, error) {
	if err := b.prepare(ctx, db); err != nil {
		return measurement{}, err
	}
	return b.copyOnce(ctx, db)
}

func (b *bench) copyOnce(ctx context.Context, db string) (measurement, error) {
	return b.client(ctx, b.migrate, "copy", "--source", b.source.URL(database), "--target", b.dest.URL(db),
		"--workers", fmt.Sprint(b.workers), "--progress", "none")
}

func (b *bench) runVerify(ctx context.Context, db string) (measurement, error) {
	if err := b.prepare(ctx, db); err != nil {
		return measurement{}, err
	}
	if _, err := b.copyOnce(ctx, db); err != nil {
		return measurement{}, err
	}
	return b.client(ctx, b.migrate, "verify", "--source", b.source.URL(database), "--target", b.dest.URL(db), "--progress", "none")
}

func (b *bench) runRead(ctx context.Context, _ string) (measurement, error) {
	self, err := os.Executable()
	if err != nil {
		return measurement{}, err
	}
	return b.client(ctx, self, "-read", b.source.URL(database))
}

// dump writes the rows as COPY text for psql, from a copy made by migrate.
func (b *bench) dump(ctx context.Context) error {
	const db = "bench_dump"
	if err := b.dest.Exec(ctx, "", "CREATE DATABASE "+db); err != nil {
		return err
	}
	if err := b.prepare(ctx, db); err != nil {
		return err
	}
	if _, err := b.copyOnce(ctx, db); err != nil {
		return err
	}
	return errors.Join(b.dumpTable(ctx, db), b.dest.Exec(ctx, "", "DROP DATABASE "+db))
}

func (b *bench) file() string { return filepath.Join(b.dir, tableName+".copy") }

func (b *bench) runPsql(ctx context.Context, db string) (measurement, error) {
	if err := b.prepare(ctx, db); err != nil {
		return measurement{}, err
	}
	return b.client(ctx, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", `\copy `+tableName+` from '`+b.file()+`'`, b.dest.URL(db))
}

// runPgloader loads the table with pgloader's defaults and as many workers.
func (b *bench) runPgloader(ctx context.Context, path, db string) (measurement, error) {
	script := fmt.Sprintf("LOAD DATABASE FROM %s INTO %s\n WITH include drop, create tables, workers = %d, concurrency = 1\n",
		b.source.URL(database), b.dest.URL(db), b.workers)
	file := filepath.Join(b.dir, "load")
	if err := os.WriteFile(file, []byte(script+";\n"), 0o600); err != nil {
		return measurement{}, err
	}
	m, err := b.client(ctx, path, "--root-dir", b.dir, file)
	if err != nil {
		return m, err
	}
	return m, b.checkCount(ctx, db)
}

// checkCount refuses a rival's figure when rows are missing.
func (b *bench) checkCount(ctx context.Context, db string) error {
	handle, err := b.dest.DB(ctx, db)
	if err != nil {
		return err
	}
	defer func() { _ = handle.Close() }()
	var n int
	// pgloader puts the table into a schema named after the source database.
	if err := handle.QueryRowContext(ctx, "SELECT count(*) FROM "+database+"."+tableName).Scan(&n); err != nil {
		return err
	}
	if n != b.rows {
		return fmt.Errorf("%d rows arrived of %d", n, b.rows)
	}
	return nil
}

// client runs a program to its end and measures it as a whole process.
func (*bench) client(ctx context.Context, path string, args ...string) (measurement, error) {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the contenders are fixed
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = io.Discard, &output
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return measurement{}, fmt.Errorf("start %s: %w", path, err)
	}
	watching, stop := context.WithCancel(ctx)
	memory := make(chan int64, 1)
	go func() { memory <- peakMemory(watching, cmd.Process.Pid) }()
	err := cmd.Wait()
	m := measurement{wall: time.Since(started)}
	stop()
	m.rss = <-memory
	if err != nil {
		return m, fmt.Errorf("%s: %w: %s", filepath.Base(path), err, strings.TrimSpace(output.String()))
	}
	m.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return m, nil
}

// peakMemory reads the kernel's high-water mark of a process until it is gone,
// in bytes. The figure of getrusage would not do: it begins with the size of
// the process that forked.
func peakMemory(ctx context.Context, pid int) int64 {
	const every = 10 * time.Millisecond
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	peak := int64(0)
	for {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		if err == nil {
			peak = max(peak, highWaterMark(string(text)))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return peak
		}
	}
}

// highWaterMark reads the VmHWM line, which is in kB.
func highWaterMark(status string) int64 {
	_, rest, ok := strings.Cut(status, "VmHWM:")
	if !ok {
		return 0
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kB, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kB * 1024
}

func median(ms []measurement, of func(measurement) float64) float64 {
	values := make([]float64, len(ms))
	for i, m := range ms {
		values[i] = of(m)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
