//go:build !unix

package bench

import "time"

// cpuTime is the CPU time that this process has used; 0 if the system does not say.
func cpuTime() time.Duration { return 0 }
