package target

import (
	"slices"
	"strings"
	"testing"

	"leap/internal/retry"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestMultiRegion: what a server says that it can do is what it does when it is
// asked for it.
func TestMultiRegion(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server)
		can := db.Capabilities().MultiRegion
		err := db.Exec(t.Context(), "CREATE TABLE t (id INT PRIMARY KEY) LOCALITY REGIONAL BY ROW")
		const syntax = "42601"
		if understood := retry.SQLState(err) != syntax; understood != can {
			t.Errorf("regions: %v, and the server says %v", can, err)
		}
		regions, err := db.ClusterRegions(t.Context())
		if err != nil || !can && regions != nil {
			t.Errorf("regions %v, %v", regions, err)
		}
	})
}

// TestElsewhere counts rows by their region, and misses the hidden column of a
// table that is not REGIONAL BY ROW. The column is an ordinary one here, as no
// server of the tests has regions.
func TestElsewhere(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server)
		m := intTable()
		m.Region = "eu-west-1"
		statement := "CREATE TABLE t (id INT8 PRIMARY KEY, v TEXT, crdb_region TEXT); " +
			"INSERT INTO t VALUES (1, 'a', 'eu-west-1'), (2, 'b', 'us-east1'), (3, 'c', NULL), (4, 'd', 'eu-west-1')"
		for one := range strings.SplitSeq(statement, "; ") {
			if err := db.Exec(t.Context(), one); err != nil {
				t.Fatal(err)
			}
		}
		view, err := db.View(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer view.Close(t.Context())
		found, err := view.Elsewhere(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, k := range found.Keys {
			keys = append(keys, k...)
		}
		slices.Sort(keys)
		if found.Rows != 4 || found.Wrong != 2 || !slices.Equal(keys, []string{"2", "3"}) {
			t.Errorf("got %+v", found)
		}
		drift, _, err := db.Drift(t.Context(), m)
		if err != nil || !slices.ContainsFunc(drift, func(d string) bool { return strings.Contains(d, "not REGIONAL BY ROW") }) {
			t.Errorf("drift %v, %v", drift, err)
		}
	})
}

// What SHOW REGIONS adds to what the nodes say, and what it cannot say.
func TestAddRegions(t *testing.T) {
	for name, test := range map[string]struct {
		nodes, regions []string
		want           []string // regions of the nodes afterwards
		method         string
	}{
		"nothing new":      {[]string{"eu-1", "eu-2"}, []string{"eu-1"}, []string{"eu-1", "eu-2"}, "nodes, SHOW REGIONS"},
		"one more":         {[]string{"eu-1"}, []string{"eu-1", "us-1"}, []string{"eu-1", "us-1"}, "nodes, SHOW REGIONS"},
		"a node is mute":   {[]string{"eu-1", ""}, []string{"eu-1"}, []string{"eu-1", ""}, "nodes, SHOW REGIONS"},
		"nodes are secret": {nil, []string{"eu-1"}, []string{"eu-1", ""}, "SHOW REGIONS"},
		"no regions":       {[]string{"eu-1"}, nil, []string{"eu-1"}, "nodes"},
	} {
		w := Whereabouts{Method: "nodes"}
		if test.nodes == nil {
			w.Method = ""
		}
		for _, r := range test.nodes {
			w.Nodes = append(w.Nodes, Node{ID: "1", Region: r})
		}
		w.add(test.regions)
		var got []string
		for _, n := range w.Nodes {
			got = append(got, n.Region)
		}
		if !slices.Equal(got, test.want) || w.Method != test.method {
			t.Errorf("%s: got %q by %q, want %q by %q", name, got, w.Method, test.want, test.method)
		}
	}
}
