package sandbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/go-sql-driver/mysql"
)

// mysqlPacketBytes is the largest packet that the server and our handles
// accept: values of many megabytes are part of what Leap must move.
const mysqlPacketBytes = 256 << 20

// sourceUser is the account with a password; see Server.UserURL.
const sourceUser = "leap"

func mysqlEngine(kind Kind) engine {
	e := engine{
		initialise: initialiseMariaDB,
		prepare:    writeAccounts,
		args:       mysqlArgs,
		open:       openMySQL,
		identify:   identifyMySQL,
		scheme:     "mysql",
		superuser:  "root",
		crash:      "KILL",
		quit:       syscall.SIGTERM,
	}
	if kind == MySQL {
		e.initialise = initialiseMySQL
	}
	return e
}

// Small log files keep the template small; the server makes them larger when
// it starts.
var initialiseArgs = []string{"--skip-log-bin", "--loose-innodb-log-file-size=4M"}

func initialiseMariaDB(ctx context.Context, s *Server) error {
	// The script lies beside the server or, in Debian, in bin beside sbin.
	base := filepath.Dir(filepath.Dir(s.prog.path))
	for _, script := range []string{
		filepath.Join(base, "bin", "mariadb-install-db"),
		filepath.Join(base, "scripts", "mariadb-install-db"),
		filepath.Join(base, "bin", "mysql_install_db"),
		filepath.Join(base, "scripts", "mysql_install_db"),
	} {
		if path, ok := runnable(script); ok {
			args := []string{
				"--no-defaults", "--basedir=" + base, "--datadir=" + s.home.data(),
				"--auth-root-authentication-method=normal", "--skip-test-db",
			}
			return s.run(ctx, path, append(args, initialiseArgs...)...)
		}
	}
	return fmt.Errorf("mariadb-install-db %w near %s: %s", ErrNotInstalled, s.prog.path, sourceHint)
}

func initialiseMySQL(ctx context.Context, s *Server) error {
	args := []string{"--no-defaults", "--initialize-insecure", "--datadir=" + s.home.data()}
	return s.run(ctx, s.prog.path, append(args, initialiseArgs...)...)
}

func accountsFile(s *Server) string { return filepath.Join(s.home.dir, "init.sql") }

// writeAccounts writes the statements that the server runs before it takes
// connections. Without name lookups 127.0.0.1 is not localhost, so root needs
// an account for it. The binary log starts with the caller's own work: none of
// this is logged. A statement is one line.
func writeAccounts(s *Server) error {
	s.password = rand.Text()
	script := fmt.Sprintf(`SET SESSION sql_log_bin = 0;
CREATE USER IF NOT EXISTS root@'127.0.0.1';
GRANT ALL PRIVILEGES ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
CREATE USER IF NOT EXISTS %[1]s@'%%' IDENTIFIED BY '%[2]s';
GRANT ALL PRIVILEGES ON *.* TO %[1]s@'%%' WITH GRANT OPTION;
`, sourceUser, s.password)
	if err := os.WriteFile(accountsFile(s), []byte(script), 0o600); err != nil {
		return err
	}
	return s.home.owner.own(accountsFile(s))
}

// mysqlArgs configures for little memory and quick commits. A killed server
// loses no commit: the log reaches the kernel with each one (2), only a power
// cut could lose some. Options that not every version has are "loose".
func mysqlArgs(s *Server) []string {
	return []string{
		"--no-defaults", // must be first
		"--datadir=" + s.home.data(),
		"--tmpdir=" + s.home.tmp(),
		"--secure-file-priv=" + s.home.tmp(), // packages name a folder that their service would make
		"--init-file=" + accountsFile(s),
		"--pid-file=" + filepath.Join(s.home.data(), "server.pid"),
		"--socket=server.sock", // within the data directory, however long its path
		"--bind-address=" + loopback,
		"--port=" + strconv.Itoa(s.Port),
		"--skip-name-resolve",
		"--loose-mysqlx=OFF",
		"--max-connections=500",
		"--max-allowed-packet=" + strconv.Itoa(mysqlPacketBytes),
		"--character-set-server=utf8mb4",
		"--server-id=1",
		"--log-bin=binlog",
		"--loose-binlog-format=ROW",
		"--sync-binlog=0",
		"--innodb-flush-log-at-trx-commit=2",
		"--innodb-buffer-pool-size=256M",
		"--loose-innodb-log-file-size=128M",
		"--innodb-use-native-aio=OFF", // the kernel's few AIO slots do not suffice for many servers
		"--performance-schema=OFF",
	}
}

func openMySQL(s *Server, database string) (*sql.DB, error) {
	config := mysql.NewConfig()
	config.User = s.engine.superuser
	config.Net = "tcp"
	config.Addr = address(s.Port)
	config.DBName = database
	config.MultiStatements = true
	config.MaxAllowedPacket = mysqlPacketBytes
	config.Logger = &mysql.NopLogger{} // it would write every refused connection to stderr
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func identifyMySQL(ctx context.Context, _ *Server, db *sql.DB) (folder string, err error) {
	err = db.QueryRowContext(ctx, "SELECT @@datadir").Scan(&folder)
	return folder, err
}
