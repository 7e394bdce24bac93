package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/convert"
	"leap/internal/endpoint"
	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/source"
)

// options are the flags that the subcommands share; each registers those that
// mean something to it.
type options struct {
	t        cli.Terminal
	source   string
	target   string
	policies []string
	snapshot string
	skipScan bool
	workers  int
	rows     int
	bytes    int
	retryFor time.Duration
	kind     kindness
	ingest   string
	imports  struct {
		address string
		above   int
	}
	indexes  string
	join     string
	compare  comparison
	plan     planFile
	json     bool
	report   string
	progress string
	metrics  string
}

// endpointFlags registers --source and --target.
func (o *options) endpointFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.source, "source", "", "MySQL or MariaDB database: mysql://user@host:3306/database (or LEAP_SOURCE)")
	o.targetFlag(cmd)
}

func (o *options) targetFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.target, "target", "", "CockroachDB database: postgresql://user@host:26257/database (or LEAP_TARGET)")
}

// planFlags registers what decides how values and types arrive.
func (o *options) planFlags(cmd *cobra.Command) {
	var names []string
	for _, p := range convert.PolicyHelp() {
		var values []string
		for _, v := range p.Values {
			values = append(values, v.Value)
		}
		names = append(names, fmt.Sprintf("%s=%s", p.Name, strings.Join(values, "|")))
	}
	cmd.Flags().StringArrayVar(&o.policies, "policy", nil,
		"what to do with values that cannot arrive as they are, NAME=VALUE, may be repeated: "+strings.Join(names, ", "))
}

// scanFlag registers --skip-scan.
func (o *options) scanFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.skipScan, "skip-scan", false,
		"do not read the source's data beforehand; the copy then refuses offending values where it meets them")
}

// snapshotFlags registers how the source is read.
func (o *options) snapshotFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.snapshot, "snapshot", string(source.Consistent),
		"consistent: one view for all connections, or a refusal; none: each connection sees what it sees, which the report carries")
	cmd.Flags().IntVar(&o.workers, "workers", migrate.DefaultWorkers, "connections to each side that work at once")
}

// copyFlags registers the size of chunks and the patience with the target.
func (o *options) copyFlags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&o.rows, "chunk-rows", 0, "rows per chunk at most (default 20000)")
	cmd.Flags().IntVar(&o.bytes, "chunk-bytes", 0, "bytes per chunk, about (default 1048576)")
	cmd.Flags().StringVar(&o.ingest, "ingest", string(migrate.IngestCopy),
		"copy: stream into empty tables, which stay online; upsert: put rows by key into tables that may hold rows, which tops up or repairs, slower, and leaves rows alone that the source does not have; import: CockroachDB fetches large tables itself, faster, each table offline and all or nothing meanwhile, unencrypted")
	cmd.Flags().StringVar(&o.imports.address, "import-address", "",
		"with --ingest=import: host or host:port of this machine as the cluster reaches it, where the rows are served (default the address that the target sees, any port)")
	cmd.Flags().IntVar(&o.imports.above, "import-above", migrate.DefaultImportAbove,
		"with --ingest=import: smaller tables are copied, by the source's estimate of their rows; an import costs about a second")
	cmd.Flags().StringVar(&o.indexes, "indexes", string(migrate.IndexesAfter),
		"after: build secondary indexes when the rows are there, faster; before: on the empty tables, so that nothing big is left to do at the end (foreign keys come after the rows in any case)")
	cmd.Flags().DurationVar(&o.retryFor, "retry-for", time.Minute, "how long to try a chunk again while the source or the target is away")
}

// outputFlags registers how results are shown.
func (o *options) outputFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.json, "json", false, "print the report as JSON on stdout")
	cmd.Flags().StringVar(&o.report, "report", "", "write the report as JSON to this file")
	cmd.Flags().StringVar(&o.progress, "progress", "auto", "auto, bars, plain, json or none; always on stderr")
	cmd.Flags().StringVar(&o.metrics, "metrics", "", "address on which to answer Prometheus while the command runs, such as :9464")
}

// config turns the flags into the assembly's configuration.
func (o *options) config(cmd *cobra.Command) (migrate.Config, error) {
	cfg := migrate.Config{
		Command: cmd.CommandPath(), Version: version, Policies: convert.DefaultPolicies(),
		Snapshot: source.SnapshotMode(o.snapshot), SkipScan: o.skipScan, Workers: o.workers,
		ChunkRows: o.rows, ChunkBytes: o.bytes, RetryFor: o.retryFor,
	}
	if err := o.kind.apply(cmd, &cfg); err != nil {
		return cfg, err
	}
	if err := o.compare.apply(cmd, o.t, &cfg); err != nil {
		return cfg, err
	}
	for _, p := range o.policies {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return cfg, fault.New(fault.Usage, "write --policy NAME=VALUE", "--policy %q has no value", p)
		}
		if err := cfg.Policies.Set(name, value); err != nil {
			return cfg, err
		}
	}
	if cmd.Flags().Lookup("snapshot") != nil && cfg.Snapshot != source.Consistent && cfg.Snapshot != source.NoSnapshot {
		return cfg, fault.New(fault.Usage, "use --snapshot=consistent or --snapshot=none", "there is no snapshot mode %q", o.snapshot)
	}
	if o.workers < 0 || o.rows < 0 || o.bytes < 0 || o.retryFor < 0 {
		return cfg, fault.New(fault.Usage, "use a positive number, or leave it out",
			"--workers, --chunk-rows, --chunk-bytes and --retry-for cannot be negative")
	}
	if err := o.ingestInto(cmd, &cfg); err != nil {
		return cfg, err
	}
	if err := o.joinInto(&cfg); err != nil {
		return cfg, err
	}
	if cfg.Indexes = migrate.IndexOrder(o.indexes); cmd.Flags().Lookup("indexes") != nil &&
		cfg.Indexes != migrate.IndexesAfter && cfg.Indexes != migrate.IndexesBefore {
		return cfg, fault.New(fault.Usage, "use --indexes=after or --indexes=before", "indexes cannot be built %q the rows", o.indexes)
	}
	return cfg, o.checkFiles()
}

// ingestInto takes over how rows get in.
func (o *options) ingestInto(cmd *cobra.Command, cfg *migrate.Config) error {
	if cfg.Ingest = migrate.Ingest(o.ingest); cmd.Flags().Lookup("ingest") != nil && !slices.Contains(migrate.Ingests(), cfg.Ingest) {
		return fault.New(fault.Usage, "use "+oneOf(migrate.Ingests()), "there is no way of ingest %q", o.ingest)
	}
	if cfg.Ingest != migrate.IngestImport {
		if err := refuseFlags(cmd, "without --ingest=import", "import-address", "import-above"); err != nil {
			return err
		}
	}
	cfg.ImportAddress, cfg.ImportAbove = o.imports.address, o.imports.above
	return nil
}

// refuseFlags refuses flags that would mean nothing.
func refuseFlags(cmd *cobra.Command, circumstance string, names ...string) error {
	for _, name := range names {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			return fault.New(fault.Usage, "leave it out; see "+cmd.CommandPath()+" --help", "--%s does not go %s", name, circumstance)
		}
	}
	return nil
}

// oneOf lists the values of --ingest.
func oneOf(ways []migrate.Ingest) string {
	var out []string
	for _, w := range ways {
		out = append(out, "--ingest="+string(w))
	}
	return strings.Join(out, " or ")
}

// checkFile finds out before the work whether a file can be written after it.
func checkFile(flag, path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fault.New(fault.Usage, "name a file", "%s %s is a directory", flag, path)
	}
	dir := filepath.Dir(path)
	switch info, err := os.Stat(dir); {
	case err != nil:
		return fault.Wrap(fault.Usage, "create the directory first", fmt.Errorf("%s %s: %w", flag, path, err))
	case !info.IsDir():
		return fault.New(fault.Usage, "name a file in a directory", "%s %s: %s is not a directory", flag, path, dir)
	}
	// It will be a new file in the place of the old one: neither a device nor
	// what a link leads to can be replaced like that.
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return fault.New(fault.Usage, "name a regular file, or one that is not there yet", "%s %s is not a regular file", flag, path)
	}
	trial, err := os.CreateTemp(dir, ".leap-*")
	if err != nil {
		return fault.Wrap(fault.Usage, "name a file in a directory that this user may write to", fmt.Errorf("%s %s: %w", flag, path, err))
	}
	return errors.Join(trial.Close(), os.Remove(trial.Name()))
}

// checkFiles looks at all files that are written after the work.
func (o *options) checkFiles() error {
	if err := checkFile("--state", o.compare.state); err != nil {
		return err
	}
	if o.report != "" && o.compare.state != "" && samePath(o.report, o.compare.state) {
		return fault.New(fault.Usage, "name two files", "--report and --state are the same file: %s", o.report)
	}
	if o.report != "" && o.plan.path != "" && samePath(o.report, o.plan.path) {
		return fault.New(fault.Usage, "name another file for the report", "--report would overwrite the plan %s", o.plan.path)
	}
	return checkFile("--report", o.report)
}

func samePath(a, b string) bool {
	one, err := os.Stat(a)
	other, otherErr := os.Stat(b)
	if err == nil && otherErr == nil {
		return os.SameFile(one, other)
	}
	return filepath.Clean(a) == filepath.Clean(b)
}

// sourceOnly resolves the source of a command that needs no target.
func (o *options) sourceOnly() (endpoint.Endpoint, error) {
	e, err := sourceAddress.Resolve(o.source, o.t.Env)
	if err != nil {
		return e, err
	}
	if e.Protocol != endpoint.MySQL {
		return e, fault.New(fault.Usage, "the source is MySQL or MariaDB: mysql://user@host:3306/database",
			"--source is not a mysql:// address: %s", e)
	}
	return e, nil
}

// targetOnly resolves the target of a command that needs no source.
func (o *options) targetOnly() (endpoint.Endpoint, error) {
	e, err := targetAddress.Resolve(o.target, o.t.Env)
	if err != nil {
		return e, err
	}
	if e.Protocol != endpoint.PostgreSQL {
		return e, fault.New(fault.Usage, "the target is CockroachDB: postgresql://user@host:26257/database",
			"--target is not a postgresql:// address: %s", e)
	}
	return e, nil
}

// endpoints resolves both addresses.
func (o *options) endpoints(cfg *migrate.Config) error {
	src, err := o.sourceOnly()
	if err != nil {
		return err
	}
	dst, err := targetAddress.Resolve(o.target, o.t.Env)
	if err == nil && src.Same(dst) {
		return fault.New(fault.Usage, "give the target another address", "source and target are the same database: %s", src)
	}
	if dst, err = o.targetOnly(); err != nil {
		return err
	}
	cfg.Source, cfg.Target = src, &dst
	return nil
}

// hasTarget reports whether a target was given at all.
func (o *options) hasTarget() bool { return o.target != "" || o.t.Env("LEAP_TARGET") != "" }

// Where the addresses of the two databases may come from.
var (
	sourceAddress = cli.Address{Flag: "--source", Variable: "LEAP_SOURCE", Password: "MYSQL_PWD"} //nolint:gosec // the name of a variable, not what it holds
	targetAddress = cli.Address{Flag: "--target", Variable: "LEAP_TARGET", Password: "PGPASSWORD"}
)
