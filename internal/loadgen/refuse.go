package loadgen

import (
	"leap/internal/fault"
	"leap/workloads"
)

// notLoaded says what to do about data that are missing or other ones.
func notLoaded(err *workloads.NotLoadedError) error {
	hint := "run loadgen init --workload " + err.Workload + " first"
	switch {
	case err.Partly:
		hint = "run the same loadgen init again: it goes on where it stopped"
	case err.Have != "":
		hint = "give --seed, --scale and --tenants as they were given to init, or run loadgen init --drop"
	}
	return fault.Wrap(fault.Usage, hint, err)
}
