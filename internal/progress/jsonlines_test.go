package progress

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leap/internal/event"
)

func TestJSONLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out log
		j := NewJSONLines(&out)
		at := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.FixedZone("CET", 3600))
		emit := func(e event.Event) {
			e.At, e.Phase = at, "copy"
			j.Emit(e)
			synctest.Wait()
		}
		emit(event.Event{Kind: event.PhaseStarted})
		emit(event.Event{Kind: event.TablePlanned, Table: "a", TotalRows: 1000})
		emit(event.Event{Kind: event.TablePlanned, Table: "empty"})
		emit(event.Event{Kind: event.TableStarted, Table: "a"})
		for range 10 {
			emit(event.Event{Kind: event.RowsMoved, Table: "a", Rows: 7, Bytes: 100})
		}
		wait(1100 * time.Millisecond)
		emit(event.Event{Kind: event.RowsMoved, Table: "a", Rows: 3})
		emit(event.Event{Kind: event.Retried, Table: "a", Message: "40001 <restart>"})
		emit(event.Event{Kind: event.TableFinished, Table: "a", Rows: 73})
		emit(event.Event{Kind: event.TableFailed, Table: "empty", Message: "no\nrights"})
		emit(event.Event{Kind: event.Step, Message: "indexes"})
		emit(event.Event{Kind: event.PhaseFinished, Elapsed: 1500 * time.Millisecond})
		j.Close()
		j.Close()
		emit(event.Event{Kind: event.Warned, Message: "too late"})
		golden(t, "events.jsonl", out.String())
		for l := range strings.Lines(out.String()) {
			if err := json.Unmarshal([]byte(l), &map[string]any{}); err != nil {
				t.Errorf("%v: %s", err, l)
			}
		}
	})
}

func TestJSONLinesLoseNoRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{gate: make(chan struct{})}
		j := NewJSONLines(out)
		const workers, each = 8, 5_000
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range each {
					j.Emit(ev(event.RowsMoved, "a", 3))
					j.Emit(event.Event{Kind: event.Step, Phase: "copy", Table: "a", Message: "step"})
				}
			})
		}
		wg.Wait() // would never return if Emit waited
		j.Emit(event.Event{Kind: event.Warned, Message: "precious"})
		close(out.gate)
		j.Close()
		rows, dropped, kinds := int64(0), 0, map[event.Kind]int{}
		for l := range strings.Lines(out.String()) {
			var r record
			if err := json.Unmarshal([]byte(l), &r); err != nil {
				t.Fatal(err)
			}
			dropped += r.Dropped
			if r.Kind == event.RowsMoved {
				rows += *r.Rows
			}
			kinds[r.Kind]++
		}
		if rows != workers*each*3 {
			t.Errorf("%d rows, want %d", rows, workers*each*3)
		}
		steps := kinds[event.Step]
		if steps+dropped != workers*each || dropped == 0 {
			t.Errorf("%d steps and %d dropped, want %d in all", steps, dropped, workers*each)
		}
		if kinds[event.Warned] == 0 {
			t.Error("the warning is lost")
		}
	})
}
