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
		out = Whereabouts{Nodes: nodes, Method: q.method}
		break
	}
	regions, err := d.ClusterRegions(ctx)
	if err != nil {
		return out, err
	}
	out.add(regions)
	return out, ctx.Err()
}

// add adds the regions of SHOW REGIONS that no node has named. These count as
// nodes: somebody is there. The other way round they say nothing, since a node that
// does not say where it is has no region to be shown.
func (w *Whereabouts) add(regions []string) {
	if len(regions) == 0 {
		return
	}
	seen := len(w.Nodes) > 0
	known := w.Regions()
	for _, region := range regions {
		if !slices.Contains(known, region) {
			w.Nodes = append(w.Nodes, Node{ID: "of SHOW REGIONS", Region: region})
		}
	}
	if seen {
		w.Method += ", SHOW REGIONS"
		return
	}
	w.Method = "SHOW REGIONS"
	w.Nodes = append(w.Nodes, Node{ID: "that SHOW REGIONS leaves out"})
}

// clusterRegions lists the regions of the cluster's nodes and their zones.
const clusterRegions = "SHOW REGIONS FROM CLUSTER"

// ClusterRegions lists the regions that databases of the cluster can have: those
// that its nodes name. None where the server knows no regions.
func (d *DB) ClusterRegions(ctx context.Context) ([]string, error) {
	if !d.caps.MultiRegion {
		return nil, nil
	}
	rows, err := d.pool.Query(ctx, clusterRegions)
	if err != nil {
		return nil, fmt.Errorf("list the cluster's regions: %w", Explain(err))
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		values, err := rows.Values() // how many there are differs by version; the region is the first
		if err != nil {
			return nil, fmt.Errorf("list the cluster's regions: %w", Explain(err))
		}
		if region, ok := values[0].(string); ok {
			out = append(out, region)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list the cluster's regions: %w", Explain(err))
	}
	return out, nil
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
