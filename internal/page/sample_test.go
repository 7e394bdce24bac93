package page

import (
	"fmt"
	"math"
)

// sample is a report with all there can be: two operations and their sum, an
// outage, a failed gate, gaps, and names that try to be HTML.
func sample() *Report {
	r := &Report{
		Title: "openbanking uk-mix", Verdict: "fail",
		Reasons: []string{"payment_submit.p99<200ms: 214 ms, and with 95 % confidence at least 203 ms"},
		Facts: []Fact{
			{"begun", "2026-11-23 03:25:43 UTC"},
			{"lasted", "2m0s after 10s of warm-up"},
			{"asked for", "300 operations per second, Poisson"},
			{"target", "postgresql://leap@127.0.0.1:26257/bank?sslmode=disable"},
			{"server", "PostgreSQL 15.18, standing in for CockroachDB"},
		},
		Gates: []Gate{
			{"payment_submit.p99<200ms", "214 ms", "203 to 226 ms", "fail", "the lower bound is above the limit"},
			{"balance_get.p99<50ms", "12.4 ms", "11.9 to 13.1 ms", "pass", ""},
			{"payment_submit.p99.9<750ms", "260 ms", "", "inconclusive", "2,110 samples, 2,995 are needed"},
			{"error_rate<0.5%", "0.02 %", "", "pass", ""},
		},
		Invariants: []Invariant{
			{"entries_balance", "entries of a ledger transaction sum to zero", "pass", "2,110 transactions"},
			{"acknowledged", "every acknowledged payment exists exactly once", "pass", "2,107 payments"},
		},
		Retries: Retries{
			Kinds: []Count{
				{"40001 RETRY_SERIALIZABLE", "", 412},
				{"40001 RETRY_WRITE_TOO_OLD", "", 96},
				{"40001 injected", "by --inject-retries", 12},
			},
			Summary: "1.24 attempts per transaction; 11.3 s were lost in failed attempts and back-off.",
		},
		Errors: []Count{{"08006", "the connection broke", 7}, {"57014 <img src=x onerror=alert(1)>", "", 1}},
		Health: Health{Verdict: "pass", Facts: []Fact{{"schedule lag p99", "0.31 ms"}, {"own CPU", "38 % of 2 cores"}, {"queue", "at most 41"}}},
		Marks:  []Mark{{At: 60, Till: 65, Text: "the server did not answer"}, {At: 90, Text: "a slow second"}},
		Environment: []Group{
			{"Run", []Fact{{"workload", "openbanking"}, {"mix", "uk-mix"}, {"seed", "1"}, {"loadgen", "v0.3.0"}}},
			{"Server", []Fact{{"version", "PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu"}, {"isolation", "serializable"}}},
			{"Machine", []Fact{{"cores", "2"}, {"memory", "24 GiB"}, {"git", "0123456789abcdef"}}},
		},
	}
	r.Operations = []Operation{
		operation("all operations", 36_000, 4), operation("balance_get", 24_480, 2),
		operation("payment_submit </script><b>", 2110, 40),
	}
	r.Operations[2].Limits = []Limit{{99, 200, "p99<200ms"}, {99.9, 750, "p99.9<750ms"}}
	for s := range 120 {
		asked, done, errs := 300.0, 300+20*math.Sin(float64(s)), 0.0
		if s >= 60 && s < 65 {
			done, errs = 0, 12
		}
		r.Throughput.At = append(r.Throughput.At, float64(s))
		r.Throughput.Asked = append(r.Throughput.Asked, asked)
		r.Throughput.Done = append(r.Throughput.Done, done)
		r.Throughput.Errors = append(r.Throughput.Errors, errs)
		r.Throughput.Shed = append(r.Throughput.Shed, 0)
		r.Retries.At = append(r.Retries.At, float64(s))
		r.Retries.Over = append(r.Retries.Over, 3+2*math.Cos(float64(s)/3))
		r.Health.At = append(r.Health.At, float64(s))
		r.Health.Lag = append(r.Health.Lag, 0.2+0.1*math.Sin(float64(s)/7))
		r.Health.CPU = append(r.Health.CPU, 36+4*math.Sin(float64(s)/5))
		r.Health.Queue = append(r.Health.Queue, math.Max(0, done-290))
	}
	return r
}

func operation(name string, count int64, scale float64) Operation {
	o := Operation{Name: name, Count: count, Errors: 8, Refusals: 3, Retries: count / 70}
	response := func(p float64) float64 { return scale * (0.5 + 1/math.Pow(1.0001-p/100, 0.6)) }
	service := func(p float64) float64 { return scale * (0.5 + 1/math.Pow(1.002-p/100, 0.4)) }
	o.Response, o.Service = latency(response), latency(service)
	for s := range 120 {
		at := float64(s)
		p50, p99 := scale*(1.5+0.2*math.Sin(at/4)), scale*(9+3*math.Sin(at/9))
		if s == 62 || s == 63 { // nothing ended
			p50, p99 = math.NaN(), math.NaN()
		}
		o.Over.At = append(o.Over.At, at)
		o.Over.P50 = append(o.Over.P50, p50)
		o.Over.P99 = append(o.Over.P99, p99)
		o.Over.P999 = append(o.Over.P999, p99*2)
		o.Over.Max = append(o.Over.Max, p99*3)
	}
	return o
}

func latency(at func(percentile float64) float64) Latency {
	l := Latency{P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: at(100)}
	for p := 0.0; p < 99.999; p += (100 - p) / 10 {
		l.Spectrum = append(l.Spectrum, Point{p, at(p)})
	}
	return l
}

// stranger is a report that has nothing but a verdict.
func stranger() *Report { return &Report{Title: "nothing ran", Verdict: "inconclusive"} }

// long is a report of many operations, to see that the table scrolls.
func long() *Report {
	r := sample()
	for i := range 14 {
		r.Operations = append(r.Operations, operation(fmt.Sprintf("operation_number_%d", i), 100, float64(i+1)))
	}
	return r
}
