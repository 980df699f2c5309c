package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAMistypedFolder is named by every command that only reads, and not made.
func TestAMistypedFolder(t *testing.T) {
	d := newClerk(t, probes(1))
	empty := filepath.Join(d.folder, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{filepath.Join(d.folder, "mistyped"), empty} {
		for _, command := range []string{
			"devices list", "devices revoke s-001", "devices forget s-001", "deadletters list", "deadletters show 1-0", "accounts list", "accounts revoke x",
			"notify list", "notify contacts list", "explain d-1", "rules replay",
		} {
			_, said := d.ganlin(exitUsage, append(strings.Fields(command), "--data", folder)...)
			if want := "ganlin: " + folder + " is no data folder: it holds no ganlin.db;"; !strings.HasPrefix(said, want) {
				t.Errorf("%s says %q, want %q", command, said, want)
			}
		}
	}
	if made, err := filepath.Glob(filepath.Join(d.folder, "*", "*")); len(made) > 0 || err != nil {
		t.Errorf("%v was made (error %v)", made, err)
	}
	if _, err := os.Stat(filepath.Join(d.folder, "mistyped")); !os.IsNotExist(err) {
		t.Errorf("the folder was made (error %v)", err)
	}
	d.devices(exitUsage, "list") // of a configuration whose data folder is not there yet
	d.made("import", d.registry)
	d.devices(exitDone, "list")
}
