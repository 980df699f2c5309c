package app

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// command runs a command of the program and returns its exit code and what it says.
func command(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &o, &e, hooks{})
	return code, o.String(), e.String()
}

// TestStopAndResumeByCommand stops a real valve from the command line, over a
// configuration and a registry that somebody is editing, and once more while neither records store nor database answers.
func TestStopAndResumeByCommand(t *testing.T) {
	w := newWaterworks(t)
	folder := w.folder.path
	config := filepath.Join(t.TempDir(), "ganlin.yaml")
	write(t, config, "data: "+folder+"\nhtpp: {}\nmqtt: {listen: {address: 127.0.0.1:0}}\nregistry: [registry.yaml]\n")
	write(t, filepath.Join(filepath.Dir(config), "registry.yaml"), "plots: [half a wor")

	w.opens(http.StatusAccepted)
	if code, out, errOut := command(t, "stop", "--config", config); code != exitDone || out != "v-001  closed\n" || !strings.Contains(errOut, "ganlin resume") {
		t.Errorf("the stop: %d %q %q", code, out, errOut)
	}
	waitFor(t, 10*time.Second, "the valve to close", func() (bool, string) {
		all := w.valve.Openings()
		return len(all) == 1 && !all[0].ClosedAt.IsZero(), ""
	})
	w.opens(http.StatusConflict)
	if code, out, errOut := command(t, "resume", "--data", folder); code != exitDone || out != "" || !strings.Contains(errOut, "may open again") {
		t.Errorf("the end of the stop: %d %q %q", code, out, errOut)
	}
	w.opens(http.StatusAccepted)

	w.breakStores()
	if code, out, errOut := command(t, "stop", "--data", folder, "--json"); code != exitDone || out != `{"valves":{"v-001":"closed"}}`+"\n" {
		t.Errorf("the stop without records: %d %q %q", code, out, errOut)
	}
	w.valve.SetRadio(false)
	waitFor(t, 10*time.Second, "the valve to be gone", func() (bool, string) { return !w.gate.Online("v-001"), "" })
	if code, out, errOut := command(t, "stop", "--data", folder); code != exitCheckFailed || out != "v-001  out_of_reach\n" || !strings.Contains(errOut, "1 of 1 valves are not known to be closed") {
		t.Errorf("the stop of a valve that is out of reach: %d %q %q", code, out, errOut)
	}
}

// TestNothingToStop says why no valve can be reached.
func TestNothingToStop(t *testing.T) {
	for _, name := range []string{"stop", "resume"} {
		if code, out, errOut := command(t, name, "--data", t.TempDir()); code != exitOutOfReach || out != "" || !strings.Contains(errOut, "no valve can be reached: close them by hand") {
			t.Errorf("%s without a program: %d %q %q", name, code, out, errOut)
		}
		broken := filepath.Join(t.TempDir(), "ganlin.yaml")
		write(t, broken, "data: [")
		if code, _, errOut := command(t, name, "--config", broken); code != exitCheckFailed || !strings.Contains(errOut, "--data in place of --config") {
			t.Errorf("%s with a broken configuration: %d %q", name, code, errOut)
		}
	}
}
