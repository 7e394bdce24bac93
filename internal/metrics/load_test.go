package metrics

import (
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"leap/internal/hist"
)

func TestLoad(t *testing.T) {
	m := NewLoad(Run{Workload: "kv", Mix: "read", ID: "r1", Stripe: "1/2"}, []string{"get", "put"})
	address := serving(t, m)
	c := hist.NewCollector(hist.Options{Ops: []string{"get", "put"}})
	r := c.Recorder()
	for i, ms := range []int{1, 49, 51, 199, 201, 90_000} {
		due := time.Duration(i) * time.Millisecond
		r.Record(hist.Sample{Op: 1, Attempts: 2, Due: due, Start: due + time.Millisecond/2, End: due + time.Duration(ms)*time.Millisecond})
	}
	r.Record(hist.Sample{Op: 0, End: 900 * time.Millisecond, Outcome: hist.Errored, Code: "57P01"})
	m.Add(c.Finish(2 * time.Minute)[0].Ops) // the last sample ended later, in another interval
	m.Set(State{Asked: 300, Queue: 7, InFlight: 3, CPU: .25})

	families := scrape(t, address)
	response := families["leap_loadgen_response_seconds"]
	if response == nil {
		t.Fatal("there is no leap_loadgen_response_seconds")
	}
	for _, metric := range response.GetMetric() {
		if label(metric, "workload") != "kv" || label(metric, "run") != "r1" || label(metric, "stripe") != "1/2" {
			t.Errorf("labels %v", metric.GetLabel())
		}
		if label(metric, "op") != "put" {
			continue
		}
		h := metric.GetHistogram()
		if h.GetSampleCount() != 5 {
			t.Errorf("%d samples, want 5", h.GetSampleCount())
		}
		want := map[float64]uint64{.0005: 0, .002: 1, .05: 2, .075: 3, .2: 4, .25: 5, 60: 5}
		for _, b := range h.GetBucket() {
			if n, ok := want[b.GetUpperBound()]; ok && n != b.GetCumulativeCount() {
				t.Errorf("up to %v s: %d, want %d", b.GetUpperBound(), b.GetCumulativeCount(), n)
			}
			delete(want, b.GetUpperBound())
		}
		if len(want) > 0 {
			t.Errorf("buckets are missing: %v", want)
		}
		if sum := h.GetSampleSum(); sum < .5005 || sum > .5025 {
			t.Errorf("sum %v s, want .501", sum)
		}
	}
	total := map[string]float64{}
	for name, family := range families {
		if !strings.HasPrefix(name, "leap_") || family.GetType() == dto.MetricType_HISTOGRAM {
			continue
		}
		for _, metric := range family.GetMetric() {
			total[strings.Join([]string{name, label(metric, "op"), label(metric, "outcome"), label(metric, "code")}, " ")] += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"leap_loadgen_operations_total put done ":    5,
		"leap_loadgen_operations_total get errored ": 1,
		"leap_loadgen_codes_total get  57P01":        1,
		"leap_loadgen_retries_total put  ":           5,
		"leap_loadgen_asked_per_second   ":           300,
		"leap_loadgen_queue_length   ":               7,
		"leap_loadgen_in_flight   ":                  3,
		"leap_loadgen_cpu_ratio   ":                  .25,
	} {
		if total[name] != want {
			t.Errorf("%s: %v, want %v", name, total[name], want)
		}
	}
	if families["go_goroutines"] == nil {
		t.Error("there is nothing of the generator itself")
	}
}

// TestProcessesAddUp: the same bounds everywhere, whatever was seen.
func TestProcessesAddUp(t *testing.T) {
	bucketsOf := func(values ...time.Duration) []float64 {
		m := NewLoad(Run{}, []string{"op"})
		o := hist.NewOpStats("op")
		for _, v := range values {
			o.Series[hist.Response].Record(v)
		}
		m.Add([]*hist.OpStats{o})
		families, err := m.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var out []float64
		for _, f := range families {
			if f.GetName() == "leap_loadgen_response_seconds" {
				for _, b := range f.GetMetric()[0].GetHistogram().GetBucket() {
					out = append(out, b.GetUpperBound())
				}
			}
		}
		return out
	}
	empty, full := bucketsOf(), bucketsOf(time.Microsecond, 3*time.Second, time.Hour)
	if len(empty) != len(bounds) || len(full) != len(bounds) {
		t.Errorf("%d and %d buckets, want %d", len(empty), len(full), len(bounds))
	}
}

func TestServeRefusesATakenPort(t *testing.T) {
	m := NewLoad(Run{}, nil)
	address, stop, err := m.Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop() }()
	if _, _, err := m.Serve(t.Context(), address); err == nil {
		t.Error("two servers on one port")
	}
}
