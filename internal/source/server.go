package source

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"leap/internal/fault"
)

// origin is the server that all connections of a DB must lead to. Behind one
// address there may be several, as with a balancer or a reader endpoint: a
// lock on one of them holds nothing still on another, and two replicas may stand
// at positions that are spelled alike. It is empty until Open knows the server.
type origin struct{ first atomic.Pointer[Info] }

// identifying are the variables that tell servers apart; not every server has all.
const identifying = "'server_id', 'server_uuid', 'server_uid', 'hostname', 'port', 'datadir'"

// check refuses a connection to another server.
func (o *origin) check(ctx context.Context, conn driver.QueryerContext) error {
	first := o.first.Load()
	if first == nil {
		return nil // this connection finds out
	}
	variables, err := driverPairs(ctx, conn, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ("+identifying+")")
	if err != nil {
		return fmt.Errorf("identity of the server: %w", err)
	}
	if now := readInfo(variables); !first.sameServer(now) {
		return fault.New(fault.Refused,
			"give the address of one server, not of a balancer or a reader endpoint; "+
				"if it moved, make it lead to the first server and start the command again, which continues; "+
				"or copy anew from the new one into an empty target",
			"the source's address leads to another server now (%s instead of %s): its rows need not be the same", now.name(), first.name())
	}
	return nil
}

// sameServer compares what does not change while a server lives. MariaDB makes
// its server_uid of the network card's address and the port, which containers on
// two machines may have in common.
func (i Info) sameServer(other Info) bool {
	if i.Product == MariaDB && (i.Host != other.Host || i.ServerID != other.ServerID) {
		return false
	}
	return i.ServerUUID == other.ServerUUID
}

func (i Info) name() string {
	return fmt.Sprintf("%s, server_id %d, on %s", i.ServerUUID, i.ServerID, i.Host)
}

// driverPairs is pairs on a connection that database/sql does not have yet.
func driverPairs(ctx context.Context, conn driver.QueryerContext, query string) (map[string]string, error) {
	rows, err := conn.QueryContext(ctx, query, nil)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it asked for
	}
	defer func() { _ = rows.Close() }()
	out := map[string]string{}
	for {
		var cells [2]driver.Value
		if err := rows.Next(cells[:]); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err //nolint:wrapcheck // the caller says what it asked for
		}
		out[strings.ToLower(cellText(cells[0]))] = cellText(cells[1])
	}
}

func cellText(v driver.Value) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case string:
		return v
	}
	return ""
}
