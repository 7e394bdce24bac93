package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// tablespace SIZE gives the script's database on PostgreSQL a disk of its own,
// a small one. Only root can mount; for others the script is skipped.
func smallTablespace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tablespace SIZE")
	}
	s := stageOf(ts)
	dir := filepath.Join(s.target.Dir, "small-"+s.to)
	ts.Check(os.Mkdir(dir, 0o711)) // the server's account must get through
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+args[0], "none", dir).CombinedOutput()
	if err != nil {
		ts.Fatalf("mount a small disk: %v: %s", err, out)
	}
	ctx := context.Background()
	ts.Defer(func() {
		_ = s.target.Exec(ctx, "", "DROP DATABASE "+s.to+" WITH (FORCE)")
		_ = s.target.Exec(ctx, "", "DROP TABLESPACE "+s.to)
		if out, err := exec.Command("umount", "--lazy", dir).CombinedOutput(); err != nil {
			ts.Logf("umount: %v: %s", err, out)
		}
	})
	// The server refuses a folder that is not its own.
	ts.Check(exec.Command("chown", "--reference="+filepath.Join(s.target.Dir, "data"), dir).Run())
	ts.Check(s.target.Exec(ctx, "", "CREATE TABLESPACE "+s.to+" LOCATION '"+strings.ReplaceAll(dir, "'", "''")+"'"))
	ts.Check(s.target.Exec(ctx, "", "ALTER DATABASE "+s.to+" SET default_tablespace = "+s.to))
	ts.Setenv("SMALL_DISK", dir)
}

// enlarge SIZE makes that disk larger.
func enlarge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: enlarge SIZE")
	}
	out, err := exec.Command("mount", "-o", "remount,size="+args[0], ts.Getenv("SMALL_DISK")).CombinedOutput()
	if err != nil {
		ts.Fatalf("enlarge the small disk: %v: %s", err, out)
	}
}
