package sandbox

import (
	"context"
	"database/sql"
	"syscall"
)

// engine is what differs between the makes of server.
type engine struct {
	// initialise fills an empty data directory, which becomes a template.
	// Nil: the server does it by itself.
	initialise func(context.Context, *Server) error
	// prepare writes the files that the server reads at its start, if any.
	prepare func(*Server) error
	// args is the server's command line without Options.ExtraArgs.
	args func(*Server) []string
	// open makes a handle for a database, "" being the server's own choice.
	open func(s *Server, database string) (*sql.DB, error)
	// identify asks a server where it keeps its data, to tell ours from
	// another one that took the port before it.
	identify func(context.Context, *Server, *sql.DB) (folder string, err error)
	// scheme starts the server's URLs.
	scheme string
	// query ends the server's URLs.
	query string
	// database is the one that a fresh server has; "" where none is needed.
	database string
	// superuser has all rights and no password.
	superuser string
	// crash ends the server at once and leaves nothing of it outside its
	// folder; in the words of sh's kill, for the watchdog.
	crash string
	// quit ends the server in good order, its data complete.
	quit syscall.Signal
}

func engineOf(kind Kind) engine {
	switch kind {
	case MariaDB, MySQL:
		return mysqlEngine(kind)
	case Cockroach:
		return cockroachEngine()
	case Postgres:
		return postgresEngine()
	}
	panic("sandbox: no engine for " + string(kind)) // discovery gives no other kind
}
