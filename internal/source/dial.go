package source

import (
	"bufio"
	"context"
	"net"
	"time"

	"leap/internal/endpoint"
)

// readBuffer holds about 500 rows of 130 bytes. The driver itself reads 4 kB
// at a time, which is a system call for every 30 rows.
const readBuffer = 64 << 10

// bufferedConn reads ahead.
type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

// Read reads what is there, from the buffer first.
func (c *bufferedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }

// dialer connects as the driver would, and reads ahead.
func dialer(e endpoint.Endpoint) func(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: e.ConnectTimeout, KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err //nolint:wrapcheck // Explain knows net's errors
		}
		return &bufferedConn{Conn: conn, reader: bufio.NewReaderSize(conn, readBuffer)}, nil
	}
}
