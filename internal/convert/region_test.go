package convert

import (
	"strings"
	"testing"

	"leap/internal/schema"
)

// The DDL of a multi-region database. No server of the tests has regions: the
// statements follow CockroachDB's documentation of 21.2 and later.
func TestRegions(t *testing.T) {
	d := newest
	d.Regions = &Regions{Database: "acme", Names: []string{"eu-central-1", "eu-west-1"}, Home: "eu-west-1"}
	p := build(t, d, tableOf("accounts", column("v", "int(11)")))
	var got []string
	for _, s := range p.Before {
		got = append(got, string(s.Kind)+": "+strings.Join(strings.Fields(s.SQL), " "))
	}
	want := []string{
		`region: ALTER DATABASE "acme" PRIMARY REGION "eu-central-1"`,
		`region: ALTER DATABASE "acme" ADD REGION IF NOT EXISTS "eu-west-1"`,
		`table: CREATE TABLE IF NOT EXISTS "public"."accounts" ( "id" INT4 NOT NULL, "v" INT4,` +
			` "crdb_region" public.crdb_internal_region NOT VISIBLE NOT NULL DEFAULT 'eu-west-1',` +
			` CONSTRAINT "accounts_pkey" PRIMARY KEY ("id") ) LOCALITY REGIONAL BY ROW`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	m := p.Tables[0].Mapping
	if m.Region != "eu-west-1" || len(m.Columns) != 2 {
		t.Errorf("the mapping has region %q and %d columns", m.Region, len(m.Columns))
	}
	whole := build(t, newest, tableOf("accounts", column("v", "int(11)")))
	a, errA := m.Fingerprint()
	b, errB := whole.Tables[0].Mapping.Fingerprint()
	if errA != nil || errB != nil || a == b || strings.Contains(whole.SQL(), "REGION") {
		t.Errorf("a table with a region is taken for one without (%v, %v):\n%s", errA, errB, whole.SQL())
	}
}

func TestRegionColumnTaken(t *testing.T) {
	d := newest
	table := tableOf("accounts", column(schema.RegionColumn, "varchar(20)"))
	if p := build(t, d, table); len(p.Blockers()) > 0 {
		t.Errorf("without regions the name is free: %v", p.Blockers())
	}
	d.Regions = &Regions{Database: "acme", Names: []string{"eu-1"}, Home: "eu-1"}
	p := build(t, d, table)
	if found := p.Blockers(); len(found) != 1 || found[0].Rule != "region-column-taken" || found[0].Object != "accounts.crdb_region" {
		t.Errorf("got %v", found)
	}
}
