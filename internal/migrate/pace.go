package migrate

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/fault"
	"leap/internal/row"
	"leap/internal/schema"
	"leap/internal/source"
	"leap/internal/throttle"
)

// The limits of the source's pressure when nobody says: what tools that change
// schemas on busy servers have long used for running threads, and a lag that
// readers of the replica begin to notice.
const (
	DefaultMaxThreads = 25
	DefaultMaxLag     = 30 * time.Second
)

// Kindness is what the source may be asked to bear.
type Kindness struct {
	throttle.Limits
	// Connections bounds the connections to the source, all of them; 0 is no limit.
	Connections int
	// Asked says that somebody asked for the limits of pressure: being unable
	// to watch the source is then a refusal and not a line of the progress.
	Asked bool
}

// fit lowers the number of workers to the connections that are allowed: one is
// kept for the questions asked beside the snapshot.
func (c Config) fit() (Config, error) {
	n := c.Kindness.Connections
	if n <= 0 {
		return c, nil
	}
	c.Workers = min(c.Workers, max(1, n-1))
	if n > 1 || !c.Kindness.Watched() {
		return c, nil
	}
	if c.Kindness.Asked {
		return c, fault.New(fault.Usage, "allow two connections, or leave the limits of threads and lag out",
			"a single source connection reads and cannot watch the source as well")
	}
	c.Kindness.Threads, c.Kindness.Lag = 0, 0
	return c, nil
}

// pace is a throttle and what looks after it while the source is read.
type pace struct {
	throttle *throttle.Throttle
	gauge    *source.Gauge
	stop     context.CancelFunc
	done     sync.WaitGroup
}

func (p *pace) close() {
	p.stop()
	p.done.Wait()
	p.gauge.Close()
}

// startPace begins to look after the pace. The snapshot is there already: it
// has the connections that it needs.
func (s *session) startPace(ctx context.Context) error {
	limits := s.cfg.Kindness.Limits
	watching, stop := context.WithCancel(ctx)
	p := &pace{throttle: throttle.New(limits, s.cfg.Events), gauge: s.source.NewGauge(), stop: stop}
	s.pace = p
	watched, err := s.tryGauge(ctx, p.gauge)
	if err != nil {
		return err
	}
	if watched.Watched() {
		p.done.Go(func() { p.throttle.Watch(watching, gauge{p.gauge, watched}) })
	}
	if s.target == nil {
		return nil
	}
	store := s.target.Store()
	if can, err := checkpoint.HasPauses(ctx, store); err != nil || !can {
		return err
	}
	p.done.Go(func() { p.throttle.Obey(watching, pauseSwitch{store, s.jobID()}) })
	return nil
}

// tryGauge asks once, tells what is watched, and returns what can be.
func (s *session) tryGauge(ctx context.Context, g *source.Gauge) (throttle.Limits, error) {
	limits := s.cfg.Kindness.Limits
	told := s.paceText()
	defer func() { s.tellPace(told) }()
	if !limits.Watched() {
		return limits, nil
	}
	if limits.Threads > 0 {
		if _, err := g.ThreadsRunning(ctx); err != nil {
			return limits, err
		}
		told = append(told, fmt.Sprintf("slower while more than %d other threads run on the source", limits.Threads))
	}
	if limits.Lag == 0 {
		return limits, nil
	}
	switch lag, err := g.Lag(ctx); {
	case source.IsPrivilege(err) && s.cfg.Kindness.Asked:
		return limits, fault.Wrap(fault.Refused, lagPrivilege+", or use --max-lag 0", err)
	case source.IsPrivilege(err):
		limits.Lag = 0
		told = append(told, "its lag is not watched: "+lagPrivilege)
	case err != nil:
		return limits, err
	case !lag.Replica:
		limits.Lag = 0
	case lag.Stopped:
		told = append(told, "the source is a replica whose replication is stopped: its lag is unknown")
	default:
		told = append(told, fmt.Sprintf("slower while it is more than %s behind its primary", limits.Lag))
	}
	return limits, nil
}

const lagPrivilege = "GRANT SLAVE MONITOR (MariaDB) or REPLICATION CLIENT (MySQL) to the source user lets it see how far a replica is behind"

func (s *session) paceText() []string {
	var out []string
	if n := s.cfg.Kindness.RowsPerSecond; n > 0 {
		out = append(out, fmt.Sprintf("at most %d rows/s", n))
	}
	if n := s.cfg.Kindness.Connections; n > 0 {
		out = append(out, fmt.Sprintf("at most %d source connections", n))
	}
	return out
}

func (s *session) tellPace(parts []string) {
	if len(parts) > 0 {
		s.step("pace: %s", strings.Join(parts, "; "))
	}
}

// reader returns a snapshot as the features read it: at the pace of the throttle.
func (s *session) reader(snapshot *source.Snapshot) pacedReader {
	return pacedReader{reader{snapshot, s.sample}, s.pace.throttle}
}

// pacedReader reads at the pace of a throttle.
type pacedReader struct {
	reader
	throttle *throttle.Throttle
}

func (p pacedReader) Read(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error {
	return p.pace(ctx, fn, func(fn func(row.Row) error) error { return p.reader.Read(ctx, m, r, fn) })
}

func (p pacedReader) Scan(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error {
	return p.pace(ctx, fn, func(fn func(row.Row) error) error { return p.reader.Scan(ctx, m, r, fn) })
}

func (p pacedReader) pace(ctx context.Context, fn func(row.Row) error, read func(func(row.Row) error) error) error {
	lane, err := p.throttle.Enter(ctx)
	if err != nil {
		return err
	}
	defer lane.Leave()
	return read(func(r row.Row) error {
		if err := lane.Row(ctx); err != nil {
			return err
		}
		return fn(r)
	})
}

// gauge is the source's load as the throttle wants it.
type gauge struct {
	*source.Gauge
	limits throttle.Limits
}

func (g gauge) Load(ctx context.Context) (throttle.Load, error) {
	var out throttle.Load
	var err error
	if g.limits.Threads > 0 {
		if out.Threads, err = g.ThreadsRunning(ctx); err != nil {
			return out, err
		}
	}
	if g.limits.Lag == 0 {
		return out, nil
	}
	lag, err := g.Lag(ctx)
	out.Lag = lag.Behind
	if lag.Stopped {
		out.Note = "replication to the source is stopped: how far it is behind is unknown"
	}
	return out, err
}

// pauseSwitch is the job's mark in the target.
type pauseSwitch struct {
	store checkpoint.Store
	job   string
}

func (p pauseSwitch) Paused(ctx context.Context) (string, error) {
	pause, found, err := checkpoint.Paused(ctx, p.store, p.job)
	if err != nil || !found {
		return "", err
	}
	return fmt.Sprintf("%s since %s: migrate resume goes on", pause.By, pause.Since.UTC().Format(time.RFC3339)), nil
}

func (p pauseSwitch) Stopped(ctx context.Context) error {
	return checkpoint.NoteStopped(ctx, p.store, p.job)
}
