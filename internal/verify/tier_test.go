package verify

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leap/internal/row"
	"leap/internal/schema"
)

// timed is an end that takes so long for a sample; of several times, each for one.
type timed struct {
	*fakeEnd
	stream, sums []time.Duration

	mu                sync.Mutex // guards what follows
	streamed, sumsGot int
}

func (*timed) Summable(schema.ColumnMapping) string { return "" }

func (e *timed) Sums(context.Context, *schema.Mapping, row.Part) (map[string]row.Digest, error) {
	e.take(e.sums, &e.sumsGot)
	return map[string]row.Digest{}, nil
}

func (e *timed) ScanPart(context.Context, *schema.Mapping, row.Part, func(row.Row) error) error {
	e.take(e.stream, &e.streamed)
	return nil
}

func (e *timed) take(times []time.Duration, count *int) {
	e.mu.Lock()
	took := times[min(*count, len(times)-1)]
	*count++
	e.mu.Unlock()
	<-time.After(took)
}

// TestFaster: what took less is taken, and measured again unless streaming, which
// comes first and may have met cold caches, was clearly faster.
func TestFaster(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		stream, sums []time.Duration
		want         Tier
		rounds       int
	}{
		"streaming is clearly faster": {[]time.Duration{10 * ms}, []time.Duration{30 * ms}, Stream, 1},
		"streaming is faster":         {[]time.Duration{10 * ms}, []time.Duration{15 * ms}, Stream, 2},
		"the servers are faster":      {[]time.Duration{90 * ms}, []time.Duration{10 * ms}, Pushdown, 2},
		"the caches were cold":        {[]time.Duration{90 * ms, 10 * ms}, []time.Duration{30 * ms}, Stream, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			source := &timed{fakeEnd: newEnd(), stream: c.stream, sums: c.sums}
			target := &timed{fakeEnd: newEnd(), stream: []time.Duration{ms}, sums: []time.Duration{ms}}
			work := &table{src: source, dst: target, mapping: mapping(Ranges), result: TableResult{Method: Ranges}}
			p, err := work.faster(t.Context(), tierPlan{tier: Pushdown, summed: work.mapping, source: source, target: target})
			if err != nil || p.tier != c.want {
				t.Errorf("%s: %s (%s), %v", name, p.tier, p.why, err)
			}
			for _, end := range []*timed{source, target} {
				if end.streamed != c.rounds || end.sumsGot != c.rounds {
					t.Errorf("%s: streamed %d times, digested %d, want %d", name, end.streamed, end.sumsGot, c.rounds)
				}
			}
		})
	}
}
