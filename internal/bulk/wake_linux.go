package bulk

import (
	"net"
	"syscall"
)

// waker returns how to set SO_RCVLOWAT of a connection; nil when it has no socket.
// Linux heeds it in epoll, and looks again at once when it is set.
func waker(conn net.Conn) func(bytes int) bool {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return func(bytes int) bool {
		var failed error
		err := raw.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, bytes)
		})
		return err == nil && failed == nil
	}
}
