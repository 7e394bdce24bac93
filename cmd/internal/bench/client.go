package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// measurement is one finished client process, or several that ran at once.
type measurement struct {
	wall, cpu time.Duration
	rss       int64 // bytes
}

// together runs clients at once and adds them up.
func together(ctx context.Context, clients []func(context.Context) (measurement, error)) (measurement, error) {
	started := time.Now()
	each, errs := make([]measurement, len(clients)), make([]error, len(clients))
	var wg sync.WaitGroup
	for i, run := range clients {
		wg.Go(func() { each[i], errs[i] = run(ctx) })
	}
	wg.Wait()
	sum := measurement{wall: time.Since(started)}
	for _, m := range each {
		sum.cpu += m.cpu
		sum.rss += m.rss
	}
	return sum, errors.Join(errs...)
}

// client runs a program to its end and measures it as a whole process.
func client(ctx context.Context, path string, args ...string) (measurement, error) {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the contenders are fixed
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = io.Discard, &output
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return measurement{}, fmt.Errorf("start %s: %w", path, err)
	}
	watching, stop := context.WithCancel(ctx)
	memory := make(chan int64, 1)
	go func() { memory <- peakMemory(watching, cmd.Process.Pid) }()
	err := cmd.Wait()
	m := measurement{wall: time.Since(started)}
	stop()
	m.rss = <-memory
	if err != nil {
		return m, fmt.Errorf("%s: %w: %s", filepath.Base(path), err, strings.TrimSpace(output.String()))
	}
	m.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return m, nil
}

// peakMemory reads the kernel's high-water mark of a process until it is gone,
// in bytes. The figure of getrusage would not do: it begins with the size of
// the process that forked.
func peakMemory(ctx context.Context, pid int) int64 {
	const every = 10 * time.Millisecond
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	peak := int64(0)
	for {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		if err == nil {
			peak = max(peak, highWaterMark(string(text)))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return peak
		}
	}
}

// highWaterMark reads the VmHWM line, which is in kB.
func highWaterMark(status string) int64 {
	_, rest, ok := strings.Cut(status, "VmHWM:")
	if !ok {
		return 0
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kB, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kB * 1024
}
