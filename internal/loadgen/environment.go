package loadgen

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Environment is where a run took place: what somebody needs to know who
// compares it with another one.
type Environment struct {
	Server Server `json:"server"`
	Client Client `json:"client"`
}

// Server is the target.
type Server struct {
	Address string `json:"address"` // without the password
	Product string `json:"product"` // "cockroachdb" or "postgresql"
	Version string `json:"version"`
	// StandIn says that PostgreSQL takes the place of CockroachDB.
	StandIn bool `json:"stand_in"`
	Nodes   int  `json:"nodes,omitempty"`
	// Settings are the cluster's, or those of PostgreSQL that are not its
	// defaults. SettingsError says why there are none.
	Settings      map[string]string `json:"settings"`
	SettingsError string            `json:"settings_error,omitempty"`
}

// Client is the machine that made the load.
type Client struct {
	Loadgen  string `json:"loadgen"`
	Go       string `json:"go"`
	System   string `json:"system"`
	CPUs     int    `json:"cpus"`
	Procs    int    `json:"procs"`
	Host     string `json:"host"`
	Revision string `json:"git_revision,omitempty"`
	Modified bool   `json:"git_modified,omitempty"`
}

const (
	// crdb_internal.cluster_settings needs a privilege that an application's
	// account may lack.
	cockroachSettings = "SELECT variable, value FROM crdb_internal.cluster_settings WHERE value IS NOT NULL"
	cockroachNodes    = "SELECT count(*) FROM crdb_internal.gossip_nodes"
	postgresSettings  = "SELECT name, setting FROM pg_catalog.pg_settings WHERE source NOT IN ('default', 'override', 'client')"
)

// serverOf asks the target about itself.
func serverOf(ctx context.Context, pool *pgxpool.Pool, address string) (Server, error) {
	s := Server{Address: address, Product: "postgresql", StandIn: true, Settings: map[string]string{}}
	if err := pool.QueryRow(ctx, "SELECT version()").Scan(&s.Version); err != nil {
		return s, err
	}
	query := postgresSettings
	if len(s.Version) >= 11 && s.Version[:11] == "CockroachDB" {
		s.Product, s.StandIn, query = "cockroachdb", false, cockroachSettings
		if err := pool.QueryRow(ctx, cockroachNodes).Scan(&s.Nodes); err != nil {
			s.Nodes = 0 // not every account may know
		}
	}
	rows, err := pool.Query(ctx, query)
	if err == nil {
		var name, value string
		_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
			s.Settings[name] = value
			return nil
		})
	}
	if err != nil {
		s.SettingsError = err.Error()
	}
	return s, ctx.Err()
}

// clientOf describes this process.
func clientOf(version string) Client {
	c := Client{
		Loadgen: version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		CPUs: runtime.NumCPU(), Procs: runtime.GOMAXPROCS(0),
	}
	c.Host, _ = os.Hostname() // a machine without a name is fine
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				c.Revision = s.Value
			case "vcs.modified":
				c.Modified = s.Value == "true"
			}
		}
	}
	return c
}
