package metrics

import (
	"strings"
	"testing"
	"time"

	"leap/internal/event"
)

// numbers returns what a scrape shows of moves, each metric under its name and
// the values of its labels.
func numbers(t *testing.T, address string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for name, family := range scrape(t, address) {
		if !strings.HasPrefix(name, "leap_") {
			continue
		}
		for _, m := range family.GetMetric() {
			if label(m, "version") != "1.2.3" {
				t.Errorf("%s: labels %v", name, m.GetLabel())
			}
			key := []string{strings.TrimPrefix(name, "leap_migrate_")}
			for _, l := range []string{"tenant", "phase", "table", "state"} {
				if v := label(m, l); v != "" {
					key = append(key, v)
				}
			}
			out[strings.Join(key, " ")] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return out
}

func TestMove(t *testing.T) {
	m := NewMove("1.2.3")
	clock := time.UnixMilli(1_700_000_000_000)
	m.now = func() time.Time { return clock }
	address := serving(t, m)
	emit := func(after time.Duration, events ...event.Event) {
		clock = clock.Add(after)
		for _, e := range events {
			m.Emit(e)
		}
	}
	emit(
		0,
		event.Event{Kind: event.Warned, Message: "before the first phase"},
		event.Event{Kind: event.PhaseStarted, Phase: "copy"},
		event.Event{Kind: event.TablePlanned, Phase: "copy", Table: "a", TotalRows: 90},
		event.Event{Kind: event.TablePlanned, Phase: "copy", Table: "b", TotalRows: 5},
		event.Event{Kind: event.TablePlanned, Phase: "copy", Table: "c", TotalRows: 7},
		event.Event{Kind: event.TableStarted, Phase: "copy", Table: "a", Rows: 10}, // an earlier run's
		event.Event{Kind: event.TableStarted, Phase: "copy", Table: "b"},
	)
	emit(
		time.Second,
		event.Event{Kind: event.RowsMoved, Phase: "copy", Table: "a", Rows: 20, Bytes: 400},
		event.Event{Kind: event.RowsMoved, Phase: "copy", Table: "a", Rows: 30, Bytes: 600, Elsewhere: true},
		event.Event{Kind: event.RowsMoved, Phase: "copy", Table: "b", Rows: 6, Bytes: 60},
	)
	emit(
		time.Minute,
		event.Event{Kind: event.Retried, Phase: "copy", Table: "b"},
		event.Event{Kind: event.Warned, Message: "of the newest phase"},
		event.Event{Kind: event.PaceChanged, Share: .5},
	)
	check(t, numbers(t, address), map[string]float64{
		"rows_total copy a": 20, "bytes_total copy a": 400, "table_rows copy a": 60, "table_rows_expected copy a": 90,
		"rows_total copy b": 6, "bytes_total copy b": 60, "table_rows copy b": 6, "table_rows_expected copy b": 6,
		"rows_total copy c": 0, "bytes_total copy c": 0, "table_rows copy c": 0, "table_rows_expected copy c": 7,
		"tables copy planned": 1, "tables copy active": 2, "tables copy finished": 0, "tables copy failed": 0,
		"phase_running copy": 1, "phase_seconds copy": 61, "last_progress_timestamp_seconds copy": 1_700_000_001,
		"retries_total copy": 1, "warnings_total copy": 1, "pace_ratio": .5,
		"retries_total": 0, "warnings_total": 1,
	})
	emit(
		time.Second,
		event.Event{Kind: event.TableFinished, Phase: "copy", Table: "a", Rows: 80}, // 20 more came from elsewhere
		event.Event{Kind: event.TableFailed, Phase: "copy", Table: "b"},
		event.Event{Kind: event.PaceChanged, Share: 1},
		event.Event{Kind: event.PhaseFinished, Phase: "copy"},
	)
	emit(
		time.Second,
		event.Event{Kind: event.PhaseStarted, Phase: "verify"},
	)
	got := numbers(t, address)
	for name, want := range map[string]float64{
		"table_rows copy a": 80, "table_rows_expected copy a": 80, "rows_total copy a": 20,
		"tables copy planned": 1, "tables copy active": 0, "tables copy finished": 1, "tables copy failed": 1,
		"phase_running copy": 0, "phase_seconds copy": 62, "last_progress_timestamp_seconds copy": 1_700_000_062,
		"phase_running verify": 1, "phase_seconds verify": 0, "retries_total verify": 0, "pace_ratio": 1,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s: %v (%t), want %v", name, v, ok, want)
		}
	}
}

// check compares all that is shown.
func check(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, v := range want {
		if g, ok := got[name]; !ok || g != v {
			t.Errorf("%s: %v (%t), want %v", name, g, ok, v)
		}
	}
	for name, v := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %v, which nobody expected", name, v)
		}
	}
}

// TestMoveTellsTenantsApart: the same table of two tenants.
func TestMoveTellsTenantsApart(t *testing.T) {
	m := NewMove("1.2.3")
	address := serving(t, m)
	for tenant, rows := range map[string]int64{"de": 1, "fr": 2} {
		m.Emit(event.Event{Kind: event.PhaseStarted, Tenant: tenant, Phase: "copy"})
		m.Emit(event.Event{Kind: event.RowsMoved, Tenant: tenant, Phase: "copy", Table: "a", Rows: rows})
		m.Emit(event.Event{Kind: event.PaceChanged, Tenant: tenant, Share: float64(rows) / 4})
	}
	got := numbers(t, address)
	for name, want := range map[string]float64{
		"rows_total de copy a": 1, "rows_total fr copy a": 2, "pace_ratio de": .25, "pace_ratio fr": .5, "tables fr copy active": 1,
	} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
}

// TestAddressInUse: the error names the flag and what to do.
func TestAddressInUse(t *testing.T) {
	m := NewMove("1.2.3")
	address, stop, err := m.Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = NewMove("1.2.3").Serve(t.Context(), address)
	if stopped := stop(); stopped != nil {
		t.Error(stopped)
	}
	if err == nil || !strings.Contains(err.Error(), "listen for Prometheus: ") {
		t.Errorf("error %v", err)
	}
}
