//go:build !linux

package bulk

import "net"

// waker is nil: other systems do not promise to heed SO_RCVLOWAT where Go waits.
func waker(net.Conn) func(bytes int) bool { return nil }
