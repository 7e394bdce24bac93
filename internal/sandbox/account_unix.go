//go:build unix

package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is the unprivileged account that a server runs as when the caller
// is root. A nil account stands for the caller's own.
type account struct {
	name     string
	uid, gid int
}

// serverAccount chooses the account. PostgreSQL, MySQL and MariaDB refuse to
// run as root; CockroachDB does not care and keeps the caller's account, so
// that LEAP_COCKROACH may lie in root's home.
//
// It is nobody, not the packages' own postgres or mysql: everybody on this
// machine is superuser of a sandbox server and can run programs as its account,
// and those accounts own the system's databases.
func serverAccount(kind Kind) (*account, error) {
	if os.Geteuid() != 0 || kind == Cockroach {
		return nil, nil //nolint:nilnil // nil is the caller's own account
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("%s does not run as root and there is no other account: %w", kind, err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, fmt.Errorf("account nobody: %w", err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, fmt.Errorf("account nobody: %w", err)
	}
	return &account{name: u.Username, uid: uid, gid: gid}, nil
}

// own gives a file or folder to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// reaches checks that the account can enter the folder, by doing it.
func (a *account) reaches(ctx context.Context, dir string) error {
	if a == nil {
		return nil
	}
	//nolint:gosec // the script is constant, the folder only an argument
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", `cd "$1"`, "sh", dir)
	cmd.SysProcAttr = a.attributes()
	cmd.Dir = "/"
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w for the account %s: %s: %w", errUnreachable, a.name, dir, err)
	}
	return nil
}

// attributes start a process under the account in a session of its own: Ctrl-C
// on the terminal reaches the program alone, which then stops its servers in
// order.
func (a *account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a != nil {
		//nolint:gosec // ids of the system's user database fit
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}
