package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// errUnreachable reports a folder that the server's account cannot enter.
// Trying again does not help; another Options.Dir or TMPDIR does.
var errUnreachable = errors.New("folder is not reachable")

// home is the private folder of one server.
//
//	dir/            owned by the caller, so that the server cannot swap our files
//	    server.log  what the server printed
//	    init.sql    the source's accounts (see mysqlEngine)
//	    data/       the data directory, owned by the server's account
//	    tmp/        the server's temporary files, likewise
type home struct {
	dir   string
	owner *account // nil: the server runs as the caller
}

func (h home) data() string    { return filepath.Join(h.dir, "data") }
func (h home) tmp() string     { return filepath.Join(h.dir, "tmp") }
func (h home) logFile() string { return filepath.Join(h.dir, "server.log") }

// newHome chooses a folder that does not exist yet. Chance keeps its name apart
// from all others: the watchdog is told the name before the folder is made, so
// that there is no moment at which a kill would leave it behind.
func newHome(ctx context.Context, opts Options, kind Kind) (home, error) {
	owner, err := serverAccount(kind)
	if err != nil {
		return home{}, err
	}
	parent, err := homeParent(ctx, opts.Dir, owner)
	if err != nil {
		return home{}, err
	}
	return home{dir: filepath.Join(parent, "leap-"+rand.Text()), owner: owner}, nil
}

// make makes the folder.
func (h home) make() error {
	if err := os.Mkdir(h.dir, 0o700); err != nil {
		return err
	}
	// Others may pass through, not look: the server's account needs to reach
	// its own folders below.
	//nolint:gosec // see above
	if err := os.Chmod(h.dir, 0o711); err != nil {
		return err
	}
	for _, folder := range []string{h.data(), h.tmp()} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
		if err := h.owner.own(folder); err != nil {
			return err
		}
	}
	return nil
}

// homeParent chooses the folder to make homes in and checks that the server's
// account reaches it. Root's TMPDIR may lie where nobody else can go; then
// /tmp serves, but a folder that the caller asked for is never replaced.
func homeParent(ctx context.Context, wanted string, owner *account) (string, error) {
	candidates := []string{wanted}
	if wanted == "" {
		candidates = []string{os.TempDir(), "/tmp"}
	}
	var errs []error
	for _, dir := range candidates {
		// The server reports its data directory with links resolved, and
		// is recognised by it.
		real, err := filepath.EvalSymlinks(dir)
		if err == nil {
			real, err = filepath.Abs(real)
		}
		if err == nil {
			err = owner.reaches(ctx, real)
		}
		if err == nil {
			return real, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// logTail is the end of the server's log, for error messages.
func (h home) logTail() string {
	const tailBytes = 2 << 10 // some twenty lines: the reason is at the end
	f, err := os.Open(h.logFile())
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }() // only read
	// A log that is shorter has no such position: it is read from its start.
	_, _ = f.Seek(-tailBytes, io.SeekEnd)
	text, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	if len(text) == 0 {
		return fmt.Sprintf("%s is empty", h.logFile())
	}
	return strings.TrimSpace(string(text))
}
