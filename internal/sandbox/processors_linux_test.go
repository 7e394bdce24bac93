package sandbox

import (
	"os"
	"os/exec"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// apartVariable marks the process that TestApart starts: what Apart does to a process stays.
const apartVariable = "LEAP_SANDBOX_APART"

func TestApart(t *testing.T) {
	needServers(t)
	if len(processorsOf(t, 0)) < 2 {
		t.Skip("one processor: nobody can be kept apart")
	}
	if os.Getenv(apartVariable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestApart$", "-test.v")
		cmd.Env = append(os.Environ(), apartVariable+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	all := processorsOf(t, 0)
	others, err := Apart()
	if err != nil {
		t.Fatal(err)
	}
	ours := slices.DeleteFunc(slices.Clone(all), func(n int) bool { return slices.Contains(others, n) })
	if len(ours)+len(others) != len(all) || len(others)-len(ours) > 1 || len(ours) > len(others) {
		t.Fatalf("%v for us and %v for servers, of %v", ours, others, all)
	}

	server, err := StartSource(t.Context(), Options{Dir: publicDir(t), Processors: others})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Stop() }()
	if got := processorsOf(t, server.PID()); !slices.Equal(got, others) {
		t.Errorf("the server runs on %v, want %v", got, others)
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = child.Process.Kill(), child.Wait() }()
	for _, pid := range []int{0, child.Process.Pid} {
		if got := processorsOf(t, pid); !slices.Equal(got, ours) {
			t.Errorf("process %d of ours runs on %v, want %v", pid, got, ours)
		}
	}
	if _, err := Apart(); len(ours) == 1 && err == nil {
		t.Error("one processor was divided")
	}
}

// processorsOf lists the processors that a process may use; 0 is the calling thread.
func processorsOf(t *testing.T, pid int) (list []int) {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(pid, &set); err != nil {
		t.Fatal(err)
	}
	for n := range len(set) * 64 {
		if set.IsSet(n) {
			list = append(list, n)
		}
	}
	return list
}
