package txn

import (
	"syscall"
	"unsafe"
)

// rawRead and rawWrite are the system calls themselves, for sockets that do not
// block. The runtime is not told of them: telling it wakes the thread that looks
// for stuck ones whenever nothing else runs, and that costs a client with few
// connections a tenth of its time. A call takes microseconds, for which a
// collector has to wait.
func rawRead(fd int, b []byte) (int, error)  { return raw(syscall.SYS_READ, fd, b) }
func rawWrite(fd int, b []byte) (int, error) { return raw(syscall.SYS_WRITE, fd, b) }

func raw(call uintptr, fd int, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, _, err := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b))) //nolint:gosec // the slice is there during the call
	if err != 0 {
		return 0, err
	}
	return int(n), nil
}
