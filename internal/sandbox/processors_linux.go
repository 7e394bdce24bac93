package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Apart keeps this process, and what it starts from now on, to one half of the
// processors it has, and returns the other half for [Options].Processors. What is
// measured then does not depend on how the kernel shares the same processors out
// to a server and its client. With an odd number the server has one more.
func Apart() (server []int, err error) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return nil, fmt.Errorf("ask for the processors: %w", err)
	}
	n := all.Count()
	if n < 2 { //nolint:mnd // one for each
		return nil, fmt.Errorf("server and client cannot be kept apart on %d processor", n)
	}
	for i := 0; len(server) < (n+1)/2; i++ {
		if all.IsSet(i) {
			server = append(server, i)
			all.Clear(i)
		}
	}
	return server, confineSelf(&all)
}

// confineSelf confines all threads of this process. Those that come later have
// the processors of the thread that makes them.
func confineSelf(set *unix.CPUSet) error {
	const passes = 2 // a thread that was made during the first one is met by the second
	for range passes {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("list own threads: %w", err)
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			if err := unix.SchedSetaffinity(id, set); err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
				return fmt.Errorf("confine thread %d: %w", id, err)
			}
		}
	}
	return nil
}

// confine confines a process that has one thread yet.
func confine(pid int, processors []int) error {
	var set unix.CPUSet
	for _, n := range processors {
		set.Set(n)
	}
	if err := unix.SchedSetaffinity(pid, &set); err != nil {
		return fmt.Errorf("confine the server to processors %v: %w", processors, err)
	}
	return nil
}
