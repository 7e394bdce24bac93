//go:build !unix

package sandbox

import (
	"context"
	"errors"
	"syscall"
)

// account has no meaning here; see account_unix.go.
type account struct{}

func serverAccount(kind Kind) (*account, error) {
	return nil, errors.New("start " + string(kind) + ": sandbox servers need Unix: the watchdog is a shell script")
}

func (*account) own(string) error                      { return nil }
func (*account) reaches(context.Context, string) error { return nil }
func (*account) attributes() *syscall.SysProcAttr      { return nil }
