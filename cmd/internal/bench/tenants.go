package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
)

// The two ways to move the tables that tenants share.
const (
	wholeName   = "migrate run, the whole tables once"
	tenantsName = "migrate run --all, every tenant"
)

// askedOfTenants is how many times the time of moving the tables once moving
// all tenants may take: the proofs of every slice included.
const askedOfTenants = 1.3

// shares is the shared database: rows that belong by a column, and by ways of
// one and of two foreign keys, the tenants' rows among each other. Numbers come
// from MariaDB's sequences.
func (b *bench) shares() []string {
	customers, accounts := max(1000, b.rows/100), max(1000, b.rows/50)
	const text = "CHARSET utf8mb4 COLLATE utf8mb4_bin"
	return []string{
		"CREATE TABLE customers (id INT PRIMARY KEY, tenant_id INT NOT NULL, name VARCHAR(60) NOT NULL, KEY (tenant_id)) " + text,
		"CREATE TABLE accounts (id INT PRIMARY KEY, customer_id INT NOT NULL, iban VARCHAR(34) NOT NULL, KEY (customer_id), FOREIGN KEY (customer_id) REFERENCES customers (id)) " + text,
		`CREATE TABLE transactions (id BIGINT PRIMARY KEY, account_id INT NOT NULL, amount DECIMAL(18,2) NOT NULL, currency CHAR(3) NOT NULL,
			booked_at DATETIME(6) NOT NULL, description VARCHAR(64) NOT NULL, KEY (account_id), FOREIGN KEY (account_id) REFERENCES accounts (id)) ` + text,
		`CREATE TABLE events (id BIGINT PRIMARY KEY, tenant_id INT NOT NULL, kind VARCHAR(20) NOT NULL, at DATETIME(6) NOT NULL, detail VARCHAR(80) NOT NULL, KEY (tenant_id)) ` + text,
		fmt.Sprintf("INSERT INTO customers SELECT seq, %s, CONCAT('customer ', seq) FROM seq_1_to_%d", b.ownerOf("seq"), customers),
		fmt.Sprintf("INSERT INTO accounts SELECT seq, 1 + seq * 7 %% %d, CONCAT('DE', LPAD(seq, 20, '0')) FROM seq_1_to_%d", customers, accounts),
		fmt.Sprintf(`INSERT INTO transactions SELECT seq, 1 + seq * 13 %% %d, seq / 7, 'EUR', '2024-01-01' + INTERVAL seq SECOND,
			CONCAT('payment of ', seq) FROM seq_1_to_%d`, accounts, b.rows/2),
		fmt.Sprintf(`INSERT INTO events SELECT seq, %s, 'login', '2024-01-01' + INTERVAL seq SECOND,
			CONCAT('from address ', seq) FROM seq_1_to_%d`, b.ownerOf("seq * 11"), b.rows/2),
		"ANALYZE TABLE customers, accounts, transactions, events",
	}
}

// ownerOf is whose the row of a number is: four fifths of the rows are the first
// tenant's, the last one has none, and the others share the rest evenly. With
// -equal all have as many.
func (b *bench) ownerOf(number string) string {
	if b.equal || b.tenants < fewestUneven {
		return fmt.Sprintf("1 + (%s) %% %d", number, b.tenants)
	}
	return fmt.Sprintf("IF((%[1]s) %% 5 <> 0, 1, 2 + (%[1]s) DIV 5 %% %[2]d)", number, b.tenants-2)
}

// fewestUneven is the smallest number of tenants with a large, a small and an empty one.
const fewestUneven = 3

// runTenants compares moving all tenants with moving their tables once.
func (b *bench) runTenants(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "leap-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	if err = b.startServers(ctx); err != nil {
		return err
	}
	if err = b.source.Exec(ctx, "", "CREATE DATABASE "+database); err != nil {
		return err
	}
	for _, statement := range b.shares() {
		if err = b.source.Exec(ctx, database, statement); err != nil {
			return err
		}
	}
	results := map[string][]move{}
	for i := range b.runs {
		for _, name := range moveNames {
			work := b.moveWhole
			if name == tenantsName {
				work = b.moveTenants
			}
			m, err := work(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			say("run %d of %d  %-36s %6.2fs, CPU-s: %.2f client, %.2f source, %.2f target", i+1, b.runs, name,
				m.wall.Seconds(), m.cpu.Seconds(), m.source.Seconds(), m.target.Seconds())
			results[name] = append(results[name], m)
		}
	}
	b.printTenants(results)
	return nil
}

// moveNames are the moves in their order.
var moveNames = []string{wholeName, tenantsName} //nolint:gochecknoglobals // a constant list

// move is one measured move and what it cost the servers.
type move struct {
	measurement
	source, target time.Duration // CPU
	phases         map[string]time.Duration
}

// measure runs migrate and reads its report.
func (b *bench) measure(ctx context.Context, args ...string) (m move, err error) {
	file := filepath.Join(b.dir, "report.json")
	before := [2]time.Duration{cpuOf(b.source.PID()), cpuOf(b.dest.PID())}
	m.measurement, err = client(ctx, b.migrate, append(args, "--progress", "none", "--report", file)...)
	if err != nil {
		return m, err
	}
	m.source, m.target = cpuOf(b.source.PID())-before[0], cpuOf(b.dest.PID())-before[1]
	m.phases, err = phasesOf(file)
	return m, err
}

// phasesOf adds up the phases of a report, those of all tenants. What lies
// between them and a move's begin and end is "plan".
func phasesOf(file string) (map[string]time.Duration, error) {
	text, err := os.ReadFile(file) //nolint:gosec // we named it
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	type part struct {
		Started  time.Time `json:"started"`
		Finished time.Time `json:"finished"`
		Phases   []struct {
			Name    string  `json:"name"`
			Seconds float64 `json:"seconds"`
		} `json:"phases"`
	}
	var whole struct {
		part
		Tenants []part `json:"tenants"`
	}
	if err = json.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	parts := whole.Tenants
	if len(whole.Phases) > 0 {
		parts = []part{whole.part}
	}
	out := map[string]time.Duration{}
	for _, p := range parts {
		rest := p.Finished.Sub(p.Started)
		for _, phase := range p.Phases {
			took := time.Duration(phase.Seconds * float64(time.Second))
			out[phase.Name] += took
			rest -= took
		}
		out["plan"] += rest
	}
	return out, nil
}

func (b *bench) printTenants(results map[string][]move) {
	seconds := func(name string, of func(move) time.Duration) string {
		return fmt.Sprintf("%.1f", median(results[name], func(m move) float64 { return of(m).Seconds() }))
	}
	phases := []string{"plan", "assess", "schema", "copy", "verify"}
	w := newTable("", "seconds", "CPU-s of the client", "of the source", "of the target", "memory")
	p := newTable("seconds, of all tenants together", "plan", "assess", "schema", "copy", "verify")
	for _, name := range moveNames {
		w.AppendRow(table.Row{
			name, seconds(name, func(m move) time.Duration { return m.wall }), seconds(name, func(m move) time.Duration { return m.cpu }),
			seconds(name, func(m move) time.Duration { return m.source }), seconds(name, func(m move) time.Duration { return m.target }),
			humanize.IBytes(uint64(median(results[name], func(m move) float64 { return float64(m.rss) }))),
		})
		row := table.Row{name}
		for _, phase := range phases {
			row = append(row, seconds(name, func(m move) time.Duration { return m.phases[phase] }))
		}
		p.AppendRow(row)
	}
	wall := func(m move) float64 { return m.wall.Seconds() }
	cpu := func(m move) float64 { return (m.cpu + m.source + m.target).Seconds() }
	ratio := func(of func(move) float64) float64 {
		return median(results[tenantsName], of) / median(results[wholeName], of)
	}
	met := "met"
	if ratio(wall) > askedOfTenants {
		met = "not met"
	}
	asked := newTable("", "measured", "asked", "")
	asked.AppendRow(table.Row{"time, all tenants : the tables once", fmt.Sprintf("%.2f", ratio(wall)), fmt.Sprintf("at most %.2f", askedOfTenants), met})
	asked.AppendRow(table.Row{"CPU of all three, all tenants : the tables once", fmt.Sprintf("%.2f", ratio(cpu)), "", ""})
	size := "one with four fifths of the rows and one with none"
	if b.equal || b.tenants < fewestUneven {
		size = "of equal size"
	}
	head := fmt.Sprintf("%s: %s into %s; %s (%s); %d MiB for each server's pages; %s rows in 4 tables, %d tenants, %s; median of %d runs; both with assess, schema, copy and verify.",
		time.Now().UTC().Format(time.DateOnly), b.source, b.dest, b.processors(), cpuModel(), b.pool, humanize.Comma(int64(b.rows)), b.tenants, size, b.runs)
	if b.markdown {
		say("\n%s\n\n%s\n\n%s\n\n%s", head, w.RenderMarkdown(), p.RenderMarkdown(), asked.RenderMarkdown())
		return
	}
	say("%s\n%s\n%s\n%s", head, w.Render(), p.Render(), asked.Render())
}

// moveWhole moves the tables as they are.
func (b *bench) moveWhole(ctx context.Context) (m move, err error) {
	defer func() { err = errors.Join(err, b.forget(ctx, "whole")) }()
	if err = b.dest.Exec(ctx, "", "CREATE DATABASE whole"); err != nil {
		return m, err
	}
	return b.measure(ctx, "run", "--source", b.source.URL(database), "--target", b.dest.URL("whole"), "--workers", strconv.Itoa(b.workers))
}

// moveTenants moves every tenant into a database of its own.
func (b *bench) moveTenants(ctx context.Context) (m move, err error) {
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "version: 1\nsources:\n  shared: {url: %q}\ntargets:\n  cluster: {url: %q}\ntenant_column: tenant_id\n"+
		"limits: {tenants_at_once: %d, workers: %d}\ntenants:\n", b.source.URL(database), b.dest.URL(""), b.atOnce, b.workers)
	defer func() {
		for n := range b.tenants {
			err = errors.Join(err, b.forget(ctx, "tenant_"+strconv.Itoa(n+1)))
		}
	}()
	for n := 1; n <= b.tenants; n++ {
		name := "tenant_" + strconv.Itoa(n)
		_, _ = fmt.Fprintf(&text, "  - {name: %s, id: %d, database: %s}\n", name, n, name)
		if err = b.dest.Exec(ctx, "", "CREATE DATABASE "+name); err != nil {
			return m, err
		}
	}
	file := filepath.Join(b.dir, "plan.yaml")
	if err = os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return m, fmt.Errorf("write the plan: %w", err)
	}
	return b.measure(ctx, "run", "--plan", file, "--all")
}

func (b *bench) forget(ctx context.Context, name string) error {
	return b.dest.Exec(ctx, "", "DROP DATABASE IF EXISTS "+name)
}
