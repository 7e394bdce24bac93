// Package catalog lists the workloads. A new one is added here.
package catalog

import (
	"leap/workloads"
	"leap/workloads/kv"
	"leap/workloads/ledger"
	"leap/workloads/openbanking"
)

// All returns the workloads in the order in which they are shown.
func All() []workloads.Workload {
	return []workloads.Workload{openbanking.Workload{}, ledger.Workload{}, kv.Workload{}}
}

// Find returns the workload of a name, and false where there is none.
func Find(name string) (workloads.Workload, bool) {
	for _, w := range All() {
		if w.About().Name == name {
			return w, true
		}
	}
	return nil, false
}
