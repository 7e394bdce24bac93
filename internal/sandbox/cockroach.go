package sandbox

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

func cockroachEngine() engine {
	return engine{
		args:      cockroachArgs,
		open:      openPgx,
		identify:  identifyCockroach,
		scheme:    "postgresql",
		query:     "sslmode=disable",
		database:  "defaultdb",
		superuser: "root",
		crash:     "KILL",
		quit:      syscall.SIGTERM,
	}
}

// cockroachArgs starts a single node. Its web page gets a free port from the
// system: nobody needs to know it.
func cockroachArgs(s *Server) []string {
	store := "type=mem,size=2GiB"
	if s.opts.Durable {
		store = filepath.Join(s.home.data(), "store")
	}
	return []string{
		"start-single-node", "--insecure",
		"--store=" + store,
		"--listen-addr=" + address(s.Port),
		"--http-addr=" + loopback + ":0",
		"--listening-url-file=" + listeningFile(s),
		"--log-dir=" + filepath.Join(s.home.data(), "log"),
		"--cache=256MiB",
		"--max-sql-memory=512MiB",
	}
}

func listeningFile(s *Server) string { return filepath.Join(s.home.data(), "listening-url") }

// identifyCockroach relies on a file that only our server writes, once it has
// its port: the server itself does not tell where it keeps its data.
func identifyCockroach(ctx context.Context, s *Server, db *sql.DB) (folder string, err error) {
	text, err := os.ReadFile(listeningFile(s))
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(text), address(s.Port)) {
		return "", nil
	}
	var one int
	if err := db.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return "", err
	}
	return s.home.data(), nil
}
