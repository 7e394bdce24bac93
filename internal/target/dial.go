package target

import (
	"bufio"
	"context"
	"net"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/bulk"
)

// readBuffer holds about 400 rows of 150 bytes. The driver itself reads 8 kB at
// a time, which is a system call for every 50 rows.
const readBuffer = 64 << 10

// aheadConn reads ahead. Like any connection it may be read by several at once:
// the driver does so when it gives one up, whose last reader may still wait.
type aheadConn struct {
	net.Conn

	mu     sync.Mutex // guards reader
	reader *bufio.Reader
}

// Read reads what is there, from the buffer first.
func (c *aheadConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reader.Read(p)
}

// readAhead makes the pool's connections read ahead.
func readAhead(config *pgxpool.Config) {
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &aheadConn{Conn: conn, reader: bufio.NewReaderSize(bulk.Reader(conn), readBuffer)}, nil
	}
}
