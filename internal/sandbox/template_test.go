//go:build unix

package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// privateCache gives the test a cache folder of its own.
func privateCache(t *testing.T) templates {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", dir)
	return userTemplates()
}

// template is the only data directory in the cache.
func template(t *testing.T, cache templates) string {
	t.Helper()
	entries, err := os.ReadDir(cache.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Fatalf("%d entries in the cache, want the template alone: %v", len(entries), entries)
	}
	return filepath.Join(cache.dir, entries[0].Name())
}

// bytesIn sums the sizes of all files.
func bytesIn(t *testing.T, dir string) (sum int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestDamagedTemplate(t *testing.T) {
	eachKind(t, func(t *testing.T, start starter) {
		t.Helper()
		cache := privateCache(t)
		s := start.run(t, Options{})
		if s.engine.initialise == nil {
			t.Logf("%s needs no template", s)
			return
		}
		made := template(t, cache)
		size := bytesIn(t, made)

		err := filepath.WalkDir(made, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			return os.Truncate(path, 0)
		})
		if err != nil {
			t.Fatal(err)
		}
		mustExec(t, start.run(t, Options{}), "", "CREATE DATABASE works")
		if healed := bytesIn(t, template(t, cache)); healed < size/2 {
			t.Errorf("the template is still damaged: %d bytes, was %d", healed, size)
		}
	})
}

// TestTemplateIsClean checks that a server gets nothing of an earlier one.
func TestTemplateIsClean(t *testing.T) {
	eachKind(t, func(t *testing.T, start starter) {
		t.Helper()
		privateCache(t)
		for range 3 { // making the template, then twice from it
			mustExec(t, start.run(t, Options{}), "", "CREATE DATABASE clean")
		}
	})
}

func TestUselessCache(t *testing.T) {
	needServers(t)
	t.Setenv("HOME", "/dev/null")
	t.Setenv("XDG_CACHE_HOME", "/dev/null")
	mustExec(t, starter(StartSource).run(t, Options{}), "", "CREATE DATABASE works")
}

func TestCopyTree(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"a": "1", "sub/b": "22", "auto.cnf": "uuid"} {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyTree(t.Context(), from, to, nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "1", "sub/b": "22"} {
		if got, err := os.ReadFile(filepath.Join(to, name)); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := os.Stat(filepath.Join(to, "auto.cnf")); err == nil {
		t.Error("a server would get another one's UUID")
	}
	if info, err := os.Stat(filepath.Join(to, "sub")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("PostgreSQL wants private folders: %v, %v", info.Mode(), err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(from, "link")); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(t.Context(), from, t.TempDir(), nil); err == nil {
		t.Error("a link was followed")
	}
}

// TestCopyIsOfOneTemplate replaces a template again and again while it is
// copied: a copy that succeeds holds the files of one generation only.
func TestCopyIsOfOneTemplate(t *testing.T) {
	const files = 50
	dir := t.TempDir()
	generation := func(n int) string {
		folder := filepath.Join(dir, strconv.Itoa(n))
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Error(err)
		}
		for i := range files {
			if err := os.WriteFile(filepath.Join(folder, strconv.Itoa(i)), []byte(strconv.Itoa(n)), 0o600); err != nil {
				t.Error(err)
			}
		}
		return folder
	}
	template := filepath.Join(dir, "template")
	if err := os.Rename(generation(0), template); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var replacing sync.WaitGroup
	replacing.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			fresh := generation(n)
			_ = os.Rename(template, filepath.Join(dir, "old"+strconv.Itoa(n)))
			_ = os.Rename(fresh, template)
		}
	})
	whole := 0
	for range 100 {
		to := t.TempDir()
		if copyWhole(t.Context(), template, to, nil) != nil {
			continue
		}
		whole++
		seen := map[string]bool{}
		for i := range files {
			text, err := os.ReadFile(filepath.Join(to, strconv.Itoa(i)))
			if err != nil {
				t.Error(err)
			}
			seen[string(text)] = true
		}
		if len(seen) != 1 {
			t.Errorf("a copy mixes %d templates", len(seen))
		}
	}
	close(stop)
	replacing.Wait()
	t.Logf("%d of 100 copies were whole", whole)
}
