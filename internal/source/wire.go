package source

import (
	"bufio"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"

	"leap/internal/bulk"
	"leap/internal/endpoint"
)

// The driver puts every cell of a row on the heap and parses every number,
// which was most of the client's work at 250,000 rows/s, and it has no way to
// hand out the bytes. So it does everything but that: it dials, negotiates,
// authenticates, sends the query and reads the head of its result; wire then
// reads the rows from the socket, and leaves the packet that ends them to the
// driver, which sees a result without rows.
//
// That needs the packets as the server sent them. Over TLS the socket carries
// something else, and the rows come from the driver.

// wire is the connection under a connection of the driver's. It reads ahead,
// and hands the driver one packet at a time, so that the driver's own buffer
// never holds a part of a row.
type wire struct {
	net.Conn
	reader *bufio.Reader

	opaque bool  // TLS: what passes here are not packets
	begun  bool  // the client's first packet was written
	left   int   // bytes of the packet that the driver is reading
	seq    byte  // number of the last packet that the driver has seen
	broken error // of the socket while rows were read; the driver gets it, too

	long []byte // a packet that the reader's buffer does not hold
}

const (
	// readBuffer holds about 500 rows of 130 bytes. The driver itself reads 4 kB
	// at a time, which is a system call for every 30 rows.
	readBuffer = 64 << 10
	// packetHeader is three bytes of length and one of sequence.
	packetHeader = 4
	// longestPacket is the length that says that the payload goes on in the next packet.
	longestPacket = 1<<24 - 1
	// tlsRequest is the payload's length of the client's first packet when it
	// asks for TLS; the packet that logs in is longer, by a user's name at least.
	tlsRequest = 32
	// keptPacket bounds the memory that is kept for the next long packet.
	keptPacket = 1 << 20
)

// dialer connects as the driver would.
func dialer(e endpoint.Endpoint) func(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: e.ConnectTimeout, KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err //nolint:wrapcheck // Explain knows net's errors
		}
		w := &wire{Conn: conn, reader: bufio.NewReaderSize(bulk.Reader(conn), readBuffer)}
		if slot, ok := ctx.Value(wireSlot{}).(**wire); ok {
			*slot = w
		}
		return w, nil
	}
}

// wireSlot is the context key under which Connect asks the dialer for the wire.
type wireSlot struct{}

// driverConn is what this package, and database/sql, use of the driver's connections.
type driverConn interface { //nolint:interfacebloat // database/sql looks for all of it
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// wiredConn is a connection of the driver's, and what carries it.
type wiredConn struct {
	driverConn
	wire *wire
}

// wired connects.
func (c connector) wired(ctx context.Context) (*wiredConn, error) {
	var under *wire
	conn, err := c.Connector.Connect(context.WithValue(ctx, wireSlot{}, &under))
	if err != nil {
		return nil, err //nolint:wrapcheck // database/sql passes it on to Explain
	}
	inner, ok := conn.(driverConn)
	if !ok || under == nil {
		_ = conn.Close()
		return nil, fmt.Errorf("the MySQL driver's %T is not what this package was written for", conn)
	}
	return &wiredConn{inner, under}, nil
}

// Read gives the driver the rest of one packet at most.
func (w *wire) Read(p []byte) (int, error) {
	if w.broken != nil {
		return 0, w.broken
	}
	if w.opaque {
		return w.reader.Read(p) //nolint:wrapcheck // the driver's own connection
	}
	if w.left == 0 {
		header, err := w.reader.Peek(packetHeader)
		if err != nil {
			return 0, err //nolint:wrapcheck // as above
		}
		w.left = packetHeader + payload(header)
		w.seq = header[3]
	}
	n, err := w.reader.Read(p[:min(len(p), w.left)])
	w.left -= n
	return n, err //nolint:wrapcheck // as above
}

// Write notices when the driver turns to TLS.
func (w *wire) Write(p []byte) (int, error) {
	if !w.begun && len(p) >= packetHeader {
		w.begun = true
		w.opaque = payload(p) == tlsRequest
	}
	return w.Conn.Write(p) //nolint:wrapcheck // the driver's own connection
}

// payload is a packet's length without its header.
func payload(header []byte) int {
	return int(header[0]) | int(header[1])<<8 | int(header[2])<<16
}

// rows calls fn for each row of the result whose head the driver has just read,
// until the packet that ends it, which the driver reads next. The cells are
// the server's text, nil for NULL, and valid until fn returns. After an error
// of fn the rest of the result is still on the wire.
func (w *wire) rows(columns int, fn func(cells [][]byte) error) error {
	cells := make([][]byte, columns)
	seq := w.seq
	for {
		packet, err := w.packet(&seq)
		if err != nil || packet == nil {
			return err
		}
		if !splitCells(packet, cells) {
			return mysql.ErrMalformPkt
		}
		if err := fn(cells); err != nil {
			return err
		}
	}
}

// packet returns the next row's payload, valid until the next call; nil when a
// packet follows that ends the result. Seq is the number of the last packet.
func (w *wire) packet(seq *byte) ([]byte, error) {
	// Five bytes tell a row from an end: a row of a single empty cell is one byte long.
	head, err := w.reader.Peek(packetHeader + 1)
	if err != nil {
		return nil, w.fail(err)
	}
	size := payload(head)
	*seq++
	if head[3] != *seq {
		return nil, mysql.ErrPktSync
	}
	switch kind := head[packetHeader]; {
	case size == 0:
		return nil, mysql.ErrMalformPkt
	case kind == packetError || kind == packetEnd && size < longestPacket:
		head[3] = w.seq + 1 // the driver has not seen the rows
		return nil, nil
	case size == longestPacket || packetHeader+size > w.reader.Size():
		return w.longPacket(seq)
	}
	whole, err := w.reader.Peek(packetHeader + size)
	if err != nil {
		return nil, w.fail(err)
	}
	_, err = w.reader.Discard(len(whole)) // which leaves the buffer as it is
	return whole[packetHeader:], err
}

// The first bytes of packets that end a result. A row can begin with the
// second, too: as the length of a cell that fills more than one packet.
const (
	packetError = 0xFF
	packetEnd   = 0xFE
)

// longPacket reads a row that the buffer does not hold, or that goes on in the
// packets after it.
func (w *wire) longPacket(seq *byte) ([]byte, error) {
	w.long = w.long[:0]
	if cap(w.long) > keptPacket {
		w.long = nil
	}
	for {
		var header [packetHeader]byte
		if _, err := io.ReadFull(w.reader, header[:]); err != nil {
			return nil, w.fail(err)
		}
		if header[3] != *seq {
			return nil, mysql.ErrPktSync
		}
		size, start := payload(header[:]), len(w.long)
		if need := start + size; cap(w.long) < need {
			w.long = append(make([]byte, 0, need), w.long...)
		}
		w.long = w.long[:start+size]
		if _, err := io.ReadFull(w.reader, w.long[start:]); err != nil {
			return nil, w.fail(err)
		}
		if size < longestPacket {
			return w.long, nil
		}
		*seq++
	}
}

// fail keeps an error of the socket, so that the driver learns of it as well.
func (w *wire) fail(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	w.broken = err
	return err
}

// splitCells cuts a row into its cells, each of which begins with its length;
// false when the row has not exactly that many.
func splitCells(packet []byte, cells [][]byte) bool {
	at := 0
	for i := range cells {
		if at >= len(packet) {
			return false
		}
		size, width := int(packet[at]), 1
		if size > longestShort {
			if size == nullCell {
				cells[i] = nil
				at++
				continue
			}
			if size, width = longSize(packet[at:]); width == 0 {
				return false
			}
		}
		at += width
		if size > len(packet)-at {
			return false
		}
		cells[i] = packet[at : at+size : at+size]
		at += size
	}
	return at == len(packet)
}

// How a cell's first byte tells its length.
const (
	longestShort = 250  // up to here it is the length
	nullCell     = 0xFB // NULL
)

// longSize reads a length of two, three or eight bytes after the first, and
// says how many bytes that took; none for what is no length.
func longSize(from []byte) (size, width int) {
	switch from[0] {
	case 0xFC:
		width = 3
	case 0xFD:
		width = 4
	case 0xFE:
		width = 9
	}
	if len(from) < width {
		return 0, 0
	}
	for i := width - 1; i > 0; i-- {
		size = size<<8 | int(from[i])
	}
	if size < 0 { // of eight bytes: more than there can be
		return 0, 0
	}
	return size, width
}

// textOf gives the driver's value as the text that the server sent, or one of
// the same meaning, for rows that come from the driver. The result is value
// itself or appended to scratch.
func textOf(value driver.Value, scratch []byte) (text, rest []byte, ok bool) {
	start := len(scratch)
	switch v := value.(type) {
	case nil:
		return nil, scratch, true
	case []byte:
		return v, scratch, true
	case int64:
		scratch = strconv.AppendInt(scratch, v, 10)
	case uint64:
		scratch = strconv.AppendUint(scratch, v, 10)
	case float64:
		scratch = strconv.AppendFloat(scratch, v, 'g', -1, 64)
	default:
		return nil, scratch, false
	}
	return scratch[start:len(scratch):len(scratch)], scratch, true
}
