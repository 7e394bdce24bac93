//go:build unix

package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// The test binary plays the program that owns servers, and ends badly, when
// these are set.
const (
	ownerVariable = "LEAP_SANDBOX_OWNER" // how to end: see owner
	dirVariable   = "LEAP_SANDBOX_DIR"   // where the servers live
)

// owner starts one server of each kind, says "ready" and ends without stopping
// them.
func owner(mode string) {
	group, ctx := errgroup.WithContext(context.Background())
	opts := Options{Dir: os.Getenv(dirVariable)}
	starters := []starter{StartSource}
	for _, kind := range Targets() {
		starters = append(starters, func(ctx context.Context, opts Options) (*Server, error) {
			return StartTarget(ctx, kind, opts)
		})
	}
	servers := make([]*Server, len(starters))
	for i, start := range starters {
		group.Go(func() (err error) {
			servers[i], err = start(ctx, opts)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		panic(err)
	}
	_, _ = fmt.Fprintln(os.Stdout, "ready") // a reader that is gone ends us anyway
	switch mode {
	case "exit":
		os.Exit(0) //nolint:forbidigo // this is what is tested
	case "panic":
		panic("as the test wants")
	case "stop":
		for _, s := range servers {
			if err := s.Stop(); err != nil {
				panic(err)
			}
		}
	case "wait":
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

// ownerCommand prepares an owner whose servers live in dir.
func ownerCommand(t *testing.T, program, mode, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, "-test.run=^$")
	cmd.Env = append(os.Environ(), ownerVariable+"="+mode, dirVariable+"="+dir)
	cmd.Stderr = t.Output()
	return cmd
}

// startOwner starts an owner that waits, and returns when its servers run.
func startOwner(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	stdin, err := cmd.StdinPipe() // open until the test ends the owner
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "ready" {
		t.Fatalf("the owner said %q: %v", line, err)
	}
}

func TestOwnerIsKilled(t *testing.T) {
	needServers(t)
	for name, sig := range map[string]syscall.Signal{"kill -9": syscall.SIGKILL, "Ctrl-C": syscall.SIGINT, "hangup": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			if signal.Ignored(sig) {
				t.Skip("whoever started the tests ignores this signal (nohup does), and so would the owner")
			}
			dir := publicDir(t)
			cmd := ownerCommand(t, os.Args[0], "wait", dir)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			startOwner(t, cmd)
			if len(processesIn(t, dir)) < 2 {
				t.Fatal("no servers seen: the test proves nothing")
			}
			// The whole group, as a terminal does it.
			if err := syscall.Kill(-cmd.Process.Pid, sig); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil {
				t.Error("the owner survived")
			}
			nothingLeft(t, dir)
		})
	}
}

// TestOwnerIsKilledWhileStarting kills at many moments: while the folder is
// made, the data are copied, the server starts.
func TestOwnerIsKilledWhileStarting(t *testing.T) {
	needServers(t)
	for _, cache := range []string{"with", "without"} {
		for after := time.Duration(0); after < 700*time.Millisecond; after = after*3/2 + 20*time.Millisecond {
			dir := publicDir(t)
			cmd := ownerCommand(t, os.Args[0], "wait", dir)
			if cache == "without" { // then initdb and its like are at work
				cmd.Env = append(cmd.Env, "XDG_CACHE_HOME=/dev/null")
			}
			cmd.Stderr = nil
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-time.After(after)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // "killed", or it found its input at the end
			nothingLeft(t, dir)
		}
	}
}

func TestOwnerEnds(t *testing.T) {
	needServers(t)
	for _, mode := range []string{"exit", "panic"} {
		t.Run(mode, func(t *testing.T) {
			dir := publicDir(t)
			cmd := ownerCommand(t, os.Args[0], mode, dir)
			cmd.Stderr = nil // a stack trace would look like trouble
			out, err := cmd.Output()
			if !strings.Contains(string(out), "ready") || (err == nil) != (mode == "exit") {
				t.Fatalf("the owner said %q: %v", out, err)
			}
			nothingLeft(t, dir)
		})
	}
}

// TestOrdinaryUser runs the whole thing as somebody who has no rights, no home
// and no cache.
func TestOrdinaryUser(t *testing.T) {
	needServers(t)
	if os.Geteuid() != 0 {
		t.Skip("not root: all other tests are this test")
	}
	nobody, err := serverAccount(Postgres)
	if err != nil {
		t.Fatal(err)
	}
	dir := publicDir(t)
	bin := publicDir(t) // the test binary lies in a folder of root's
	program := filepath.Join(bin, "sandbox.test")
	if err := copyFile(os.Args[0], program); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := nobody.own(dir); err != nil {
		t.Fatal(err)
	}
	cmd := ownerCommand(t, program, "stop", dir)
	cmd.Env = append(cmd.Env, "HOME=/nonexistent", "XDG_CACHE_HOME=")
	cmd.Dir = "/"
	cmd.SysProcAttr = nobody.attributes()
	if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), "ready") {
		t.Fatalf("as %s: %v, %q", nobody.name, err, out)
	}
	nothingLeft(t, dir)

	cmd = ownerCommand(t, program, "wait", dir)
	cmd.Env = append(cmd.Env, "HOME=/nonexistent", "XDG_CACHE_HOME=")
	cmd.Dir = "/"
	cmd.SysProcAttr = nobody.attributes()
	startOwner(t, cmd)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the owner survived")
	}
	nothingLeft(t, dir)
}
