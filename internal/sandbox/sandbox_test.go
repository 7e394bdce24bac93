//go:build unix

package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(ownerVariable); mode != "" {
		owner(mode)
		return
	}
	goleak.VerifyTestMain(m)
}

// needServers skips tests that start servers where none are wanted, as
// sandboxtest does; it cannot be used here, it imports this package.
func needServers(t *testing.T) {
	t.Helper()
	if testing.Short() || os.Getenv("LEAP_SKIP_SERVERS") == "1" {
		t.Skip("needs a database server, but this is -short or LEAP_SKIP_SERVERS=1")
	}
}

// eachKind runs a test on the source and on every target of this machine.
func eachKind(t *testing.T, test func(t *testing.T, start starter)) {
	t.Helper()
	needServers(t)
	t.Run("source", func(t *testing.T) { test(t, StartSource) })
	kinds := Targets()
	if len(kinds) == 0 {
		t.Error("no target server; try `make servers`")
	}
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			test(t, func(ctx context.Context, opts Options) (*Server, error) {
				return StartTarget(ctx, kind, opts)
			})
		})
	}
}

type starter func(context.Context, Options) (*Server, error)

// run starts a server for one test and stops it at its end.
func (start starter) run(t *testing.T, opts Options) *Server {
	t.Helper()
	s, err := start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// count reads one number.
func count(t *testing.T, s *Server, database, query string) int {
	t.Helper()
	db, err := s.DB(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	var n int
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// mustExec runs statements that must succeed.
func mustExec(t *testing.T, s *Server, database, statements string) {
	t.Helper()
	if err := s.Exec(t.Context(), database, statements); err != nil {
		t.Fatal(err)
	}
}

// processesIn lists the processes whose command line or working folder lies
// in dir. PostgreSQL's backends betray themselves by the latter only.
func processesIn(t *testing.T, dir string) []string {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(folders) == 0 {
		t.Skip("without /proc there is no portable way to see a process's folder")
	}
	var found []string
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(folder, "cmdline")) // gone by now: empty
		cwd, _ := os.Readlink(filepath.Join(folder, "cwd"))
		if strings.Contains(string(line), dir) || strings.HasPrefix(cwd, dir) {
			found = append(found, strconv.Itoa(pid)+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// eventually waits until nothing is left to complain about.
func eventually(t *testing.T, complaint func() string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		text := complaint()
		if text == "" {
			return
		}
		select {
		case <-deadline:
			t.Error(text)
			return
		case <-tick.C:
		}
	}
}

// nothingLeft waits until neither a process nor a folder is left in dir, a
// folder that servers were told to live in.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	eventually(t, func() string {
		if left := processesIn(t, dir); len(left) > 0 {
			return "still running: " + strings.Join(left, "\n")
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err.Error()
		}
		if len(entries) > 0 {
			return "left in " + dir + ": " + entries[0].Name()
		}
		return ""
	})
}

// publicDir is a folder that every account can reach, unlike t.TempDir.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "leap-test-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
