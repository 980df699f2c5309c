package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"ganlin/internal/file"
)

// TestReplace writes over what is there and over what a crash left behind, and
// leaves the old content where the new one cannot be written.
func TestReplace(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "kept")
	holds := func(want string) {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("it holds %q (error %v), want %q", got, err, want)
		}
		if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
			t.Errorf("%v lie in the folder (error %v), want one file", entries, err)
		}
	}
	for _, content := range []string{"first", "", "third"} {
		if err := file.Replace(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		holds(content)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("its mode is %v (error %v), want 0600", info.Mode(), err)
	}
	if err := os.WriteFile(path+".new", []byte("a torn and much longer one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := file.Replace(path, []byte("fourth")); err != nil {
		t.Fatal(err)
	}
	holds("fourth")

	if err := os.Mkdir(filepath.Join(folder, "occupied"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "occupied", "by"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := file.Replace(filepath.Join(folder, "occupied"), []byte("new")); err == nil {
		t.Error("a folder was replaced")
	}
	if _, err := os.Stat(filepath.Join(folder, "occupied.new")); !os.IsNotExist(err) {
		t.Errorf("the file that could not take its place is left behind (error %v)", err)
	}
	if err := file.Replace(filepath.Join(folder, "nowhere", "kept"), nil); err == nil {
		t.Error("a file was written to a folder that is not there")
	}
}
