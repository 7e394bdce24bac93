package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
)

// templates is the folder that keeps one empty data directory for each program
// version: copying it takes a tenth of the time of making it. The zero value
// keeps nothing.
//
// The cache is a convenience. Where it cannot be read or written, servers
// start a second later and nothing else changes. It lies in the caller's own
// cache folder and never in a shared one: a data directory contains commands
// that the server runs.
type templates struct{ dir string }

// templateRevision changes when the way of making data directories does.
const templateRevision = "1"

func userTemplates() templates {
	dir, err := os.UserCacheDir()
	if err != nil {
		return templates{}
	}
	return templates{dir: filepath.Join(dir, "leap", "sandbox")}
}

var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func (t templates) path(p program) string {
	name := fmt.Sprintf("%s-%s-%s-%s", p.kind, p.version, runtime.GOARCH, templateRevision)
	return filepath.Join(t.dir, unsafeInName.ReplaceAllString(name, "_"))
}

// fillData makes the server's data directory: a copy of the template, or a new
// one, which then becomes the template.
func (s *Server) fillData(ctx context.Context, cache templates) error {
	if s.engine.initialise == nil {
		return nil
	}
	data := s.home.data()
	if cache.dir != "" {
		if copyWhole(ctx, cache.path(s.prog), data, s.home.owner) == nil {
			return nil
		}
		if err := s.emptyData(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := s.engine.initialise(ctx, s); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	keep(ctx, userTemplates(), s.prog, data)
	return nil
}

// errReplaced says that the template was replaced while it was copied.
var errReplaced = errors.New("the template was replaced while it was copied")

// copyWhole copies a template. Another process may put a new one in its place
// meanwhile, and half of the one with half of the other is a corrupt server.
func copyWhole(ctx context.Context, from, to string, owner *account) error {
	before, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err = copyTree(ctx, from, to, owner); err != nil {
		return err
	}
	after, err := os.Stat(from)
	if err != nil {
		return err
	}
	if !os.SameFile(before, after) {
		return errReplaced
	}
	return nil
}

// emptyData clears what a broken-off copy left.
func (s *Server) emptyData() error {
	entries, err := os.ReadDir(s.home.data())
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(s.home.data(), entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// keep makes a fresh data directory the template, replacing an older one. Other
// processes may do the same now: each writes its own folder and renames it, so
// a template is whole or not there. Errors are dropped, see templates.
func keep(ctx context.Context, cache templates, p program, data string) {
	if cache.dir == "" || os.MkdirAll(cache.dir, 0o700) != nil {
		return
	}
	draft, err := os.MkdirTemp(cache.dir, ".draft-")
	if err != nil {
		return
	}
	defer func() { _ = os.RemoveAll(draft) }()
	fresh := filepath.Join(draft, "fresh")
	if os.Mkdir(fresh, 0o700) != nil || copyTree(ctx, data, fresh, nil) != nil {
		return
	}
	// A folder cannot be renamed over a full one: move the old one aside.
	if err := os.Rename(cache.path(p), filepath.Join(draft, "old")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if os.Rename(fresh, cache.path(p)) != nil {
		return // another process was faster; its template is as good
	}
}

// copyTree copies a data directory into an existing folder and gives all of it
// to the owner.
func copyTree(ctx context.Context, from, to string, owner *account) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		inside, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, inside)
		switch {
		case inside == ".":
			return nil
		case inside == "auto.cnf":
			return nil // MySQL's server UUID: each server makes its own
		case entry.IsDir():
			err = os.Mkdir(target, 0o700)
		case entry.Type().IsRegular():
			err = copyFile(path, target)
		default:
			err = fmt.Errorf("%s is neither file nor folder", path)
		}
		if err != nil {
			return err
		}
		return owner.own(target)
	})
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from) //nolint:gosec // both paths are ours
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()                                     // only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // both paths are ours
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
