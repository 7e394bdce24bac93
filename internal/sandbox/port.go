package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// loopback is the only address that sandbox servers listen on.
const loopback = "127.0.0.1"

// The ports that servers get. They lie below the range from which systems give
// local ports to outgoing connections (Linux: from 32768): a server that is
// restarted must find its port free.
const (
	firstPort = 20000
	lastPort  = 31999
)

// freePort finds a port that nobody listens on. Somebody else may take it
// before the server does; start tries again then.
func freePort(ctx context.Context) (int, error) {
	var listen net.ListenConfig
	var errs []error
	for range 50 {
		//nolint:gosec // a collision costs a retry, no secret depends on it
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		l, err := listen.Listen(ctx, "tcp4", address(port))
		if err == nil {
			err = l.Close()
		}
		if err == nil {
			return port, nil
		}
		errs = append(errs, err)
	}
	return 0, fmt.Errorf("no free port on %s: %w", loopback, errors.Join(errs...))
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
