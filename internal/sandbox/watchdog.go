package sandbox

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"sync"
)

//go:embed watchdog.sh
var watchdogScript string

// watchdog is a small shell that outlives the program by a moment, kills the
// server and removes its folder. It learns of the program's end from a pipe
// that the kernel closes, so it works after Ctrl-C, panic, os.Exit and kill -9
// alike, on every Unix.
//
// The kernel's own parent-death signal was the alternative. It exists on Linux
// only, is bound to the thread that started the process, is lost when a server
// changes its account, and removes no folder.
type watchdog struct {
	cmd  *exec.Cmd
	mu   sync.Mutex // guards pipe
	pipe io.WriteCloser
}

func startWatchdog(ctx context.Context, h home, signal string) (*watchdog, error) {
	// The watchdog must not die with the context: it has to outlive everything.
	//nolint:gosec // the script is constant, the folder only an argument
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", watchdogScript, "leap-sandbox-watchdog", h.dir, signal)
	cmd.Dir = "/"
	cmd.SysProcAttr = (*account)(nil).attributes()
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("watchdog: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("watchdog: %w", err)
	}
	return &watchdog{cmd: cmd, pipe: pipe}, nil
}

// watch names the process group to kill; 0 is none.
func (w *watchdog) watch(group int) error {
	line := "\n"
	if group != 0 {
		line = strconv.Itoa(group) + "\n"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := io.WriteString(w.pipe, line); err != nil {
		return fmt.Errorf("watchdog: %w", err)
	}
	return nil
}

// stop ends the watch. The watchdog removes what is left of the folder.
func (w *watchdog) stop() error {
	w.mu.Lock()
	err := w.pipe.Close()
	w.mu.Unlock()
	if err != nil {
		return fmt.Errorf("watchdog: %w", err)
	}
	if err := w.cmd.Wait(); err != nil {
		return fmt.Errorf("watchdog: %w", err)
	}
	return nil
}
