package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Lease names a process that works on a job. One of them leads: it alone
// prepares the tables and builds what comes after the rows.
type Lease struct {
	Job string
	// Owner is unique to one run of one process.
	Owner string
	// Host and PID tell people, and a successor on the same machine, who that is.
	Host string
	PID  int
	// Place tells apart what has the same Host and numbers processes of its own.
	// It is kept behind the host's name, where versions that know no places find a
	// host that is not theirs; empty for a process of such a version.
	Place string
}

// where is the host and the place as they are kept: no host's name has a space.
func (l Lease) where() string {
	if l.Place == "" {
		return l.Host
	}
	return l.Host + " " + l.Place
}

func (l *Lease) setWhere(text string) { l.Host, l.Place, _ = strings.Cut(text, " ") }

// Member is a process that works on a job, as the target knows it.
type Member struct {
	Lease
	// Beat is when it last showed life, and Silent how long ago that was, by the
	// target's clock.
	Beat   time.Time
	Silent time.Duration
	// View names what it reads of the source; empty before it reads.
	View string
	// Leads says that it holds the lease.
	Leads bool
	// Old says that it is of a version that claims nothing: nobody can share with it.
	Old bool
}

// ErrLeaseLost is returned by Hold, Belong and Claimed when another process has
// taken over what this one worked on. Stop: what was committed is kept and the
// other one continues.
var ErrLeaseLost = errors.New("another process has taken this copy over")

// A member is a row of its own, and the lease another: the transactions that
// lock the lease for reading must not wait for heartbeats. The heartbeat of the
// lease itself is for versions that know no members.
var leaseDDL = []string{
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.lease (
		job TEXT PRIMARY KEY, owner TEXT NOT NULL, host TEXT NOT NULL, pid INT8 NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.heartbeat (job TEXT PRIMARY KEY, beat TIMESTAMPTZ NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.member (
		job TEXT NOT NULL, owner TEXT NOT NULL, host TEXT NOT NULL, pid INT8 NOT NULL,
		beat TIMESTAMPTZ NOT NULL, source_view TEXT NOT NULL DEFAULT '', PRIMARY KEY (job, owner))`,
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.claim (
		job TEXT NOT NULL, table_name TEXT NOT NULL, segment INT8 NOT NULL, owner TEXT NOT NULL,
		PRIMARY KEY (job, table_name, segment))`,
}

// Members lists who works on the job.
func Members(ctx context.Context, s Store, job string) ([]Member, error) {
	var out []Member
	lead := Member{Lease: Lease{Job: job}, Leads: true, Old: true}
	err := s.Each(ctx, `SELECT l.owner, l.host, l.pid, h.beat, extract(epoch FROM clock_timestamp() - h.beat)::FLOAT8
		FROM `+Schema+`.lease l JOIN `+Schema+`.heartbeat h ON h.job = l.job WHERE l.job = $1`, []any{job},
		func(scan func(...any) error) error {
			var seconds float64
			var where string
			if err := scan(&lead.Owner, &where, &lead.PID, &lead.Beat, &seconds); err != nil {
				return err
			}
			lead.setWhere(where)
			lead.Silent = time.Duration(seconds * float64(time.Second))
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("who leads job %s: %w", job, err)
	}
	err = s.Each(ctx, `SELECT owner, host, pid, beat, source_view, extract(epoch FROM clock_timestamp() - beat)::FLOAT8
		FROM `+Schema+`.member WHERE job = $1 ORDER BY owner`, []any{job},
		func(scan func(...any) error) error {
			m := Member{Lease: Lease{Job: job}}
			var seconds float64
			var where string
			if err = scan(&m.Owner, &where, &m.PID, &m.Beat, &m.View, &seconds); err != nil {
				return err
			}
			m.setWhere(where)
			m.Silent = time.Duration(seconds * float64(time.Second))
			m.Leads = m.Owner == lead.Owner
			lead.Old = lead.Old && !m.Leads
			out = append(out, m)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("who works on job %s: %w", job, err)
	}
	if lead.Owner != "" && lead.Old {
		out = append(out, lead)
	}
	return out, nil
}

// Take makes l the only member and the leading one. It fails with ErrLeaseLost
// when somebody else is there. It must be given a serializable transaction.
func Take(ctx context.Context, s Store, l Lease) error {
	members, err := Members(ctx, s, l.Job)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Owner != l.Owner { // a repetition after a commit of unknown outcome finds itself
			return fmt.Errorf("take job %s: %w", l.Job, ErrLeaseLost)
		}
	}
	if err := Join(ctx, s, l); err != nil {
		return err
	}
	return Hold(ctx, s, l)
}

// Join makes l a member, which leads if nobody else does. It must be given a
// serializable transaction.
func Join(ctx context.Context, s Store, l Lease) error {
	_, err := s.Exec(ctx, `INSERT INTO `+Schema+`.member (job, owner, host, pid, beat)
		VALUES ($1, $2, $3, $4, clock_timestamp()) ON CONFLICT (job, owner) DO NOTHING`, l.Job, l.Owner, l.where(), l.PID)
	if err != nil {
		return fmt.Errorf("join job %s: %w", l.Job, err)
	}
	return Lead(ctx, s, l)
}

// Lead makes the member l the leading one unless there is one. It must be given
// a serializable transaction.
func Lead(ctx context.Context, s Store, l Lease) error {
	if err := Belong(ctx, s, l); err != nil {
		return err
	}
	n, err := s.Exec(ctx, `INSERT INTO `+Schema+`.lease (job, owner, host, pid) VALUES ($1, $2, $3, $4)
		ON CONFLICT (job) DO NOTHING`, l.Job, l.Owner, l.where(), l.PID)
	if err == nil && n == 1 {
		_, err = s.Exec(ctx, `INSERT INTO `+Schema+`.heartbeat (job, beat) VALUES ($1, clock_timestamp())
			ON CONFLICT (job) DO UPDATE SET beat = excluded.beat`, l.Job)
	}
	if err != nil {
		return fmt.Errorf("lead job %s: %w", l.Job, err)
	}
	return nil
}

// Hold makes sure, until the end of the transaction, that l leads.
func Hold(ctx context.Context, s Store, l Lease) error {
	return locked(ctx, s, l, `SELECT 1 FROM `+Schema+`.lease WHERE job = $1 AND owner = $2 FOR SHARE`)
}

// Belong makes sure, until the end of the transaction, that l is a member.
func Belong(ctx context.Context, s Store, l Lease) error {
	return locked(ctx, s, l, `SELECT 1 FROM `+Schema+`.member WHERE job = $1 AND owner = $2 FOR SHARE`)
}

// locked locks a row that l must have for reading.
func locked(ctx context.Context, s Store, l Lease, query string, more ...any) error {
	found := false
	args := append([]any{l.Job, l.Owner}, more...)
	if err := s.Each(ctx, query, args, func(func(...any) error) error { found = true; return nil }); err != nil {
		return fmt.Errorf("hold job %s: %w", l.Job, err)
	}
	if !found {
		return fmt.Errorf("job %s: %w", l.Job, ErrLeaseLost)
	}
	return nil
}

// Beat shows that the member lives. ErrLeaseLost says that it is none any more.
func Beat(ctx context.Context, s Store, l Lease) error {
	n, err := s.Exec(ctx, `UPDATE `+Schema+`.member SET beat = clock_timestamp() WHERE job = $1 AND owner = $2`, l.Job, l.Owner)
	if err == nil && n == 0 {
		return fmt.Errorf("job %s: %w", l.Job, ErrLeaseLost)
	}
	if err == nil {
		_, err = s.Exec(ctx, `UPDATE `+Schema+`.heartbeat SET beat = clock_timestamp() WHERE job = $1
			AND EXISTS (SELECT 1 FROM `+Schema+`.lease WHERE job = $1 AND owner = $2)`, l.Job, l.Owner)
	}
	if err != nil {
		return fmt.Errorf("heartbeat of job %s: %w", l.Job, err)
	}
	return nil
}

// ShowView tells the other members what l reads of the source.
func ShowView(ctx context.Context, s Store, l Lease, view string) error {
	n, err := s.Exec(ctx, `UPDATE `+Schema+`.member SET source_view = $3 WHERE job = $1 AND owner = $2`, l.Job, l.Owner, view)
	if err != nil {
		return fmt.Errorf("show the view of job %s: %w", l.Job, err)
	}
	if n == 0 {
		return fmt.Errorf("job %s: %w", l.Job, ErrLeaseLost)
	}
	return nil
}

// Release takes a member out: one that ends, or one that is dead. What it
// claimed and whether it led is free again. It waits for chunks that the member
// is committing, and the member can commit none afterwards. Taking out who is
// not there does nothing. It must be given a serializable transaction.
func Release(ctx context.Context, s Store, l Lease) error {
	for _, table := range []string{"member", "claim", "lease"} {
		if _, err := s.Exec(ctx, `DELETE FROM `+Schema+`.`+table+` WHERE job = $1 AND owner = $2`, l.Job, l.Owner); err != nil {
			return fmt.Errorf("release job %s: %w", l.Job, err)
		}
	}
	return nil
}
