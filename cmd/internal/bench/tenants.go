package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
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

// shares is the shared database for n tenants: rows that belong by a column, and
// by ways of one and of two foreign keys. Numbers come from MariaDB's sequences.
func shares(rows, tenants int) []string {
	customers, accounts := max(tenants, rows/100), max(tenants, rows/50)
	const text = "CHARSET utf8mb4 COLLATE utf8mb4_bin"
	return []string{
		"CREATE TABLE customers (id INT PRIMARY KEY, tenant_id INT NOT NULL, name VARCHAR(60) NOT NULL, KEY (tenant_id)) " + text,
		"CREATE TABLE accounts (id INT PRIMARY KEY, customer_id INT NOT NULL, iban VARCHAR(34) NOT NULL, KEY (customer_id), FOREIGN KEY (customer_id) REFERENCES customers (id)) " + text,
		`CREATE TABLE transactions (id BIGINT PRIMARY KEY, account_id INT NOT NULL, amount DECIMAL(18,2) NOT NULL, currency CHAR(3) NOT NULL,
			booked_at DATETIME(6) NOT NULL, description VARCHAR(64) NOT NULL, KEY (account_id), FOREIGN KEY (account_id) REFERENCES accounts (id)) ` + text,
		`CREATE TABLE events (id BIGINT PRIMARY KEY, tenant_id INT NOT NULL, kind VARCHAR(20) NOT NULL, at DATETIME(6) NOT NULL, detail VARCHAR(80) NOT NULL, KEY (tenant_id)) ` + text,
		fmt.Sprintf("INSERT INTO customers SELECT seq, 1 + seq %% %d, CONCAT('customer ', seq) FROM seq_1_to_%d", tenants, customers),
		fmt.Sprintf("INSERT INTO accounts SELECT seq, 1 + seq * 7 %% %d, CONCAT('DE', LPAD(seq, 20, '0')) FROM seq_1_to_%d", customers, accounts),
		fmt.Sprintf(`INSERT INTO transactions SELECT seq, 1 + seq * 13 %% %d, seq / 7, 'EUR', '2024-01-01' + INTERVAL seq SECOND,
			CONCAT('payment of ', seq) FROM seq_1_to_%d`, accounts, rows/2),
		fmt.Sprintf(`INSERT INTO events SELECT seq, 1 + seq * 11 %% %d, 'login', '2024-01-01' + INTERVAL seq SECOND,
			CONCAT('from address ', seq) FROM seq_1_to_%d`, tenants, rows/2),
		"ANALYZE TABLE customers, accounts, transactions, events",
	}
}

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
	for _, statement := range shares(b.rows, b.tenants) {
		if err = b.source.Exec(ctx, database, statement); err != nil {
			return err
		}
	}
	names := []string{wholeName, tenantsName}
	results := map[string][]measurement{}
	for i := range b.runs {
		for _, name := range names {
			work := b.moveWhole
			if name == tenantsName {
				work = b.moveTenants
			}
			m, err := work(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			say("run %d of %d  %-36s %6.2fs, %.2f CPU-s", i+1, b.runs, name, m.wall.Seconds(), m.cpu.Seconds())
			results[name] = append(results[name], m)
		}
	}
	b.printTenants(names, results)
	return nil
}

func (b *bench) printTenants(names []string, results map[string][]measurement) {
	wall := func(m measurement) float64 { return m.wall.Seconds() }
	w := newTable("", "seconds", "client CPU-s", "memory")
	for _, name := range names {
		w.AppendRow(table.Row{
			name, fmt.Sprintf("%.1f", median(results[name], wall)),
			fmt.Sprintf("%.1f", median(results[name], func(m measurement) float64 { return m.cpu.Seconds() })),
			humanize.IBytes(uint64(median(results[name], func(m measurement) float64 { return float64(m.rss) }))),
		})
	}
	ratio := median(results[tenantsName], wall) / median(results[wholeName], wall)
	met := "met"
	if ratio > askedOfTenants {
		met = "not met"
	}
	asked := newTable("", "measured", "asked", "")
	asked.AppendRow(table.Row{"time, all tenants : the tables once", fmt.Sprintf("%.2f", ratio), fmt.Sprintf("at most %.2f", askedOfTenants), met})
	head := fmt.Sprintf("%s: %s into %s; %d CPUs (%s); %s rows in 4 tables, %d tenants of equal size, median of %d runs; both with assess, schema, copy and verify.",
		time.Now().UTC().Format(time.DateOnly), b.source, b.dest, runtime.NumCPU(), cpuModel(), humanize.Comma(int64(b.rows)), b.tenants, b.runs)
	if b.markdown {
		say("\n%s\n\n%s\n\n%s", head, w.RenderMarkdown(), asked.RenderMarkdown())
		return
	}
	say("%s\n%s\n%s", head, w.Render(), asked.Render())
}

// moveWhole moves the tables as they are.
func (b *bench) moveWhole(ctx context.Context) (m measurement, err error) {
	defer func() { err = errors.Join(err, b.forget(ctx, "whole")) }()
	if err = b.dest.Exec(ctx, "", "CREATE DATABASE whole"); err != nil {
		return m, err
	}
	return client(ctx, b.migrate, "run", "--source", b.source.URL(database), "--target", b.dest.URL("whole"),
		"--workers", strconv.Itoa(b.workers), "--progress", "none")
}

// moveTenants moves every tenant into a database of its own.
func (b *bench) moveTenants(ctx context.Context) (m measurement, err error) {
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "version: 1\nsources:\n  shared: {url: %q}\ntargets:\n  cluster: {url: %q}\ntenant_column: tenant_id\n"+
		"limits: {tenants_at_once: %d, workers: %d}\ntenants:\n", b.source.URL(database), b.dest.URL(""), b.workers, 1)
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
	return client(ctx, b.migrate, "run", "--plan", file, "--all", "--progress", "none")
}

func (b *bench) forget(ctx context.Context, name string) error {
	return b.dest.Exec(ctx, "", "DROP DATABASE IF EXISTS "+name)
}
