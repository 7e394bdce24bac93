package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.json")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	m := passing()
	m.Settle()
	if err := WriteFile(path, m); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "{\n  \"schema\": \"leap.migrate.report/v1\",\n  \"verdict\": \"pass\",\n"; !strings.HasPrefix(string(got), want) {
		t.Errorf("begins with %.80q", got)
	}
	if !bytes.HasSuffix(got, []byte("}\n")) {
		t.Error("no newline at the end")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	onlyFile(t, dir, "report.json")
}

func TestWriteFileErrorsNameThePathAndLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink("elsewhere", link); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"no such folder": filepath.Join(dir, "none", "r.json"),
		"a folder":       dir,
		"a link":         link,
	} {
		err := WriteFile(path, passing())
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an error that names %s", name, err, path)
		}
	}
	if err := WriteFile("", passing()); err == nil {
		t.Error("an empty path is accepted")
	}
	onlyFile(t, dir, "link")
}

func onlyFile(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("the folder holds %v, want only %s", entries, name)
	}
}

func TestEncodeLeavesTheReportAlone(t *testing.T) {
	m, same := everything(), everything()
	m.Phases[2].Error = "dial mysql://u:secret@h/db"
	same.Phases[2].Error = m.Phases[2].Error
	if err := Encode(&bytes.Buffer{}, m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(same, m, cmp.AllowUnexported(Value{})); diff != "" {
		t.Errorf("changed by Encode:\n%s", diff)
	}
}

func TestNoSecretReachesAReport(t *testing.T) {
	const secret = "hunter2"
	m := everything()
	m.Source.URL = "mysql://app:hunter2@db1:3306/bank"
	m.Target.URL = "postgresql://app@crdb1:26257/bank?sslmode=require&password=hunter2&x=1"
	m.Command = "migrate run --source mysql://a:p@hunter2@h/db"
	m.Phases[0].Error = `dial app:hunter2@tcp(db1:3306)/bank: refused`
	m.Error.Message = `connect: host=h password='hunter2' user=app`
	m.Error.Hint = "PGPASSWORD=hunter2 is set"
	m.Unchecked[0].Why = "mysql://:hunter2@h"
	m.Settle()
	var file, screen bytes.Buffer
	if err := Encode(&file, m); err != nil {
		t.Fatal(err)
	}
	if err := Text(&screen, m, Options{}); err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{"file": file.String(), "screen": screen.String()} {
		if i := strings.Index(out, secret); i >= 0 {
			t.Errorf("%s: ...%s...", name, out[max(0, i-60):i+20])
		}
		if !strings.Contains(out, "mysql://app:xxxxx@db1:3306/bank") {
			t.Errorf("%s: the rest of the address is lost", name)
		}
	}
}

func TestHarmlessTextStays(t *testing.T) {
	for _, s := range []string{
		"mysql://app@db1:3306/bank", "postgresql://h:26257/db?sslmode=verify-full",
		"table password: 3 differing rows", "user a@b.example at 12:30",
	} {
		if got := hideSecrets(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestKeysAndValuesKeepTheirForm(t *testing.T) {
	for _, f := range []Finding{
		{Key: Key{Columns: []KeyColumn{{"z", "1"}, {"a", `"<&` + "\n"}}}, Kind: Missing},
		{Key: Key{Text: "{not an object"}, Kind: Extra},
		{Key: Key{}, Kind: Changed, Columns: []ColumnDiff{
			{Name: "n", Source: NullValue(), Target: TextValue("")}, {Name: "hidden"},
		}},
	} {
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var back Finding
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(f, back, cmp.AllowUnexported(Value{})); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
	text, err := json.Marshal(ColumnDiff{Name: "c", Source: NullValue()})
	if want := `{"name":"c","source":null}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	for _, bad := range []string{`{"id":7}`, `7`, `[]`} {
		if err := json.Unmarshal([]byte(bad), &Key{}); err == nil {
			t.Errorf("%s is accepted as a key", bad)
		}
	}
}
