package migrate

import (
	"errors"
	"sync"
	"testing"

	"leap/internal/schema"
	"leap/internal/source"
)

// One reading serves all that look at the same moment, and nobody else.
func TestCensuses(t *testing.T) {
	var c Censuses
	counted := 0
	ask := func(table string, sharing source.Sharing, at source.Position, failure error) (int64, error) {
		got, err := c.of(table, sharing, at, func() (source.Census, error) {
			counted++
			return source.Census{Rows: int64(counted)}, failure
		})
		return got.Rows, err
	}
	here := source.Position{View: "binlog.000001:4 (gtid 0-1-1)"}
	later := source.Position{View: "binlog.000001:5 (gtid 0-1-2)"}
	shared := source.Sharing{Parts: []*schema.Slice{{Column: "tenant_id", Values: []string{"1"}}}}
	if _, err := ask("a", shared, here, errors.New("lost")); err == nil {
		t.Error("an error was swallowed")
	}
	for _, step := range []struct {
		table   string
		sharing source.Sharing
		at      source.Position
		want    int64 // the number of the count
	}{
		{"a", shared, here, 2},
		{"a", shared, here, 2},
		{"b", shared, here, 3},
		{"a", shared, later, 4},
		{"a", source.Sharing{Parts: shared.Parts, Nowhere: true}, here, 5},
		{"a", source.Sharing{Parts: []*schema.Slice{{Column: "tenant_id", Values: []string{"2"}}}}, here, 6},
		{"a", shared, source.Position{File: "binlog.000001", Offset: 4}, 7},
		{"a", shared, source.Position{File: "binlog.000001", Offset: 4}, 8},
		{"a", shared, here, 2},
	} {
		if got, err := ask(step.table, step.sharing, step.at, nil); got != step.want || err != nil {
			t.Errorf("%s at %v: count %d (%v), want %d", step.table, step.at, got, err, step.want)
		}
	}
	var none *Censuses
	if _, err := none.of("a", shared, here, func() (source.Census, error) { return source.Census{}, nil }); err != nil {
		t.Error(err)
	}
	var wg sync.WaitGroup
	before, once := counted, later
	once.View = "binlog.000001:6"
	for range 8 {
		wg.Go(func() { _, _ = ask("a", shared, once, nil) })
	}
	wg.Wait()
	if counted != before+1 {
		t.Errorf("eight at once counted %d times", counted-before)
	}
}
