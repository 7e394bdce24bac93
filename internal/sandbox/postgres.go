package sandbox

import (
	"context"
	"database/sql"
	"strconv"
	"syscall"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

func postgresEngine() engine {
	return engine{
		initialise: initialisePostgres,
		args:       postgresArgs,
		open:       openPgx,
		identify:   identifyPostgres,
		scheme:     "postgresql",
		query:      "sslmode=disable",
		database:   "postgres",
		superuser:  "root", // as CockroachDB calls it
		// An immediate shutdown: the server ends without a checkpoint, as in a
		// crash, but takes its backends and its shared memory along. SIGKILL
		// would leave both.
		crash: "QUIT",
		quit:  syscall.SIGINT, // "fast": SIGTERM waits for the clients
	}
}

func initialisePostgres(ctx context.Context, s *Server) error {
	return s.run(ctx, s.prog.tool("initdb"), "--pgdata="+s.home.data(), "--username=root",
		"--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
}

// postgresArgs configures for little memory and quick commits. Commits stay
// synchronous: with fsync off they cost a write into the kernel's cache and no
// more, and a killed server loses none.
func postgresArgs(s *Server) []string {
	settings := []string{
		"listen_addresses=" + loopback,
		"port=" + strconv.Itoa(s.Port),
		"unix_socket_directories=",
		"max_connections=200",
		"shared_buffers=128MB",
		"dynamic_shared_memory_type=mmap", // in the folder, not in /dev/shm, where a kill leaves it
		"fsync=off",
		"synchronous_commit=on",
		"max_wal_size=4GB",
		"checkpoint_timeout=30min",
		"jit=off", // compiling takes longer than most of our queries
		"timezone=UTC",
	}
	if !s.opts.Durable {
		settings = append(settings, "full_page_writes=off")
	}
	args := []string{"-D", s.home.data()}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

// openPgx opens a handle on either target.
func openPgx(s *Server, database string) (*sql.DB, error) {
	return sql.Open("pgx", s.URL(database))
}

func identifyPostgres(ctx context.Context, _ *Server, db *sql.DB) (folder string, err error) {
	err = db.QueryRowContext(ctx, "SHOW data_directory").Scan(&folder)
	return folder, err
}
