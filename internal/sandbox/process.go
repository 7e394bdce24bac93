package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// gate starts a program when it is told to. Until then it only holds a pipe
// from us: if we die before the watchdog knows the process, the pipe ends and
// the program never starts. No moment is left at which it could escape.
const gate = `read -r go && exec "$@" </dev/null`

// process is a running program: the server, or a helper that fills its data
// directory.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended and is reaped
	err  error         // how it ended; read after done only
}

// spawn runs a program as the server's account, in a session and a process
// group of its own, under the eyes of the watchdog.
func (s *Server) spawn(ctx context.Context, path string, args ...string) (*process, error) {
	script := append([]string{"-c", gate, "sh", path}, args...)
	// A server outlives the context of its start.
	//nolint:gosec // the script is constant, the program an installed server
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", script...)
	cmd.Dir = s.home.data()
	cmd.Env = s.environment()
	cmd.SysProcAttr = s.home.owner.attributes()
	cmd.Stdout, cmd.Stderr = s.printed, s.printed
	// Grandchildren may hold the output open for a moment longer.
	cmd.WaitDelay = 5 * time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err = cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	err = s.watchdog.watch(cmd.Process.Pid)
	if err == nil && len(s.opts.Processors) > 0 {
		err = confine(cmd.Process.Pid, s.opts.Processors)
	}
	if err == nil {
		_, err = io.WriteString(stdin, "go\n")
	}
	if err = errors.Join(err, stdin.Close()); err != nil {
		return nil, errors.Join(err, p.end(os.Kill))
	}
	return p, nil
}

// environment is small on purpose: PGPORT, COCKROACH_HOST and their like in
// the caller's environment must not change the server.
func (s *Server) environment() []string {
	env := []string{
		"LC_ALL=C",
		"HOME=" + s.home.tmp(),
		"TMPDIR=" + s.home.tmp(),
		"COCKROACH_SKIP_ENABLING_DIAGNOSTIC_REPORTING=true", // nothing leaves the machine
	}
	for _, name := range []string{"PATH", "TZ", "LD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// run runs a helper program to its end.
func (s *Server) run(ctx context.Context, path string, args ...string) error {
	p, err := s.spawn(ctx, path, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	select {
	case <-p.done:
		err = p.err
	case <-ctx.Done():
		err = errors.Join(ctx.Err(), p.end(os.Kill))
	}
	err = errors.Join(err, s.watchdog.watch(0))
	if err != nil {
		return fmt.Errorf("%s: %w; it said:\n%s", path, err, s.home.logTail())
	}
	return nil
}

// stopPatience is how long a server may take to end after a signal. A healthy
// one needs a second at most; CockroachDB drains its connections first.
const stopPatience = 15 * time.Second

// end signals the process and waits until it is gone, with SIGKILL as the last
// resort.
func (p *process) end(signal os.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%v to process %d: %w", signal, p.cmd.Process.Pid, err)
	}
	timer := time.NewTimer(stopPatience)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill process %d: %w", p.cmd.Process.Pid, err)
	}
	<-p.done
	return nil
}

// alive reports whether the process has not ended yet.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signals by the names that sh's kill knows them by.
var signals = map[string]syscall.Signal{"KILL": syscall.SIGKILL, "QUIT": syscall.SIGQUIT}
