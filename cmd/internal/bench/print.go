package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"leap/internal/convert"
	"leap/internal/endpoint"
	"leap/internal/row"
	"leap/internal/source"
)

// print writes the medians and how each compares with migrate copy.
func (b *bench) print(contenders []contender, results map[string][]measurement) {
	rate := func(m measurement) float64 { return float64(b.rows) / m.wall.Seconds() }
	cpu := func(m measurement) float64 { return m.cpu.Seconds() / float64(b.rows) * 1e6 }
	rss := func(m measurement) float64 { return float64(m.rss) }
	own := results[contenders[0].name]
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.AppendHeader(table.Row{"", "rows/s", "CPU-s per million rows", "memory", "rows/s of migrate copy : this", "CPU of this : migrate copy"})
	var right []table.ColumnConfig
	for i := 2; i <= 6; i++ {
		right = append(right, table.ColumnConfig{Number: i, Align: text.AlignRight})
	}
	w.SetColumnConfigs(right)
	for _, c := range contenders {
		ms := results[c.name]
		w.AppendRow(table.Row{
			c.name, humanize.Comma(int64(median(ms, rate))), fmt.Sprintf("%.2f", median(ms, cpu)),
			humanize.IBytes(uint64(median(ms, rss))),
			fmt.Sprintf("%.2f", median(own, rate)/median(ms, rate)), fmt.Sprintf("%.2f", median(ms, cpu)/median(own, cpu)),
		})
	}
	say("%s rows, %d workers, median of %d runs; client figures of the whole process\n%s",
		humanize.Comma(int64(b.rows)), b.workers, b.runs, w.Render())
	if !b.dest.StandIn() {
		return
	}
	say("target: PostgreSQL, standing in for CockroachDB, whose own ingest is slower")
}

// dumpTable writes the table's rows as COPY text. CockroachDB has no COPY TO,
// so the rows are read with a query there and here alike.
func (b *bench) dumpTable(ctx context.Context, db string) (err error) {
	handle, err := b.dest.DB(ctx, db)
	if err != nil {
		return err
	}
	defer func() { _ = handle.Close() }()
	rows, err := handle.QueryContext(ctx, "SELECT * FROM "+tableName+" ORDER BY id")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	file, err := os.Create(b.file())
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	values := make([]*string, len(columns))
	targets := make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	escape := strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		for i, v := range values {
			if i > 0 {
				_ = out.WriteByte('\t')
			}
			if v == nil {
				_, _ = out.WriteString(`\N`)
			} else {
				_, _ = escape.WriteString(out, *v)
			}
		}
		_ = out.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}

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
