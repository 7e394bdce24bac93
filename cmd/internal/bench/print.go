package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// figures are the medians of one contender.
type figures struct{ rate, cpu, rss float64 }

func figuresOf(c contender, ms []measurement) figures {
	return figures{
		rate: median(ms, func(m measurement) float64 { return float64(c.rows) / m.wall.Seconds() }),
		cpu:  median(ms, func(m measurement) float64 { return m.cpu.Seconds() / float64(c.rows) * 1e6 }),
		rss:  median(ms, func(m measurement) float64 { return float64(m.rss) }),
	}
}

// print writes the medians and how each compares with migrate copy, and then
// what is asked of them.
func (b *bench) print(contenders []contender, results map[string][]measurement) {
	all := map[string]figures{}
	for _, c := range contenders {
		all[c.name] = figuresOf(c, results[c.name])
	}
	own := all[copyName]
	w := newTable("", "rows/s", "CPU-s per million rows", "memory", "rows/s of migrate copy : this", "CPU of this : migrate copy")
	for _, c := range contenders {
		f := all[c.name]
		w.AppendRow(table.Row{
			c.name, humanize.Comma(int64(f.rate)), fmt.Sprintf("%.2f", f.cpu), humanize.IBytes(uint64(f.rss)),
			fmt.Sprintf("%.2f", own.rate/f.rate), fmt.Sprintf("%.2f", f.cpu/own.cpu),
		})
	}
	asked := newTable("", "measured", "asked", "")
	for _, g := range b.goals(all) {
		met := "met"
		if !g.met {
			met = "not met"
		}
		asked.AppendRow(table.Row{g.what, g.measured, g.asked, met})
	}
	head := fmt.Sprintf("%s: %s into %s; %s (%s); %d MiB for each server's pages; %s rows, %d connections, median of %d runs; client figures of the whole process.",
		time.Now().UTC().Format(time.DateOnly), b.source, b.dest, b.processors(), cpuModel(), b.pool, humanize.Comma(int64(b.rows)), b.workers, b.runs)
	if b.markdown {
		say("\n%s\n\n%s\n\n%s", head, w.RenderMarkdown(), asked.RenderMarkdown())
	} else {
		say("%s\n%s\n%s", head, w.Render(), asked.Render())
	}
	if b.dest.StandIn() {
		say("\nThe target is PostgreSQL, standing in for CockroachDB, whose own ingest is slower.")
	}
}

func newTable(header ...any) table.Writer {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.AppendHeader(header)
	var right []table.ColumnConfig
	for i := 2; i <= len(header); i++ {
		right = append(right, table.ColumnConfig{Number: i, Align: text.AlignRight})
	}
	w.SetColumnConfigs(right)
	return w
}

// goal is something that is asked of migrate.
type goal struct {
	what, measured, asked string
	met                   bool
}

// What is asked; a ratio is of one run, so that the machine does not matter much.
const (
	askedOfPsql       = 0.9 // of its rows/s
	askedOfImport     = 0.9 // of a plain one's rows/s
	askedOfPgloader   = 3.0 // times its rows/s
	askedOfPgloadCPU  = 6.0 // times less CPU per row
	askedOfVerify     = 460 // thousand rows/s: three times MOLT Verify's 154 on such a machine
	askedOfVerifyCPU  = 2.5
	askedOfVerifyTime = 0.25 // of the copy's
	askedOnStandIn    = 0.6  // the same, where rows go in faster
	askedMemory       = 64 << 20
	askedOfSmall      = 1.1 // times the memory of a twentieth of the rows: flat
	chunkBuffers      = 2   // of each worker
	chunkBytes        = 1 << 20
	bytesPerMebibytes = 1 << 20
	thousand          = 1000
)

func (b *bench) goals(all map[string]figures) []goal {
	own := all[copyName]
	var out []goal
	atLeast := func(what string, value, limit float64) {
		out = append(out, goal{what, fmt.Sprintf("%.2f", value), fmt.Sprintf("at least %.2f", limit), value >= limit})
	}
	atMost := func(what string, value, limit float64, unit string) {
		out = append(out, goal{what, fmt.Sprintf("%.2f%s", value, unit), fmt.Sprintf("at most %.2f%s", limit, unit), value <= limit})
	}
	if f, ok := all[psqlName]; ok {
		atLeast("rows/s, migrate copy : psql \\copy", own.rate/f.rate, askedOfPsql)
	}
	if f, ok := all[atomicName]; ok {
		atLeast("rows/s, migrate copy : psql \\copy, atomic", own.rate/f.rate, askedOfPsql)
	}
	if f, ok := all[pgloaderName]; ok {
		atLeast("rows/s, migrate copy : pgloader", own.rate/f.rate, askedOfPgloader)
		atLeast("CPU per row, pgloader : migrate copy", f.cpu/own.cpu, askedOfPgloadCPU)
	}
	if f, ok := all[plainName]; ok {
		atLeast("rows/s, --ingest import : IMPORT of the same rows", all[importName].rate/f.rate, askedOfImport)
	}
	if f, ok := all[verifyName]; ok {
		atLeast("rows/s, migrate verify, in thousands", f.rate/thousand, askedOfVerify)
		atMost("CPU-s per million rows, migrate verify", f.cpu, askedOfVerifyCPU, "")
		atMost("memory of migrate verify", f.rss/bytesPerMebibytes, askedMemory/bytesPerMebibytes, " MiB")
		share := askedOfVerifyTime
		if b.dest.StandIn() {
			share = askedOnStandIn
		}
		atMost("time, migrate verify : migrate copy", own.rate/f.rate, share, "")
	}
	limit := float64(askedMemory + b.workers*chunkBuffers*chunkBytes)
	atMost("memory of migrate copy", own.rss/bytesPerMebibytes, limit/bytesPerMebibytes, " MiB")
	if f, ok := all[smallName]; ok {
		atMost(fmt.Sprintf("memory, %s : %s rows", humanize.Comma(int64(b.rows)), humanize.Comma(int64(b.rows/small))), own.rss/f.rss, askedOfSmall, "")
	}
	return out
}

// cpuModel is what the kernel calls the processor.
func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // elsewhere there is none
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func median[M any](ms []M, of func(M) float64) float64 {
	values := make([]float64, len(ms))
	for i, m := range ms {
		values[i] = of(m)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
