package target

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// TestReadAheadByTwo: the driver reads a connection that it gives up while its
// last reader still waits. Every byte goes to one of them.
func TestReadAheadByTwo(t *testing.T) {
	near, far := net.Pipe()
	config := &pgxpool.Config{ConnConfig: &pgx.ConnConfig{}}
	config.ConnConfig.DialFunc = func(context.Context, string, string) (net.Conn, error) { return near, nil }
	readAhead(config)
	conn, err := config.ConnConfig.DialFunc(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	var got atomic.Int64
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			n, copyErr := io.Copy(io.Discard, conn)
			got.Add(n)
			if copyErr != nil {
				t.Error(copyErr)
			}
		})
	}
	const writes, size = 200, 100
	for range writes {
		if _, err := far.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	readers.Wait()
	if got.Load() != writes*size {
		t.Errorf("%d bytes of %d arrived", got.Load(), writes*size)
	}
}
