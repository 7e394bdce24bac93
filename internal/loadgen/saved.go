package loadgen

import (
	"fmt"
	"time"

	"leap/internal/bench"
)

// saved is config.json: what was asked for.
type saved struct {
	Command       string    `json:"command"`
	Version       string    `json:"version"`
	Started       time.Time `json:"started"`
	Target        string    `json:"target"` // without the password
	Workload      string    `json:"workload"`
	MixName       string    `json:"mix_name"`
	Mix           []share   `json:"mix"`
	Gate          []string  `json:"gate"`
	Rate          string    `json:"rate"` // empty in a closed loop
	Think         string    `json:"think,omitempty"`
	Duration      string    `json:"duration"`
	Warmup        string    `json:"warmup"`
	Workers       int       `json:"workers"`
	WhenFull      string    `json:"when_full"`
	Stripe        string    `json:"stripe,omitempty"`
	Seed          uint64    `json:"seed"`
	Scale         int       `json:"scale"`
	Tenants       int       `json:"tenants"`
	Origin        string    `json:"origin"`
	Variant       string    `json:"variant,omitempty"`
	Run           string    `json:"run"`
	Protocol      string    `json:"protocol"`
	InjectRetries float64   `json:"inject_retries"`
	Timeout       string    `json:"timeout"`
}

type share struct {
	Op      string  `json:"op"`
	Percent float64 `json:"percent"`
}

// fact is a part of what was asked for, by the name that people know.
type fact struct {
	name  string
	value any
}

// facts are those in which a load differs from another one, whoever drives it.
func (s saved) facts() []fact {
	return []fact{
		{"workload", s.Workload},
		{"mix", s.Mix},
		{"rate", s.Rate},
		{"think time", s.Think},
		{"seed", s.Seed},
		{"scale", s.Scale},
		{"tenants", s.Tenants},
		{"origin", s.Origin},
		{"variant", s.Variant},
		{"protocol", s.Protocol},
		{"injected retries", s.InjectRetries},
	}
}

// unlike calls found for each fact that differs between two lists.
func unlike(before, after []fact, found func(name, was, is string)) {
	for n := range before {
		if was, is := fmt.Sprint(before[n].value), fmt.Sprint(after[n].value); was != is {
			found(before[n].name, orNone(was), orNone(is))
		}
	}
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func save(c Config) saved {
	s := saved{
		Command: c.Command, Version: c.Version, Started: time.Now().UTC(), Target: c.Target.String(), Workload: c.Workload.About().Name,
		MixName: c.MixName, Gate: append([]string{}, c.Gate...), Duration: c.Bench.Duration.String(), Warmup: c.Bench.Warmup.String(),
		Workers: c.Bench.Workers, WhenFull: c.Bench.WhenFull.String(), Stripe: c.Bench.Stripe.String(),
		Seed: c.Settings.Seed, Scale: c.Settings.Scale, Tenants: c.Settings.Tenants, Origin: c.Settings.Origin, Variant: c.Settings.Variant, Run: c.Settings.Run,
		Protocol: string(c.Txn.Protocol), InjectRetries: c.Txn.InjectRetries, Timeout: c.Timeout.String(),
	}
	if c.Closed {
		s.Think = c.Think.String()
	} else {
		s.Rate = c.Rate.String()
	}
	for _, m := range c.Mix {
		s.Mix = append(s.Mix, share{m.Op, m.Percent})
	}
	return s
}

// ended is end.json: how the run ended and what histograms do not hold.
type ended struct {
	Began       time.Time    `json:"began"`
	Elapsed     float64      `json:"elapsed_seconds"`
	Drained     float64      `json:"drained_seconds"`
	Interrupted bool         `json:"interrupted"`
	Warmup      bench.Counts `json:"warmup"`
	Measured    bench.Counts `json:"measured"`
	Health      bench.Health `json:"health"`
	Checked     []Checked    `json:"invariants"`
	Accounts    []opBooked   `json:"accounts"`
	Failures    []booked     `json:"failed_attempts"`
	// Examples has the first message of each error.
	Examples map[string]string `json:"error_examples"`
	// WarmupWrong counts the wrong answers of the warm-up, of which there are no
	// histograms.
	WarmupWrong int64 `json:"warmup_wrong,omitempty"`
	// Error says why the run could not be finished.
	Error string `json:"error,omitempty"`
}

// opBooked is the account of an operation's transactions.
type opBooked struct {
	Op           string  `json:"op"`
	Transactions int64   `json:"transactions"`
	Attempts     int64   `json:"attempts"`
	Committed    int64   `json:"committed"`
	LostSeconds  float64 `json:"lost_seconds"`
}

// booked counts failed attempts of one kind.
type booked struct {
	Op       string `json:"op"`
	State    string `json:"state"`
	Kind     string `json:"kind,omitempty"`
	Injected bool   `json:"injected,omitempty"`
	Retried  bool   `json:"retried"`
	Count    int64  `json:"count"`
}

func endOf(d driven) ended {
	e := ended{
		Began: d.summary.Began.UTC(), Elapsed: d.summary.Elapsed.Seconds(), Drained: d.summary.Drained.Seconds(),
		Interrupted: d.summary.Interrupted, Warmup: d.summary.Warmup, Measured: d.summary.Measured, Health: d.summary.Health,
		Checked: d.checked, Examples: map[string]string{},
	}
	if d.measured == nil {
		return e
	}
	e.Examples, e.WarmupWrong = d.measured.errors, d.warmup.wrong
	for _, op := range sorted(d.measured.ops) {
		o := d.measured.ops[op]
		e.Accounts = append(e.Accounts, opBooked{op, o.transactions, o.attempts, o.committed, o.lost.Seconds()})
		for f, n := range o.failures {
			e.Failures = append(e.Failures, booked{op, f.State, f.Kind, f.Injected, f.Retried, n})
		}
	}
	return e
}
