// Package openbanking holds the plan of the sample bank's tenants, for the demo.
package openbanking

import _ "embed" // for Plan

// Plan is plan.yaml.
//
//go:embed plan.yaml
var Plan []byte
