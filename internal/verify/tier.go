package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"leap/internal/row"
	"leap/internal/schema"
)

// Tier says who computes the digests of a table.
type Tier string

// The tiers.
const (
	// Auto takes, table by table, what is faster.
	Auto Tier = "auto"
	// Pushdown lets both servers compute the digests: hardly anything travels.
	Pushdown Tier = "pushdown"
	// Stream reads all rows of both sides and compares them here: exact for
	// every type, and faster where the network is no bottleneck.
	Stream Tier = "stream"
)

// Summer is an end whose server computes digests. Both must be one for the
// tier Pushdown, and the source a Cutter for ranges.
type Summer interface {
	// Summable says why the server cannot digest a column; "" when it can.
	Summable(c schema.ColumnMapping) string
	// Sums digests the rows of a part, by bucket. A row without a hash is row.ErrNullHash.
	Sums(ctx context.Context, m *schema.Mapping, p row.Part) (map[string]row.Digest, error)
	// ScanPart is Scan for a part.
	ScanPart(ctx context.Context, m *schema.Mapping, p row.Part, fn func(row.Row) error) error
}

// Cutter finds the n-th key of a range; nil when it has fewer rows.
type Cutter interface {
	Cut(ctx context.Context, m *schema.Mapping, r row.Range, n int) (row.Key, error)
}

// tierPlan says how a table is compared.
type tierPlan struct {
	tier Tier
	why  string
	// summed is the table with the columns that the servers digest; streamed
	// the one with the key and all others, nil when there is none.
	summed, streamed *schema.Mapping
	source, target   Summer
}

// The sizes at which Auto measures.
const (
	// worthMeasuring is how many rows a table must have: below, either way
	// takes a second or two.
	worthMeasuring = 300_000
	// sampleRows are read both ways: 3 % of such a table, and long enough to
	// outweigh a round trip of a few milliseconds.
	sampleRows = 10_000
	// clearly is how many times as long the digests must take the first time to be
	// measured no more.
	clearly = 2
)

// plan chooses the tier. What the servers cannot digest is streamed whatever
// was asked for: a column that both have no common text for, or, where rows
// are matched by buckets of the servers' making, the whole table.
func (t *table) plan(ctx context.Context) (tierPlan, error) {
	if t.cfg.Tier == Stream {
		return tierPlan{tier: Stream, why: "asked for"}, nil
	}
	p, problem := t.pushdown()
	if problem != "" {
		return tierPlan{tier: Stream, why: problem}, nil
	}
	if t.cfg.Tier == Pushdown {
		p.why = "asked for"
		if p.streamed != nil {
			p.why += "; " + p.others()
		}
		return p, nil
	}
	if rows := estimate(t.mapping); rows < worthMeasuring {
		return tierPlan{tier: Stream, why: fmt.Sprintf("about %d rows: too few to choose", rows)}, nil
	}
	return t.faster(ctx, p)
}

// others names the columns that travel in a table that is otherwise digested
// by the servers.
func (p tierPlan) others() string {
	var names []string
	for i, c := range p.streamed.Columns {
		if !slices.Contains(p.streamed.Key, i) {
			names = append(names, c.Name)
		}
	}
	return "streamed columns: " + strings.Join(names, " ")
}

// pushdown plans the tier Pushdown, or says why it cannot be.
func (t *table) pushdown() (tierPlan, string) {
	p := tierPlan{tier: Pushdown}
	var okSource, okTarget, okCutter bool
	p.source, okSource = t.src.(Summer)
	p.target, okTarget = t.dst.(Summer)
	_, okCutter = t.src.(Cutter)
	if !okSource || !okTarget || !okCutter {
		return p, "the servers cannot be asked for digests"
	}
	var summed, streamed []int
	first := ""
	for i, c := range t.mapping.Columns {
		reason := p.source.Summable(c)
		if reason == "" {
			reason = p.target.Summable(c)
		}
		switch {
		case reason == "":
			summed = append(summed, i)
			if slices.Contains(t.mapping.Key, i) {
				streamed = append(streamed, i)
			}
			continue
		case slices.Contains(t.mapping.Key, i) || t.result.Method != Ranges:
			return p, "column " + c.Name + ": " + reason
		}
		streamed = append(streamed, i)
		if first == "" {
			first = "column " + c.Name + ": " + reason
		}
	}
	if first == "" {
		p.summed = t.mapping
		return p, ""
	}
	if len(summed) == len(t.mapping.Key) {
		return p, first
	}
	p.summed, p.streamed = part(t.mapping, summed), part(t.mapping, streamed)
	return p, ""
}

// part is the mapping with some of its columns, the key's among them.
func part(m *schema.Mapping, positions []int) *schema.Mapping {
	out := *m
	out.Columns, out.Key = nil, make([]int, len(m.Key))
	for i, position := range positions {
		out.Columns = append(out.Columns, m.Columns[position])
		for j, k := range m.Key {
			if k == position {
				out.Key[j] = i
			}
		}
	}
	return &out
}

// faster reads a few rows both ways, twice each unless the first time is clear, and
// takes what took less.
func (t *table) faster(ctx context.Context, p tierPlan) (tierPlan, error) {
	sample := row.Part{Limit: sampleRows}
	best := map[Tier]time.Duration{}
	for range 2 {
		for _, tier := range []Tier{Stream, Pushdown} {
			started := time.Now()
			err := t.sample(ctx, p, tier, sample)
			if errors.Is(err, row.ErrNullHash) {
				return tierPlan{tier: Stream, why: err.Error()}, nil
			}
			if err != nil {
				return p, err
			}
			if took := time.Since(started); best[tier] == 0 || took < best[tier] {
				best[tier] = took
			}
		}
		// Streaming met the cold caches, if they were: what is clear now stays so.
		if best[Pushdown] > clearly*best[Stream] {
			break
		}
	}
	p.why = fmt.Sprintf("%d rows take %s digested by the servers and %s streamed", sampleRows,
		best[Pushdown].Round(time.Millisecond), best[Stream].Round(time.Millisecond))
	if p.streamed != nil {
		p.why += "; " + p.others()
	}
	if best[Stream] <= best[Pushdown] {
		return tierPlan{tier: Stream, why: p.why}, nil
	}
	return p, nil
}

// sample reads some rows of both sides at the same time, for the time it takes.
func (t *table) sample(ctx context.Context, p tierPlan, tier Tier, sample row.Part) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, end := range []struct {
		summer Summer
		side   side
	}{{p.source, t.source()}, {p.target, t.target()}} {
		group.Go(func() error {
			switch {
			case tier == Stream && t.result.Method == Ranges:
				return end.side.scan(ctx, t.mapping, sample, func(row.Row) error { return nil })
			case tier == Stream:
				_, err := end.side.digest(ctx, t.mapping, sample)
				return err
			}
			if _, err := end.summer.Sums(ctx, p.summed, sample); err != nil || p.streamed == nil {
				return err
			}
			_, err := end.side.digest(ctx, p.streamed, sample)
			return err
		})
	}
	return group.Wait()
}
