package verify

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"leap/internal/event"
	"leap/internal/row"
)

const (
	// pushReaders is how many ranges of a table the servers digest at once:
	// two keep both busy while one of them is ahead.
	pushReaders = 2
	// fineRows is the size to which a differing range or bucket is narrowed
	// before its rows are read: at most this many travel for one difference.
	fineRows = 1000
)

// compareOnServers compares the digests that both servers compute.
func (t *table) compareOnServers(ctx context.Context, p tierPlan, all row.Range) error {
	if t.result.Method != Ranges {
		return t.compareServerBuckets(ctx, p)
	}
	differing, err := t.compareSpans(ctx, p, all, coarse(t))
	if err != nil {
		return err
	}
	number := 0
	for _, s := range differing {
		fine := []span{s}
		if s.digest.Rows > fineRows {
			if fine, err = t.compareSpans(ctx, p, s.rng, narrow(t)); err != nil {
				return err
			}
		}
		for _, f := range fine {
			t.doubt(suspect{number: number, pick: pick{part: row.Part{Range: f.rng}}, rows: f.digest.Rows})
			number++
		}
	}
	return nil
}

// grain is how finely a range is divided, and what is done with equal parts.
type grain struct {
	rows  int
	equal func(s span, d row.Digest)
	// told is called for every part that was compared.
	told func(rows int64)
}

// coarse is for the first look, which progress follows.
func coarse(t *table) grain {
	return grain{
		rows:  t.cfg.RangeRows,
		equal: func(s span, d row.Digest) { t.pass(s.number, s.rng.UpTo, d) },
		told: func(rows int64) {
			t.cfg.Events.Emit(event.Event{Kind: event.RowsMoved, Phase: phase, Table: t.mapping.SourceName, Rows: rows})
		},
	}
}

// narrow is for the second look at what differs.
func narrow(t *table) grain {
	return grain{rows: fineRows, equal: func(_ span, d row.Digest) { t.agree(d) }, told: func(int64) {}}
}

// compareSpans divides a range by the source's rows, compares the parts, and
// returns those that differ, in order.
func (t *table) compareSpans(ctx context.Context, p tierPlan, whole row.Range, g grain) ([]span, error) {
	cutter, _ := t.src.(Cutter) // pushdown saw to it
	group, groupCtx := errgroup.WithContext(ctx)
	spans := make(chan span, pushReaders)
	group.Go(func() error {
		defer close(spans)
		for s := (span{rng: whole}); ; {
			upTo, err := cutter.Cut(groupCtx, t.mapping, s.rng, g.rows)
			if err != nil {
				return err
			}
			last := upTo == nil
			if !last {
				s.rng.UpTo = upTo
			}
			select {
			case spans <- s:
			case <-groupCtx.Done():
				return context.Cause(groupCtx)
			}
			if last {
				return nil
			}
			s = span{number: s.number + 1, rng: row.Range{After: upTo, UpTo: whole.UpTo}}
		}
	})
	var found [pushReaders][]span
	for i := range found {
		group.Go(func() (err error) {
			found[i], err = t.compareEach(groupCtx, p, spans, g)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	differing := slices.Concat(found[:]...)
	slices.SortFunc(differing, func(a, b span) int { return a.number - b.number })
	return differing, nil
}

// compareEach compares spans and returns those that differ.
func (t *table) compareEach(ctx context.Context, p tierPlan, spans <-chan span, g grain) ([]span, error) {
	var differing []span
	for s := range spans {
		source, target, err := t.digestOnServers(ctx, p, s.rng)
		if err != nil {
			return nil, err
		}
		g.told(source.Rows)
		if source == target {
			g.equal(s, source)
			continue
		}
		s.digest = source
		differing = append(differing, s)
	}
	return differing, nil
}

// digestOnServers digests a range on both sides at once: by the servers what
// they can digest, here what they cannot.
func (t *table) digestOnServers(ctx context.Context, p tierPlan, r row.Range) (source, target row.Digest, _ error) {
	group, ctx := errgroup.WithContext(ctx)
	for _, end := range []struct {
		summer Summer
		side   side
		out    *row.Digest
	}{{p.source, t.source(), &source}, {p.target, t.target(), &target}} {
		group.Go(func() error {
			sums, err := end.summer.Sums(ctx, p.summed, row.Part{Range: r})
			if err != nil {
				return err
			}
			*end.out = sums[""]
			if p.streamed == nil {
				return nil
			}
			others, err := end.side.digest(ctx, p.streamed, row.Part{Range: r})
			end.out.Fold(others)
			return err
		})
	}
	err := group.Wait()
	return source, target, err
}

// bucketBytes is about what the digest of one bucket takes on the wire, both
// sides together; rowBytes is a narrow row.
const bucketBytes, rowBytes = 150, 60

// digits is by how many hex digits the rows of a table are put into buckets:
// as many as keep the digests below 0.05 % of a table of narrow rows.
func digits(rows int64) int {
	const most = 4
	n := 0
	for buckets := int64(16); n < most && buckets*bucketBytes*2000 <= rows*rowBytes; buckets *= 16 {
		n++
	}
	return n
}

// moreDigits is by how much differing buckets are narrowed at once.
const moreDigits = 2

// maxBuckets is how many differing buckets are narrowed further; more than
// that make a table of which most must be read anyway.
const maxBuckets = 256

// compareServerBuckets groups the rows on both servers by the hash of what
// identifies them, and narrows the groups that differ.
func (t *table) compareServerBuckets(ctx context.Context, p tierPlan) error {
	look := row.Part{Digits: digits(estimate(t.mapping))}
	for {
		source, target, err := sumBoth(ctx, p, look)
		if err != nil {
			return err
		}
		rows, differing := t.compareSums(source, target)
		if look.Buckets == nil {
			total := int64(0)
			for _, d := range source {
				total += d.Rows
			}
			t.cfg.Events.Emit(event.Event{Kind: event.RowsMoved, Phase: phase, Table: t.mapping.SourceName, Rows: total})
		}
		const enough = 16 // digits: no two rows share as many
		if len(differing) == 0 {
			return nil
		}
		if rows <= fineRows*int64(len(differing)) || len(differing) > maxBuckets || look.Digits >= enough {
			t.doubtBuckets(differing, source)
			return nil
		}
		if look.Digits > 0 {
			look.Buckets = differing
		}
		look.Digits += moreDigits
	}
}

// compareSums adds up the buckets that agree and returns the others, in order,
// with the number of the source's rows in them.
func (t *table) compareSums(source, target map[string]row.Digest) (rows int64, differing []string) {
	all := maps.Clone(target)
	maps.Copy(all, source)
	for _, bucket := range slices.Sorted(maps.Keys(all)) {
		if source[bucket] == target[bucket] {
			t.agree(source[bucket])
			continue
		}
		rows += max(source[bucket].Rows, target[bucket].Rows)
		differing = append(differing, bucket)
	}
	return rows, differing
}

// doubtBuckets makes suspects of differing buckets, so many at once as can be
// looked into together.
func (t *table) doubtBuckets(differing []string, source map[string]row.Digest) {
	var s suspect
	flush := func() {
		if len(s.pick.part.Buckets) > 0 {
			t.doubt(s)
		}
		s = suspect{number: s.number + 1}
	}
	for _, bucket := range differing {
		if bucket == "" { // the table was not divided
			t.doubt(suspect{rows: source[bucket].Rows})
			return
		}
		s.pick.part.Buckets = append(s.pick.part.Buckets, bucket)
		if s.rows += source[bucket].Rows; s.rows >= maxDrillRows {
			flush()
		}
	}
	flush()
}

func sumBoth(ctx context.Context, p tierPlan, part row.Part) (source, target map[string]row.Digest, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		source, err = p.source.Sums(ctx, p.summed, part)
		return err
	})
	group.Go(func() (err error) {
		target, err = p.target.Sums(ctx, p.summed, part)
		return err
	})
	err = group.Wait()
	return source, target, err
}
