package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// program is an installed database server.
type program struct {
	kind    Kind
	path    string // the server's binary, absolute, symbolic links resolved
	version string // "10.11.19"; what the program says about itself
}

// String names the program as messages do: "mariadb 10.11.19".
func (p program) String() string { return fmt.Sprintf("%s %s", p.kind, p.version) }

// tool is the path of a helper program that is installed beside the server.
func (p program) tool(name string) string { return filepath.Join(filepath.Dir(p.path), name) }

// Where packages put servers that they keep off the PATH of ordinary users.
var (
	sourceFolders    = []string{"/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/bin", "/usr/local/mysql/bin", "/usr/local/mariadb/bin", "/opt/homebrew/bin"}
	cockroachFolders = []string{"/usr/local/bin", "/opt/homebrew/bin"}
	postgresFolders  = []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/local/opt/postgresql*/bin", "/opt/homebrew/opt/postgresql*/bin"}
)

const (
	sourceHint    = "install MariaDB (Debian: mariadb-server) or MySQL, or run `make servers`"
	cockroachHint = "put a cockroach binary on PATH or name it in LEAP_COCKROACH"
	postgresHint  = "install PostgreSQL (Debian: postgresql), or run `make servers`"
)

// cockroachVariable names the cockroach binary to use. It outranks PATH, and
// when it is set its program counts as installed: a wrong value is an error
// when the server starts, never a silent change to another program.
const cockroachVariable = "LEAP_COCKROACH"

// sourceVariable does the same for the source: a mysqld or a mariadbd.
const sourceVariable = "LEAP_MYSQLD"

// Targets lists the kinds of target that this machine can start, the preferred
// one first: Cockroach before its stand-in Postgres.
func Targets() []Kind {
	var kinds []Kind
	if _, ok := cockroachPath(); ok {
		kinds = append(kinds, Cockroach)
	}
	if _, ok := postgresPath(); ok {
		kinds = append(kinds, Postgres)
	}
	return kinds
}

// PreferredTarget is the first of Targets, or an error that wraps
// ErrNotInstalled and says what to install.
func PreferredTarget() (Kind, error) {
	kinds := Targets()
	if len(kinds) == 0 {
		return "", fmt.Errorf("target server %w: %s; or %s", ErrNotInstalled, cockroachHint, postgresHint)
	}
	return kinds[0], nil
}

func findSource(ctx context.Context) (program, error) {
	path, ok := sourcePath()
	if !ok {
		return program{}, fmt.Errorf("source server %w: %s", ErrNotInstalled, sourceHint)
	}
	banner, err := banner(ctx, path, "--no-defaults", "--version")
	if err != nil {
		return program{}, err
	}
	kind, version := parseSource(banner)
	return program{kind: kind, path: path, version: version}, nil
}

// sourcePath reports false only when nothing names a source server.
func sourcePath() (string, bool) {
	if path := os.Getenv(sourceVariable); path != "" {
		return absolute(path), true
	}
	for _, name := range []string{"mariadbd", "mysqld"} {
		if path, ok := lookFor(name, sourceFolders); ok {
			return path, true
		}
	}
	return "", false
}

func findTarget(ctx context.Context, kind Kind) (program, error) {
	switch kind {
	case Cockroach:
		path, ok := cockroachPath()
		if !ok {
			return program{}, fmt.Errorf("cockroach %w: %s", ErrNotInstalled, cockroachHint)
		}
		banner, err := banner(ctx, path, "version")
		if err != nil {
			return program{}, err
		}
		return program{kind: Cockroach, path: path, version: parseCockroach(banner)}, nil
	case Postgres:
		path, ok := postgresPath()
		if !ok {
			return program{}, fmt.Errorf("postgres %w: %s", ErrNotInstalled, postgresHint)
		}
		banner, err := banner(ctx, path, "--version")
		if err != nil {
			return program{}, err
		}
		return program{kind: Postgres, path: path, version: parsePostgres(banner)}, nil
	case MariaDB, MySQL:
	}
	return program{}, fmt.Errorf("%q is no target: use %s or %s", kind, Cockroach, Postgres)
}

// cockroachPath reports false only when nothing names a cockroach program.
func cockroachPath() (string, bool) {
	if path := os.Getenv(cockroachVariable); path != "" {
		return absolute(path), true
	}
	return lookFor("cockroach", cockroachFolders)
}

// absolute is the path from everywhere; as it is where nobody knows from where.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// postgresPath accepts a folder only when it has initdb too: client packages
// bring some of the programs, not all.
func postgresPath() (string, bool) {
	if path, ok := lookFor("postgres", nil); ok && hasInitdb(path) {
		return path, true
	}
	for _, pattern := range postgresFolders {
		folders, _ := filepath.Glob(pattern) // fails on a bad pattern only
		for _, folder := range newestFirst(folders) {
			if path, ok := runnable(filepath.Join(folder, "postgres")); ok && hasInitdb(path) {
				return path, true
			}
		}
	}
	return "", false
}

func hasInitdb(postgres string) bool {
	_, ok := runnable(filepath.Join(filepath.Dir(postgres), "initdb"))
	return ok
}

// lookFor searches PATH, then the folders.
func lookFor(name string, folders []string) (string, bool) {
	found, err := exec.LookPath(name)
	if err != nil {
		found = "" // not runnable
	}
	candidates := []string{found}
	for _, folder := range folders {
		candidates = append(candidates, filepath.Join(folder, name))
	}
	for _, candidate := range candidates {
		if path, ok := runnable(candidate); ok {
			return path, true
		}
	}
	return "", false
}

// runnable resolves symbolic links, because helper programs and libraries lie
// beside the real file, and reports whether the result can be executed.
func runnable(path string) (string, bool) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", false
	}
	real, err = filepath.Abs(real)
	if err != nil {
		return "", false
	}
	info, err := os.Stat(real)
	return real, err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

var folderVersion = regexp.MustCompile(`\d+(\.\d+)?`)

// newestFirst sorts folders by the version in their name, as a number:
// postgresql/15 comes before postgresql/9.6.
func newestFirst(folders []string) []string {
	version := func(folder string) float64 {
		v, err := strconv.ParseFloat(folderVersion.FindString(folder), 64)
		if err != nil {
			return 0
		}
		return v
	}
	slices.SortStableFunc(folders, func(a, b string) int {
		switch va, vb := version(a), version(b); {
		case va > vb:
			return -1
		case va < vb:
			return 1
		}
		return 0
	})
	return folders
}

// banner is what a program prints about its version.
func banner(ctx context.Context, path string, args ...string) (string, error) {
	//nolint:gosec // the path comes from the machine's own installation
	out, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", path, err)
	}
	return strings.TrimSpace(string(out)), nil
}

var (
	sourceVersion    = regexp.MustCompile(`Ver (\d+\.\d+\.\d+)`)
	postgresVersion  = regexp.MustCompile(`\(PostgreSQL\) (\S+)`)
	cockroachVersion = regexp.MustCompile(`Build Tag:\s+v?(\S+)`)
)

func parseSource(banner string) (Kind, string) {
	kind := MySQL
	if strings.Contains(banner, "MariaDB") {
		kind = MariaDB
	}
	return kind, firstGroup(sourceVersion, banner)
}

func parsePostgres(banner string) string  { return firstGroup(postgresVersion, banner) }
func parseCockroach(banner string) string { return firstGroup(cockroachVersion, banner) }

func firstGroup(pattern *regexp.Regexp, text string) string {
	if m := pattern.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return "of unknown version"
}
