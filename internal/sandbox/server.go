package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Server is a running private server. It is safe for concurrent use, but Kill,
// Restart and Stop are of course felt by everybody who uses the server.
type Server struct {
	// Host is always 127.0.0.1.
	Host string
	// Port stays the same over Restart.
	Port int
	// Dir is the server's private folder, with its server.log.
	Dir string

	prog     program
	engine   engine
	opts     Options
	home     home
	password string // of sourceUser; "" on a target
	watchdog *watchdog
	log      *os.File
	printed  io.Writer // log, and Options.Log

	mu      sync.Mutex // guards process and stopped
	process *process   // nil before the first start
	stopped bool
}

// errStopped reports the use of a server after Stop.
var errStopped = errors.New("sandbox server is stopped")

// Kind is the make of the server.
func (s *Server) Kind() Kind { return s.prog.kind }

// Version is the version of the server's program, such as "10.11.19".
func (s *Server) Version() string { return s.prog.version }

// PID is the process of the running server, 0 while there is none. It is for
// measuring: Kill, Restart and Stop end it.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.cmd.Process.Pid
}

// StandIn reports whether the server only takes the place of CockroachDB. Who
// reports a result must say so.
func (s *Server) StandIn() bool { return s.prog.kind == Postgres }

// String names the server for people: "postgres 15.18 (stand-in for
// CockroachDB)".
func (s *Server) String() string {
	if s.StandIn() {
		return s.prog.String() + " (stand-in for CockroachDB)"
	}
	return s.prog.String()
}

// URL is the address of a database for the account root, which needs no
// password. An empty name means the database that a fresh server has: none on
// a source, defaultdb on CockroachDB, postgres on PostgreSQL.
func (s *Server) URL(database string) string {
	return s.url(database, url.User(s.engine.superuser))
}

// UserURL is like URL for the source's account leap, which has all privileges
// and a random password. On a target it is the same as URL: a target without
// TLS knows no passwords.
func (s *Server) UserURL(database string) string {
	if s.password == "" {
		return s.URL(database)
	}
	return s.url(database, url.UserPassword(sourceUser, s.password))
}

func (s *Server) url(database string, user *url.Userinfo) string {
	if database == "" {
		database = s.engine.database
	}
	u := url.URL{
		Scheme:   s.engine.scheme,
		User:     user,
		Host:     address(s.Port),
		Path:     "/" + database,
		RawQuery: s.engine.query,
	}
	return u.String()
}

// DB opens a handle on a database as root and checks that it answers. On a
// source one call may carry several statements. The caller closes it.
func (s *Server) DB(ctx context.Context, database string) (*sql.DB, error) {
	db, err := s.engine.open(s, database)
	if err != nil {
		return nil, fmt.Errorf("open database %q on %s: %w", database, s.prog, err)
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %q on %s: %w", database, s.prog, err), db.Close())
	}
	return db, nil
}

// Exec runs one or several statements, separated by semicolons, as root. The
// first error ends it. On a target the statements are one transaction unless
// they say otherwise.
func (s *Server) Exec(ctx context.Context, database, statements string) error {
	db, err := s.DB(ctx, database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // nothing is pending
	if _, err := db.ExecContext(ctx, s.SQL(statements)); err != nil {
		return fmt.Errorf("database %q on %s: %w", database, s.prog, err)
	}
	return nil
}

// Kill ends the server at once, as a crash does. Its data stay, except for
// those of a CockroachDB that is not Durable.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errStopped
	}
	return s.kill()
}

func (s *Server) kill() error {
	if s.process == nil {
		return nil
	}
	err := s.process.end(signals[s.engine.crash])
	return errors.Join(err, s.watchdog.watch(0))
}

// Restart starts the server again on the same port with the same data. A
// server that still runs is shut down in good order first.
func (s *Server) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errStopped
	}
	if s.process.alive() {
		if err := s.process.end(s.engine.quit); err != nil {
			return fmt.Errorf("restart %s: %w", s.prog, err)
		}
	}
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("restart %s: %w", s.prog, errors.Join(err, s.kill()))
	}
	return nil
}

// Stop ends the server and removes its folder. Further calls do nothing.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	var errs []error
	if s.watchdog != nil {
		errs = append(errs, s.kill())
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	errs = append(errs, os.RemoveAll(s.Dir))
	if s.watchdog != nil {
		errs = append(errs, s.watchdog.stop())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop %s: %w", s.prog, err)
	}
	return nil
}

// launch starts the program and waits until it answers.
func (s *Server) launch(ctx context.Context) error {
	args := append(s.engine.args(s), s.opts.ExtraArgs...)
	var err error
	if s.process, err = s.spawn(ctx, s.prog.path, args...); err != nil {
		return err
	}
	db, err := s.engine.open(s, "")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // nothing is pending
	// Starting takes some hundred milliseconds; asking costs next to nothing.
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		answer := s.answers(ctx, db)
		if answer == nil {
			return nil
		}
		select {
		case <-s.process.done:
			return fmt.Errorf("the server ended (%w); it said:\n%s", s.process.err, s.home.logTail())
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w: %w; it said:\n%s", ctx.Err(), answer, s.home.logTail())
		case <-tick.C:
		}
	}
}

// answers returns nil when it is our server that answers on the port.
func (s *Server) answers(ctx context.Context, db *sql.DB) error {
	folder, err := s.engine.identify(ctx, s, db)
	if err != nil {
		return err
	}
	if filepath.Clean(folder) != s.home.data() {
		return fmt.Errorf("port %d belongs to another server, in %q", s.Port, folder)
	}
	return nil
}
