package alarm

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// timerfd is a sleeper on a kernel timer that the runtime's poller waits for:
// the wake-up is late by some ten microseconds, and the processor is free
// meanwhile.
type timerfd struct {
	file *os.File
	fd   int
	buf  [8]byte
}

// newSleeper returns a timerfd.
func newSleeper() (sleeper, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a kernel timer: %w", err)
	}
	return &timerfd{file: os.NewFile(uintptr(fd), "timerfd"), fd: fd}, nil
}

func (t *timerfd) sleep(d time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if unix.TimerfdSettime(t.fd, 0, &spec, nil) != nil {
		return // cannot be with a positive d; the caller spins
	}
	_, _ = t.file.Read(t.buf[:]) // an error means wake
}

func (t *timerfd) wake()  { _ = t.file.SetReadDeadline(time.Unix(1, 0)) }
func (t *timerfd) close() { _ = t.file.Close() }
