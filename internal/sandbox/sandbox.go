// Package sandbox starts private database servers for the demo, the tests and
// the benchmarks, and stops them again.
//
// A server lives in a temporary folder of its own, listens on a free port of
// 127.0.0.1 only, and disappears together with its folder: on Stop, and also
// when the program that started it ends in any other way, kill -9 included
// (see watchdog). A database instance of the system is never touched.
//
// The servers are open to everybody on this machine: the account root has no
// password. They are for sample data.
//
// The package finds the programs, starts them and hands out addresses and
// database/sql handles. What is stored in the servers is the caller's affair.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Kind is a make of database server.
type Kind string

// The servers that sandbox knows. MariaDB and MySQL are sources, CockroachDB
// is the target, and Postgres stands in for it where there is no cockroach
// program.
const (
	MariaDB   Kind = "mariadb"
	MySQL     Kind = "mysql"
	Cockroach Kind = "cockroach"
	Postgres  Kind = "postgres"
)

// ErrNotInstalled reports that no program for the wanted server was found.
// The message says what to install.
var ErrNotInstalled = errors.New("not installed")

// startTimeout bounds a start, an empty data directory included. A start
// takes one to three seconds; a machine that needs a minute has a problem that
// waiting does not solve.
const startTimeout = time.Minute

// Options tune a server. The zero value is a good default.
type Options struct {
	// Dir is the folder in which the server's private folder is made;
	// empty means the system's temporary folder. It must exist. When the
	// caller is root it must be reachable for the account nobody.
	Dir string
	// Log receives what the server and its helper programs print, besides
	// the file server.log in the private folder. Nil means the file only.
	Log io.Writer
	// ExtraArgs are added to the end of the server's command line, where
	// they win over the defaults.
	ExtraArgs []string
	// Processors are those that the server may use; empty means all. Linux only.
	// See Apart.
	Processors []int
	// Durable keeps the data over Kill and Restart on every kind of server:
	// CockroachDB stores on disk instead of in memory and PostgreSQL guards
	// against half-written pages. Neither survives Stop.
	Durable bool
}

// StartSource starts MariaDB or MySQL, whichever the machine has. The context
// bounds the start, not the life of the server. It returns an error that wraps
// ErrNotInstalled when there is no such program.
func StartSource(ctx context.Context, opts Options) (*Server, error) {
	prog, err := findSource(ctx)
	if err != nil {
		return nil, err
	}
	return start(ctx, prog, opts)
}

// StartTarget starts a target of the given kind, Cockroach or Postgres. The
// context bounds the start, not the life of the server. It returns an error
// that wraps ErrNotInstalled when there is no such program.
func StartTarget(ctx context.Context, kind Kind, opts Options) (*Server, error) {
	prog, err := findTarget(ctx, kind)
	if err != nil {
		return nil, err
	}
	return start(ctx, prog, opts)
}

// start brings a server up. It tries a second time, with a new port and
// without the cached data directory: the port may have been taken between
// choosing and using it, and the cache may be damaged.
func start(ctx context.Context, prog program, opts Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s, err := startOnce(ctx, prog, opts, userTemplates())
	if err == nil || ctx.Err() != nil || errors.Is(err, errUnreachable) {
		return s, err
	}
	s, again := startOnce(ctx, prog, opts, templates{})
	if again != nil {
		return nil, again
	}
	return s, nil
}

func startOnce(ctx context.Context, prog program, opts Options, cache templates) (_ *Server, err error) {
	h, err := newHome(ctx, opts, prog.kind)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", prog.kind, err)
	}
	s := &Server{
		Host:   loopback,
		Dir:    h.dir,
		prog:   prog,
		engine: engineOf(prog.kind),
		opts:   opts,
		home:   h,
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start %s: %w", prog, err), s.Stop())
		}
	}()
	if s.watchdog, err = startWatchdog(ctx, h, s.engine.crash); err != nil {
		return nil, err
	}
	if err = h.make(); err != nil {
		return nil, err
	}
	if s.log, err = os.OpenFile(h.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	s.printed = s.log
	if opts.Log != nil {
		s.printed = io.MultiWriter(s.log, opts.Log)
	}
	if err = s.fillData(ctx, cache); err != nil {
		return nil, err
	}
	if s.Port, err = freePort(ctx); err != nil {
		return nil, err
	}
	if s.engine.prepare != nil {
		if err := s.engine.prepare(s); err != nil {
			return nil, err
		}
	}
	if err := s.launch(ctx); err != nil {
		return nil, err
	}
	return s, nil
}
