package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Whereabouts says where the nodes of the cluster are.
type Whereabouts struct {
	Nodes []Node
	// Method is the table that told; empty, with Why, when none did.
	Method string
	Why    string
}

// Node is a server of the cluster.
type Node struct {
	ID string
	// Region is the value of region in its locality; empty when it has none.
	Region string
}

// Regions lists the regions that are known, each once.
func (w Whereabouts) Regions() []string {
	var out []string
	for _, n := range w.Nodes {
		if n.Region != "" {
			out = append(out, n.Region)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// localityQueries ask for the nodes and their localities, in the order in which
// they are tried. Which of them an account may ask, and which of them there
// is, differs by version and by privilege. Dead nodes are asked for as well:
// they hold what was written while they lived.
var localityQueries = []struct{ method, query string }{
	{"crdb_internal.gossip_nodes", "SELECT node_id::STRING, locality::STRING FROM crdb_internal.gossip_nodes ORDER BY node_id"},
	{"crdb_internal.kv_node_status", "SELECT node_id::STRING, locality::STRING FROM crdb_internal.kv_node_status ORDER BY node_id"},
}

// Whereabouts asks the cluster where its nodes are. That it does not say is an
// answer and no error.
func (d *DB) Whereabouts(ctx context.Context) (Whereabouts, error) {
	if !d.caps.Cockroach {
		return Whereabouts{Why: "PostgreSQL, which stands in for CockroachDB, has no localities"}, nil
	}
	out := Whereabouts{Why: "the account may not see crdb_internal.gossip_nodes (GRANT SYSTEM VIEWCLUSTERMETADATA)"}
	for _, q := range localityQueries {
		nodes, err := d.localities(ctx, q.query)
		if _, refused := errors.AsType[*pgconn.PgError](err); refused {
			continue
		}
		if err != nil {
			return out, fmt.Errorf("where the nodes are: %w", Explain(err))
		}
		return Whereabouts{Nodes: nodes, Method: q.method}, nil
	}
	return out, ctx.Err()
}

func (d *DB) localities(ctx context.Context, query string) ([]Node, error) {
	rows, err := d.pool.Query(ctx, query)
	if err != nil {
		return nil, err //nolint:wrapcheck // Whereabouts tells refusals apart
	}
	defer rows.Close()
	var out []Node
	for rows.Next() {
		var id string
		var locality *string
		if err := rows.Scan(&id, &locality); err != nil {
			return nil, err //nolint:wrapcheck // as above
		}
		node := Node{ID: id}
		if locality != nil {
			node.Region = regionOf(*locality)
		}
		out = append(out, node)
	}
	return out, rows.Err() //nolint:wrapcheck // as above
}

// regionOf reads the region of a locality: region=eu-west-1,zone=b, or the same
// as JSON in some versions.
func regionOf(locality string) string {
	var text string
	if json.Unmarshal([]byte(locality), &text) == nil {
		locality = text
	}
	for tier := range strings.SplitSeq(locality, ",") {
		if key, value, ok := strings.Cut(strings.TrimSpace(tier), "="); ok && key == "region" {
			return value
		}
	}
	return ""
}
