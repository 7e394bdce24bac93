//go:build !linux

package sandbox

import "errors"

var errProcessors = errors.New("processes cannot be kept to some of the processors on this system")

// Apart would keep this process and its servers on different processors.
func Apart() (server []int, err error) { return nil, errProcessors }

func confine(int, []int) error { return errProcessors }
